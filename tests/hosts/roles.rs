//! Who may do what: every route with every kind of caller.

use std::collections::BTreeSet;

use eventdesk_tests::{Answer, Caller, EmployeeLogin, Host, Oidc, PASSWORD, Resource, Scene, samples};
use serde_json::{Value, json};

tests! {
    every_route_answers_every_kind_of_caller_as_the_table_says,
    every_route_answers_callers_of_an_issuer_elsewhere_as_the_table_says,
    public_routes_ask_for_no_token,
    no_route_is_missing_from_the_table,
}

/// The kinds of caller, in the order of the columns below. `own` and `other` are one employee on own and others' records.
const CALLERS: [&str; 8] = ["admin", "manager", "support", "own", "other", "roleless", "anonymous", "disabled"];

/// Method, path, body, and what each caller gets: `ok` (2xx) or statuses, `|` for either.
///
/// A path's `{…}` become fresh records: `{ticket}` of the caller's kind, `{message}` written by the caller where they may.
const TABLE: &[(&str, &str, Body, &str)] = &[
    ("POST", "/tickets", Body::Ticket, "ok ok ok ok 403|404|422 403 401 403"),
    ("GET", "/tickets", Body::None, "ok ok ok ok ok 403 401 403"),
    ("GET", "/tickets/{ticket}", Body::None, "ok ok ok ok 404 403 401 403"),
    ("PATCH", "/tickets/{ticket}", Body::Patch, "ok ok ok 403 403|404 403 401 403"),
    ("PUT", "/tickets/{ticket}", Body::Full, "ok ok ok 403 403|404 403 401 403"),
    ("DELETE", "/tickets/{ticket}", Body::None, "ok ok ok 403 403|404 403 401 403"),
    ("PUT", "/tickets/{ticket}/status", Body::OnHold, "ok ok ok 403 403|404 403 401 403"),
    ("PUT", "/tickets/{ticket}/assignee", Body::Assignee, "ok ok ok 403 403|404 403 401 403"),
    ("DELETE", "/tickets/{ticket}/assignee", Body::None, "ok ok ok 403 403|404 403 401 403"),
    ("PUT", "/tickets/{ticket}/requester", Body::Requester, "ok ok ok 403 403|404 403 401 403"),
    ("PUT", "/tickets/{ticket}/tags/{tag}", Body::None, "ok ok ok 403 403|404 403 401 403"),
    ("DELETE", "/tickets/{ticket}/tags/{tag}", Body::None, "ok ok ok 403 403|404 403 401 403"),
    ("GET", "/tickets/{ticket}/history", Body::None, "ok ok ok ok|403 403|404 403 401 403"),
    ("POST", "/tickets/{ticket}/messages", Body::Message, "ok ok ok ok 404 403 401 403"),
    ("GET", "/tickets/{ticket}/messages", Body::None, "ok ok ok ok 404 403 401 403"),
    ("GET", "/tickets/{ticket}/messages/{message}", Body::None, "ok ok ok ok 404 403 401 403"),
    ("PATCH", "/tickets/{ticket}/messages/{message}", Body::Words, "ok ok ok ok 404 403 401 403"),
    ("DELETE", "/tickets/{ticket}/messages/{message}", Body::None, "ok ok ok ok 404 403 401 403"),
    ("GET", "/messages", Body::None, "ok ok ok ok ok 403 401 403"),
    ("POST", "/users", Body::User, "ok 403 403 403 403 403 401 403"),
    ("GET", "/users", Body::None, "ok ok 403 403 403 403 401 403"),
    ("GET", "/users/{user}", Body::None, "ok ok 403 403|404 403|404 403 401 403"),
    ("GET", "/users/{user}/history", Body::None, "ok 403 403 403|404 403|404 403 401 403"),
    ("PUT", "/users/{user}", Body::WholeUser, "ok 403 403 403|404 403|404 403 401 403"),
    ("PUT", "/users/{user}/contacts", Body::Contacts, "ok ok 403 403|404 403|404 403 401 403"),
    ("PUT", "/users/{user}/username", Body::Username, "ok 403 403 403|404 403|404 403 401 403"),
    ("PUT", "/users/{user}/roles", Body::Roles, "ok 403 403 403|404 403|404 403 401 403"),
    ("PUT", "/users/{user}/password", Body::Password, "ok 403 403 403|404 403|404 403 401 403"),
    ("PUT", "/users/{user}/disabled", Body::Disabled, "ok ok 403 403|404 403|404 403 401 403"),
    ("PUT", "/users/{user}/login_denied", Body::LoginDenied, "ok ok 403 403|404 403|404 403 401 403"),
    ("DELETE", "/users/{user}", Body::None, "ok 403 403 403|404 403|404 403 401 403"),
    ("POST", "/employees", Body::Employee, "ok ok 403 403 403 403 401 403"),
    ("GET", "/employees", Body::None, "ok ok ok ok|403 ok|403 403 401 403"),
    ("GET", "/employees/{employee}", Body::None, "ok ok ok ok 404 403 401 403"),
    ("PUT", "/employees/{employee}", Body::Employee, "ok ok 403 403 403|404 403 401 403"),
    ("DELETE", "/employees/{employee}", Body::None, "ok ok 403 403 403|404 403 401 403"),
    ("POST", "/clients", Body::Client, "ok 403 403 403 403 403 401 403"),
    ("GET", "/clients", Body::None, "ok 403 403 403 403 403 401 403"),
    ("GET", "/clients/{client}", Body::None, "ok 403 403 403 403 403 401 403"),
    ("DELETE", "/clients/{client}", Body::None, "ok 403 403 403 403 403 401 403"),
    ("POST", "/clients/{client}/rotate-secret", Body::None, "ok 403 403 403 403 403 401 403"),
    ("GET", "/clients/{client}/history", Body::None, "ok 403 403 403 403 403 401 403"),
    ("GET", "/admin/projections", Body::None, "ok 403 403 403 403 403 401 403"),
    ("GET", "/admin/routes", Body::None, "ok 403 403 403 403 403 401 403"),
    ("GET", "/admin/audit", Body::None, "ok 403 403 403 403 403 401 403"),
    ("GET", "/admin/dead-letters", Body::None, "ok 403 403 403 403 403 401 403"),
    ("POST", "/admin/dead-letters/{letter}/retry", Body::None, "404 403 403 403 403 403 401 403"),
    ("GET", "/me", Body::None, "ok ok ok ok ok ok 401 ok"),
    ("PUT", "/me/password", Body::WeakPassword, "422 422 422 422 422 422 401 422"),
    ("GET", "/status", Body::None, "ok ok ok ok ok ok 401 ok"),
    ("GET", "/whoami", Body::None, "ok ok ok ok ok ok 401 ok|403"),
];

