//! The message document.

use eventdesk_domain::{Decider, message::Message};
use eventdesk_events::{Event, message::MessageEvent};
use serde::{Deserialize, Serialize};

use super::document::{field, index};
use crate::{
    ports::{Field, FieldKind, Index, Value, ViewSpec},
    projections::{Applied, Folded, applied::millis},
};

/// Messages, by ticket, author and time.
pub static MESSAGES: ViewSpec = ViewSpec {
    name: "messages",
    shape: 1,
    fields: &[field!("ticket", Text), field!("author", Text), field!("visibility", Text), field!("created_at", Int)],
    indexes: &[index!("ticket", "created_at"), index!("author", "created_at"), index!("created_at")],
};

/// A message as the read model has it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MessageDocument {
    /// The fold of its stream.
    pub message: Message,
    /// The text, unless retracted or erased.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub body: Option<String>,
}

impl Folded for MessageDocument {
    const VIEW: &'static ViewSpec = &MESSAGES;

    fn fold(&mut self, commit: &Applied) {
        for applied in &commit.events {
            let Event::Message(event) = &applied.event else { continue };
            self.body = match event {
                MessageEvent::Posted(posted) => posted.private.as_ref().map(|text| text.body.clone()),
                MessageEvent::Edited(edited) => edited.private.as_ref().map(|text| text.current.clone()),
                MessageEvent::Retracted(_) => None,
            };
            self.message = std::mem::take(&mut self.message).evolve(event, commit.place);
        }
    }

    fn is_deleted(&self) -> bool {
        matches!(self.message, Message::Unposted)
    }

    fn fields(&self) -> Vec<Value> {
        let Some(facts) = self.message.facts() else { return vec![Value::Null; MESSAGES.fields.len()] };
        vec![
            Value::Text(facts.ticket_id.to_string()),
            Value::Text(facts.author.id.to_string()),
            Value::Text(facts.visibility.as_str().to_owned()),
            millis(facts.created_at),
        ]
    }
}
