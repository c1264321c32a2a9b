//! Events of a message in a ticket's conversation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    TicketId, UserId,
    payload::{events, private},
    text_form::read_from_text,
};

/// Who may read a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// The requester and staff.
    #[default]
    Public,
    /// Staff alone: an internal note.
    Internal,
}

impl Visibility {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Public, Self::Internal];

    /// The text form, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
        }
    }
}

read_from_text!(Visibility);

/// On which side of the desk an author stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthorKind {
    /// A user who supports.
    Staff,
    /// The employee who is supported.
    Requester,
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Author {
    /// The user; an employee writes as the user that their record names.
    pub id: UserId,
    /// On which side of the desk they stand.
    pub kind: AuthorKind,
}

/// A message was posted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Posted {
    /// The ticket it belongs to.
    pub ticket_id: TicketId,
    /// Who wrote it.
    pub author: Author,
    /// Who may read it.
    pub visibility: Visibility,
    /// The text.
    #[serde(skip)]
    pub private: Option<Body>,
}

/// A message's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Body {
    /// 1 to 50,000 characters, at least one visible.
    pub body: String,
}

/// A message's text was replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Edited {
    /// The ticket it belongs to.
    pub ticket_id: TicketId,
    /// The text before and after.
    #[serde(skip)]
    pub private: Option<EditedBody>,
}

/// A message's text before and after an edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EditedBody {
    /// Before, unless it was erased.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub previous: Option<String>,
    /// After.
    pub current: String,
}

/// A message was taken back; read models drop its text and keep the fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Retracted {
    /// The ticket it belongs to.
    pub ticket_id: TicketId,
}

private!(Posted => Body);
private!(Edited => EditedBody);
private!(Retracted);

events! {
    /// What can happen to a message.
    pub enum MessageEvent {
        /// It was posted.
        Posted(Posted) = "message.posted", schema 1;
        /// Its text was replaced.
        Edited(Edited) = "message.edited", schema 1;
        /// It was taken back.
        Retracted(Retracted) = "message.retracted", schema 1;
    }
}