/// Open to everyone; the form of a token request and the assets of the docs page have suites of their own.
const PUBLIC: &[(&str, &str)] = &[
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/docs"),
    ("GET", "/openapi.json"),
    ("GET", "/.well-known/openid-configuration"),
    ("GET", "/.well-known/jwks.json"),
];

/// Public routes that may stand in the document and are asked elsewhere.
const ELSEWHERE: &[(&str, &str)] = &[
    ("POST", "/token"),
    ("POST", "/token/revoke"),
    ("POST", "/token/introspect"),
    ("GET", "/docs/oauth2-redirect"),
    ("GET", "/docs/{}"),
];

#[derive(Clone, Copy)]
enum Body {
    None,
    Ticket,
    Patch,
    Full,
    OnHold,
    Assignee,
    Requester,
    Message,
    Words,
    User,
    WholeUser,
    Contacts,
    Username,
    Roles,
    Password,
    Disabled,
    LoginDenied,
    WeakPassword,
    Employee,
    Client,
}

/// Everyone in the table, and what stands ready for them.
struct Cast {
    scene: Scene,
    callers: Vec<Caller>,
    marry: EmployeeLogin,
    stranger: String,
    assignee: String,
}

impl Cast {
    async fn on(desk: &Host) -> Self {
        let scene = Scene::on(desk).await;
        let marry = scene.employee_login().await;
        let disabled = samples::merged(samples::user(&["support"]), json!({ "disabled": true }));
        let disabled = scene.admin.post("/users", disabled).await.is(201);
        let callers = vec![
            scene.admin.clone(),
            scene.staff(&["manager"]).await.1,
            scene.staff(&["support"]).await.1,
            marry.caller.clone(),
            marry.caller.clone(),
            scene.staff(&[]).await.1,
            desk.visitor(),
            desk.login(&disabled.str("username")).await,
        ];
        let stranger = scene.employee().await;
        let assignee = scene.staff(&["support"]).await.0;
        Self { scene, callers, marry, stranger, assignee }
    }

