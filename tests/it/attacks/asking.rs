//! Issuers that are asked about each token.

use eventdesk_tests::{
    issuer::{INTROSPECTION, Issuer, Manner, now_s},
    samples,
};
use serde_json::{Value, json};

use super::{ADMINS, desk, desk_of, each_is_unavailable_until_it_behaves, refused, until};

const ASKING: [(&str, &str); 3] = [
    ("EVENTDESK_ISSUER_VALIDATION", "introspection"),
    ("EVENTDESK_ISSUER_INTROSPECTION_CLIENT_ID", "desk:1"),
    ("EVENTDESK_INTROSPECTION_CLIENT_SECRET", "p@ss word"),
];

fn said(issuer: &Issuer, changes: Value) -> Manner {
    let said = samples::merged(issuer.claims("marry", ADMINS), json!({ "active": true, "token_type": "Bearer" }));
    Manner::Json(samples::merged(said, changes))
}

#[tokio::test]
async fn an_issuer_is_asked_once_about_a_token_and_as_a_client() {
    let issuer = Issuer::start().await;
    let desk = desk(&issuer, &ASKING);
    issuer.answer(INTROSPECTION, said(&issuer, json!({})));
    let caller = desk.visitor().bearing("an-opaque-token-1");
    let many = (0..20).map(|_| caller.get("/tickets"));
    for answer in futures_util::future::join_all(many).await {
        answer.is(200);
    }
    assert_eq!(issuer.asked(INTROSPECTION), 1, "who comes meanwhile waits for the same answer");
    let (authorization, body) = issuer.last(INTROSPECTION).expect("it was asked");
    // desk%3A1:p%40ss+word
    assert_eq!(authorization.as_deref(), Some("Basic ZGVzayUzQTE6cCU0MHNzK3dvcmQ="));
    assert!(body.contains("token=an-opaque-token-1"), "{body}");
    let me = caller.get("/me").await.is(200);
    assert_eq!(me.body["roles"], json!(["admin"]));
    assert!(!desk.log().contains("an-opaque-token-1") && !desk.log().contains("p@ss"), "{}", desk.log());

    // A JWT of the issuer is asked about as well; others are not shown to it.
    let jwt = issuer.token("marry", ADMINS);
    desk.visitor().bearing(&jwt).get("/tickets").await.is(200);
    assert_eq!(issuer.asked(INTROSPECTION), 2);
    refused(desk.visitor().bearing(&Issuer::start().await.token("marry", ADMINS)).get("/tickets").await);
    refused(desk.visitor().bearing("an opaque token").get("/tickets").await);
    assert_eq!(issuer.asked(INTROSPECTION), 2);
}

#[tokio::test]
async fn what_the_issuer_says_of_a_token_must_hold() {
    let issuer = Issuer::start().await;
    let desk = desk(&issuer, &ASKING);
    let now = now_s();
    for (n, changes) in [
        json!({ "active": false }),
        json!({ "iss": "https://else.example" }),
        json!({ "aud": "api://else" }),
        json!({ "aud": null, "client_id": "else" }),
        json!({ "exp": now - 1 }),
        json!({ "nbf": now + 600 }),
    ]
    .into_iter()
    .enumerate()
    {
        issuer.answer(INTROSPECTION, said(&issuer, changes.clone()));
        let answer = desk.visitor().bearing(&format!("token-{n}")).get("/tickets").await;
        assert_eq!(answer.status, 401, "{changes}: {answer}");
        refused(answer);
    }
    // What is remembered ends with the token, though it may be kept longer.
    issuer.answer(INTROSPECTION, said(&issuer, json!({ "exp": now_s() + 2 })));
    let short = desk.visitor().bearing("short");
    short.get("/tickets").await.is(200);
    issuer.answer(INTROSPECTION, said(&issuer, json!({ "active": false })));
    refused(until(&short, 401).await);
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_opens_nothing() {
    let mut issuers = Vec::new();
    for manner in [
        Manner::Silent,
        Manner::Endless,
        Manner::Raw(500, ("x-a", "b".into()), Vec::new()),
        Manner::Raw(401, ("x-a", "b".into()), Vec::new()),
        Manner::Raw(302, ("location", "http://127.0.0.1:1/".into()), Vec::new()),
        Manner::Raw(200, ("content-type", "text/html".into()), b"yes".to_vec()),
        Manner::Json(json!({ "active": "true" })),
        Manner::Json(json!(true)),
    ] {
        let issuer = Issuer::start().await;
        issuer.answer(INTROSPECTION, manner.clone());
        issuers.push((issuer, INTROSPECTION, manner));
    }
    let all: Vec<_> = issuers.iter().map(|(issuer, ..)| issuer.clone()).collect();
    let asking = [
        ("VALIDATION", "introspection"),
        ("INTROSPECTION_CLIENT_ID", "desk"),
        ("INTROSPECTION_CLIENT_SECRET", "p@ss word"),
    ];
    let desk = desk_of(&all, &asking);
    let behave = |issuer: &Issuer| issuer.answer(INTROSPECTION, said(issuer, json!({})));
    each_is_unavailable_until_it_behaves(&desk, &issuers, behave).await;
}

#[tokio::test]
async fn without_a_cache_a_token_that_is_taken_back_opens_nothing_at_once() {
    let issuer = Issuer::start().await;
    let desk = desk(&issuer, &[&ASKING[..], &[("EVENTDESK_ISSUER_INTROSPECTION_CACHE_SECONDS", "0")]].concat());
    issuer.answer(INTROSPECTION, said(&issuer, json!({})));
    let caller = desk.visitor().bearing("a-token");
    caller.get("/tickets").await.is(200);
    issuer.answer(INTROSPECTION, Manner::Json(json!({ "active": false })));
    refused(caller.get("/tickets").await);
}
