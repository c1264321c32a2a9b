//! Keys over time: each is published before it signs, and stays until the last token that it signed has ended.
//!
//! When a key was made says all: every process that reads the same keys comes to the same answer at the same time, and
//! nothing has to be told to anybody. What is stored is read again every few seconds, and at once, with a cool-down,
//! when a token names a key that is not known.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError},
};

use eventdesk_app::{
    DeploymentSecret,
    ports::{Clock, IssuerKeyStore},
};
use eventdesk_events::Timestamp;

use super::{IssuerKeys, KeptKey, KeysError, Read, folder};

/// After so long what is stored is read again.
const READ_AGAIN_MS: i64 = 10_000;
/// An unknown key makes nobody read again sooner than this.
pub(super) const COOL_DOWN_MS: i64 = 1_000;
/// A new key is published for so long before it signs: longer than caches keep the key set, and than any process goes
/// without reading it.
const PUBLISHED_BEFORE_MS: i64 = 15 * 60_000;
/// Clocks differ, and a process may sign with the old key until it has read the new one.
const SLACK_MS: i64 = 2 * 60_000;

/// Where keys are stored.
#[derive(Clone)]
pub enum KeyPlace {
    /// PEM files of one machine.
    Folder(PathBuf),
    /// A store that all processes of a deployment share, sealed with its secret.
    Shared(Arc<dyn IssuerKeyStore>, DeploymentSecret),
}

/// Keys that come and go.
pub(super) struct Rotation {
    place: KeyPlace,
    times: KeyTimes,
    pub(super) clock: Arc<dyn Clock>,
}

/// How long a key does what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyTimes {
    /// From being made to signing.
    pub published_before_ms: i64,
    /// From the moment when the next one signs to its end: the life of a token.
    pub kept_after_ms: i64,
}

impl KeyTimes {
    /// For tokens that live so long.
    pub fn for_tokens_of(minutes: u32) -> Self {
        Self { published_before_ms: PUBLISHED_BEFORE_MS, kept_after_ms: i64::from(minutes) * 60_000 + SLACK_MS }
    }
}

/// What a key does at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPhase {
    /// It is published and does not sign yet.
    Published,
    /// It signs.
    Signing,
    /// It signs no more, and what it signed still counts.
    Outgoing,
    /// It is over.
    Retired,
}

/// A key as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStatus {
    /// Its id.
    pub kid: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// What it does now.
    pub phase: KeyPhase,
    /// When it begins to sign.
    pub signs_from: Timestamp,
    /// When what it signed counts no more; `None` while nothing follows it.
    pub ends_at: Option<Timestamp>,
}

/// What each of some keys does at `now`; they come newest first, and the answer too.
fn statuses(made_at: &[Timestamp], times: KeyTimes, now: Timestamp) -> Vec<(KeyPhase, Timestamp, Option<Timestamp>)> {
    let later = |at: Timestamp, ms: i64| Timestamp::from_millis(at.millis().saturating_add(ms));
    let oldest = made_at.len().saturating_sub(1);
    // The first key of all has nothing before it to sign in its place.
    let signs_from = |index: usize| {
        if index == oldest { made_at[index] } else { later(made_at[index], times.published_before_ms) }
    };
    let signing = (0..made_at.len()).find(|index| signs_from(*index) <= now).unwrap_or(oldest);
    let phase = |index: usize, ends_at: Option<Timestamp>| match () {
        () if index == signing => KeyPhase::Signing,
        () if index < signing => KeyPhase::Published,
        () if ends_at.is_some_and(|end| end <= now) => KeyPhase::Retired,
        () => KeyPhase::Outgoing,
    };
    (0..made_at.len())
        .map(|index| {
            let ends_at = index.checked_sub(1).map(|next| later(signs_from(next), times.kept_after_ms));
            (phase(index, ends_at), signs_from(index), ends_at)
        })
        .collect()
}

