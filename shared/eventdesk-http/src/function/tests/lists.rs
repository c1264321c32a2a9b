//! Lists.

use serde_json::json;

use crate::function::bed::Bed;

#[tokio::test]
async fn a_page_leads_to_the_next_with_everything_else_kept() {
    let bed = Bed::new().await;
    let employee = bed.employee("fox").await;
    for _ in 0..3 {
        bed.ticket(&employee).await;
    }
    let target = format!("/tickets?requester={employee}&limit=2&sort=number&include=total");
    let first = bed.ask("GET", &target).go().await.is(200);
    assert_eq!(first.body["data"].as_array().unwrap().len(), 2);
    assert_eq!((&first.body["total"], &first.body["page"]["has_more"]), (&json!(3), &json!(true)));
    let link = first.header("link");
    let next = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).expect(link);
    assert!(next.starts_with(&format!("/api/v1{target}&cursor=")), "{next}");
    let second = bed.ask("GET", next.strip_prefix("/api/v1").unwrap()).go().await.is(200);
    assert_eq!(second.body["data"].as_array().unwrap().len(), 1);
    assert_eq!(second.body["page"], json!({ "next_cursor": null, "has_more": false }));
    assert_eq!(second.header("link"), "");
    bed.ask("GET", "/tickets?cursor=nonsense").go().await.refused(400, "bad-cursor");
}

#[tokio::test]
async fn parameters_are_known_readable_and_given_once() {
    let bed = Bed::new().await;
    for query in [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=ten",
        "limit=",
        "limit=1&limit=2",
        "sort=colour",
        "sort=--number",
        "status=sleeping",
        "status=open,sleeping",
        "priority=maximal",
        "assignee=nobody",
        "requester=x",
        "created_after=yesterday",
        "include=everything",
        "overdue=perhaps",
        "tag=a%00b",
        "tag=%ff",
    ] {
        let answer = bed.ask("GET", &format!("/tickets?{query}")).go().await.refused(400, "invalid-parameter");
        let name = query.split('=').next().unwrap();
        assert_eq!(answer.body["parameter"], name, "{query}");
    }
    for path in
        ["/tickets?colour=blue", "/me?colour=blue", "/users?colour=1&limit=1", "/health?colour=", "/tickets?q=x"]
    {
        let answer = bed.ask("GET", path).go().await.refused(400, "unknown-parameter");
        assert!(answer.body["detail"].as_str().unwrap().ends_with(if path.contains("q=") { " q" } else { "colour" }));
    }
    for query in [
        "limit=100",
        "status=open,solved&status=new",
        "assignee=me",
        "assignee=none",
        "opened_by=me",
        "overdue=false",
        "created_after=2020-01-01T00:00:00%2B01:00",
        "priority=high,urgent",
        "sort=-due_at",
        "tag=vpn",
        "&",
    ] {
        bed.ask("GET", &format!("/tickets?{query}")).go().await.is(200);
    }
}

#[tokio::test]
async fn other_lists_have_filters_too() {
    let bed = Bed::new().await;
    let employee = bed.employee("fox").await;
    let ticket = bed.ticket(&employee).await;
    let messages = format!("/tickets/{ticket}/messages");
    for visibility in ["public", "internal"] {
        let body = json!({ "body": "Hello.", "visibility": visibility });
        bed.ask("POST", &messages).json(&body).go().await.is(201);
    }
    for (target, count) in [
        (format!("{messages}?visibility=internal"), 1),
        (messages.clone(), 2),
        (format!("/messages?author=me&ticket={ticket}"), 2),
        ("/messages?after=2099-01-01T00:00:00Z".to_owned(), 0),
        ("/users?role=admin&disabled=false&username=ADMIN".to_owned(), 1),
        ("/users?role=support".to_owned(), 0),
        ("/employees?email=fox@example.com".to_owned(), 1),
        ("/employees?city=Kyiv".to_owned(), 0),
    ] {
        let answer = bed.ask("GET", &target).go().await.is(200);
        assert_eq!(answer.body["data"].as_array().unwrap().len(), count, "{target}: {}", answer.text);
    }
    let history = bed.ask("GET", &format!("/tickets/{ticket}/history")).go().await.is(200);
    let entry = &history.body["data"][0];
    assert_eq!((&entry["type"], &entry["version"]), (&json!("ticket.opened"), &json!(1)), "{entry}");
    assert_eq!(entry["actor"], json!({ "id": bed.admin.to_string(), "kind": "user", "name": "Jones Smith" }));
    assert!(entry["data"]["status"].is_string() && entry.get("private").is_none(), "{entry}");
}

#[tokio::test]
async fn what_is_no_id_is_nobody() {
    let bed = Bed::new().await;
    for (path, code) in [
        ("/tickets/neither-id-nor-number", "ticket-not-found"),
        ("/tickets/99999999", "ticket-not-found"),
        ("/tickets/%ff", "not-found"),
        ("/users/x", "user-not-found"),
        ("/employees/x", "employee-not-found"),
    ] {
        bed.ask("GET", path).go().await.refused(404, code);
    }
    let ticket = bed.ticket(&bed.employee("fox").await).await;
    bed.ask("GET", &format!("/tickets/{ticket}?at_version=1")).go().await.is(200);
    bed.ask("GET", &format!("/tickets/{ticket}?at_version=2")).go().await.refused(404, "ticket-not-found");
    bed.ask("GET", &format!("/tickets/{ticket}?at_version=0")).go().await.refused(400, "invalid-parameter");
}
