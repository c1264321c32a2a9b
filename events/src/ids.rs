//! One newtype per id; text form is the hyphenated lower-case UUID.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use crate::parsed::parsed;

/// A text that is not a UUID in its hyphenated form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID")]
pub struct ParseIdError;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID made elsewhere (by the `Ids` port or a name-based derivation).
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Reads the hyphenated text form.
            ///
            /// # Errors
            /// [`ParseIdError`] if `text` is anything else.
            pub fn parse(text: &str) -> Result<Self, ParseIdError> {
                if text.len() != 36 {
                    return Err(ParseIdError);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| ParseIdError)
            }

            /// The UUID inside.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.as_hyphenated())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                parsed(deserializer, "a UUID", Self::parse)
            }
        }

        impl std::str::FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                Self::parse(text)
            }
        }
    };
}

id! {
    /// A ticket.
    TicketId
}
id! {
    /// A message of a ticket's conversation.
    MessageId
}
id! {
    /// A user: staff, or an employee's login. Also the principal that actors name.
    UserId
}
id! {
    /// An employee: a person who is supported.
    EmployeeId
}
id! {
    /// One execution of a command that wrote; UUIDv7, fresh per execution.
    CommitId
}
id! {
    /// One event; derived from its commit and its place there.
    EventId
}

impl EventId {
    /// The id of the event at `index` of a commit: the commit's UUID plus the index.
    ///
    /// A UUIDv7's low 62 bits are random, so the sum stays a valid, practically unique UUIDv7, sorts in the
    /// order of the commit and is the same whoever derives it.
    pub const fn of(commit: CommitId, index: u16) -> Self {
        let low = commit.0.as_u128();
        // Only the random tail counts up, so that version and variant bits never change.
        let tail_mask: u128 = (1 << 62) - 1;
        let tail = (low & tail_mask).wrapping_add(index as u128) & tail_mask;
        Self(Uuid::from_u128((low & !tail_mask) | tail))
    }
}
