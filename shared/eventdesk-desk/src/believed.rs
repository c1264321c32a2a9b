//! Whose tokens the desk believes.

use std::{sync::Arc, time::Duration};

use eventdesk_identity::{
    Authorizer, Discovery, IntrospectionClient, IssuerKeys, RemoteIntrospection, RemoteKeys, Trust, Validation,
};
use eventdesk_outbound::{Bounds, Outbound, OutboundError};
use eventdesk_runtime::config::{self, ExternalIssuer};

use crate::Desk;

/// An authorizer, and the keys elsewhere that it will need.
pub struct Believed {
    /// Checks tokens of every issuer that is believed.
    pub authorizer: Authorizer,
    remote: Vec<RemoteKeys>,
}

impl Believed {
    /// Reads the keys of all issuers elsewhere at once, so that no first request waits for them. It takes `patience` at
    /// most; an issuer that is slow goes on beside, and one that is down is tried again when a token of its comes.
    pub async fn warm(&self, patience: Duration) {
        let reading: Vec<_> =
            self.remote.iter().cloned().map(|keys| tokio::spawn(async move { keys.warm().await })).collect();
        let read = async {
            for one in reading {
                // What panicked has been logged.
                let _ = one.await;
            }
        };
        if tokio::time::timeout(patience, read).await.is_err() {
            tracing::warn!("an issuer elsewhere is slow to hand out its keys");
        }
    }

    /// As [`Believed::warm`], beside everything else.
    pub fn warm_beside(&self) {
        for keys in &self.remote {
            let keys = keys.clone();
            tokio::spawn(async move { keys.warm().await });
        }
    }
}

impl Desk {
    /// Believes the built-in issuer, unless it is switched off, and every issuer that is configured.
    ///
    /// # Errors
    /// [`OutboundError::Client`] if there are others and no TLS client can be made for them.
    pub fn believed(&self, keys: Arc<IssuerKeys>) -> Result<Believed, OutboundError> {
        let mut authorizer = Authorizer::new(self.clock());
        let own = &self.config.builtin_issuer;
        if own.enabled {
            let trust = Trust::new(self.parts.issuer.clone(), vec![own.audience.clone()]);
            authorizer = authorizer.believing(trust, Validation::Keys(keys));
        }
        let mut remote = Vec::new();
        if !self.config.issuers.is_empty() {
            let http = Outbound::new(Bounds::default())?;
            for issuer in &self.config.issuers {
                let trust = Trust {
                    issuer: issuer.url.clone(),
                    audiences: issuer.audience.clone(),
                    groups_claim: issuer.groups_claim.clone(),
                    scope_prefix: issuer.scope_prefix.clone(),
                    default_scopes: issuer.default_scopes.clone(),
                };
                let discovery = Discovery::new(issuer.url.clone(), http.clone(), self.clock());
                authorizer = authorizer.believing(trust, validation(issuer, discovery, &mut remote));
            }
        }
        Ok(Believed { authorizer, remote })
    }
}

fn validation(issuer: &ExternalIssuer, discovery: Arc<Discovery>, remote: &mut Vec<RemoteKeys>) -> Validation {
    match &issuer.validation {
        config::Validation::Jwks => {
            let keys = RemoteKeys::new(discovery);
            remote.push(keys.clone());
            Validation::Keys(Arc::new(keys))
        }
        config::Validation::Introspection { url, client_id, client_secret, cache_seconds } => {
            let client = IntrospectionClient { id: client_id.clone(), secret: client_secret.reveal().to_owned() };
            // Checked with the configuration.
            let endpoint = url.as_deref().and_then(|url| url.parse().ok());
            Validation::Introspection {
                issuer: Arc::new(RemoteIntrospection::new(discovery, endpoint, client)),
                keep_s: i64::from(*cache_seconds),
            }
        }
    }
}
