//! Documents for everybody.

use crate::{
    function::bed::Bed,
    routes::{Access, Match, Owner, find, table},
};

#[tokio::test]
async fn the_issuers_documents_and_health_answer_at_the_root_too() {
    let bed = Bed::new().await;
    for path in ["/.well-known/openid-configuration", "/.well-known/jwks.json", "/health", "/ready"] {
        let based = bed.ask("GET", path).anonymous().go().await.is(200);
        let asked = bed.ask("GET", &format!("/{path}")).anonymous();
        assert_eq!(asked.at(Owner::Identity).await.is(200).body, based.body, "{path}");
    }
}

#[tokio::test]
async fn the_docs_page_loads_only_what_is_there() {
    let bed = Bed::new().await;
    for (page, folder) in [("/docs", "/"), ("/docs/", "/docs/"), ("/docs/oauth2-redirect?code=1&state=2", "/docs/")] {
        let answer = bed.ask("GET", page).anonymous().go().await.is(200);
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        assert!(answer.header("content-security-policy").contains("script-src 'self'"));
        assert!(!answer.text.contains("://"), "{}", answer.text);
        let links = answer
            .text
            .split(['"'])
            .filter(|part| [".js", ".css", ".png"].iter().any(|ending| part.ends_with(ending)) && !part.contains(' '));
        for part in links {
            let asset = bed.ask("GET", &format!("{folder}{part}")).anonymous().go().await.is(200);
            assert!(!asset.text.is_empty(), "{part}");
            assert!(!asset.header("etag").is_empty());
            let again = bed.ask("GET", &format!("{folder}{part}")).with("if-none-match", asset.header("etag"));
            again.go().await.is(304);
        }
    }
    let redirect = bed.ask("GET", "/docs/oauth2-redirect").anonymous().go().await.is(200);
    assert_eq!(redirect.header("cross-origin-opener-policy"), "unsafe-none");
    bed.ask("GET", "/docs/index.html").anonymous().go().await.refused(404, "not-found");
}

#[tokio::test]
async fn the_document_is_kept_by_caches() {
    let bed = Bed::new().await;
    let document = bed.ask("GET", "/openapi.json").anonymous().go().await.is(200);
    assert_eq!(document.body["openapi"], "3.1.0");
    let again = bed.ask("GET", "/openapi.json").anonymous().with("if-none-match", document.header("etag"));
    again.go().await.is(304);
}

#[tokio::test]
async fn the_list_of_routes_is_the_table() {
    let bed = Bed::new().await;
    let answer = bed.ask("GET", "/admin/routes").go().await.is(200);
    let rows = answer.body["data"].as_array().unwrap();
    assert_eq!(rows.len(), table().len());
    let open = rows.iter().find(|row| row["path"] == "/api/v1/tickets" && row["method"] == "POST").unwrap();
    assert_eq!(open["function"], "command-ticket");
    assert_eq!(open["access"], "tickets.open");
    assert_eq!(open["roles"], serde_json::json!(["admin", "manager", "support", "employee"]));
    assert_eq!(open["scopes"], serde_json::json!(["tickets:write"]));
}

#[tokio::test]
async fn every_route_that_is_not_public_wants_a_token() {
    let bed = Bed::new().await;
    for route in table().iter().filter(|route| route.access != Access::Public) {
        let path = route.path.replace(['{', '}'], "");
        assert!(matches!(find(&route.method, &path), Match::Route { .. }));
        let target = path.strip_prefix("/api/v1").unwrap();
        bed.ask(route.method.as_str(), target).anonymous().go().await.refused(401, "unauthenticated");
    }
}
