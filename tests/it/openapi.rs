//! The OpenAPI document hangs together; which routes it must hold is the role table's matter.

use std::collections::BTreeSet;

use eventdesk_tests::Desk;
use serde_json::Value;

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

#[tokio::test]
async fn every_reference_leads_somewhere() {
    let desk = Desk::shared();
    let document = desk.visitor().get("/openapi.json").await.is(200).body;
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(!found.is_empty(), "types are named once and referred to");
    for target in found {
        let pointer = target.strip_prefix('#').unwrap_or_else(|| panic!("{target} leads out of the document"));
        assert!(document.pointer(pointer).is_some(), "{target} leads nowhere");
    }
}

#[tokio::test]
async fn every_operation_says_what_it_does_and_how_it_fails() {
    let desk = Desk::shared();
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
