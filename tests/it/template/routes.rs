//! The API's routes are those of the route table: keys, scopes and the functions behind them, in both modes.
//!
//! `UPDATE_TEMPLATE=1 cargo test -p eventdesk-tests --test it template` writes them into the template.

use std::{collections::BTreeMap, fmt::Write as _};

use eventdesk_http::routes::{Access, BASE_PATH, Owner, Route, table};
use serde_json::{Value, json};

use super::document::{Mode, Template, path, text};

const BEGIN: &str = "        # routes:begin\n";
const END: &str = "        # routes:end\n";

/// How many routes an HTTP API has at most, unless the service is asked for more.
const MOST_ROUTES: usize = 300;
/// A template's size in bytes, at most.
const MOST_BYTES: usize = 1_000_000;

/// What stands behind a route key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Behind {
    function: String,
    /// `None` = nobody is asked for a token; else the scopes, any of which is enough.
    scopes: Option<Vec<String>>,
}

/// Every route key of the table: with and without a slash at the end, `HEAD` wherever there is `GET`.
fn wanted() -> BTreeMap<(String, String), Behind> {
    let mut wanted = BTreeMap::new();
    for route in table() {
        let behind = Behind {
            function: route.function.as_str().to_owned(),
            scopes: (route.access != Access::Public).then(|| route.scopes.iter().map(ToString::to_string).collect()),
        };
        for path in paths(route) {
            for method in methods(route) {
                let known = wanted.insert((path.clone(), method.to_owned()), behind.clone());
                assert!(known.is_none(), "{method} {path} stands twice");
            }
        }
    }
    let nobody = Behind { function: Owner::Identity.as_str().to_owned(), scopes: None };
    wanted.insert(("$default".to_owned(), "any".to_owned()), nobody);
    wanted
}

fn paths(route: &Route) -> Vec<String> {
    let root = route.at_root.then(|| route.path.strip_prefix(BASE_PATH)).flatten();
    [Some(route.path), root].into_iter().flatten().flat_map(|path| [path.to_owned(), format!("{path}/")]).collect()
}

fn methods(route: &Route) -> Vec<&str> {
    match route.method.as_str() {
        "GET" => vec!["GET", "HEAD"],
        other => vec![other],
    }
}

/// The template's part between the marks.
fn written() -> String {
    let mut paths: BTreeMap<String, Vec<(String, Behind)>> = BTreeMap::new();
    for ((path, method), behind) in wanted() {
        paths.entry(path).or_default().push((method, behind));
    }
    let mut text = format!("{BEGIN}        paths:\n");
    for (path, methods) in paths {
        let (path, default) = if path == "$default" { ("/$default".to_owned(), true) } else { (path, false) };
        let _ = writeln!(text, "          {path}:");
        let names: Vec<_> = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        if !names.is_empty() {
            let one = |name| format!("{{ name: {name}, in: path, required: true, schema: {{ type: string }} }}");
            let all: Vec<_> = names.into_iter().map(one).collect();
            let _ = writeln!(text, "            parameters: [{}]", all.join(", "));
        }
        for (method, behind) in methods {
            let method = if default { "x-amazon-apigateway-any-method".to_owned() } else { method.to_lowercase() };
            let security = match behind.scopes.as_deref() {
                None => String::new(),
                Some([]) => "security: [{ caller: [] }], ".to_owned(),
                Some(scopes) => {
                    let scopes: Vec<_> = scopes.iter().map(|scope| format!("'{scope}'")).collect();
                    format!("security: [{{ caller: !If [JwtMode, [{}], []] }}], ", scopes.join(", "))
                }
            };
            let default = if default { "isDefaultRoute: true, " } else { "" };
            let _ = writeln!(
                text,
                "            {method}: {{ {default}{security}x-amazon-apigateway-integration: {{ $ref: \
                 '#/components/x-amazon-apigateway-integrations/{}' }}, responses: {{}} }}",
                behind.function
            );
        }
    }
    text.push_str(END);
    text
}

