//! What checking a token costs: one never seen, one seen, and a forged one.
//!
//! Bounds: unseen 400 µs, seen 60 µs (medians). `cargo bench -p eventdesk-identity`.

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use eventdesk_app::ports::{AccessClaims, Clock, TokenIssuer};
use eventdesk_events::{Timestamp, UserId, user::Role};
use eventdesk_identity::{Authorizer, IssuerKeys, RsaTokenIssuer, Trust, Validation};
use uuid::Uuid;

const ISSUER: &str = "http://127.0.0.1:8080";
const TOKENS: u128 = 2_000;
const UNSEEN_BOUND_US: f64 = 400.0;
const SEEN_BOUND_US: f64 = 60.0;

struct NoonClock;

impl Clock for NoonClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_795_348_800_000)
    }
}

fn claims(number: u128) -> AccessClaims {
    let now_s = NoonClock.now().millis() / 1_000;
    AccessClaims {
        iss: ISSUER.to_owned(),
        aud: "eventdesk".to_owned(),
        sub: UserId::from_uuid(Uuid::from_u128(number)),
        client_id: None,
        sid: Some(Uuid::from_u128(number)),
        exp: now_s + 3_600,
        iat: now_s,
        nbf: now_s,
        jti: Uuid::from_u128(number),
        scope:
            "tickets:read tickets:write messages:read messages:write directory:read directory:write events:read admin"
                .to_owned(),
        groups: vec![Role::Admin],
    }
}

fn line(what: &str, mut times: Vec<Duration>, bound_us: Option<f64>) -> bool {
    times.sort_unstable();
    let micros = |at: usize| times[at].as_secs_f64() * 1e6;
    let (median, p99) = (micros(times.len() / 2), micros(times.len() * 99 / 100));
    let kept = bound_us.is_none_or(|bound| median <= bound);
    let bound = bound_us.map_or_else(String::new, |bound| {
        format!("   bound {bound:>5.0} µs: {}", if kept { "kept" } else { "BROKEN" })
    });
    #[expect(clippy::print_stdout, reason = "the bench's result")]
    {
        println!("{what:<28} median {median:>8.2} µs   p99 {p99:>8.2} µs{bound}");
    }
    kept
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let keys = Arc::new(IssuerKeys::open(folder.path()).expect("a key"));
    let issuer = RsaTokenIssuer::new(ISSUER, keys.clone());
    let trust = Trust::new(ISSUER, vec!["eventdesk".to_owned()]);
    let authorizer = Authorizer::new(Arc::new(NoonClock)).believing(trust, Validation::Keys(keys));

    let mut signing = Vec::new();
    let mut tokens: Vec<String> = Vec::new();
    for number in 0..TOKENS {
        let claims = claims(number);
        let start = Instant::now();
        let token = issuer.sign(&claims).await.expect("signed");
        signing.push(start.elapsed());
        tokens.push(format!("Bearer {token}"));
    }
    let run = async |tokens: &[String]| {
        let mut times = Vec::with_capacity(tokens.len());
        for token in tokens {
            let start = Instant::now();
            let _ = black_box(authorizer.authorize(Some(token), &["admin"]).await);
            times.push(start.elapsed());
        }
        times
    };
    let unseen = run(&tokens).await;
    let seen = run(&tokens).await;
    let forged: Vec<String> = tokens.iter().map(|token| format!("{}AA", &token[..token.len() - 2])).collect();
    let forged = run(&forged).await;
    line("sign", signing, None);
    let kept = line("verify, unseen", unseen, Some(UNSEEN_BOUND_US));
    let kept = line("verify, seen", seen, Some(SEEN_BOUND_US)) && kept;
    line("verify, forged signature", forged, None);
    std::process::exit(i32::from(!kept));
}
