use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::{Offered, build};
use crate::{
    docs::LoginEndpoints,
    routes::{Access, BASE_PATH, table},
};

/// Nobody but the built-in issuer gives tokens.
const PASSWORD: Offered = Offered { builtin: true, issuer: None };

fn references<'v>(part: &'v Value, found: &mut BTreeSet<&'v str>) {
    match part {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_route_is_in_the_document_and_nothing_else() {
    let document = build("", &PASSWORD);
    let mut told = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            told.insert((method.to_uppercase(), format!("{BASE_PATH}{path}")));
        }
    }
    let routes: BTreeSet<_> = table().iter().map(|r| (r.method.to_string(), r.path.to_owned())).collect();
    assert_eq!(told, routes);
}

#[test]
fn every_reference_resolves() {
    let document = build("", &PASSWORD);
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.contains("#/components/schemas/Ticket"), "{found:?}");
    for target in found {
        let pointer = target.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{target} leads nowhere");
    }
}

#[test]
fn schemas_have_one_name_each() {
    let document = build("", &PASSWORD);
    let names: Vec<_> = document["components"]["schemas"].as_object().unwrap().keys().cloned().collect();
    let doubled: Vec<_> = names.iter().filter(|name| name.ends_with(|c: char| c.is_ascii_digit())).collect();
    assert!(doubled.is_empty(), "two types of one name: {doubled:?}");
}

#[test]
fn operations_are_named_once_and_documented() {
    let document = build("", &PASSWORD);
    let mut ids = HashSet::new();
    for operations in document["paths"].as_object().unwrap().values() {
        for operation in operations.as_object().unwrap().values() {
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()));
            assert!(!operation["summary"].as_str().unwrap().is_empty());
            assert!(operation["responses"].as_object().unwrap().contains_key("500"));
        }
    }
}

#[test]
fn requests_close_their_objects_and_name_what_is_required() {
    let document = build("", &PASSWORD);
    let ticket = &document["components"]["schemas"]["NewTicket"];
    assert_eq!(ticket["additionalProperties"], false);
    assert_eq!(ticket["required"], serde_json::json!(["title", "description"]));
    let user = &document["components"]["schemas"]["NewUser"];
    assert_eq!(user["properties"]["password"]["writeOnly"], true, "{user:#}");
    assert!(document["components"]["schemas"]["User"]["properties"].get("password").is_none());
}

#[test]
fn the_prefix_stands_in_the_servers_and_the_token_address() {
    let document = build("/desk/v2", &PASSWORD);
    assert_eq!(document["servers"][0]["url"], "/desk/v2/api/v1");
    let flow = &document["components"]["securitySchemes"]["password"]["flows"]["password"];
    assert_eq!(flow["tokenUrl"], "/desk/v2/api/v1/token");
}

#[test]
fn no_member_of_an_answer_is_null() {
    let document = build("", &PASSWORD);
    for name in ["Ticket", "Message", "User", "Employee", "HistoryEntry", "Me"] {
        let schema = &document["components"]["schemas"][name];
        assert!(!schema.to_string().contains("null"), "{schema:#}");
    }
    let ticket = &document["components"]["schemas"]["Ticket"]["properties"];
    assert_eq!(ticket["due_at"]["$ref"], "#/components/schemas/Timestamp");
    assert_eq!(ticket["title"]["type"], "string");
    let entry = &document["components"]["schemas"]["HistoryEntry"];
    assert_eq!(entry["properties"]["reason"]["type"], "string");
    assert!(!entry["required"].as_array().unwrap().contains(&"reason".into()), "{entry:#}");
}

#[test]
fn what_a_list_across_tickets_makes_of_deleted_ones_is_told() {
    let document = build("", &PASSWORD);
    let parameters = document["paths"]["/messages"]["get"]["parameters"].as_array().unwrap();
    for name in ["limit", "include"] {
        let parameter = parameters.iter().find(|parameter| parameter["name"] == name).unwrap();
        assert!(parameter["description"].as_str().unwrap().contains("of deleted tickets"), "{parameter:#}");
    }
}

#[test]
fn every_operation_takes_a_token_of_whoever_gives_tokens() {
    let endpoints = LoginEndpoints {
        authorization: "https://issuer.example/authorize".to_owned(),
        token: "https://issuer.example/token".to_owned(),
        scopes: Vec::new(),
    };
    let oidc = Offered { builtin: false, issuer: Some(endpoints.clone()) };
    let both = Offered { builtin: true, issuer: Some(endpoints) };
    for (login, wanted) in [(PASSWORD, &["password"][..]), (oidc, &["oidc"]), (both, &["oidc", "password"])] {
        let document = build("/prod", &login);
        let schemes = document["components"]["securitySchemes"].as_object().unwrap();
        let mut names: Vec<_> = schemes.keys().map(String::as_str).filter(|name| *name != "bearer").collect();
        names.sort_unstable();
        assert_eq!(names, wanted);
        for route in table() {
            let path = route.path.strip_prefix(BASE_PATH).unwrap();
            let security = &document["paths"][path][route.method.as_str().to_ascii_lowercase()]["security"];
            let mut offered = Vec::new();
            for one in security.as_array().unwrap() {
                let (name, scopes) = one.as_object().unwrap().iter().next().unwrap();
                assert_eq!(scopes, &serde_json::json!(route.scopes), "{route:?}");
                offered.push(name.as_str());
            }
            offered.sort_unstable();
            let any = [&["bearer"], wanted].concat();
            assert_eq!(offered, if route.access == Access::Public { vec![] } else { any }, "{route:?}");
        }
        if let Some(oidc) = schemes.get("oidc") {
            let flow = &oidc["flows"]["authorizationCode"];
            assert_eq!(flow["authorizationUrl"], "https://issuer.example/authorize");
            assert_eq!(flow["tokenUrl"], "https://issuer.example/token");
            assert!(flow["scopes"]["openid"].is_string() && flow["scopes"]["tickets:read"].is_string(), "{flow}");
        }
        if let Some(password) = schemes.get("password") {
            assert_eq!(password["flows"]["password"]["tokenUrl"], "/prod/api/v1/token");
        }
    }
}