/// The template's text around its routes, and they.
fn parts(text: &str) -> (&str, &str, &str) {
    let begin = text.find(BEGIN).expect("routes begin at a mark");
    let end = text.find(END).expect("routes end at a mark") + END.len();
    (&text[..begin], &text[begin..end], &text[end..])
}

/// What the API's document says about each route key.
fn found(template: &Template, mode: Mode) -> BTreeMap<(String, String), Behind> {
    let body = &template.properties("Api")["DefinitionBody"];
    let integrations = &body["components"]["x-amazon-apigateway-integrations"];
    let mut found = BTreeMap::new();
    for (path, operations) in body["paths"].as_object().expect("the API has paths") {
        let operations = operations.as_object().expect("a path has operations");
        for (method, operation) in operations.iter().filter(|(key, _)| *key != "parameters") {
            let (path, method) = match path.strip_prefix("/$default") {
                Some("") => {
                    assert_eq!((method.as_str(), &operation["isDefaultRoute"]), (ANY, &json!(true)));
                    ("$default".to_owned(), "any".to_owned())
                }
                _ => (path.clone(), method.to_uppercase()),
            };
            let behind = Behind {
                function: function(template, integrations, &operation["x-amazon-apigateway-integration"]),
                scopes: scopes(&operation["security"], mode),
            };
            found.insert((path, method), behind);
        }
    }
    found
}

const ANY: &str = "x-amazon-apigateway-any-method";

/// The handler of the function that an integration calls, by its live alias.
fn function(template: &Template, integrations: &Value, integration: &Value) -> String {
    let name =
        integration["$ref"].as_str().and_then(|at| at.strip_prefix("#/components/x-amazon-apigateway-integrations/"));
    let integration = &integrations[name.expect("integrations are shared")];
    assert_eq!(integration["type"], "AWS_PROXY");
    assert_eq!(integration["payloadFormatVersion"], "2.0");
    assert_eq!(integration["timeoutInMillis"], 29_000);
    let called = called(&integration["uri"]);
    let functions = template.functions();
    let (_, function) = functions.get(called).unwrap_or_else(|| panic!("there is no function {called}"));
    function["Handler"].as_str().expect("a function has a handler").to_owned()
}

/// The name in the address of a function's live alias.
fn called(uri: &Value) -> &str {
    let uri = uri["Fn::Sub"].as_str().expect("addresses are made of the stack's names");
    let name = uri.split(":function:${AWS::StackName}-").nth(1).and_then(|rest| rest.strip_suffix(":live/invocations"));
    name.unwrap_or_else(|| panic!("{uri} is no live alias"))
}

fn scopes(security: &Value, mode: Mode) -> Option<Vec<String>> {
    let schemes = security.as_array()?;
    let [scheme] = schemes.as_slice() else { panic!("one scheme a route: {security}") };
    let scopes = scheme["caller"].as_array().unwrap_or_else(|| panic!("callers are asked: {security}"));
    // The gateway knows scopes with its own authorizer only; else the functions look at them.
    assert!(mode == Mode::Jwt || scopes.is_empty(), "{security}");
    Some(scopes.iter().map(|scope| scope.as_str().expect("a scope is a text").to_owned()).collect())
}

#[test]
fn the_template_has_the_routes_of_the_table() {
    let text = text();
    let (before, present, after) = parts(&text);
    let written = written();
    if std::env::var_os("UPDATE_TEMPLATE").is_some() {
        std::fs::write(path(), format!("{before}{written}{after}")).expect("the template can be written");
    } else {
        assert_eq!(present, written, "write it anew with UPDATE_TEMPLATE=1");
    }
}

