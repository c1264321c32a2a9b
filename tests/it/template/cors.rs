//! Browsers are told the same by the gateway on AWS and by the local one.

use std::collections::BTreeSet;

use eventdesk_tests::Desk;
use serde_json::Value;

use super::document::{Mode, Template};

fn of_template(list: &Value) -> BTreeSet<String> {
    let words = list.as_array().expect("a list").iter();
    words.map(|word| word.as_str().expect("of texts").to_owned()).collect()
}

fn of_header(text: Option<String>) -> BTreeSet<String> {
    text.unwrap_or_default().split(',').map(|word| word.trim().to_owned()).collect()
}

#[tokio::test]
async fn both_gateways_tell_browsers_the_same() {
    let template = Template::read(Mode::Authorizer);
    let cors = &template.properties("Api")["DefinitionBody"]["x-amazon-apigateway-cors"];
    let origin = "https://desk.example";
    let desk = Desk::start_with(&[("EVENTDESK_CORS_ORIGINS", origin)]);
    let page = desk.visitor().with("Origin", origin);

    let asked = page.with("Access-Control-Request-Method", "PUT").raw("OPTIONS", "/tickets", "").await;
    assert_eq!(of_header(asked.header("access-control-allow-methods")), of_template(&cors["allowMethods"]));
    assert_eq!(of_header(asked.header("access-control-allow-headers")), of_template(&cors["allowHeaders"]));
    assert_eq!(asked.header("access-control-max-age"), Some(cors["maxAge"].to_string()));
    let answered = page.get("/health").await;
    assert_eq!(of_header(answered.header("access-control-expose-headers")), of_template(&cors["exposeHeaders"]));
}
