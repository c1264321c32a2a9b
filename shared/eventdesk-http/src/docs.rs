//! The documentation page: Swagger UI from the binary, with nothing from elsewhere.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use http::HeaderValue;
use utoipa_swagger_ui::{Config, serve};

use crate::headers;

const INDEX: &str = include_str!("docs/index.html");
const REDIRECT: &str = include_str!("docs/redirect.html");
const SCRIPT: &str = include_str!("docs/start.js");

/// The files of Swagger UI that the pages load.
const FILES: [&str; 5] =
    ["swagger-ui.css", "swagger-ui-bundle.js", "oauth2-redirect.js", "favicon-16x16.png", "favicon-32x32.png"];

/// A file of the page.
pub(crate) struct Asset {
    pub(crate) bytes: Cow<'static, [u8]>,
    pub(crate) media_type: HeaderValue,
    pub(crate) etag: HeaderValue,
}

static ASSETS: LazyLock<HashMap<&'static str, Asset>> = LazyLock::new(|| {
    let config = Arc::new(Config::from("openapi.json"));
    let vendored = FILES.into_iter().filter_map(|name| {
        let file = serve(name, Arc::clone(&config)).ok().flatten()?;
        let media_type = match name.rsplit('.').next() {
            Some("css") => HeaderValue::from_static("text/css; charset=utf-8"),
            Some("js") => headers::JAVASCRIPT,
            _ => HeaderValue::from_static("image/png"),
        };
        Some((name, asset_of(file.bytes, media_type)))
    });
    vendored.chain([("start.js", asset_of(Cow::Borrowed(SCRIPT.as_bytes()), headers::JAVASCRIPT))]).collect()
});

fn asset_of(bytes: Cow<'static, [u8]>, media_type: HeaderValue) -> Asset {
    let etag = headers::etag_of(&bytes);
    Asset { bytes, media_type, etag }
}

/// A file of the page by its name.
pub(crate) fn asset(name: &str) -> Option<&'static Asset> {
    ASSETS.get(name)
}

/// The page. Links are relative to it, so that any prefix works; `slashed` says whether its own path ends in a slash.
pub(crate) fn index(slashed: bool) -> String {
    INDEX.replace("{{here}}", if slashed { "" } else { "docs/" })
}

/// The page that hands an authorization code back to the window that asked for it.
pub(crate) fn redirect(slashed: bool) -> String {
    REDIRECT.replace("{{here}}", if slashed { "../" } else { "" })
}
