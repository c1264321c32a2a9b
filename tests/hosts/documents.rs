//! The OpenAPI document hangs together, and the page that shows it needs nobody else. Which routes the document must
//! hold is the role table's matter.

use std::collections::BTreeSet;

use eventdesk_tests::Host;
use serde_json::Value;

tests! {
    every_reference_leads_somewhere,
    every_operation_says_what_it_does_and_how_it_fails,
    the_docs_page_loads_nothing_from_elsewhere,
}

fn references(part: &Value, found: &mut BTreeSet<String>) {
    match part {
        Value::Object(members) => {
            if let Some(Value::String(target)) = members.get("$ref") {
                found.insert(target.clone());
            }
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

async fn every_reference_leads_somewhere(desk: &Host) {
    let document = desk.visitor().get("/openapi.json").await.is(200).body;
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(!found.is_empty(), "types are named once and referred to");
    for target in found {
        let pointer = target.strip_prefix('#').unwrap_or_else(|| panic!("{target} leads out of the document"));
        assert!(document.pointer(pointer).is_some(), "{target} leads nowhere");
    }
}

async fn every_operation_says_what_it_does_and_how_it_fails(desk: &Host) {
    let document = desk.visitor().get("/openapi.json").await.is(200).body;
    let mut ids = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().expect("an OpenAPI document has paths") {
        for (method, operation) in operations.as_object().expect("a path has operations") {
            if !matches!(method.as_str(), "get" | "put" | "post" | "patch" | "delete") {
                continue;
            }
            let place = format!("{method} {path}");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{place} has no summary");
            if let Some(id) = operation["operationId"].as_str() {
                assert!(ids.insert(id.to_owned()), "{place}: {id} is taken");
            }
            let responses = operation["responses"].as_object().unwrap_or_else(|| panic!("{place} has no responses"));
            assert!(responses.keys().any(|status| status.starts_with(['2', '3'])), "{place} never succeeds");
            for (status, response) in responses.iter().filter(|(status, _)| status.starts_with(['4', '5'])) {
                let target = response["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
                let response = target.and_then(|pointer| document.pointer(pointer)).unwrap_or(response);
                let content = response["content"].as_object().map_or(0, serde_json::Map::len);
                assert!(content > 0, "{place}: {status} says nothing about its body");
            }
            for parameter in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
                let all = [&operation["parameters"], &operations["parameters"]];
                let mut declared = all.iter().filter_map(|list| list.as_array()).flatten();
                assert!(
                    declared.any(|one| one["name"] == parameter || one["$ref"].is_string()),
                    "{place}: {parameter}"
                );
            }
        }
    }
}

async fn the_docs_page_loads_nothing_from_elsewhere(desk: &Host) {
    let visitor = desk.visitor();
    let mut page = visitor.get("/docs").await;
    let mut url = format!("{}/api/v1/docs", desk.base());
    for _ in 0..3 {
        let Some(location) = page.header("location") else { break };
        url = resolve(&url, &location);
        page = visitor.get(&url).await;
    }
    let page = page.is(200);
    assert!(page.header("content-type").is_some_and(|kind| kind.starts_with("text/html")), "{page}");
    let links = links_in(&page.text);
    assert!(!links.is_empty(), "{page}");
    for link in links.iter().filter(|link| !link.starts_with("data:") && !link.starts_with('#')) {
        assert!(!link.contains("://") && !link.starts_with("//"), "the docs page loads {link}");
        let asset = visitor.get(&resolve(&url, link)).await.is(200);
        assert!(!asset.text.is_empty(), "{link} is empty");
    }
    let document = visitor.get("/openapi.json").await.is(200);
    assert!(document.str("openapi").starts_with("3.1"), "{}", document.str("openapi"));
    assert!(document.body["components"]["securitySchemes"].is_object(), "the document says how to log in");
    visitor.get("/docs/oauth2-redirect").await.is(200);
}

/// What `src` and `href` attributes of a page point to.
fn links_in(page: &str) -> Vec<String> {
    let mut links = Vec::new();
    for attribute in ["src=", "href="] {
        for (at, _) in page.match_indices(attribute) {
            let rest = &page[at + attribute.len()..];
            if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
                links.extend(rest[1..].split(quote).next().map(str::to_owned));
            }
        }
    }
    links
}

/// `link` as seen from `page`.
fn resolve(page: &str, link: &str) -> String {
    if link.contains("://") {
        return link.to_owned();
    }
    let host = page.match_indices('/').nth(2).map_or(page.len(), |(at, _)| at);
    if link.starts_with('/') {
        return format!("{}{link}", &page[..host]);
    }
    let folder = &page[..page.rfind('/').unwrap_or(page.len())];
    format!("{folder}/{}", link.trim_start_matches("./"))
}
