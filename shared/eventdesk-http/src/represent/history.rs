//! Histories.

use eventdesk_app::queries::HistoryEntry;
use eventdesk_events::{ActorKind, EventId, StreamId, Timestamp, Version};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// One event of a history.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "HistoryEntry")]
pub(crate) struct EntryView<'a> {
    /// The event's id.
    id: EventId,
    /// `ticket.opened` and the like.
    #[serde(rename = "type")]
    event_type: &'a str,
    /// The stream it belongs to.
    stream: StreamId,
    /// The version of its commit.
    version: Version,
    /// Its place in the commit.
    index: u16,
    /// When.
    occurred_at: Timestamp,
    /// Who.
    actor: ActorView<'a>,
    /// The request that started the chain of causes.
    correlation_id: Uuid,
    /// The event that it answers to.
    #[serde(skip_serializing_if = "Option::is_none")]
    causation_id: Option<EventId>,
    /// The facts: what changed, before and after. Texts are left out.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    data: &'a RawValue,
    /// Why a ticket's status changed, in words; absent where none was given, and once it is erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// Who caused a change.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "HistoryActor")]
struct ActorView<'a> {
    /// A user id, a service account's id, or a tool's name.
    id: &'a str,
    /// What it is.
    kind: ActorKind,
    /// The last known display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

impl<'a> EntryView<'a> {
    /// The event; whether the caller may see it was decided before.
    pub(crate) fn new(entry: &'a HistoryEntry) -> Self {
        let actor = ActorView { id: &entry.actor.id, kind: entry.actor.kind, name: entry.actor_name.as_deref() };
        Self {
            id: entry.id,
            event_type: &entry.event_type,
            stream: entry.stream,
            version: entry.version,
            index: entry.index,
            occurred_at: entry.occurred_at,
            actor,
            correlation_id: entry.correlation_id,
            causation_id: entry.causation_id,
            data: &entry.facts,
            reason: entry.reason.as_deref(),
        }
    }
}
