//! The documentation page: Swagger UI from the binary, with nothing from elsewhere.

mod login;

use std::{collections::HashMap, io::Read, sync::LazyLock};

use flate2::read::GzDecoder;
use http::HeaderValue;

use eventdesk_app::identity::Scope;

use crate::headers;

pub use login::{Discover, DocsLogin, IssuerLogin, LoginEndpoints};

const INDEX: &str = include_str!("docs/index.html");
const REDIRECT: &str = include_str!("docs/redirect.html");
const SCRIPT: &str = include_str!("docs/start.js");

/// A file of the page.
pub(crate) struct Asset {
    bytes: &'static [u8],
    is_packed: bool,
    pub(crate) media_type: HeaderValue,
    pub(crate) etag: HeaderValue,
}

impl Asset {
    /// A file of ours.
    fn whole_as(bytes: &'static [u8], media_type: HeaderValue) -> Self {
        Self { bytes, is_packed: false, media_type, etag: headers::etag_of(bytes) }
    }

    /// A file that the build has packed by gzip.
    fn packed_as(bytes: &'static [u8], media_type: HeaderValue) -> Self {
        Self { is_packed: true, ..Self::whole_as(bytes, media_type) }
    }

    /// The file packed by gzip, if it is.
    pub(crate) fn packed(&self) -> Option<&'static [u8]> {
        self.is_packed.then_some(self.bytes)
    }

    /// The file itself.
    pub(crate) fn whole(&self) -> Vec<u8> {
        let Some(packed) = self.packed() else { return self.bytes.to_vec() };
        let mut whole = Vec::new();
        GzDecoder::new(packed).read_to_end(&mut whole).expect("packed by the build");
        whole
    }
}

/// A file of Swagger UI, as `build.rs` has packed it.
macro_rules! swagger_ui {
    ($name:literal, $media_type:expr) => {
        ($name, Asset::packed_as(include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz")), $media_type))
    };
}

static ASSETS: LazyLock<HashMap<&'static str, Asset>> = LazyLock::new(|| {
    const CSS: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");
    const PNG: HeaderValue = HeaderValue::from_static("image/png");
    HashMap::from([
        swagger_ui!("swagger-ui.css", CSS),
        swagger_ui!("swagger-ui-bundle.js", headers::JAVASCRIPT),
        swagger_ui!("oauth2-redirect.js", headers::JAVASCRIPT),
        swagger_ui!("favicon-16x16.png", PNG),
        swagger_ui!("favicon-32x32.png", PNG),
        ("start.js", Asset::whole_as(SCRIPT.as_bytes(), headers::JAVASCRIPT)),
    ])
});

/// A file of the page by its name.
pub(crate) fn asset(name: &str) -> Option<&'static Asset> {
    ASSETS.get(name)
}

/// Scopes of OpenID Connect itself.
pub(crate) const STANDARD_SCOPES: [(&str, &str); 3] =
    [("openid", "Log in."), ("profile", "Tell a name."), ("email", "Tell an e-mail address.")];

/// The page. Links are relative to it, so that any prefix works; `slashed` says whether its own path ends in a slash.
/// What it needs to log in at an issuer elsewhere comes with `login`.
pub(crate) fn index(slashed: bool, login: Option<(&IssuerLogin, &LoginEndpoints)>) -> String {
    let (client_id, audience) = login.map_or(("", ""), |(issuer, _)| (&issuer.client_id, &issuer.audience));
    INDEX
        .replace("{{here}}", if slashed { "" } else { "docs/" })
        .replace("{{client_id}}", &escaped(client_id))
        .replace("{{audience}}", &escaped(audience))
        .replace("{{scopes}}", &escaped(&chosen_scopes(login.map(|(_, endpoints)| endpoints))))
}

/// The scopes that are chosen before anybody chooses, parted by blanks: those of the desk, and of OpenID Connect's own
/// what the issuer has.
fn chosen_scopes(endpoints: Option<&LoginEndpoints>) -> String {
    let told = endpoints.map_or(&[][..], |endpoints| &endpoints.scopes);
    let has = |name: &str| told.iter().any(|scope| scope == name);
    let standard = STANDARD_SCOPES.into_iter().map(|(name, _)| name).filter(|name| has(name));
    let desk = Scope::ALL.iter().map(|scope| scope.as_str());
    // An issuer that names some of the desk's scopes names all that it has; others keep their own to themselves.
    let some = desk.clone().any(has);
    standard.chain(desk.filter(|name| !some || has(name))).collect::<Vec<_>>().join(" ")
}

/// Text within a quoted attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The page that hands an authorization code back to the window that asked for it.
pub(crate) fn redirect(slashed: bool) -> String {
    REDIRECT.replace("{{here}}", if slashed { "../" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(client_id: &str, scopes: &[&str]) -> (IssuerLogin, LoginEndpoints) {
        let login = IssuerLogin::new(client_id.to_owned(), "desk".to_owned(), Box::new(|| Box::pin(async { None })));
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        (login, LoginEndpoints { authorization: String::new(), token: String::new(), scopes })
    }

    #[test]
    fn a_client_id_is_text_whatever_is_in_it() {
        let (login, endpoints) = issuer(r#""><script>&amp;"#, &[]);
        let page = index(false, Some((&login, &endpoints)));
        assert!(page.contains(r#"data-client-id="&quot;&gt;&lt;script&gt;&amp;amp;""#), "{page}");
        assert!(!index(true, None).contains("{{"));
    }

    #[test]
    fn scopes_are_chosen_that_the_issuer_has() {
        let chosen = |scopes: &[&str]| chosen_scopes(Some(&issuer("docs", scopes).1));
        let all = Scope::ALL.map(Scope::as_str).join(" ");
        assert_eq!(chosen_scopes(None), all);
        assert_eq!(chosen(&[]), all);
        assert_eq!(chosen(&["email", "openid", "phone"]), format!("openid email {all}"));
        assert_eq!(chosen(&["openid", "tickets:read", "admin", "other"]), "openid tickets:read admin");
    }
}
