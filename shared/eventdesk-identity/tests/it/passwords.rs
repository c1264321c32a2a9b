//! Hashes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use eventdesk_app::ports::PasswordHasher;
use eventdesk_identity::{Argon2PasswordHasher, HashCost};

use crate::support::TestIds;

fn hasher(memory_kib: u32, iterations: u32, lanes: u32) -> Argon2PasswordHasher {
    Argon2PasswordHasher::new(HashCost { memory_kib, iterations, lanes }, Arc::new(TestIds)).unwrap()
}

#[tokio::test]
async fn a_hash_says_how_it_was_made_and_belongs_to_one_password() {
    let hasher = hasher(64, 1, 1);
    let hash = hasher.hash("passWord@1").await.unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
    assert!(hasher.verify("passWord@1", Some(&hash)).await.unwrap());
    for wrong in ["passWord@2", "password@1", "passWord@1 ", "", &"x".repeat(10_000)] {
        assert!(!hasher.verify(wrong, Some(&hash)).await.unwrap(), "{wrong}");
    }
    assert_ne!(hasher.hash("passWord@1").await.unwrap(), hash, "salted");
}

#[tokio::test]
async fn hashes_of_other_costs_are_understood() {
    let old = hasher(32, 3, 2).hash("pässWörd@1").await.unwrap();
    let new = hasher(64, 1, 1);
    assert!(new.verify("pässWörd@1", Some(&old)).await.unwrap());
    assert!(!new.verify("passWord@1", Some(&old)).await.unwrap());
}

#[tokio::test]
async fn a_hash_of_the_reference_implementation_is_understood() {
    // `echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1`, the published test vector.
    let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let hasher = hasher(64, 1, 1);
    assert!(hasher.verify("password", Some(hash)).await.unwrap());
    assert!(!hasher.verify("passwore", Some(hash)).await.unwrap());
}

#[tokio::test]
async fn what_is_no_hash_is_an_error_and_not_a_match() {
    let hasher = hasher(64, 1, 1);
    for broken in ["", "plain", "$argon2id$v=19$m=64,t=1,p=1$", "$2b$12$abcdefghijklmnopqrstuv"] {
        assert!(!hasher.verify("plain", Some(broken)).await.unwrap_or(false), "{broken}");
    }
}

#[tokio::test]
async fn nobodys_password_is_never_right_and_takes_as_long() {
    let hasher = hasher(16_384, 2, 1);
    let hash = hasher.hash("passWord@1").await.unwrap();
    let quickest = async |hash: Option<&str>| {
        let mut best = Duration::MAX;
        for _ in 0..7 {
            let start = Instant::now();
            assert!(!hasher.verify("passWord@2", hash).await.unwrap());
            best = best.min(start.elapsed());
        }
        best
    };
    let (wrong, unknown) = (quickest(Some(&hash)).await, quickest(None).await);
    let ratio = unknown.as_secs_f64() / wrong.as_secs_f64();
    assert!((0.5..2.0).contains(&ratio), "unknown {unknown:?}, wrong {wrong:?}");
}

#[test]
fn impossible_costs_are_refused() {
    for (memory_kib, iterations, lanes) in [(7, 1, 1), (64, 0, 1), (64, 1, 0), (8, 1, 2)] {
        let cost = HashCost { memory_kib, iterations, lanes };
        assert!(Argon2PasswordHasher::new(cost, Arc::new(TestIds)).is_err(), "{cost:?}");
    }
}
