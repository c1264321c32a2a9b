//! Every function binary under the Lambda Runtime API, fed with the events that the services send.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eventdesk_tests::{ADMIN, Host, Lambdas, Message, PASSWORD, Scene, gateway_event, samples};
use serde_json::{Value, json};

tests! {
    every_function_of_the_template_runs,
    a_command_answers_in_the_gateways_form,
    a_query_that_insists_waits_for_the_projector,
    a_projector_names_poison_alone,
    the_identity_function_logs_in_and_tells_who_is_there,
    a_function_asked_without_claims_or_for_a_foreign_path_refuses,
    bodies_come_as_text_or_in_base64,
    the_authorizer_hands_over_its_verdict_and_the_claims_as_texts,
    what_no_route_takes_is_answered_by_the_default_route,
}

/// An answer in payload format 2.0, taken apart.
struct Reply {
    status: u64,
    headers: Value,
    body: Value,
    whole: Value,
}

impl Reply {
    fn of(whole: Value) -> Self {
        let status = whole["statusCode"].as_u64().unwrap_or_else(|| panic!("no statusCode: {whole}"));
        let headers = whole["headers"].clone();
        assert!(headers.is_object(), "headers are one flat object: {whole}");
        let text = whole["body"].as_str().unwrap_or_default().to_owned();
        let text = if whole["isBase64Encoded"] == true {
            String::from_utf8(STANDARD.decode(text).expect("base64")).expect("UTF-8")
        } else {
            text
        };
        Self { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), whole }
    }

    #[track_caller]
    fn is(self, status: u64) -> Self {
        assert_eq!(self.status, status, "{}", self.whole);
        self
    }

    fn header(&self, name: &str) -> Option<&str> {
        let members = self.headers.as_object()?;
        members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?.1.as_str()
    }

    #[track_caller]
    fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_else(|| panic!("no id: {}", self.whole)).to_owned()
    }
}

/// The functions, and the claims of the administrator as the gateway's own authorizer would hand them over.
pub(crate) async fn prepared(desk: &Host) -> (&Lambdas, Scene, Value) {
    let scene = Scene::on(desk).await;
    let whoami = scene.admin.get("/whoami").await.is(200).body;
    let claims = if whoami["claims"].is_object() { whoami["claims"].clone() } else { whoami };
    assert!(claims.as_object().is_some_and(|claims| claims.values().all(Value::is_string)), "{claims}");
    (desk.lambdas().expect("this suite is about functions"), scene, claims)
}

fn event(method: &str, path: &str, claims: &Value, body: Option<&Value>) -> Value {
    gateway_event(method, &format!("/api/v1{path}"), claims, body)
}

/// What EventBridge puts into a queue for one event: `stream`'s commit `version` of one event.
pub(crate) fn bus_message(
    kind: &str,
    stream: &str,
    version: u64,
    actor: &Value,
    data: &Value,
    private: &Value,
) -> String {
    let id = format!("0190a8c0-0000-7000-8000-{:012}", samples::unique());
    json!({
        "version": "0",
        "id": "7bf73129-1428-4cd3-a780-95db273d1602",
        "detail-type": kind,
        "source": "eventdesk",
        "account": "123456789012",
        "time": "2026-11-21T12:00:00Z",
        "region": "eu-central-1",
        "resources": [],
        "detail": {
            "id": id,
            "type": kind,
            "schema_version": 1,
            "stream": stream,
            "version": version,
            "index": 0,
            "count": 1,
            "occurred_at": "2026-11-21T12:00:00.000Z",
            "actor": { "id": actor, "kind": "user" },
            "correlation_id": "0190a8c0-0000-7000-8000-000000000001",
            "data": data,
            "private": private,
        },
    })
    .to_string()
}

pub(crate) fn message(id: &str, body: String) -> Message {
    let attributes = [("ApproximateReceiveCount".to_owned(), json!("1"))].into();
    Message { id: id.into(), receipt: format!("receipt-{id}"), body, attributes, added: [].into() }
}

async fn every_function_of_the_template_runs(desk: &Host) {
    let lambdas = desk.lambdas().expect("this suite is about functions");
    let mut handlers = 0;
    for handler in lambdas.handlers() {
        handlers += 1;
        if handler.starts_with("projector-") {
            assert_eq!(lambdas.deliver(handler, &[]).await, [] as [&str; 0], "{handler}");
        } else if handler == "audit" {
            let report = lambdas.invoke(handler, json!({ "detail-type": "Scheduled Event" })).await;
            assert!(report["commits_behind"].is_u64(), "{report}");
        } else if handler == "authorizer" {
            let verdict = lambdas.invoke(handler, event("GET", "/tickets", &Value::Null, None)).await;
            assert!(verdict["isAuthorized"].is_boolean(), "{verdict}");
        } else {
            let nothing = event("GET", "/nothing", &Value::Null, None);
            Reply::of(lambdas.invoke(handler, nothing).await).is(404);
        }
    }
    assert_eq!(handlers, 12, "command, query and projector functions, identity, authorizer, operations and audit");
}

