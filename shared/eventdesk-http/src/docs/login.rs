//! How people log in on the docs page.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::Uri;
use tokio::time::{Instant, timeout};

/// How long the page waits for the issuer to tell about itself.
const PATIENCE: Duration = Duration::from_secs(2);
/// After it told nothing, it is left in peace for so long: the page is open to everybody.
const PEACE: Duration = Duration::from_secs(10);

/// How people log in on the docs page.
#[derive(Default)]
pub struct DocsLogin {
    /// Whether by name and password at the built-in issuer.
    pub builtin: bool,
    /// At an issuer elsewhere, by authorization code and PKCE.
    pub issuer: Option<IssuerLogin>,
}

/// A login at an issuer elsewhere.
pub struct IssuerLogin {
    /// The public client as which the page logs in.
    pub client_id: String,
    /// For whom the token is to be.
    pub audience: String,
    discover: Discover,
    refused: Mutex<Option<Instant>>,
}

/// Asks an issuer where one logs in; `None` if it does not tell.
pub type Discover = Box<dyn Fn() -> BoxFuture<'static, Option<LoginEndpoints>> + Send + Sync>;

/// Where one logs in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LoginEndpoints {
    /// Where people go.
    pub authorization: String,
    /// Where a code becomes a token.
    pub token: String,
    /// Which scopes there are, if that is told.
    pub scopes: Vec<String>,
}

impl LoginEndpoints {
    /// The origin of the token endpoint, as content security policies name it.
    pub(crate) fn token_origin(&self) -> Option<String> {
        let uri: Uri = self.token.parse().ok()?;
        Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?))
    }
}

impl IssuerLogin {
    /// A login as this client, at whatever `discover` finds when it is needed. Calls nobody.
    pub fn new(client_id: String, audience: String, discover: Discover) -> Self {
        Self { client_id, audience, discover, refused: Mutex::new(None) }
    }

    /// Where one logs in; without it the page offers no such login.
    pub(crate) async fn endpoints(&self) -> Option<LoginEndpoints> {
        if self.refused().is_some_and(|at| at.elapsed() < PEACE) {
            return None;
        }
        let found = timeout(PATIENCE, (self.discover)()).await.ok().flatten();
        *self.refused() = found.is_none().then(Instant::now);
        found
    }

    fn refused(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    fn endpoints(token: &str) -> LoginEndpoints {
        LoginEndpoints { authorization: String::new(), token: token.to_owned(), scopes: Vec::new() }
    }

    #[test]
    fn an_origin_is_scheme_and_authority() {
        for (token, origin) in [
            ("https://issuer.example/oauth2/token", Some("https://issuer.example")),
            ("http://127.0.0.1:9000/token?x=1", Some("http://127.0.0.1:9000")),
            ("https://issuer.example; script-src *", None),
            ("/token", None),
        ] {
            assert_eq!(endpoints(token).token_origin().as_deref(), origin, "{token}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_issuer_that_tells_nothing_is_left_in_peace_for_a_while() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let discover: Discover = Box::new(move || {
            let first = count.fetch_add(1, Ordering::SeqCst) == 0;
            Box::pin(async move {
                if first {
                    std::future::pending::<()>().await;
                }
                Some(endpoints("https://issuer.example/token"))
            })
        });
        let login = IssuerLogin::new("docs".to_owned(), "desk".to_owned(), discover);
        assert_eq!(login.endpoints().await, None);
        assert_eq!(login.endpoints().await, None);
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        tokio::time::advance(PEACE).await;
        assert!(login.endpoints().await.is_some());
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }
}
