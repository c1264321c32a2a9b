//! What holds for every id, time and stream.

use eventdesk_events::{CommitId, EmployeeId, EventId, MessageId, StreamId, TicketId, Timestamp, UserId};
use proptest::prelude::*;
use uuid::{Uuid, Variant};

fn uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn commit() -> impl Strategy<Value = CommitId> {
    (0..1_u64 << 48, any::<[u8; 10]>()).prop_map(|(ms, random)| {
        CommitId::from_uuid(uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid())
    })
}

fn stream() -> impl Strategy<Value = StreamId> {
    prop_oneof![
        uuid().prop_map(|id| StreamId::Ticket(TicketId::from_uuid(id))),
        uuid().prop_map(|id| StreamId::Message(MessageId::from_uuid(id))),
        uuid().prop_map(|id| StreamId::User(UserId::from_uuid(id))),
        uuid().prop_map(|id| StreamId::Employee(EmployeeId::from_uuid(id))),
        Just(StreamId::AdminRoster),
    ]
}

/// The years 0001 to 9999.
fn timestamp() -> impl Strategy<Value = Timestamp> {
    (-62_135_596_800_000..=253_402_207_200_000_i64).prop_map(Timestamp::from_millis)
}

proptest! {
    #[test]
    fn ids_survive_print_and_parse(uuid in uuid()) {
        let id = TicketId::from_uuid(uuid);
        prop_assert_eq!(TicketId::parse(&id.to_string()), Ok(id));
        prop_assert_eq!(TicketId::parse(&id.to_string().to_uppercase()), Ok(id));
        let json = serde_json::to_string(&id).unwrap();
        prop_assert_eq!(&json, &format!("\"{id}\""));
        prop_assert_eq!(serde_json::from_str::<TicketId>(&json).unwrap(), id);
    }

    #[test]
    fn other_forms_of_a_uuid_are_no_ids(uuid in uuid()) {
        for text in [uuid.simple().to_string(), uuid.braced().to_string(), uuid.urn().to_string(), format!(" {uuid}")] {
            prop_assert!(TicketId::parse(&text).is_err());
            prop_assert!(serde_json::from_value::<TicketId>(text.into()).is_err());
        }
    }

    #[test]
    fn streams_survive_print_and_parse(stream in stream()) {
        let text = stream.to_string();
        prop_assert_eq!(StreamId::parse(&text), Ok(stream));
        prop_assert!(text.starts_with(stream.category()));
        let json = serde_json::to_string(&stream).unwrap();
        prop_assert_eq!(serde_json::from_str::<StreamId>(&json).unwrap(), stream);
    }

    #[test]
    fn any_text_is_a_stream_that_prints_the_same_or_none(text in "(ticket|message|user|roster|x)?-?[0-9a-f-]{0,40}") {
        if let Ok(stream) = StreamId::parse(&text) {
            prop_assert_eq!(stream.to_string(), text);
        }
    }

    #[test]
    fn times_survive_print_and_parse(at in timestamp()) {
        let text = at.to_string();
        prop_assert_eq!(text.len(), "2026-01-31T08:15:30.250Z".len());
        prop_assert_eq!(Timestamp::parse(&text), Ok(at));
        let json = serde_json::to_string(&at).unwrap();
        prop_assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), at);
    }

    #[test]
    fn times_sort_as_their_texts(a in timestamp(), b in timestamp()) {
        prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
    }

    #[test]
    fn any_number_of_milliseconds_is_a_time_that_prints(ms in any::<i64>()) {
        let at = Timestamp::from_millis(ms);
        prop_assert_eq!(Timestamp::parse(&at.to_string()), Ok(at));
    }

    #[test]
    fn any_text_is_a_time_or_refused(text in r"\PC{0,30}|[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.]{0,12}(Z|[+-][0-9:]{0,6})?") {
        if let Ok(at) = Timestamp::parse(&text) {
            prop_assert_eq!(Timestamp::parse(&at.to_string()), Ok(at));
        }
    }

    #[test]
    fn ids_of_events_are_uuid7_of_their_commits_millisecond(commit in commit(), index in any::<u16>()) {
        let id = EventId::of(commit, index).uuid();
        prop_assert_eq!((id.get_version_num(), id.get_variant()), (7, Variant::RFC4122));
        prop_assert_eq!(id.as_u128() >> 62, commit.uuid().as_u128() >> 62);
    }

    #[test]
    fn ids_of_events_differ_within_a_commit(commit in commit(), a in any::<u16>(), b in any::<u16>()) {
        prop_assert_eq!(EventId::of(commit, a) == EventId::of(commit, b), a == b);
    }

    #[test]
    fn ids_of_events_sort_in_the_order_of_the_commit(commit in commit(), a in any::<u16>(), b in any::<u16>()) {
        // In all but one of 70 million million commits: where the random tail has no room left, the count wraps.
        let tail = commit.uuid().as_u128() & ((1 << 62) - 1);
        prop_assume!(tail < (1 << 62) - (1 << 16));
        prop_assert_eq!(EventId::of(commit, a).cmp(&EventId::of(commit, b)), a.cmp(&b));
    }
}

