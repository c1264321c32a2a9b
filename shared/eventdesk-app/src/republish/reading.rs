//! Commits that may be wanted: by stream, by time, or all of them.

use std::time::Duration;

use eventdesk_events::{StreamId, Timestamp, Version};

use super::{Republish, RepublishError, Wanted};
use crate::ports::{Category, Commit, Extent};

/// How many commits are read at a time.
const PAGE: usize = 200;
/// A longer time is not looked up in the feed, hour by hour: all of the store is read.
const LONGEST_BY_FEED: Duration = Duration::from_hours(31 * 24);
/// Time is read in slices of so much.
const SLICE: Duration = Duration::from_hours(1);
/// Into so many segments each category is cut, for the progress to be told.
const SEGMENTS: usize = 16;

/// Hands over the commits, each stream's in the order of its versions; more may come than are wanted.
pub(super) async fn read(
    republish: &Republish,
    wanted: &Wanted,
    mut each: impl AsyncFnMut(&[Commit]) -> Result<(), RepublishError>,
) -> Result<(), RepublishError> {
    match (wanted.stream, wanted.from) {
        (Some(stream), _) => of_stream(republish, stream, &mut each).await,
        (None, Some(from)) => {
            // The millisecond of now belongs to the past by the time it is read.
            let now = Timestamp::from_millis(republish.clock.now().millis().saturating_add(1));
            let to = wanted.to.map_or(now, |to| to.min(now));
            if to.millis().saturating_sub(from.millis()) > millis(LONGEST_BY_FEED) {
                return all(republish, wanted, &mut each).await;
            }
            of_time(republish, from, to, &mut each).await
        }
        (None, None) => all(republish, wanted, &mut each).await,
    }
}

async fn of_stream(
    republish: &Republish,
    stream: StreamId,
    each: &mut impl AsyncFnMut(&[Commit]) -> Result<(), RepublishError>,
) -> Result<(), RepublishError> {
    republish.onlooker.parts(1);
    let mut from = Version::FIRST;
    loop {
        let page = republish.store.read(stream, from, PAGE).await?;
        let Some(last) = page.last() else { break };
        from = last.version.next();
        each(&page).await?;
    }
    republish.onlooker.part_done();
    Ok(())
}

/// By the feed: what was made first comes first.
async fn of_time(
    republish: &Republish,
    from: Timestamp,
    to: Timestamp,
    each: &mut impl AsyncFnMut(&[Commit]) -> Result<(), RepublishError>,
) -> Result<(), RepublishError> {
    let slices = slices(from, to);
    republish.onlooker.parts(slices.len());
    for (from, to) in slices {
        let mut entries = republish.feed.between(from, to).await?;
        // Commits of one moment come in the order of their versions.
        entries.sort_by_key(|entry| (entry.at, entry.stream, entry.version));
        for page in entries.chunks(PAGE) {
            let keys: Vec<_> = page.iter().map(|entry| (entry.stream, entry.version)).collect();
            let commits: Vec<Commit> = republish.store.read_many(&keys).await?.into_iter().flatten().collect();
            each(&commits).await?;
        }
        republish.onlooker.part_done();
    }
    Ok(())
}

/// Hours, the first and the last of which may be shorter.
fn slices(from: Timestamp, to: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let (mut slices, mut begin) = (Vec::new(), from.millis());
    while begin < to.millis() {
        let end = begin.saturating_add(millis(SLICE)).min(to.millis());
        slices.push((Timestamp::from_millis(begin), Timestamp::from_millis(end)));
        begin = end;
    }
    slices
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

async fn all(
    republish: &Republish,
    wanted: &Wanted,
    each: &mut impl AsyncFnMut(&[Commit]) -> Result<(), RepublishError>,
) -> Result<(), RepublishError> {
    let mut segments = Vec::new();
    for category in Category::ALL.into_iter().filter(|category| wanted.may_be_in(category.prefix())) {
        segments.extend(republish.scan.segments(category, SEGMENTS).await?);
    }
    republish.onlooker.parts(segments.len());
    for segment in segments {
        let mut place = None;
        loop {
            let page = republish.scan.scan(&segment, place.as_deref(), PAGE, Extent::Events).await?;
            let commits: Vec<Commit> = page.commits.into_iter().map(|found| found.commit).collect();
            each(&commits).await?;
            place = page.next;
            if place.is_none() {
                break;
            }
        }
        republish.onlooker.part_done();
    }
    Ok(())
}
