//! How people log in on the docs page.

use std::sync::{Arc, OnceLock};

use eventdesk_app::ports::Clock;
use eventdesk_http::{Discover, DocsLogin, IssuerLogin, LoginEndpoints};
use eventdesk_identity::Discovery;
use eventdesk_outbound::{Bounds, Outbound};
use eventdesk_runtime::config::ExternalIssuer;

use crate::Desk;

impl Desk {
    /// By the built-in issuer, unless it is switched off, and by the first issuer that has a client for the docs page.
    pub(crate) fn docs_login(&self) -> DocsLogin {
        let issuer = self.config.issuers.iter().find_map(|issuer| {
            let client_id = issuer.docs_client_id.clone()?;
            let audience = issuer.audience.first().cloned().unwrap_or_default();
            Some(IssuerLogin::new(client_id, audience, discover(issuer, self.clock())))
        });
        DocsLogin { builtin: self.config.builtin_issuer.enabled, issuer }
    }
}

/// Asks the issuer's own description. The client for it is made when it is first needed: most functions never do.
fn discover(issuer: &ExternalIssuer, clock: Arc<dyn Clock>) -> Discover {
    let (url, asked) = (issuer.url.clone(), Arc::new(OnceLock::new()));
    Box::new(move || {
        let (url, clock, asked) = (url.clone(), Arc::clone(&clock), Arc::clone(&asked));
        Box::pin(async move {
            let discovery: &Option<Arc<Discovery>> =
                asked.get_or_init(|| Some(Discovery::new(url, Outbound::new(Bounds::default()).ok()?, clock)));
            match discovery.as_ref()?.login().await {
                Ok(login) => Some(LoginEndpoints {
                    authorization: login.authorization.into(),
                    token: login.token.into(),
                    scopes: login.scopes,
                }),
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the issuer does not tell where the docs page logs in"
                    );
                    None
                }
            }
        })
    })
}
