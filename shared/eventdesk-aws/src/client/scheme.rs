//! TLS for whom it is meant, and no sooner.

use std::sync::OnceLock;

use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};

/// One HTTP client for all services. Certificate authorities are read by the first call that needs them: an endpoint
/// without TLS, such as an emulator's, and a process that calls nobody wait for none of it.
pub(super) fn http_client() -> SharedHttpClient {
    SharedHttpClient::new(ByScheme { plain: believing(TrustStore::empty()), tls: believing(TrustStore::default()) })
}

/// A client that believes these authorities. One kind serves both schemes: another one would be a second HTTP client in
/// each binary, with HTTP/2 and all.
fn believing(authorities: TrustStore) -> SharedHttpClient {
    let context = TlsContext::builder().with_trust_store(authorities).build().expect("nothing in it can be wrong");
    Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(context).build_https()
}

#[derive(Debug)]
struct ByScheme {
    plain: SharedHttpClient,
    tls: SharedHttpClient,
}

impl HttpClient for ByScheme {
    fn http_connector(&self, settings: &HttpConnectorSettings, parts: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Connectors {
            plain: self.plain.http_connector(settings, parts),
            tls: OnceLock::new(),
            client: self.tls.clone(),
            settings: settings.clone(),
            parts: parts.clone(),
        })
    }
}

#[derive(Debug)]
struct Connectors {
    plain: SharedHttpConnector,
    tls: OnceLock<SharedHttpConnector>,
    client: SharedHttpClient,
    settings: HttpConnectorSettings,
    parts: RuntimeComponents,
}

impl HttpConnector for Connectors {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if request.uri().starts_with("http:") {
            return self.plain.call(request);
        }
        self.tls.get_or_init(|| self.client.http_connector(&self.settings, &self.parts)).call(request)
    }
}