impl IssuerKeys {
    /// Opens the keys of a place, to come and go at these times; makes the first one if there is none, which takes a
    /// moment. Several processes may do so at once: all get the same key.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub async fn rotating(place: KeyPlace, times: KeyTimes, clock: Arc<dyn Clock>) -> Result<Self, KeysError> {
        let mut keys = match &place {
            KeyPlace::Folder(folder) => Self::open(folder)?,
            KeyPlace::Shared(store, secret) => Self::open_shared(&**store, secret, &*clock).await?,
        };
        keys.read.get_mut().unwrap_or_else(PoisonError::into_inner).at_ms = clock.now().millis();
        keys.rotation = Some(Rotation { place, times, clock });
        Ok(keys)
    }

    /// Makes another key. It signs once it has been published long enough. What is over is removed where it is a file.
    ///
    /// # Errors
    /// See [`KeysError`]; `Generation` for keys that do not come and go.
    pub async fn rotate(&self) -> Result<KeyStatus, KeysError> {
        let rotation = self.rotation.as_ref().ok_or(KeysError::Generation)?;
        self.read_again(0).await;
        let made = match &rotation.place {
            KeyPlace::Folder(folder) => {
                let over = self.statuses().into_iter().filter(|key| key.phase == KeyPhase::Retired);
                folder::add(folder, &over.map(|key| key.kid).collect::<Vec<_>>())?;
                Self::open(folder)?
            }
            KeyPlace::Shared(store, secret) => Self::add_shared(&**store, secret, &*rotation.clock).await?,
        };
        let kid = made.signing_kid();
        self.keep(made.kept());
        self.statuses().into_iter().find(|key| key.kid == kid).ok_or(KeysError::Generation)
    }

    /// Every key that is stored, the newest first.
    pub fn statuses(&self) -> Vec<KeyStatus> {
        let kept = self.kept();
        let status = |(key, (phase, signs_from, ends_at)): (&Arc<KeptKey>, _)| KeyStatus {
            kid: key.jwk.kid.clone(),
            made_at: key.made_at,
            phase,
            signs_from,
            ends_at,
        };
        kept.iter().zip(self.phases(&kept)).map(status).collect()
    }

    /// Reads what is stored again, if that was long ago.
    pub async fn refresh(&self) {
        self.read_again(READ_AGAIN_MS).await;
    }

    /// Whether a key counts now, and what it does.
    pub(super) fn phases(&self, kept: &[Arc<KeptKey>]) -> Vec<(KeyPhase, Timestamp, Option<Timestamp>)> {
        let made_at: Vec<_> = kept.iter().map(|key| key.made_at).collect();
        if let Some(rotation) = &self.rotation {
            return statuses(&made_at, rotation.times, rotation.clock.now());
        }
        // The newest signs, and none is ever over.
        let phase = |index: usize| if index == 0 { KeyPhase::Signing } else { KeyPhase::Outgoing };
        made_at.iter().enumerate().map(|(index, at)| (phase(index), *at, None)).collect()
    }

    /// Reads what is stored, unless it was read less than `most_ms` ago or is being read. What cannot be read changes
    /// nothing: the keys that are known go on.
    pub(super) async fn read_again(&self, most_ms: i64) {
        let Some(rotation) = &self.rotation else { return };
        let age = || rotation.clock.now().millis() - self.read.read().unwrap_or_else(PoisonError::into_inner).at_ms;
        if age() < most_ms {
            return;
        }
        let Ok(_reading) = self.reading.try_lock() else { return };
        if age() < most_ms {
            return;
        }
        let known = self.kept();
        let read = match &rotation.place {
            KeyPlace::Folder(folder) => folder::changed(folder, &known),
            KeyPlace::Shared(store, secret) => super::shared::changed(&**store, secret, &known).await,
        };
        match read {
            Ok(Some(changed)) => self.keep(changed),
            Ok(None) => self.keep(known),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the issuer's keys cannot be read again");
                self.keep(known);
            }
        }
    }

    fn keep(&self, kept: Vec<Arc<KeptKey>>) {
        let at_ms = self.rotation.as_ref().map_or(0, |rotation| rotation.clock.now().millis());
        *self.read.write().unwrap_or_else(PoisonError::into_inner) = Read { kept, at_ms };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: KeyTimes = KeyTimes { published_before_ms: 100, kept_after_ms: 1_000 };

    fn phases(made_at: &[i64], now: i64) -> Vec<KeyPhase> {
        let made_at: Vec<_> = made_at.iter().map(|ms| Timestamp::from_millis(*ms)).collect();
        statuses(&made_at, TIMES, Timestamp::from_millis(now)).into_iter().map(|(phase, ..)| phase).collect()
    }

    #[test]
    fn a_key_is_published_then_signs_and_goes_after_its_last_token() {
        use KeyPhase::{Outgoing, Published, Retired, Signing};
        assert_eq!(phases(&[0], 0), [Signing], "the first one at once");
        assert_eq!(phases(&[0], 1_000_000), [Signing], "and for good, if none follows");
        for (now, expected) in [
            (5_000, [Published, Signing]),
            (5_099, [Published, Signing]),
            (5_100, [Signing, Outgoing]),
            (6_099, [Signing, Outgoing]),
            (6_100, [Signing, Retired]),
        ] {
            assert_eq!(phases(&[5_000, 0], now), expected, "at {now}");
        }
    }

    #[test]
    fn keys_made_in_a_row_take_their_turns() {
        use KeyPhase::{Outgoing, Published, Retired, Signing};
        let made = [5_050, 5_000, 0];
        assert_eq!(phases(&made, 5_060), [Published, Published, Signing]);
        assert_eq!(phases(&made, 5_120), [Published, Signing, Outgoing]);
        assert_eq!(phases(&made, 5_150), [Signing, Outgoing, Outgoing]);
        assert_eq!(phases(&made, 6_120), [Signing, Outgoing, Retired]);
        assert_eq!(phases(&made, 6_150), [Signing, Retired, Retired]);
    }

    #[test]
    fn a_clock_that_is_behind_still_signs_with_the_oldest() {
        assert_eq!(phases(&[5_000, 4_000], 0), [KeyPhase::Published, KeyPhase::Signing]);
    }
}
