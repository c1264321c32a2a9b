//! Tokens of an issuer elsewhere that must open nothing, and issuers that do not behave.

mod asking;
mod keys;
mod tokens;

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use eventdesk_tests::{
    Answer, Caller, Desk,
    issuer::{Issuer, Manner},
};
use serde_json::Value;

const ADMINS: &[&str] = &["desk-admins"];

fn desk(issuer: &Issuer, more: &[(&str, &str)]) -> Desk {
    let settings = issuer.settings();
    let settings = settings.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    Desk::start_with(&settings.chain(more.iter().copied()).collect::<Vec<_>>())
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A token that is not believed: 401, and a challenge that says so and nothing of the inside.
fn refused(answer: Answer) -> String {
    let answer = answer.problem(401);
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    assert!(challenge.starts_with("Bearer") && challenge.contains("error=\"invalid_token\""), "{challenge}");
    challenge
}

fn unavailable(answer: Answer) {
    let answer = answer.problem(503);
    assert!(answer.header("retry-after").is_some(), "{answer}");
    assert!(answer.header("www-authenticate").is_none(), "{answer}");
}

/// What does not depend on the issuer goes on.
async fn goes_on(desk: &Desk) {
    desk.visitor().get("/health").await.is(200);
    desk.admin().await.get("/tickets").await.is(200);
}

/// A desk that believes all of them.
fn desk_of(issuers: &[Issuer], more: &[(&str, &str)]) -> Desk {
    let mut settings = std::collections::BTreeMap::new();
    for (number, issuer) in (1..).zip(issuers) {
        let prefix = if number == 1 { "EVENTDESK_ISSUER".to_owned() } else { format!("EVENTDESK_ISSUER_{number}") };
        settings.extend(issuer.settings_as(&prefix));
        settings.extend(more.iter().map(|(key, value)| (format!("{prefix}_{key}"), (*value).to_owned())));
    }
    Desk::start_with(&settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect::<Vec<_>>())
}

/// Every issuer at once: 503 for its own users, nothing for others, and all is well once it behaves.
async fn each_is_unavailable_until_it_behaves(
    desk: &Desk,
    issuers: &[(Issuer, &'static str, Manner)],
    behave: impl Fn(&Issuer),
) {
    let asked = issuers.iter().map(|(issuer, path, manner)| {
        let caller = desk.visitor().bearing(&issuer.token("marry", ADMINS));
        async move {
            let answer = caller.get("/tickets").await;
            assert_eq!(answer.status, 503, "{path} {manner:?}: {answer}");
            unavailable(answer);
        }
    });
    tokio::join!(futures_util::future::join_all(asked), goes_on(desk));
    for (issuer, ..) in issuers {
        behave(issuer);
    }
    let callers: Vec<_> =
        issuers.iter().map(|(issuer, ..)| desk.visitor().bearing(&issuer.token("marry", ADMINS))).collect();
    futures_util::future::join_all(callers.iter().map(|caller| until(caller, 200))).await;
}

/// Asks until the answer has the status: what was learnt or failed a moment ago counts for a moment.
async fn until(caller: &Caller, status: u16) -> Answer {
    let start = Instant::now();
    loop {
        let answer = caller.get("/tickets").await;
        if answer.status == status || start.elapsed() > Duration::from_secs(30) {
            return answer.is(status);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
