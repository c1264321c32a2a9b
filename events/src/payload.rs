//! What every event payload can do, and the macro that lists an aggregate's events.

use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

/// One event's content: the facts, serialised as `data`, and what may be erased later, as `private`.
///
/// Implementors keep their private part in a field that serde skips, so that `data` never holds it.
pub trait Payload: Serialize + DeserializeOwned + JsonSchema {
    /// Free text and contact details; [`Nothing`] where an event has none.
    type Private: Serialize + DeserializeOwned + JsonSchema;

    /// Whether there is a private part at all.
    const HAS_PRIVATE: bool;

    /// The private part, unless there is none or it was removed.
    fn private(&self) -> Option<&Self::Private>;

    /// The same facts with this private part.
    #[must_use]
    fn with_private(self, private: Option<Self::Private>) -> Self;
}

/// The private part of an event that has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, JsonSchema)]
pub struct Nothing {}

/// `private!(Payload => PrivateType)` or, without a private part, `private!(Payload)`.
macro_rules! private {
    ($payload:ty => $private:ty) => {
        impl $crate::Payload for $payload {
            type Private = $private;
            const HAS_PRIVATE: bool = true;
            fn private(&self) -> Option<&$private> {
                self.private.as_ref()
            }
            fn with_private(mut self, private: Option<$private>) -> Self {
                self.private = private;
                self
            }
        }
    };
    ($($payload:ty),+ $(,)?) => {$(
        impl $crate::Payload for $payload {
            type Private = $crate::payload::Nothing;
            const HAS_PRIVATE: bool = false;
            fn private(&self) -> Option<&Self::Private> {
                None
            }
            fn with_private(self, _: Option<Self::Private>) -> Self {
                self
            }
        }
    )+};
}

/// Declares an aggregate's event enum and how its variants are named, numbered, encoded and decoded.
macro_rules! events {
    ($(#[$doc:meta])* pub enum $name:ident { $( $(#[$vdoc:meta])* $variant:ident($payload:ty) = $type:literal, schema $version:literal; )+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub enum $name { $( $(#[$vdoc])* $variant($payload), )+ }

        impl $name {
            /// The type name on the bus, `ticket.opened` and the like.
            pub const fn event_type(&self) -> &'static str {
                match self { $( Self::$variant(_) => $type, )+ }
            }

            /// The schema version that this build writes.
            pub const fn schema_version(&self) -> u16 {
                match self { $( Self::$variant(_) => $version, )+ }
            }

            pub(crate) fn encode(&self) -> Result<$crate::event::Encoded, serde_json::Error> {
                match self { $( Self::$variant(payload) => $crate::event::Encoded::of(payload), )+ }
            }

            /// `None` if the type is not one of this aggregate's; the parts are in today's schema already.
            pub(crate) fn decode(event_type: &str, parts: $crate::event::Parts<'_>) -> Option<Result<Self, serde_json::Error>> {
                match event_type {
                    $( $type => Some(parts.payload::<$payload>().map(Self::$variant)), )+
                    _ => None,
                }
            }

            pub(crate) fn current_schema_version(event_type: &str) -> Option<u16> {
                match event_type {
                    $( $type => Some($version), )+
                    _ => None,
                }
            }

            pub(crate) const ENTRIES: &'static [$crate::event::EventTypeEntry] = &[
                $( $crate::event::EventTypeEntry::of::<$payload>($type, $version), )+
            ];
        }
    };
}

pub(crate) use {events, private};