async fn a_command_answers_in_the_gateways_form(desk: &Host) {
    let (lambdas, scene, claims) = prepared(desk).await;
    let body = samples::ticket(&scene.employee().await);
    let opened = event("POST", "/tickets", &claims, Some(&body));
    let opened = Reply::of(lambdas.invoke("command-ticket", opened).await).is(201);
    let (id, path) = (opened.id(), format!("/tickets/{}", opened.id()));
    assert_eq!(opened.header("consistency-token"), Some(format!("ticket-{id}@1").as_str()), "{}", opened.whole);
    assert_eq!(opened.header("etag"), Some("\"1\""), "{}", opened.whole);
    assert!(opened.header("location").is_some_and(|place| place.ends_with(&id)), "{}", opened.whole);

    let bad = event("PATCH", &path, &claims, Some(&json!({ "title": "" })));
    let bad = Reply::of(lambdas.invoke("command-ticket", bad).await).is(422);
    assert_eq!(bad.header("content-type"), Some("application/problem+json"), "{}", bad.whole);
    let mut stale = event("PATCH", &path, &claims, Some(&json!({ "priority": "high" })));
    stale["headers"]["if-match"] = json!("\"7\"");
    Reply::of(lambdas.invoke("command-ticket", stale).await).is(412);

    let said = json!({ "visibility": "public", "body": "Said through the service." });
    let said = event("POST", &format!("{path}/messages"), &claims, Some(&said));
    let said = Reply::of(lambdas.invoke("command-message", said).await).is(201);
    let token = said.header("consistency-token").unwrap_or_default();
    assert!(token.contains(&format!("message-{}@1", said.id())), "{}", said.whole);
    assert!(token.contains(&format!("ticket-{id}@2")), "it opened the ticket: {}", said.whole);

    let user = samples::user(&["support"]);
    let user = event("POST", "/users", &claims, Some(&user));
    let user = Reply::of(lambdas.invoke("command-directory", user).await).is(201);
    assert!(user.body["password"].is_null(), "{}", user.whole);
}

async fn a_query_that_insists_waits_for_the_projector(desk: &Host) {
    let (lambdas, scene, claims) = prepared(desk).await;
    let ticket = scene.ticket(&scene.employee().await).await;
    let path = format!("/tickets/{}", ticket.id());
    // A version that nobody has written never comes.
    let mut insisting = event("GET", &path, &claims, None);
    insisting["headers"]["consistency-token"] = json!(format!("ticket-{}@2", ticket.id()));
    let behind = Reply::of(lambdas.invoke("query-ticket", insisting).await).is(503);
    assert!(behind.header("retry-after").is_some(), "{}", behind.whole);

    scene.admin.see(&ticket, &path).await;
    let read = Reply::of(lambdas.invoke("query-ticket", event("GET", &path, &claims, None)).await).is(200);
    assert_eq!(read.body["version"], 1, "{}", read.whole);
    let head = Reply::of(lambdas.invoke("query-ticket", event("HEAD", &path, &claims, None)).await).is(200);
    assert!(head.body.is_null() && head.header("etag") == read.header("etag"), "{}", head.whole);
    let listed = event("GET", "/employees?limit=1", &claims, None);
    let listed = Reply::of(lambdas.invoke("query-directory", listed).await).is(200);
    assert_eq!(listed.body["data"].as_array().map(Vec::len), Some(1), "{}", listed.whole);
}

async fn a_projector_names_poison_alone(desk: &Host) {
    let (lambdas, scene, claims) = prepared(desk).await;
    let ticket = scene.ticket(&scene.employee().await).await;
    let stream = format!("ticket-{}", ticket.id());
    for path in ["", "/history"] {
        scene.admin.see(&ticket, &format!("/tickets/{}{path}", ticket.id())).await;
    }
    for handler in ["projector-ticket", "projector-history", "projector-directory"] {
        let known = bus_message("ticket.opened", &stream, 1, &claims["sub"], &json!({}), &Value::Null);
        let hollow = json!({ "detail-type": "ticket.opened", "source": "eventdesk", "detail": {} }).to_string();
        let batch = [message("poison", "this is no JSON".into()), message("known", known), message("hollow", hollow)];
        let mut failed = lambdas.deliver(handler, &batch).await;
        failed.sort();
        assert_eq!(failed, ["hollow", "poison"], "{handler}");
        assert_eq!(lambdas.deliver(handler, &[]).await, [] as [&str; 0], "{handler}");
    }
}