    /// As [`Cast::on`], but everyone has logged in at the independent provider.
    async fn from_elsewhere(desk: &Host) -> Self {
        let oidc = Oidc::started();
        let cast = Self::on(desk).await;
        let log_in = async |role: Option<&str>| {
            let group = role.map(|role| format!("internal/example/{role}"));
            let token = oidc.user_token(&samples::name("away"), group.as_deref().as_slice(), Resource::Jwt).await;
            let caller = desk.visitor().bearing(&token);
            (caller.get("/me").await.is(200).id(), caller)
        };
        let (user_id, own) = log_in(Some("employees")).await;
        let body = samples::merged(samples::employee(), json!({ "user_id": user_id }));
        let employee_id = cast.scene.admin.post("/employees", body).await.is(201).id();
        let (disabled_id, disabled) = log_in(Some("support")).await;
        cast.scene.admin.put(&format!("/users/{disabled_id}/disabled"), json!({ "disabled": true })).await.is(200);
        let callers = vec![
            log_in(Some("admins")).await.1,
            log_in(Some("managers")).await.1,
            log_in(Some("support")).await.1,
            own.clone(),
            own.clone(),
            log_in(None).await.1,
            desk.visitor(),
            disabled,
        ];
        Self { callers, marry: EmployeeLogin { user_id, employee_id, caller: own }, ..cast }
    }

    /// Whose ticket column `who` is about.
    fn employee(&self, who: usize) -> &str {
        if CALLERS[who] == "own" { &self.marry.employee_id } else { &self.stranger }
    }

    /// `path` with fresh records in it, and the last answer that made one.
    async fn prepared(&self, path: &str, who: usize) -> (String, Option<Answer>) {
        let mut path = path.replace("{tag}", "vpn").replace("{letter}", "projector-ticket.999999999");
        let mut made = None;
        if path.contains("{ticket}") {
            let ticket = self.scene.ticket_with(self.employee(who), json!({ "tags": ["vpn"] })).await;
            path = path.replace("{ticket}", &ticket.id());
            if let Some((messages, _)) = path.clone().split_once("/{message}") {
                let writer = if matches!(CALLERS[who], "admin" | "manager" | "support" | "own") {
                    &self.callers[who]
                } else {
                    &self.scene.admin
                };
                let message = writer.after(&ticket).post(messages, self.body(Body::Message, who)).await.is(201);
                path = path.replace("{message}", &message.id());
                made = Some(message);
            } else {
                made = Some(ticket);
            }
        }
        if path.contains("{user}") {
            let user = self.scene.user(&["support"]).await;
            path = path.replace("{user}", &user.id());
            made = Some(user);
        }
        if path.contains("{client}") {
            let client = self.scene.admin.post("/clients", self.body(Body::Client, who)).await.is(201);
            path = path.replace("{client}", &client.id());
        }
        if path.contains("{employee}") {
            if CALLERS[who] == "own" {
                path = path.replace("{employee}", &self.marry.employee_id);
            } else {
                let employee = self.scene.admin.post("/employees", samples::employee()).await.is(201);
                path = path.replace("{employee}", &employee.id());
                made = Some(employee);
            }
        }
        (path, made)
    }

