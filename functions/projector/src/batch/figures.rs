//! What a batch tells about the projector: how much it works through, and how far behind the store it is.

use std::{collections::BTreeMap, time::Duration};

use eventdesk_app::{
    figures::{EVENTS_PROJECTED, LAG_MS},
    ports::{Delivery, DeliveryId},
};
use eventdesk_events::Timestamp;

/// When each delivery's event was committed; one that a replay sent once more is not late.
pub(super) fn committed(deliveries: &[Delivery]) -> BTreeMap<DeliveryId, Timestamp> {
    let first = |delivery: &Delivery| {
        let event = delivery.events.first().filter(|event| event.replay.is_none())?;
        Some((delivery.id.clone(), event.occurred_at))
    };
    deliveries.iter().filter_map(first).collect()
}

/// Counts what is done, and how long after its commit.
pub(super) fn measure(committed: &BTreeMap<DeliveryId, Timestamp>, done: &[DeliveryId], now: Timestamp) {
    if done.is_empty() {
        return;
    }
    metrics::counter!(EVENTS_PROJECTED).increment(done.len() as u64);
    for at in done.iter().filter_map(|id| committed.get(id)) {
        // Clocks differ: what is said to come from the future has no lag.
        let lag = u64::try_from(now.millis().saturating_sub(at.millis())).unwrap_or(0);
        metrics::histogram!(LAG_MS).record(Duration::from_millis(lag).as_secs_f64() * 1e3);
    }
}
