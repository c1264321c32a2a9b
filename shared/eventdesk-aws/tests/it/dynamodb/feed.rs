//! The feed index.

use eventdesk_app::ports::EventStore;
use eventdesk_aws::dynamodb::{FEED_SHARDS, FeedBucket, FeedEntry, FeedFrom};
use eventdesk_contract::event_store::samples::{append, commit, name, ticket};
use eventdesk_events::{StreamId, Timestamp};

use super::bed::Bed;

const HOUR_MS: i64 = 3_600_000;
/// 2023-11-14T22:00:00Z
const TEN: i64 = 1_699_999_200_000;

#[test]
fn a_bucket_is_an_hour_and_a_shard_and_never_changes() {
    let stream = ticket(1);
    let shard = FeedBucket::of(stream, Timestamp::from_millis(0)).shard();
    let text = |ms| FeedBucket::of(stream, Timestamp::from_millis(ms)).to_string();
    assert_eq!(text(TEN), format!("2023-11-14T22#{shard}"));
    assert_eq!(text(TEN + HOUR_MS - 1), format!("2023-11-14T22#{shard}"));
    assert_eq!(text(TEN + HOUR_MS), format!("2023-11-14T23#{shard}"));
    assert_eq!(text(-1), format!("1969-12-31T23#{shard}"));
    assert_eq!(FeedBucket::of(StreamId::AdminRoster, Timestamp::from_millis(0)).to_string(), "1970-01-01T00#1");
    let bucket = FeedBucket::of(stream, Timestamp::from_millis(TEN + 5));
    assert_eq!(bucket.begin().millis(), TEN);
    assert_eq!(bucket.next_hour(), FeedBucket::of(stream, Timestamp::from_millis(TEN + HOUR_MS)));
}

#[test]
fn streams_spread_over_all_shards() {
    let mut streams = [0_u32; FEED_SHARDS as usize];
    for number in 0..8_000 {
        streams[usize::from(FeedBucket::of(ticket(number), Timestamp::from_millis(0)).shard())] += 1;
    }
    assert!(streams.iter().all(|count| (700..1_300).contains(count)), "{streams:?}");
}

#[tokio::test]
async fn every_commit_stands_once_in_its_bucket_in_the_order_of_time() {
    let bed = Bed::new().await;
    let store = bed.store();
    let mut written = Vec::new();
    for number in 1..=40_u64 {
        for version in 1..=2 {
            let mut commit = commit(ticket(number), version);
            // Two thirds in one hour, several of each millisecond.
            let ms = i64::try_from(number % 6).unwrap();
            commit.at = Timestamp::from_millis(TEN + ms * HOUR_MS / 4);
            written.push(FeedEntry { at: commit.at, stream: commit.stream, version: commit.version });
            store.append(append(vec![commit])).await.unwrap();
        }
    }
    let claims = vec![(name(1), ticket(1))];
    store.append(eventdesk_app::ports::Append { claims, ..Default::default() }).await.unwrap();
    store.next_ticket_number().await.unwrap();

    let mut found = Vec::new();
    for hour in [TEN, TEN + HOUR_MS] {
        for bucket in FeedBucket::all_at(Timestamp::from_millis(hour)) {
            let whole = store.feed(bucket, FeedFrom::Time(bucket.begin()), usize::MAX).await.unwrap();
            assert!(whole.is_sorted_by_key(|entry| entry.at));
            let mut paged = Vec::new();
            let mut from = FeedFrom::Time(bucket.begin());
            loop {
                let page = store.feed(bucket, from, 3).await.unwrap();
                let (Some(last), true) = (page.last(), page.len() == 3) else {
                    paged.extend(page);
                    break;
                };
                from = FeedFrom::After(*last);
                paged.extend(page);
            }
            assert_eq!(paged, whole);
            found.extend(whole);
        }
    }
    let key = |entry: &FeedEntry| (entry.stream, entry.version);
    found.sort_by_key(key);
    written.sort_by_key(key);
    assert_eq!(found, written);

    let late = TEN + HOUR_MS / 2;
    let mut after = 0;
    for bucket in FeedBucket::all_at(Timestamp::from_millis(TEN)) {
        let entries = store.feed(bucket, FeedFrom::Time(Timestamp::from_millis(late)), usize::MAX).await.unwrap();
        assert!(entries.iter().all(|entry| entry.at.millis() >= late));
        after += entries.len();
    }
    assert_eq!(after, written.iter().filter(|e| (late..TEN + HOUR_MS).contains(&e.at.millis())).count());
    assert!(
        store
            .feed(FeedBucket::of(ticket(1), Timestamp::from_millis(0)), FeedFrom::Time(Timestamp::from_millis(0)), 5)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn the_audit_reads_a_time_span_of_all_buckets() {
    use eventdesk_app::audit::Feed;
    let bed = Bed::new().await;
    let store = bed.store();
    for number in 1..=30_u64 {
        let mut commit = commit(ticket(number), 1);
        // Every ten minutes over five hours.
        commit.at = Timestamp::from_millis(TEN + i64::try_from(number).unwrap() * HOUR_MS / 6);
        store.append(append(vec![commit])).await.unwrap();
    }
    let read = async |from: i64, to: i64| {
        let at = |minutes: i64| Timestamp::from_millis(TEN + minutes * 60_000);
        let mut streams: Vec<_> =
            store.between(at(from), at(to)).await.unwrap().into_iter().map(|entry| entry.stream).collect();
        streams.sort();
        streams
    };
    let tickets = |range: std::ops::RangeInclusive<u64>| range.map(ticket).collect::<Vec<_>>();
    assert_eq!(read(0, 400).await, tickets(1..=30));
    assert_eq!(read(50, 130).await, tickets(5..=12));
    assert_eq!(read(60, 61).await, tickets(6..=6));
    assert_eq!(read(61, 61).await, []);
}