    fn body(&self, body: Body, who: usize) -> Value {
        match body {
            Body::None => Value::Null,
            Body::Ticket => samples::ticket(self.employee(who)),
            Body::Patch => json!({ "priority": "high" }),
            Body::Full => json!({ "title": "Another title", "description": "Another description.", "priority": "low" }),
            Body::OnHold => json!({ "status": "on_hold" }),
            Body::Assignee => json!({ "user_id": self.assignee }),
            Body::Requester => json!({ "employee_id": self.marry.employee_id }),
            Body::Message => json!({ "visibility": "public", "body": "Hello." }),
            Body::Words => json!({ "body": "Hello again." }),
            Body::User => samples::user(&["support"]),
            Body::WholeUser => samples::without(samples::user(&["support"]), &["password"]),
            Body::Contacts => samples::without(samples::user(&[]), &["username", "password", "roles"]),
            Body::Username => json!({ "username": samples::user(&[])["username"] }),
            Body::Roles => json!({ "roles": ["manager"] }),
            Body::Password => json!({ "new_password": PASSWORD }),
            Body::Disabled => json!({ "disabled": true }),
            Body::LoginDenied => json!({ "login_denied": true }),
            Body::WeakPassword => json!({ "current_password": PASSWORD, "new_password": "weak" }),
            Body::Employee => samples::employee(),
            Body::Client => json!({ "name": "Robot", "roles": ["support"] }),
        }
    }
}

fn fits(status: u16, wanted: &str) -> bool {
    wanted.split('|').any(|one| if one == "ok" { (200..300).contains(&status) } else { one == status.to_string() })
}

async fn every_route_answers_every_kind_of_caller_as_the_table_says(desk: &Host) {
    as_the_table_says(desk, Cast::on(desk).await).await;
}

async fn every_route_answers_callers_of_an_issuer_elsewhere_as_the_table_says(desk: &Host) {
    as_the_table_says(desk, Cast::from_elsewhere(desk).await).await;
}

async fn as_the_table_says(desk: &Host, cast: Cast) {
    let mut wrong = Vec::new();
    for (method, path, body, wanted) in TABLE {
        let wanted: Vec<_> = wanted.split(' ').collect();
        assert_eq!(wanted.len(), CALLERS.len(), "{method} {path}");
        for (who, wanted) in wanted.iter().enumerate() {
            let (target, made) = cast.prepared(path, who).await;
            let mut caller = cast.callers[who].clone();
            if let Some(made) = &made {
                caller = caller.after(made);
            }
            let body = Some(cast.body(*body, who)).filter(|body| !body.is_null());
            let answer = caller.request(method, &target, body).await;
            if !fits(answer.status, wanted) {
                wrong.push(format!("{method} {path} by {}: wanted {wanted}, got {answer}", CALLERS[who]));
                continue;
            }
            match answer.status {
                401 => desk.wants_a_token(answer),
                status @ 400.. => {
                    answer.problem(status);
                }
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{} cells differ:\n{}", wrong.len(), wrong.join("\n\n"));
}

async fn public_routes_ask_for_no_token(desk: &Host) {
    for (method, path) in PUBLIC {
        let answer = desk.visitor().request(method, path, None).await;
        assert!(matches!(answer.status, 200 | 301..=308), "{answer}");
    }
}

async fn no_route_is_missing_from_the_table(desk: &Host) {
    let document = desk.visitor().get("/openapi.json").await.is(200);
    let tabled: BTreeSet<_> = TABLE
        .iter()
        .map(|(method, path, _, _)| (*method, *path))
        .chain(PUBLIC.iter().copied())
        .chain(ELSEWHERE.iter().copied())
        .map(|(method, path)| (method.to_owned(), shape(path)))
        .collect();
    let mut documented = BTreeSet::new();
    for (path, operations) in document.body["paths"].as_object().expect("an OpenAPI document has paths") {
        for method in operations.as_object().expect("a path has operations").keys() {
            if matches!(method.as_str(), "get" | "put" | "post" | "patch" | "delete") {
                documented.insert((method.to_uppercase(), shape(path)));
            }
        }
    }
    let missing: Vec<_> = documented.difference(&tabled).collect();
    assert!(missing.is_empty(), "routes without a row in the role table: {missing:?}");
    let guarded = TABLE.iter().map(|(method, path, _, _)| ((*method).to_owned(), shape(path)));
    let hidden: Vec<_> = guarded.filter(|row| !documented.contains(row)).collect();
    assert!(hidden.is_empty(), "routes the document does not tell of: {hidden:?}");
}

/// A path without the base path and without the names of its parameters.
fn shape(path: &str) -> String {
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    let part = |part: &str| if part.starts_with('{') { "{}".to_owned() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}
