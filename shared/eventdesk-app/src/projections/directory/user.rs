//! The user document.

use eventdesk_domain::{Decider, rules::normalise_unique, user::User};
use eventdesk_events::{
    Event,
    user::{Role, UserEvent, UserProfile},
};
use serde::{Deserialize, Serialize};

use super::search_text;
use crate::{
    ports::{Field, FieldKind, Index, Value, ViewSpec},
    projections::{
        Applied, Folded,
        tickets::{field, index},
    },
};

/// Users, by every filter of the list.
pub static USERS: ViewSpec = ViewSpec {
    name: "users",
    shape: 1,
    fields: &[
        field!("username", Text),
        field!("email", Text),
        field!("phone", Text),
        field!("disabled", Int),
        field!("search", Text),
        field!("roles", Set),
    ],
    indexes: &[index!("username"), index!("email"), index!("phone")],
};

/// A user as the read model has them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct UserDocument {
    /// The fold of their stream.
    pub user: User,
    /// Names and contacts, unless deleted or erased.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub profile: Option<UserProfile>,
    /// First and last name; kept after deletion for the tickets that show it, gone after erasure.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// The version that last changed the name, 0 if none did: what shows the name has changed when this has.
    #[serde(default)]
    pub name_version: u64,
}

impl UserDocument {
    fn set_profile(&mut self, event: &UserEvent) {
        match event {
            UserEvent::Registered(registered) => self.profile.clone_from(&registered.private),
            UserEvent::ContactsChanged(changed) => {
                let contacts = changed.private.as_ref().map(|private| private.current.clone());
                self.profile =
                    self.profile.take().zip(contacts).map(|(profile, contacts)| UserProfile { contacts, ..profile });
            }
            UserEvent::Renamed(renamed) => {
                let username = renamed.private.as_ref().map(|private| private.current.clone());
                self.profile =
                    self.profile.take().zip(username).map(|(profile, username)| UserProfile { username, ..profile });
            }
            UserEvent::Deleted(_) => {
                self.profile = None;
                return;
            }
            // The name goes, too.
            UserEvent::Erased(_) => self.profile = None,
            _ => return,
        }
        let contacts = self.profile.as_ref().map(|profile| &profile.contacts);
        self.name = contacts.map(|contacts| format!("{} {}", contacts.first_name, contacts.last_name));
    }
}

impl Folded for UserDocument {
    const VIEW: &'static ViewSpec = &USERS;

    fn fold(&mut self, commit: &Applied) {
        let name = self.name.clone();
        for applied in &commit.events {
            if let Event::User(event) = &applied.event {
                self.set_profile(event);
                self.user = std::mem::take(&mut self.user).evolve(event, commit.place);
            }
        }
        if self.name != name {
            self.name_version = commit.place.version.get();
        }
    }

    fn is_deleted(&self) -> bool {
        !matches!(self.user, User::Active(_))
    }

    fn fields(&self) -> Vec<Value> {
        let (roles, disabled): (&[Role], bool) =
            self.user.facts().map_or((&[], false), |facts| (&facts.roles, facts.disabled));
        let mut role_names: Vec<String> = roles.iter().map(|role| role.as_str().to_owned()).collect();
        role_names.sort_unstable();
        let profile = self.profile.as_ref();
        let text = |pick: fn(&UserProfile) -> &str| {
            Value::Text(profile.map(|profile| normalise_unique(pick(profile))).unwrap_or_default())
        };
        let search = profile.map(|p| {
            let c = &p.contacts;
            search_text([&*p.username, &format!("{} {}", c.first_name, c.last_name), &c.email, &c.phone])
        });
        vec![
            text(|p| &p.username),
            text(|p| &p.contacts.email),
            text(|p| &p.contacts.phone),
            Value::Int(i64::from(disabled)),
            Value::Text(search.unwrap_or_default()),
            Value::Set(role_names),
        ]
    }
}
