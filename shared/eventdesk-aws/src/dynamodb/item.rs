//! Commits as items.

use std::{borrow::Cow, collections::BTreeMap, collections::HashMap, fmt::Display, str::FromStr};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use eventdesk_app::ports::{Commit, RecordedEvent, StoredState};
use eventdesk_events::{Actor, ActorKind, CommitId, EventId, StreamId, Timestamp, Version};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{feed::FeedBucket, private};

pub(super) const STREAM: &str = "stream";
pub(super) const VERSION: &str = "version";
pub(super) const BUCKET: &str = "bucket";
pub(super) const AT: &str = "at";
pub(super) const STATE: &str = "state";
pub(super) const STATE_VERSION: &str = "state_version";
pub(super) const HOLDER: &str = "holder";
pub(super) const LAST: &str = "last";
pub(super) const SUBJECT: &str = "subject";
pub(super) const PART: &str = "part";
pub(super) const EXPIRES: &str = "expires";
const ID: &str = "id";
const ACTOR: &str = "actor";
const KIND: &str = "kind";
const CORRELATION: &str = "correlation";
const CAUSATION: &str = "causation";
const TRACE: &str = "trace";
const EVENTS: &str = "events";
pub(super) const PRIVATE: &str = "private";

/// An item's attributes by name.
pub(super) type Item = HashMap<String, AttributeValue>;

/// A stored item that no build of eventdesk has written. Names the attribute, never what stands there.
#[derive(Debug, thiserror::Error)]
#[error("a stored item is malformed at {0}")]
pub(super) struct Malformed(pub(super) &'static str);

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn number(value: impl Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(super) fn binary(value: impl Into<Vec<u8>>) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

fn bytes(value: Uuid) -> AttributeValue {
    binary(value.into_bytes())
}

/// An item of these attributes.
pub(super) fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
    attributes.map(|(name, value)| (name.to_owned(), value)).into()
}

/// The key of a commit.
pub(super) fn key(stream: StreamId, version: Version) -> Item {
    item([(STREAM, text(stream.to_string())), (VERSION, number(version))])
}

#[derive(Serialize, Deserialize)]
struct EventEntry<'a> {
    #[serde(rename = "type", borrow)]
    event_type: Cow<'a, str>,
    schema: u16,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// The item of a commit.
pub(super) fn commit_item(commit: &Commit) -> Result<Item, serde_json::Error> {
    let Commit { stream, version, id, at, actor, correlation_id, causation_id, trace_id, events, state } = commit;
    let entries: Vec<_> = events
        .iter()
        .map(|event| EventEntry {
            event_type: Cow::Borrowed(&*event.event_type),
            schema: event.schema_version,
            data: &event.data,
        })
        .collect();
    let mut attributes = item([
        (STREAM, text(stream.to_string())),
        (VERSION, number(version)),
        (BUCKET, text(FeedBucket::of(*stream, *at).to_string())),
        (AT, number(at.millis())),
        (ID, bytes(id.uuid())),
        (ACTOR, text(&*actor.id)),
        (KIND, text(kind_name(actor.kind))),
        (CORRELATION, bytes(*correlation_id)),
        (EVENTS, text(serde_json::to_string(&entries)?)),
        (STATE, text(state.json.get())),
        (STATE_VERSION, number(state.version)),
    ]);
    if let Some(causation) = causation_id {
        attributes.insert(CAUSATION.to_owned(), bytes(causation.uuid()));
    }
    if let Some(trace) = trace_id {
        attributes.insert(TRACE.to_owned(), text(trace));
    }
    if let Some(parts) = private_attribute(events.iter().map(|event| event.private.as_deref()))? {
        attributes.insert(PRIVATE.to_owned(), parts);
    }
    Ok(attributes)
}

/// The attribute for the private parts of a commit's events, in their order.
pub(super) fn private_attribute<'a>(
    parts: impl Iterator<Item = Option<&'a RawValue>>,
) -> Result<Option<AttributeValue>, serde_json::Error> {
    let parts: BTreeMap<usize, &RawValue> =
        parts.enumerate().filter_map(|(index, part)| Some((index, part?))).collect();
    if parts.is_empty() { Ok(None) } else { serde_json::to_string(&parts).map(private::attribute).map(Some) }
}

