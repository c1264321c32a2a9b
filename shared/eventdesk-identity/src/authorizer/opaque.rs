//! Tokens about which the issuer is asked: what it said is kept for a while, and nobody asks twice at once.

use quick_cache::sync::Cache;
use serde_json::{Map, Value};

use super::{IntrospectError, Refusal, TokenDigest, Trust, Verified, claims};

/// For how long it is remembered that a token is worth nothing, in seconds at most.
const REFUSED_FOR_S: i64 = 10;

/// What issuers said of tokens; kept by digest, for no token is to be found in memory that the issuer can still honour.
pub(super) struct Asked(Cache<TokenDigest, Answer>);

#[derive(Clone)]
struct Answer {
    verdict: Result<Verified, Refusal>,
    until_s: i64,
}

impl Asked {
    pub(super) fn new(most: usize) -> Self {
        Self(Cache::new(most))
    }

    /// What is known of a token, or what `ask` brings; who comes meanwhile waits for the same answer.
    pub(super) async fn verdict<F>(
        &self,
        seen: TokenDigest,
        trust: &Trust,
        keep_s: i64,
        now_s: &(dyn Fn() -> i64 + Sync),
        ask: impl Fn() -> F + Send,
    ) -> Result<Verified, Refusal>
    where
        F: Future<Output = Result<Option<Map<String, Value>>, IntrospectError>> + Send,
    {
        loop {
            let vacant = match self.0.get_value_or_guard_async(&seen).await {
                Ok(answer) if now_s() < answer.until_s => return answer.verdict,
                Ok(_) => {
                    self.0.remove_if(&seen, |answer| answer.until_s <= now_s());
                    continue;
                }
                Err(vacant) => vacant,
            };
            // Without an answer the place is vacant again, for whoever waits.
            let said = ask().await.map_err(|error| {
                tracing::debug!(error = &error as &dyn std::error::Error, "a token cannot be asked about");
                Refusal::Unavailable
            })?;
            let asked_at_s = now_s();
            let verdict = match said {
                Some(said) => {
                    claims::check(&claims::of_introspection(said, trust, asked_at_s + keep_s), trust, asked_at_s)
                }
                None => Err(Refusal::Inactive),
            };
            let until_s = match &verdict {
                Ok(verified) => verified.expires_at.min(asked_at_s + keep_s),
                Err(_) => asked_at_s + keep_s.min(REFUSED_FOR_S),
            };
            // Refused only if the cache was emptied meanwhile.
            let _ = vacant.insert(Answer { verdict: verdict.clone(), until_s });
            return verdict;
        }
    }
}