#[test]
fn every_route_key_asks_for_its_scopes_and_calls_its_function() {
    for mode in [Mode::Jwt, Mode::Authorizer] {
        let found = found(&Template::read(mode), mode);
        for (key, mut wanted) in wanted() {
            if mode == Mode::Authorizer {
                wanted.scopes = wanted.scopes.map(|_| Vec::new());
            }
            assert_eq!(found.get(&key), Some(&wanted), "{key:?} in {mode:?}");
        }
        assert_eq!(found.len(), wanted().len(), "a route key is not of the table");
    }
}

#[test]
fn each_mode_has_its_authorizer() {
    let scheme = |template: &Template| {
        let components = &template.properties("Api")["DefinitionBody"]["components"];
        components["securitySchemes"]["caller"]["x-amazon-apigateway-authorizer"].clone()
    };
    let jwt = Template::read(Mode::Jwt);
    let authorizer = scheme(&jwt);
    assert_eq!(authorizer["type"], "jwt");
    assert_eq!(authorizer["identitySource"], "$request.header.Authorization");
    assert_eq!(
        authorizer["jwtConfiguration"],
        json!({"issuer": {"Ref": "IssuerUrl"}, "audience": {"Ref": "IssuerAudience"}})
    );
    assert!(!jwt.functions().contains_key("authorizer"));

    let own = Template::read(Mode::Authorizer);
    let authorizer = scheme(&own);
    assert_eq!(authorizer["type"], "request");
    assert_eq!(authorizer["authorizerPayloadFormatVersion"], "2.0");
    assert_eq!(authorizer["enableSimpleResponses"], true);
    // Functions look at the scopes themselves, so the answer about a token may be remembered for every route.
    assert_eq!(authorizer["identitySource"], "$request.header.Authorization");
    assert_eq!(called(&authorizer["authorizerUri"]), "authorizer");
    assert_eq!(own.functions()["authorizer"].1["Handler"], "authorizer");
}

#[test]
fn the_gateway_may_call_each_function_by_one_permission_for_this_api_and_stage() {
    let template = Template::read(Mode::Authorizer);
    let mut called: Vec<_> = Owner::ALL.iter().map(|owner| owner.as_str()).collect();
    called.push("authorizer");
    let functions = template.functions();
    for (id, permission) in template.of("AWS::Lambda::Permission") {
        assert_eq!(permission["Principal"], "apigateway.amazonaws.com", "{id}");
        let alias = permission["FunctionName"]["Ref"].as_str().and_then(|name| name.strip_suffix(".Alias"));
        let (name, _) = functions.iter().find(|(_, (id, _))| Some(*id) == alias).expect("a permission is for an alias");
        let source = permission["SourceArn"]["Fn::Sub"].as_str().expect("a permission names its source");
        let within = if name == "authorizer" { ":${Api}/authorizers/*" } else { ":${Api}/${Stage}/*" };
        assert!(source.ends_with(within), "{id}: {source}");
        let place =
            called.iter().position(|one| one == name).unwrap_or_else(|| panic!("{name} is not for the gateway"));
        called.remove(place);
    }
    assert!(called.is_empty(), "the gateway may not call {called:?}");
}

#[test]
fn the_template_is_within_the_limits_of_the_services() {
    assert!(wanted().len() <= MOST_ROUTES, "{} routes", wanted().len());
    assert!(text().len() <= MOST_BYTES);
    // A function with its role, logs, alias, version, alarm and the rest becomes about nine.
    assert!(Template::read(Mode::Authorizer).resources.len() * 2 <= 500);
}

#[test]
fn logins_are_throttled_by_themselves() {
    let template = Template::read(Mode::Authorizer);
    let settings = template.properties("Api")["RouteSettings"].as_object().expect("some routes have their own");
    let keys = wanted();
    for key in settings.keys() {
        let (method, path) = key.split_once(' ').expect("a method and a path");
        assert!(keys.contains_key(&(path.to_owned(), method.to_owned())), "{key} is no route");
    }
    assert!(["POST /api/v1/token", "POST /api/v1/token/"].iter().all(|key| settings.contains_key(*key)));
}
