//! Every function binary under the Lambda Runtime API, fed with the events the services send.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eventdesk_tests::{ADMIN, Desk, Function, PASSWORD, Scene, gateway_event, queue_event, samples};
use serde_json::{Value, json};

/// A data folder with an administrator, an employee and a ticket; no server runs on it any more.
struct Prepared {
    desk: Desk,
    claims: Value,
    employee_id: String,
    ticket_id: String,
}

impl Prepared {
    async fn new() -> Self {
        let desk = Desk::start();
        let scene = Scene::on(&desk).await;
        let whoami = scene.admin.get("/whoami").await.is(200).body;
        let claims = if whoami["claims"].is_object() { whoami["claims"].clone() } else { whoami };
        let employee_id = scene.employee().await;
        let ticket = scene.ticket(&employee_id).await;
        let ticket_id = ticket.id();
        scene.admin.see(&ticket, &format!("/tickets/{ticket_id}")).await;
        assert!(desk.stop().success(), "{}", desk.log());
        Self { desk, claims, employee_id, ticket_id }
    }

    /// Starts a function on the folder; it keeps the issuer's address, so that claims name the issuer it knows.
    async fn function(&self, binary: &str, handler: &str) -> Function {
        let mut settings = self.desk.settings().clone();
        settings.insert("EVENTDESK_LISTEN".into(), self.desk.base().trim_start_matches("http://").into());
        Function::start(binary, handler, &settings).await
    }