/// The commit of an item.
pub(super) fn commit(mut item: Item) -> Result<Commit, Malformed> {
    let item = &mut item;
    Ok(Commit {
        stream: take_stream(item, STREAM)?,
        version: Version::new(take_number(item, VERSION)?),
        id: CommitId::from_uuid(take_uuid(item, ID)?.ok_or(Malformed(ID))?),
        at: Timestamp::from_millis(take_number(item, AT)?),
        actor: Actor { id: take_text(item, ACTOR)?, kind: kind(&take_text(item, KIND)?)? },
        correlation_id: take_uuid(item, CORRELATION)?.ok_or(Malformed(CORRELATION))?,
        causation_id: take_uuid(item, CAUSATION)?.map(EventId::from_uuid),
        trace_id: take_optional_text(item, TRACE)?,
        events: recorded(&take_text(item, EVENTS)?, item.remove(PRIVATE).map(private::json).transpose()?.as_deref())?,
        state: state(item)?,
    })
}

/// The version and the state of an item that may have nothing else.
pub(super) fn version_and_state(mut item: Item) -> Result<(Version, StoredState), Malformed> {
    Ok((Version::new(take_number(&mut item, VERSION)?), state(&mut item)?))
}

fn state(item: &mut Item) -> Result<StoredState, Malformed> {
    let json = RawValue::from_string(take_text(item, STATE)?).map_err(|_| Malformed(STATE))?;
    Ok(StoredState { version: take_number(item, STATE_VERSION)?, json })
}

fn recorded(events: &str, private: Option<&str>) -> Result<Vec<RecordedEvent>, Malformed> {
    let entries: Vec<EventEntry<'_>> = serde_json::from_str(events).map_err(|_| Malformed(EVENTS))?;
    let mut private: BTreeMap<usize, Box<RawValue>> = match private {
        Some(text) => serde_json::from_str(text).map_err(|_| Malformed(PRIVATE))?,
        None => BTreeMap::new(),
    };
    let recorded = entries.into_iter().enumerate().map(|(index, entry)| RecordedEvent {
        event_type: Cow::Owned(entry.event_type.into_owned()),
        schema_version: entry.schema,
        data: entry.data.to_owned(),
        private: private.remove(&index),
    });
    Ok(recorded.collect())
}

const fn kind_name(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::User => "user",
        ActorKind::Service => "service",
        ActorKind::System => "system",
    }
}

fn kind(name: &str) -> Result<ActorKind, Malformed> {
    match name {
        "user" => Ok(ActorKind::User),
        "service" => Ok(ActorKind::Service),
        "system" => Ok(ActorKind::System),
        _ => Err(Malformed(KIND)),
    }
}

pub(super) fn take_optional_text(item: &mut Item, name: &'static str) -> Result<Option<String>, Malformed> {
    match item.remove(name) {
        Some(AttributeValue::S(text)) => Ok(Some(text)),
        Some(_) => Err(Malformed(name)),
        None => Ok(None),
    }
}

pub(super) fn take_text(item: &mut Item, name: &'static str) -> Result<String, Malformed> {
    take_optional_text(item, name)?.ok_or(Malformed(name))
}

pub(super) fn take_stream(item: &mut Item, name: &'static str) -> Result<StreamId, Malformed> {
    StreamId::parse(&take_text(item, name)?).map_err(|_| Malformed(name))
}

pub(super) fn take_number<T: FromStr>(item: &mut Item, name: &'static str) -> Result<T, Malformed> {
    match item.remove(name) {
        Some(AttributeValue::N(digits)) => digits.parse().map_err(|_| Malformed(name)),
        _ => Err(Malformed(name)),
    }
}

pub(super) fn take_bytes(item: &mut Item, name: &'static str) -> Result<Vec<u8>, Malformed> {
    match item.remove(name) {
        Some(AttributeValue::B(blob)) => Ok(blob.into_inner()),
        _ => Err(Malformed(name)),
    }
}

fn take_uuid(item: &mut Item, name: &'static str) -> Result<Option<Uuid>, Malformed> {
    match item.remove(name) {
        Some(AttributeValue::B(blob)) => Uuid::from_slice(blob.as_ref()).map(Some).map_err(|_| Malformed(name)),
        Some(_) => Err(Malformed(name)),
        None => Ok(None),
    }
}

/// An item's size in bytes as DynamoDB counts it for units and limits: names and values, UTF-8; a number has a byte
/// for each two digits and one more.
///
/// See "DynamoDB item sizes and formats" in the service's developer guide. Of the types, those that eventdesk writes.
pub(super) fn item_bytes(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

/// A number's share of [`item_bytes`].
pub(crate) fn number_bytes(digits: &str) -> usize {
    let significant = digits.trim_start_matches('-').trim_matches('0').len();
    significant.div_ceil(2) + 1 + usize::from(digits.starts_with('-'))
}

fn value_bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(digits) => number_bytes(digits),
        AttributeValue::B(blob) => blob.as_ref().len(),
        _ => 1,
    }
}