#[test]
fn the_first_event_of_a_commit_has_the_commits_uuid() {
    let commit = CommitId::parse("0198f3a2-5c41-7d3e-9a55-3f0f5cbe1d77").unwrap();
    assert_eq!(EventId::of(commit, 0).uuid(), commit.uuid());
    assert_eq!(EventId::of(commit, 1).to_string(), "0198f3a2-5c41-7d3e-9a55-3f0f5cbe1d78");
}

#[test]
fn a_full_tail_wraps_without_touching_version_and_variant() {
    let commit = CommitId::parse("0198f3a2-5c41-7d3e-bfff-ffffffffffff").unwrap();
    assert_eq!(EventId::of(commit, 1).to_string(), "0198f3a2-5c41-7d3e-8000-000000000000");
}

#[test]
fn times_are_read_with_any_offset_and_cut_to_milliseconds() {
    let at = Timestamp::parse("2026-01-31T08:15:30.250Z").unwrap();
    for text in [
        "2026-01-31T08:15:30.250999Z",
        "2026-01-31T09:15:30.25+01:00",
        "2026-01-31t08:15:30.250z",
        "2026-01-31 03:15:30.250-05:00",
    ] {
        assert_eq!(Timestamp::parse(text), Ok(at), "{text}");
    }
    assert_eq!(Timestamp::parse("1969-12-31T23:59:59.9999Z"), Ok(Timestamp::from_millis(-1)));
    let far = Timestamp::parse("2026-01-31T08:15:30.123456789+23:59").unwrap();
    assert_eq!(far.to_string(), "2026-01-30T08:16:30.123Z");
}

#[test]
fn other_forms_of_a_time_are_refused() {
    for text in [
        "",
        "2026-01-31",
        "2026-01-31T08:15:30",
        "2026-01-31T08:15Z",
        "20260131T081530Z",
        "2026-02-30T08:15:30Z",
        "2026-01-31T25:15:30Z",
        "2026-01-31T08:15:30.Z",
        "2026-01-31T08:15:30,5Z",
        "2026-01-31T08:15:30+0100",
        "2026-01-31T08:15:30+01:00[Europe/Berlin]",
        "+002026-01-31T08:15:30Z",
        "-0001-01-31T08:15:30Z",
        "0000-12-31T08:15:30Z",
        "1767225600",
        " 2026-01-31T08:15:30Z",
        "10000-01-01T00:00:00Z",
        "+012026-01-31T08:15:30Z",
        "9999-12-31T23:59:59Z",
        "9999-12-30T23:00:00-23:59",
        "0001-01-01T00:00:00+00:01",
        "2026-01-31T08:15:30.1234567890Z",
        "2026-01-31T08:15:30.123456789012Z",
        "2026-01-31T08:15:30+24:00",
        "2026-01-31T08:15:30-99:00",
        "2026-01-31T08:15:30+01:60",
        "2016-12-31T23:59:60Z",
        "2016-12-31T23:59:60.000Z",
    ] {
        assert!(Timestamp::parse(text).is_err(), "{text:?}");
    }
}
