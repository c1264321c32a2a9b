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
    tagged(r, &asset.etag, || match std::str::from_utf8(asset.bytes.as_ref()) {
        Ok(text) => Reply::text(StatusCode::OK, asset.media_type.clone(), text.to_owned()),
        Err(_) => Reply::bytes(StatusCode::OK, asset.media_type.clone(), asset.bytes.to_vec()),
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