async fn the_identity_function_logs_in_and_tells_who_is_there(desk: &Host) {
    let (lambdas, _, claims) = prepared(desk).await;
    let me = Reply::of(lambdas.invoke("identity", event("GET", "/me", &claims, None)).await).is(200);
    assert_eq!(me.body["roles"], json!(["admin"]), "{}", me.whole);
    let whoami = Reply::of(lambdas.invoke("identity", event("GET", "/whoami", &claims, None)).await).is(200);
    assert!(whoami.whole.to_string().contains("[admin]"), "{}", whoami.whole);
    Reply::of(lambdas.invoke("identity", event("GET", "/status", &claims, None)).await).is(200);

    let form = json!(format!("grant_type=password&username={ADMIN}&password={}", PASSWORD.replace('@', "%40")));
    let login = event("POST", "/token", &Value::Null, Some(&form));
    let login = Reply::of(lambdas.invoke("identity", login).await).is(200);
    assert!(login.body["access_token"].is_string(), "{}", login.whole);
    for path in ["/.well-known/jwks.json", "/health"] {
        Reply::of(lambdas.invoke("identity", gateway_event("GET", path, &Value::Null, None)).await).is(200);
    }
    for handler in ["identity", "authorizer", "command-directory"] {
        assert!(!lambdas.printed(handler).contains(PASSWORD), "{handler} logs a password");
    }
}

async fn a_function_asked_without_claims_or_for_a_foreign_path_refuses(desk: &Host) {
    let (lambdas, scene, claims) = prepared(desk).await;
    let body = samples::ticket(&scene.employee().await);
    let open = event("POST", "/tickets", &Value::Null, Some(&body));
    Reply::of(lambdas.invoke("command-ticket", open).await).is(401);
    for path in ["/nothing", "/employees"] {
        let foreign = event("GET", path, &claims, None);
        let foreign = Reply::of(lambdas.invoke("command-ticket", foreign).await).is(404);
        assert_eq!(foreign.header("content-type"), Some("application/problem+json"), "{}", foreign.whole);
    }
    let slashed = event("POST", "/tickets/", &claims, Some(&body));
    Reply::of(lambdas.invoke("command-ticket", slashed).await).is(201);
}

async fn bodies_come_as_text_or_in_base64(desk: &Host) {
    let (lambdas, scene, claims) = prepared(desk).await;
    let body = samples::ticket(&scene.employee().await);
    let mut encoded = event("POST", "/tickets", &claims, Some(&body));
    encoded["body"] = json!(STANDARD.encode(body.to_string()));
    encoded["isBase64Encoded"] = json!(true);
    encoded["cookies"] = json!(["theme=dark", "session=none"]);
    let opened = Reply::of(lambdas.invoke("command-ticket", encoded.clone()).await).is(201);
    assert_eq!(opened.body["title"], body["title"], "{}", opened.whole);
    encoded["body"] = json!("no base64!");
    Reply::of(lambdas.invoke("command-ticket", encoded).await).is(400);
}

async fn the_authorizer_hands_over_its_verdict_and_the_claims_as_texts(desk: &Host) {
    let (lambdas, scene, claims) = prepared(desk).await;
    let token = scene.admin.bearer.clone().expect("logged in");
    let ask = async |given: &str| {
        let mut asked = event("GET", "/tickets", &Value::Null, None);
        asked["type"] = json!("REQUEST");
        asked["identitySource"] = json!([given]);
        lambdas.invoke("authorizer", asked).await
    };
    let verdict = ask(&format!("Bearer {token}")).await;
    assert_eq!(verdict["isAuthorized"], true, "{verdict}");
    let verified = &verdict["context"]["verified"];
    assert_eq!((&verified["claims"]["sub"], &verified["id"]), (&claims["sub"], &claims["sub"]), "{verdict}");
    assert_eq!(
        (&verified["claims"]["groups"], &verified["roles"]),
        (&json!("[admin]"), &json!(["admin"])),
        "{verdict}"
    );
    // A bad token is let through with what is wrong with it: the function behind answers, not the gateway's bare 403.
    for bad in ["Bearer garbled", "Basic YTpi"] {
        let verdict = ask(bad).await;
        assert_eq!(verdict["isAuthorized"], true, "{verdict}");
        assert!(verdict["context"]["refused"].is_object() && verdict["context"]["verified"].is_null(), "{verdict}");
    }
}

async fn what_no_route_takes_is_answered_by_the_default_route(desk: &Host) {
    let visitor = desk.visitor();
    visitor.get("/nothing/of/this/kind").await.problem(404);
    visitor.at_root().get("/").await.problem(404);
    let wrong = visitor.request("DELETE", "/tickets", None).await.problem(405);
    assert!(wrong.header("allow").is_some_and(|allow| allow.contains("GET") && allow.contains("POST")), "{wrong}");
    assert!(desk.base().starts_with("http://127.0.0.1:"), "on loopback alone");
}
