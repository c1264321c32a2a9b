//! Scopes and the counting of failed logins.

use std::{net::IpAddr, sync::Arc};

use eventdesk_events::{Timestamp, user::Role};

use super::{GrantError, LocalFailedLogins, LoginLimiter, Scope, scopes};
use crate::{Digest, access::AccessMatrix};

fn granted(roles: &[Role], scope: Option<&str>) -> Option<String> {
    let granted = scopes::asked(scope)?.granted(&AccessMatrix::default(), roles);
    Some(granted.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "))
}

#[test]
fn each_role_has_the_scopes_of_what_it_may_do() {
    let everyday = "tickets:read tickets:write messages:read messages:write directory:read";
    for (role, scopes) in [
        (Role::Admin, format!("{everyday} directory:write events:read admin")),
        (Role::Manager, format!("{everyday} directory:write events:read")),
        (Role::Support, everyday.to_owned()),
        (Role::Employee, everyday.to_owned()),
    ] {
        assert_eq!(granted(&[role], None), Some(scopes.clone()), "{role:?}");
        assert_eq!(granted(&[role], Some("  ")), Some(scopes), "a parameter without a value counts as left out");
    }
    assert_eq!(granted(&[], None), Some(String::new()));
    let all = granted(&[Role::Employee, Role::Admin], None).unwrap();
    assert_eq!(all.split(' ').count(), Scope::ALL.len(), "roles add up");
}

#[test]
fn scopes_asked_for_are_cut_to_what_the_roles_allow() {
    let support = |scope| granted(&[Role::Support], Some(scope));
    assert_eq!(support("tickets:read admin"), Some("tickets:read".to_owned()));
    assert_eq!(support("messages:read  tickets:read messages:read"), Some("tickets:read messages:read".to_owned()));
    assert_eq!(support("openid tickets:read"), Some("tickets:read".to_owned()), "unknown ones are left out");
    for nothing in ["admin", "openid profile", "TICKETS:READ", "tickets:read,tickets:write"] {
        assert_eq!(support(nothing), Some(String::new()), "{nothing}");
    }
    for malformed in ["tickets:read\n", "\"admin\"", "a\\b", "ä", &"x".repeat(2_000)] {
        assert_eq!(support(malformed), None, "{malformed}");
    }
}

#[test]
fn a_matrix_of_ones_own_changes_the_scopes_too() {
    let text = crate::access::DEFAULT_ACCESS
        .replace(r#""employees.write" = ["admin", "manager"]"#, r#""employees.write" = ["admin", "support"]"#);
    let access = AccessMatrix::from_toml(&text).unwrap();
    assert!(Scope::DirectoryWrite.allowed(&access, &[Role::Support]));
    assert!(!Scope::DirectoryWrite.allowed(&AccessMatrix::default(), &[Role::Support]));
}

fn name(byte: u8) -> Digest {
    Digest([byte; 16])
}

#[expect(clippy::unnecessary_wraps, reason = "the form that the limiter takes")]
fn address(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

fn at_ms(ms: i64) -> Timestamp {
    Timestamp::from_millis(1_795_305_600_000 + ms)
}

async fn retry_after(limiter: &LoginLimiter, who: Digest, from: Option<IpAddr>, now: Timestamp) -> Option<u64> {
    match limiter.attempt(who, from).require_allowed(now).await {
        Ok(()) => None,
        Err(GrantError::TooManyAttempts { retry_after_s }) => Some(retry_after_s),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn ten_failures_a_minute_are_allowed_and_the_eleventh_waits_its_turn() {
    let limiter = LoginLimiter::new(10);
    for _ in 0..10 {
        assert_eq!(retry_after(&limiter, name(1), None, at_ms(0)).await, None);
        limiter.attempt(name(1), None).failed(at_ms(0)).await.unwrap();
    }
    assert_eq!(retry_after(&limiter, name(1), None, at_ms(0)).await, Some(6));
    assert_eq!(retry_after(&limiter, name(1), None, at_ms(5_500)).await, Some(1));
    assert_eq!(retry_after(&limiter, name(1), None, at_ms(6_000)).await, None, "one more after six seconds");
    limiter.attempt(name(1), None).failed(at_ms(6_000)).await.unwrap();
    assert_eq!(retry_after(&limiter, name(1), None, at_ms(6_000)).await, Some(6));
    assert_eq!(retry_after(&limiter, name(2), None, at_ms(0)).await, None, "others are not concerned");
    for _ in 0..10 {
        assert_eq!(retry_after(&limiter, name(1), None, at_ms(90_000)).await, None, "all ten after a quiet minute");
        limiter.attempt(name(1), None).failed(at_ms(90_000)).await.unwrap();
    }
    assert_eq!(retry_after(&limiter, name(1), None, at_ms(90_000)).await, Some(6));
}

#[tokio::test]
async fn an_address_is_counted_over_all_names_and_an_ipv6_network_as_one() {
    let limiter = LoginLimiter::new(3);
    for (who, from) in [(1, "2001:db8::1"), (2, "2001:db8::2"), (3, "2001:db8:0:0:ffff::3")] {
        limiter.attempt(name(who), address(from)).failed(at_ms(0)).await.unwrap();
    }
    assert!(retry_after(&limiter, name(4), address("2001:db8::4"), at_ms(0)).await.is_some());
    assert!(retry_after(&limiter, name(4), address("2001:db8:0:1::4"), at_ms(0)).await.is_none());
    assert!(retry_after(&limiter, name(1), address("192.0.2.1"), at_ms(0)).await.is_none(), "one failure by that name");
    for who in 5..8 {
        limiter.attempt(name(who), address("192.0.2.1")).failed(at_ms(0)).await.unwrap();
    }
    assert!(retry_after(&limiter, name(9), address("::ffff:192.0.2.1"), at_ms(0)).await.is_some());
    assert!(retry_after(&limiter, name(9), address("192.0.2.2"), at_ms(0)).await.is_none());
}

#[tokio::test]
async fn zero_turns_the_counting_off() {
    let limiter = LoginLimiter::new(0);
    for _ in 0..1_000 {
        limiter.attempt(name(1), address("192.0.2.1")).failed(at_ms(0)).await.unwrap();
    }
    assert_eq!(retry_after(&limiter, name(1), address("192.0.2.1"), at_ms(0)).await, None);
}

#[tokio::test]
async fn a_flood_of_names_neither_grows_without_bound_nor_locks_out_later_ones() {
    let buckets = Arc::new(LocalFailedLogins::default());
    let limiter = LoginLimiter::counting_in(buckets.clone(), 10);
    let flood = async |from: u32, at: Timestamp| {
        for number in from..from + 70_000 {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            limiter.attempt(Digest(bytes), None).failed(at).await.unwrap();
        }
    };
    flood(0, at_ms(0)).await;
    assert_eq!(buckets.remembered(), 65_536);
    flood(100_000, at_ms(60_000)).await;
    assert_eq!(buckets.remembered(), 65_536, "the old ones made room");
}
