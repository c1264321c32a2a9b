//! Which events are sent once more, and under which name.

use std::{fmt, str::FromStr};

use eventdesk_events::{Event, StreamId, Timestamp};

/// What a replay is called: 1 to 64 of the characters `a-z A-Z 0-9 . _ -`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayName(String);

/// A text that can be no replay's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 64 of the characters a-z A-Z 0-9 . _ -")]
pub struct NoReplayName;

impl ReplayName {
    /// The name of a replay that nobody named: after the moment at which it began.
    pub fn at(now: Timestamp) -> Self {
        Self(format!("replay-{}", now.to_string().replace([':', '.'], "-")))
    }
}

impl FromStr for ReplayName {
    type Err = NoReplayName;

    fn from_str(text: &str) -> Result<Self, NoReplayName> {
        let plain = text.chars().all(|char| char.is_ascii_alphanumeric() || "._-".contains(char));
        if plain && (1..=64).contains(&text.len()) { Ok(Self(text.to_owned())) } else { Err(NoReplayName) }
    }
}

impl fmt::Display for ReplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One type of events, `ticket.opened`, or all of an aggregate's, `ticket.*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventTypes(String);

/// A text that names no type of events that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are no such events: a type is named like ticket.opened or ticket.*")]
pub struct NoEventTypes;

impl FromStr for EventTypes {
    type Err = NoEventTypes;

    fn from_str(text: &str) -> Result<Self, NoEventTypes> {
        let types = Self(text.to_owned());
        let known = Event::catalogue().any(|entry| types.has(entry.event_type));
        if known { Ok(types) } else { Err(NoEventTypes) }
    }
}

impl EventTypes {
    /// Whether a type is among them.
    pub fn has(&self, event_type: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(aggregate) => aggregate.ends_with('.') && event_type.starts_with(aggregate),
            None => event_type == self.0,
        }
    }
}

/// Which events are meant: those for which all of this holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of this stream.
    pub stream: Option<StreamId>,
    /// Of any of these types; of all if none is named.
    pub types: Vec<EventTypes>,
    /// Of commits made at this time or later.
    pub from: Option<Timestamp>,
    /// Of commits made before this time.
    pub to: Option<Timestamp>,
}

impl Wanted {
    pub(super) fn covers(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at < to)
    }

    pub(super) fn has_type(&self, event_type: &str) -> bool {
        self.types.is_empty() || self.types.iter().any(|types| types.has(event_type))
    }

    /// Whether a category of streams, by the beginning of their names, may have events of these types.
    pub(super) fn may_be_in(&self, prefix: &str) -> bool {
        let begins =
            |entry: &&eventdesk_events::EventTypeEntry| entry.event_type.split('.').next() == prefix.strip_suffix('-');
        Event::catalogue().filter(begins).any(|entry| self.has_type(entry.event_type))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Category;

    #[test]
    fn a_type_is_one_or_all_of_an_aggregate() {
        let has = |types: &str, event_type: &str| types.parse::<EventTypes>().unwrap().has(event_type);
        assert!(has("ticket.opened", "ticket.opened") && !has("ticket.opened", "ticket.edited"));
        assert!(has("ticket.*", "ticket.opened") && !has("ticket.*", "message.posted"));
        for unknown in ["", "*", "ticket", "ticket.", "ticket*", "ticket.opene", "tickets.*", "Ticket.opened"] {
            assert_eq!(unknown.parse::<EventTypes>(), Err(NoEventTypes), "{unknown}");
        }
    }

    #[test]
    fn a_name_can_stand_everywhere() {
        for good in ["a", "mails-2026.11", &"x".repeat(64)] {
            assert_eq!(good.parse::<ReplayName>().unwrap().to_string(), good);
        }
        for bad in ["", "two words", "ä", "a/b", &"x".repeat(65)] {
            assert_eq!(bad.parse::<ReplayName>(), Err(NoReplayName), "{bad}");
        }
        let unnamed = ReplayName::at(Timestamp::from_millis(0)).to_string();
        assert_eq!(unnamed, "replay-1970-01-01T00-00-00-000Z");
        assert!(unnamed.parse::<ReplayName>().is_ok());
    }

    #[test]
    fn every_type_is_found_in_the_category_of_its_streams() {
        for entry in Event::catalogue() {
            let wanted = Wanted { types: vec![entry.event_type.parse().unwrap()], ..Wanted::default() };
            let found = Category::ALL.into_iter().filter(|category| wanted.may_be_in(category.prefix())).count();
            assert_eq!(found, 1, "{}", entry.event_type);
        }
        assert!(Category::ALL.into_iter().all(|category| Wanted::default().may_be_in(category.prefix())));
    }

    #[test]
    fn a_time_range_has_its_beginning_and_not_its_end() {
        let at = Timestamp::from_millis;
        let wanted = Wanted { from: Some(at(10)), to: Some(at(20)), ..Wanted::default() };
        assert_eq!([9, 10, 19, 20].map(|ms| wanted.covers(at(ms))), [false, true, true, false]);
    }
}
