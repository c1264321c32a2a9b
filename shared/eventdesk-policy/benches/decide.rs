//! What one decision of the embedded engine costs, with the default policy and with the sample.
//!
//! Bound: 100 µs at the median. `cargo bench -p eventdesk-policy`.

#[path = "../tests/it/question.rs"]
mod question;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use eventdesk_app::ports::{PolicyEngine, PolicyInput};
use eventdesk_policy::{DEFAULT_POLICY, RegoPolicy};
use question::{question, with_token};

const SAMPLE: &str = include_str!("../policies/samples/scope.rego");
/// `{"alg":"RS256"}`, `{"scp":["read_sayhello"]}` and a few bytes.
const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzY3AiOlsicmVhZF9zYXloZWxsbyJdfQ.q80";
const QUESTIONS: usize = 5_000;
const BOUND_US: f64 = 100.0;

fn line(what: &str, mut times: Vec<Duration>) -> bool {
    times.sort_unstable();
    let micros = |at: usize| times[at].as_secs_f64() * 1e6;
    let (median, p99) = (micros(times.len() / 2), micros(times.len() * 99 / 100));
    let kept = median <= BOUND_US;
    let word = if kept { "kept" } else { "BROKEN" };
    #[expect(clippy::print_stdout, reason = "the bench's result")]
    {
        println!("{what:<28} median {median:>8.2} µs   p99 {p99:>8.2} µs   bound {BOUND_US:>5.0} µs: {word}");
    }
    kept
}

async fn run(what: &str, policy: &RegoPolicy, input: &PolicyInput<'_>) -> bool {
    let mut times = Vec::with_capacity(QUESTIONS);
    for _ in 0..QUESTIONS {
        let start = Instant::now();
        let said = black_box(policy.allows(black_box(input)).await);
        times.push(start.elapsed());
        assert!(said.expect("an answer"), "{what} says no");
    }
    line(what, times)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let default = RegoPolicy::compile("access.rego", DEFAULT_POLICY).expect("the default policy");
    let sample = RegoPolicy::compile("scope.rego", SAMPLE).expect("the sample");
    let kept = run("default policy", &default, &question()).await;
    let with_token = with_token("GET", "/sayhello", Some(TOKEN));
    let kept = run("sample, token decoded", &sample, &with_token).await && kept;
    std::process::exit(i32::from(!kept));
}
