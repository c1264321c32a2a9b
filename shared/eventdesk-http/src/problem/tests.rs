use std::collections::HashSet;

use aws_lambda_events::encodings::Body;
use eventdesk_app::{CommandError, InvalidField, QueryError, Resource};
use eventdesk_domain::{
    employee::EmployeeError, message::MessageError, roster::RosterError, text::Fault, ticket::TicketError,
    user::UserError,
};
use eventdesk_events::{Version, ticket::Status};
use serde_json::{Value, json};

use super::{Kind, PROBLEM_BASE, Problem};

fn answered(problem: Problem) -> (i64, http::HeaderMap, Value) {
    let response = problem.into_response("request-1");
    let Some(Body::Text(text)) = response.body else { panic!("a problem is text") };
    (response.status_code, response.headers, serde_json::from_str(&text).unwrap())
}

#[test]
fn slugs_are_unique_and_statuses_are_errors() {
    let slugs: HashSet<_> = Kind::ALL.iter().map(|kind| kind.slug()).collect();
    assert_eq!(slugs.len(), Kind::ALL.len());
    for kind in Kind::ALL {
        assert!((400..600).contains(&kind.status()), "{kind:?}");
        assert!(kind.slug().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{kind:?}");
    }
}

#[test]
fn the_document_has_the_members_of_rfc_9457_and_ours() {
    let (status, headers, body) = answered(CommandError::Taken(vec!["/email".into()]).into());
    assert_eq!(status, 409);
    assert_eq!(headers["content-type"], "application/problem+json");
    assert_eq!(headers["x-request-id"], "request-1");
    assert_eq!(
        body,
        json!({
            "type": format!("{PROBLEM_BASE}already-taken"),
            "title": "A unique value is taken",
            "status": 409,
            "detail": "see errors",
            "instance": "request-1",
            "code": "already-taken",
            "errors": [{ "pointer": "/email", "code": "taken", "detail": "is taken" }],
        })
    );
}

#[test]
fn every_outcome_of_a_command_has_its_problem() {
    let secret = || Box::<dyn std::error::Error + Send + Sync>::from("SELECT * FROM secrets");
    let moved = TicketError::InvalidTransition { current: Status::Open, allowed: vec![Status::Pending] };
    let mismatch = CommandError::VersionMismatch { expected: Version::new(1), found: Version::new(2) };
    let invalid = CommandError::Invalid(vec![InvalidField::new("title", Fault::required())]);
    let table: Vec<(CommandError, u16, &str)> = vec![
        (CommandError::NotFound(Resource::Ticket), 404, "ticket-not-found"),
        (CommandError::NotFound(Resource::Message), 404, "message-not-found"),
        (CommandError::NotFound(Resource::User), 404, "user-not-found"),
        (CommandError::NotFound(Resource::Employee), 404, "employee-not-found"),
        (CommandError::Forbidden, 403, "forbidden"),
        (invalid, 422, "invalid-fields"),
        (CommandError::Ticket(TicketError::Deleted), 409, "ticket-deleted"),
        (CommandError::Ticket(TicketError::AlreadyOpened), 409, "already-exists"),
        (CommandError::Ticket(TicketError::Closed), 409, "ticket-closed"),
        (CommandError::Ticket(moved), 409, "invalid-transition"),
        (CommandError::Ticket(TicketError::TooManyTags), 409, "too-many-tags"),
        (CommandError::Message(MessageError::AlreadyPosted), 409, "already-exists"),
        (CommandError::Message(MessageError::NotAuthor), 403, "not-author"),
        (CommandError::Message(MessageError::Retracted), 409, "message-retracted"),
        (CommandError::User(UserError::Deleted), 404, "user-not-found"),
        (CommandError::User(UserError::AlreadyRegistered), 409, "already-exists"),
        (CommandError::User(UserError::External), 409, "external-user"),
        (CommandError::Employee(EmployeeError::Deleted), 404, "employee-not-found"),
        (CommandError::Employee(EmployeeError::AlreadyRegistered), 409, "already-exists"),
        (CommandError::Roster(RosterError::LastAdmin), 409, "last-admin"),
        (CommandError::Taken(vec!["/email".into()]), 409, "already-taken"),
        (mismatch, 412, "version-mismatch"),
        (CommandError::ConcurrentChange, 409, "concurrent-change"),
        (CommandError::KeyReused, 422, "idempotency-key-reused"),
        (CommandError::Unavailable(secret()), 503, "unavailable"),
        (CommandError::Internal(secret()), 500, "internal-error"),
    ];
    for (error, status, slug) in table {
        let problem = Problem::from(error);
        assert_eq!((problem.kind().status(), problem.kind().slug()), (status, slug));
        let (_, headers, body) = answered(problem);
        assert!(!body.to_string().contains("SELECT"), "{body}");
        assert_eq!(headers.contains_key("retry-after"), status == 503, "{slug}");
    }
}

#[test]
fn every_outcome_of_a_query_has_its_problem() {
    let secret = || Box::<dyn std::error::Error + Send + Sync>::from("SELECT * FROM secrets");
    for (error, status, slug) in [
        (QueryError::NotFound(Resource::Ticket), 404, "ticket-not-found"),
        (QueryError::Forbidden, 403, "forbidden"),
        (QueryError::BadCursor, 400, "bad-cursor"),
        (QueryError::Behind, 503, "read-model-behind"),
        (QueryError::Unavailable(secret()), 503, "unavailable"),
        (QueryError::Internal(secret()), 500, "internal-error"),
    ] {
        let problem = Problem::from(error);
        assert_eq!((problem.kind().status(), problem.kind().slug()), (status, slug));
        let (_, headers, body) = answered(problem);
        assert!(!body.to_string().contains("SELECT"), "{body}");
        assert_eq!(headers.contains_key("retry-after"), status == 503, "{slug}");
    }
}

#[test]
fn the_gateways_refusals_carry_their_headers_and_its_own_word() {
    let (status, headers, body) = answered(Problem::unauthorized(None));
    assert_eq!((status, &body["message"]), (401, &json!("Unauthorized")));
    assert_eq!(headers["www-authenticate"], "Bearer realm=\"eventdesk\"");
    let (_, headers, _) = answered(Problem::unauthorized(Some(("invalid_token", "the token has expired"))));
    let challenge = "Bearer realm=\"eventdesk\", error=\"invalid_token\", error_description=\"the token has expired\"";
    assert_eq!(headers["www-authenticate"], challenge);

    let (status, headers, body) = answered(Problem::forbidden_scope(&["tickets:read", "admin"]));
    assert_eq!((status, &body["message"]), (403, &json!("Forbidden")));
    let challenge = "Bearer realm=\"eventdesk\", error=\"insufficient_scope\", scope=\"tickets:read admin\"";
    assert_eq!(headers["www-authenticate"], challenge);

    assert_eq!(answered(Problem::method_not_allowed("GET, POST")).1["allow"], "GET, POST");
    assert_eq!(answered(Problem::too_many_requests(7)).1["retry-after"], "7");
    assert_eq!(answered(Problem::unavailable()).1["retry-after"], "1");
    assert_eq!(answered(Problem::not_found()).0, 404);
    assert_eq!(answered(Problem::payload_too_large(262_144)).0, 413);
    assert_eq!(answered(Problem::unsupported_media_type("application/json")).0, 415);
}
