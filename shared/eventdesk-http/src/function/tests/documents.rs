//! Documents for everybody.

use crate::{
    Discover, DocsLogin, IssuerLogin, LoginEndpoints,
    function::bed::Bed,
    routes::{Access, Match, Owner, find, table},
};

#[tokio::test]
async fn the_issuers_documents_and_health_answer_at_the_root_too() {
    let bed = Bed::new().await;
    for path in ["/.well-known/openid-configuration", "/.well-known/jwks.json", "/health", "/ready"] {
        let based = bed.ask("GET", path).anonymous().go().await.is(200);
        let asked = bed.ask("GET", &format!("/{path}")).anonymous();
        let owner = if path == "/ready" { Owner::Operations } else { Owner::Identity };
        assert_eq!(asked.at(owner).await.is(200).body, based.body, "{path}");
    }
}

#[tokio::test]
async fn the_docs_page_loads_only_what_is_there() {
    let bed = Bed::new().await;
    for (page, folder) in [("/docs", "/"), ("/docs/", "/docs/"), ("/docs/oauth2-redirect?code=1&state=2", "/docs/")] {
        let answer = bed.ask("GET", page).anonymous().go().await.is(200);
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"), "{policy}");
        assert!(!policy.contains("://") && !policy.contains("unsafe-eval"), "{policy}");
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
async fn the_docs_page_logs_in_at_the_issuer_that_tells_where() {
    let discover = |told: bool| -> Discover {
        Box::new(move || {
            Box::pin(async move {
                told.then(|| LoginEndpoints {
                    authorization: "https://issuer.example/authorize".to_owned(),
                    token: "https://issuer.example/token".to_owned(),
                    scopes: vec!["openid".to_owned()],
                })
            })
        })
    };
    for told in [true, false] {
        let mut bed = Bed::new().await;
        let login = IssuerLogin::new("docs-client".to_owned(), "api://desk".to_owned(), discover(told));
        bed.docs(DocsLogin { builtin: true, issuer: Some(login) });
        let document = bed.ask("GET", "/openapi.json").anonymous().go().await.is(200).body;
        let schemes = &document["components"]["securitySchemes"];
        let page = bed.ask("GET", "/docs").anonymous().go().await.is(200);
        let policy = page.header("content-security-policy");
        // Without it the desk's own login is all there is; nothing fails.
        assert_eq!(schemes["oidc"].is_object(), told);
        assert!(schemes["password"].is_object());
        assert_eq!(policy.contains("connect-src 'self' https://issuer.example;"), told, "{policy}");
        assert_eq!(page.text.contains(r#"data-client-id="docs-client" data-audience="api://desk""#), told);
        assert_eq!(page.header("cross-origin-opener-policy"), "same-origin-allow-popups");
    }
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