    fn event(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        gateway_event(method, &format!("/api/v1{path}"), &self.claims, body)
    }
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

/// What EventBridge puts into a queue for one event: `stream`'s commit `version` of one event.
fn bus_message(kind: &str, stream: &str, version: u64, actor: &Value, data: &Value, private: &Value) -> String {
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

fn failures(answer: &Value) -> Vec<String> {
    let items = answer["batchItemFailures"].as_array().unwrap_or_else(|| panic!("no batchItemFailures: {answer}"));
    items.iter().map(|item| item["itemIdentifier"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_ticket_goes_its_way_through_command_projector_and_query() {
    let prepared = Prepared::new().await;
    let command = prepared.function("command", "command-ticket").await;
    let body = samples::ticket(&prepared.employee_id);
    let opened = Reply::of(command.invoke(prepared.event("POST", "/tickets", Some(&body))).await).is(201);
    let id = opened.id();
    let token = format!("ticket-{id}@1");
    assert_eq!(opened.header("consistency-token"), Some(token.as_str()), "{}", opened.whole);
    assert_eq!(opened.header("etag"), Some("\"1\""), "{}", opened.whole);
    assert!(opened.header("location").is_some_and(|place| place.ends_with(&id)), "{}", opened.whole);

    let path = format!("/tickets/{id}");
    let bad = prepared.event("PATCH", &path, Some(&json!({ "title": "" })));
    let bad = Reply::of(command.invoke(bad).await).is(422);
    assert_eq!(bad.header("content-type"), Some("application/problem+json"), "{}", bad.whole);
    let mut stale = prepared.event("PATCH", &path, Some(&json!({ "priority": "high" })));
    stale["headers"]["if-match"] = json!("\"7\"");
    Reply::of(command.invoke(stale).await).is(412);

    // Nothing has told the projector yet: a reader that insists is asked to come again.
    let query = prepared.function("query", "query-ticket").await;
    let mut insisting = prepared.event("GET", &path, None);
    insisting["headers"]["consistency-token"] = json!(token);
    let behind = Reply::of(query.invoke(insisting.clone()).await).is(503);
    assert!(behind.header("retry-after").is_some(), "{}", behind.whole);

    let data = json!({
        "number": opened.body["number"], "status": "new", "priority": "normal", "tags": [],
        "requester_id": prepared.employee_id, "opened_by": prepared.claims["sub"],
    });
    let private = json!({ "title": body["title"], "description": body["description"] });
    let message = bus_message("ticket.opened", &format!("ticket-{id}"), 1, &prepared.claims["sub"], &data, &private);
    for handler in ["projector-ticket", "projector-history"] {
        let projector = prepared.function("projector", handler).await;
        let batch = queue_event(&[("first", message.clone()), ("again", message.clone())]);
        assert_eq!(failures(&projector.invoke(batch.clone()).await), Vec::<String>::new(), "{handler}");
        assert_eq!(
            failures(&projector.invoke(batch).await),
            Vec::<String>::new(),
            "{handler}: a repeat changes nothing"
        );
    }

    let read = Reply::of(query.invoke(insisting).await).is(200);
    assert_eq!((read.id(), &read.body["title"]), (id, &body["title"]), "{}", read.whole);
    assert_eq!(read.body["version"], 1, "{}", read.whole);
    let history = prepared.event("GET", &format!("{path}/history"), None);
    let history = Reply::of(query.invoke(history).await).is(200);
    assert_eq!(history.body["data"].as_array().map(Vec::len), Some(1), "{}", history.whole);
}

#[tokio::test]
async fn the_projector_reports_poison_alone() {
    let prepared = Prepared::new().await;
    for handler in ["projector-ticket", "projector-history", "projector-directory"] {
        let projector = prepared.function("projector", handler).await;
        let stream = format!("ticket-{}", prepared.ticket_id);
        let known = bus_message("ticket.opened", &stream, 1, &prepared.claims["sub"], &json!({}), &Value::Null);
        let batch = queue_event(&[
            ("poison", "this is no JSON".into()),
            ("known", known),
            ("hollow", json!({ "detail-type": "ticket.opened", "source": "eventdesk", "detail": {} }).to_string()),
        ]);
        let failed = failures(&projector.invoke(batch).await);
        assert!(
            failed.contains(&"poison".to_owned()) && failed.contains(&"hollow".to_owned()),
            "{handler}: {failed:?}"
        );
        assert!(!failed.contains(&"known".to_owned()), "{handler}: an old event is no failure: {failed:?}");
        let empty = projector.invoke(queue_event(&[])).await;
        assert_eq!(failures(&empty), Vec::<String>::new(), "{handler}");
    }
}

#[tokio::test]
async fn messages_and_people_have_functions_of_their_own() {
    let prepared = Prepared::new().await;
    let command = prepared.function("command", "command-message").await;
    let path = format!("/tickets/{}/messages", prepared.ticket_id);
    let said = json!({ "visibility": "public", "body": "Said through the service." });
    let said = Reply::of(command.invoke(prepared.event("POST", &path, Some(&said))).await).is(201);
    assert_eq!(said.body["body"], "Said through the service.", "{}", said.whole);
    let token = said.header("consistency-token").unwrap_or_default();
    assert!(token.contains(&format!("message-{}@1", said.id())), "{}", said.whole);
    assert!(token.contains(&format!("ticket-{}@2", prepared.ticket_id)), "it opened the ticket: {}", said.whole);

    let command = prepared.function("command", "command-directory").await;
    let body = samples::employee();
    let employee = Reply::of(command.invoke(prepared.event("POST", "/employees", Some(&body))).await).is(201);
    let user = samples::user(&["support"]);
    let user = Reply::of(command.invoke(prepared.event("POST", "/users", Some(&user))).await).is(201);
    assert!(user.body["password"].is_null(), "{}", user.whole);

    let projector = prepared.function("projector", "projector-directory").await;
    let stream = format!("employee-{}", employee.id());
    let message = bus_message("employee.registered", &stream, 1, &prepared.claims["sub"], &json!({}), &body);
    assert_eq!(failures(&projector.invoke(queue_event(&[("only", message)])).await), Vec::<String>::new());

    let query = prepared.function("query", "query-directory").await;
    let path = format!("/employees/{}", employee.id());
    let read = Reply::of(query.invoke(prepared.event("GET", &path, None)).await).is(200);
    assert_eq!(read.body["email"], body["email"], "{}", read.whole);
    let listed = prepared.event("GET", "/employees?limit=1", None);
    let listed = Reply::of(query.invoke(listed).await).is(200);
    assert_eq!(listed.body["page"]["has_more"], true, "{}", listed.whole);
}

#[tokio::test]
async fn the_identity_function_logs_in_and_tells_who_is_there() {
    let prepared = Prepared::new().await;
    let identity = prepared.function("identity", "identity").await;
    let me = Reply::of(identity.invoke(prepared.event("GET", "/me", None)).await).is(200);
    assert_eq!(me.body["roles"], json!(["admin"]), "{}", me.whole);
    let whoami = Reply::of(identity.invoke(prepared.event("GET", "/whoami", None)).await).is(200);
    assert!(whoami.whole.to_string().contains("[admin]"), "{}", whoami.whole);
    Reply::of(identity.invoke(prepared.event("GET", "/status", None)).await).is(200);

    let form = json!(format!("grant_type=password&username={ADMIN}&password={}", PASSWORD.replace('@', "%40")));
    let login = gateway_event("POST", "/api/v1/token", &Value::Null, Some(&form));
    let login = Reply::of(identity.invoke(login).await).is(200);
    assert!(login.body["access_token"].is_string(), "{}", login.whole);
    let keys = gateway_event("GET", "/.well-known/jwks.json", &Value::Null, None);
    let keys = Reply::of(identity.invoke(keys).await).is(200);
    assert!(keys.body["keys"].as_array().is_some_and(|keys| !keys.is_empty()), "{}", keys.whole);
    let health = gateway_event("GET", "/health", &Value::Null, None);
    Reply::of(identity.invoke(health).await).is(200);
    assert!(!identity.printed().contains(PASSWORD), "{}", identity.printed());
}

#[tokio::test]
async fn a_function_asked_without_claims_or_for_a_foreign_path_refuses() {
    let prepared = Prepared::new().await;
    let command = prepared.function("command", "command-ticket").await;
    let body = samples::ticket(&prepared.employee_id);
    let open = gateway_event("POST", "/api/v1/tickets", &Value::Null, Some(&body));
    Reply::of(command.invoke(open).await).is(401);
    let nothing = gateway_event("GET", "/api/v1/nothing", &Value::Null, None);
    let nothing = Reply::of(command.invoke(nothing).await).is(404);
    assert_eq!(nothing.header("content-type"), Some("application/problem+json"), "{}", nothing.whole);
    let slashed = prepared.event("POST", "/tickets/", Some(&body));
    Reply::of(command.invoke(slashed).await).is(201);
}
