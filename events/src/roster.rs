//! Events of the roster of active admins.
//!
//! Written in the same transaction as the user's event that made or unmade an active admin; they exist so that the
//! last one can be guarded. Subscribers to `user.` need not look at them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    UserId,
    payload::{events, private},
};

/// A user became an active admin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AdminAdded {
    /// The user.
    pub user_id: UserId,
}

/// A user is no longer an active admin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AdminRemoved {
    /// The user.
    pub user_id: UserId,
}

private!(AdminAdded, AdminRemoved);

events! {
    /// What can happen to the roster of active admins.
    pub enum RosterEvent {
        /// One more.
        AdminAdded(AdminAdded) = "roster.admin_added", schema 1;
        /// One less.
        AdminRemoved(AdminRemoved) = "roster.admin_removed", schema 1;
    }
}
