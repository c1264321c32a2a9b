//! One message of a ticket's conversation.

#[cfg(test)]
mod tests;

use eventdesk_events::{
    TicketId, Timestamp, UserId, Version,
    message::{Author, Body, Edited, EditedBody, MessageEvent, Posted, Retracted, Visibility},
};
use serde::{Deserialize, Serialize};

use crate::{Decider, Place};

/// A message as far as rules need it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// It does not exist yet.
    #[default]
    Unposted,
    /// It stands in the conversation.
    Posted(MessageFacts),
    /// It was taken back.
    Retracted(MessageFacts),
}

/// The facts about a message, without its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageFacts {
    /// The ticket it belongs to.
    pub ticket_id: TicketId,
    /// Who wrote it.
    pub author: Author,
    /// Who may read it.
    pub visibility: Visibility,
    /// When it was posted.
    pub created_at: Timestamp,
    /// When its text was last replaced.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub edited_at: Option<Timestamp>,
    /// When it was taken back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retracted_at: Option<Timestamp>,
    /// The version that last set the text.
    pub body_version: Version,
}

/// What can be asked of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum MessageCommand {
    /// Post it; whether the ticket takes it is the ticket's to say.
    Post {
        /// The ticket it belongs to.
        ticket_id: TicketId,
        /// Who writes it.
        author: Author,
        /// Who may read it.
        visibility: Visibility,
        /// 1 to 50,000 characters, at least one visible.
        body: String,
    },
    /// Replace its text; only its author may.
    Edit {
        /// Who asks.
        by: UserId,
        /// 1 to 50,000 characters, at least one visible.
        body: String,
        /// The text now stored; `None` if it was erased, so that any new text is a change.
        held: Option<String>,
    },
    /// Take it back.
    Retract {
        /// Who asks.
        by: UserId,
        /// Whether they may take back what others wrote.
        any: bool,
    },
}

/// Why a message refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// It was never posted.
    #[error("no such message")]
    NotFound,
    /// The id is taken.
    #[error("the message was posted already")]
    AlreadyPosted,
    /// Somebody else wrote it.
    #[error("the message was written by somebody else")]
    NotAuthor,
    /// It was taken back.
    #[error("the message was retracted")]
    Retracted,
}

impl Message {
    /// The facts, unless it was never posted.
    pub fn facts(&self) -> Option<&MessageFacts> {
        match self {
            Self::Unposted => None,
            Self::Posted(facts) | Self::Retracted(facts) => Some(facts),
        }
    }
}

impl Decider for Message {
    type Command = MessageCommand;
    type Event = MessageEvent;
    type Error = MessageError;

    fn decide(&self, command: MessageCommand) -> Result<Vec<MessageEvent>, MessageError> {
        use {MessageCommand as C, MessageError as R};
        match (self, command) {
            (Self::Unposted, C::Post { ticket_id, author, visibility, body }) => {
                Ok(vec![MessageEvent::Posted(Posted { ticket_id, author, visibility, private: Some(Body { body }) })])
            }
            (Self::Unposted, _) => Err(R::NotFound),
            (_, C::Post { .. }) => Err(R::AlreadyPosted),
            (Self::Posted(facts) | Self::Retracted(facts), C::Edit { by, .. }) if by != facts.author.id => {
                Err(R::NotAuthor)
            }
            (Self::Posted(facts) | Self::Retracted(facts), C::Retract { by, any: false }) if by != facts.author.id => {
                Err(R::NotAuthor)
            }
            (Self::Retracted(_), C::Edit { .. }) => Err(R::Retracted),
            (Self::Retracted(_), C::Retract { .. }) => Ok(Vec::new()),
            (Self::Posted(_), C::Edit { body, held, .. }) if held.as_ref() == Some(&body) => Ok(Vec::new()),
            (Self::Posted(facts), C::Edit { body, held, .. }) => Ok(vec![MessageEvent::Edited(Edited {
                ticket_id: facts.ticket_id,
                private: Some(EditedBody { previous: held, current: body }),
            })]),
            (Self::Posted(facts), C::Retract { .. }) => {
                Ok(vec![MessageEvent::Retracted(Retracted { ticket_id: facts.ticket_id })])
            }
        }
    }

    fn evolve(self, event: &MessageEvent, place: Place) -> Self {
        match (self, event) {
            (Self::Unposted, MessageEvent::Posted(posted)) => Self::Posted(MessageFacts {
                ticket_id: posted.ticket_id,
                author: posted.author,
                visibility: posted.visibility,
                created_at: place.at,
                edited_at: None,
                retracted_at: None,
                body_version: place.version,
            }),
            (Self::Posted(facts), MessageEvent::Edited(_)) => {
                Self::Posted(MessageFacts { edited_at: Some(place.at), body_version: place.version, ..facts })
            }
            (Self::Posted(facts), MessageEvent::Retracted(_)) => {
                Self::Retracted(MessageFacts { retracted_at: Some(place.at), ..facts })
            }
            // No decider records anything else; whatever it was, it changed nothing.
            (state, _) => state,
        }
    }
}
