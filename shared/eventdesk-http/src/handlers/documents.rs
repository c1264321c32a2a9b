//! Documents for machines and people: the issuer's, the API's, and the page to try it.

use http::{HeaderValue, StatusCode, header};

use super::Answered;
use crate::{
    Problem,
    docs::{self, DocsLogin, LoginEndpoints},
    headers,
    openapi::{self, Offered},
    reply::Reply,
    request::{Request, not_modified},
};

pub(crate) async fn discovery(r: &Request<'_>) -> Answered {
    let text =
        serde_json::to_string(&r.identity()?.discovery()).map_err(|error| Problem::internal().because(&error))?;
    Ok(for_everybody(text))
}

pub(crate) async fn jwks(r: &Request<'_>) -> Answered {
    let mut reply = for_everybody(r.identity()?.jwks().await);
    // A key signs a quarter of an hour after it was published: by then nobody should have an older set.
    reply.set(header::CACHE_CONTROL, headers::PUBLIC_FIVE_MINUTES);
    Ok(reply)
}

fn for_everybody(text: String) -> Reply {
    let mut reply = Reply::text(StatusCode::OK, headers::JSON, text);
    reply.set(header::CACHE_CONTROL, headers::PUBLIC_HOUR);
    reply
}

pub(crate) async fn openapi(r: &Request<'_>) -> Answered {
    let login = &r.services.docs;
    let issuer = endpoints(login).await;
    let document = openapi::document(r.prefix, &Offered { builtin: login.builtin, issuer });
    tagged(r, &document.etag, || Reply::text(StatusCode::OK, headers::JSON, document.text.clone()))
}

/// Where one logs in at the issuer elsewhere, if there is one and it tells.
async fn endpoints(login: &DocsLogin) -> Option<LoginEndpoints> {
    match &login.issuer {
        Some(issuer) => issuer.endpoints().await,
        None => None,
    }
}

pub(crate) async fn docs_page(r: &Request<'_>) -> Answered {
    let login = &r.services.docs;
    let endpoints = endpoints(login).await;
    let page = docs::index(r.path.ends_with('/'), login.issuer.as_ref().zip(endpoints.as_ref()));
    let mut reply = Reply::text(StatusCode::OK, headers::HTML, page);
    reply.set(header::CACHE_CONTROL, headers::REVALIDATED);
    let origin = endpoints.and_then(|endpoints| endpoints.token_origin());
    reply.set(header::CONTENT_SECURITY_POLICY, headers::docs_policy(origin.as_deref()));
    Ok(reply)
}

pub(crate) async fn docs_redirect(r: &Request<'_>) -> Answered {
    let mut reply = Reply::text(StatusCode::OK, headers::HTML, docs::redirect(r.path.ends_with('/')));
    // The address holds an authorization code.
    reply.set(header::CACHE_CONTROL, headers::NO_STORE);
    reply.set(header::CONTENT_SECURITY_POLICY, headers::REDIRECT_POLICY);
    headers::keep_opener(reply.headers_mut());
    Ok(reply)
}

pub(crate) async fn docs_asset(r: &Request<'_>) -> Answered {
    let name = r.param("asset")?;
    let asset = docs::asset(&name).ok_or_else(Problem::not_found)?;
    let packed = asset.packed().filter(|_| takes_gzip(r));
    let mut reply = tagged(r, &asset.etag, || match packed {
        Some(packed) => {
            let mut reply = Reply::bytes(StatusCode::OK, asset.media_type.clone(), packed.to_vec());
            reply.set(header::CONTENT_ENCODING, headers::GZIP);
            reply
        }
        None => match String::from_utf8(asset.whole()) {
            Ok(text) => Reply::text(StatusCode::OK, asset.media_type.clone(), text),
            Err(bytes) => Reply::bytes(StatusCode::OK, asset.media_type.clone(), bytes.into_bytes()),
        },
    })?;
    reply.set(header::VARY, headers::ACCEPT_ENCODING);
    Ok(reply)
}

/// Whether the caller says that it can unpack what gzip has packed (RFC 9110, section 12.5.3).
fn takes_gzip(r: &Request<'_>) -> bool {
    let accepted = r.event.headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    accepted.unwrap_or_default().split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0_f32));
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

/// A public document that seldom changes: caches keep it and ask whether it still stands.
fn tagged(r: &Request<'_>, tag: &HeaderValue, whole: impl FnOnce() -> Reply) -> Answered {
    let unchanged = not_modified(r.header(&header::IF_NONE_MATCH)?.as_deref(), tag);
    let mut reply = if unchanged { Reply::empty(StatusCode::NOT_MODIFIED) } else { whole() };
    reply.set(header::CACHE_CONTROL, headers::REVALIDATED);
    reply.set(header::ETAG, tag.clone());
    Ok(reply)
}
