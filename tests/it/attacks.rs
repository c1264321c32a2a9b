//! Tokens of an issuer elsewhere that must open nothing, and issuers that do not behave.

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use eventdesk_tests::{
    Answer, Caller, Desk,
    issuer::{DISCOVERY, INTROSPECTION, Issuer, KEYS, Manner, SigningKey, now_s},
    samples,
};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};
use sha2::Sha256;

const ADMINS: &[&str] = &["desk-admins"];

fn desk(issuer: &Issuer, more: &[(&str, &str)]) -> Desk {
    let settings = issuer.settings();
    let settings = settings.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    Desk::start_with(&settings.chain(more.iter().copied()).collect::<Vec<_>>())
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A token that is not believed: 401, and a challenge that says so and nothing of the inside.
fn refused(answer: Answer) -> String {
    let answer = answer.problem(401);
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    assert!(challenge.starts_with("Bearer") && challenge.contains("error=\"invalid_token\""), "{challenge}");
    challenge
}

fn unavailable(answer: Answer) {
    let answer = answer.problem(503);
    assert!(answer.header("retry-after").is_some(), "{answer}");
    assert!(answer.header("www-authenticate").is_none(), "{answer}");
}

/// What does not depend on the issuer goes on.
async fn goes_on(desk: &Desk) {
    desk.visitor().get("/health").await.is(200);
    desk.admin().await.get("/tickets").await.is(200);
}

/// A desk that believes all of them.
fn desk_of(issuers: &[Issuer], more: &[(&str, &str)]) -> Desk {
    let mut settings = std::collections::BTreeMap::new();
    for (number, issuer) in (1..).zip(issuers) {
        let prefix = if number == 1 { "EVENTDESK_ISSUER".to_owned() } else { format!("EVENTDESK_ISSUER_{number}") };
        settings.extend(issuer.settings_as(&prefix));
        settings.extend(more.iter().map(|(key, value)| (format!("{prefix}_{key}"), (*value).to_owned())));
    }
    Desk::start_with(&settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect::<Vec<_>>())
}

/// Every issuer at once: 503 for its own users, nothing for others, and all is well once it behaves.
async fn each_is_unavailable_until_it_behaves(
    desk: &Desk,
    issuers: &[(Issuer, &'static str, Manner)],
    behave: impl Fn(&Issuer),
) {
    let asked = issuers.iter().map(|(issuer, path, manner)| {
        let caller = desk.visitor().bearing(&issuer.token("marry", ADMINS));
        async move {
            let answer = caller.get("/tickets").await;
            assert_eq!(answer.status, 503, "{path} {manner:?}: {answer}");
            unavailable(answer);
        }
    });
    tokio::join!(futures_util::future::join_all(asked), goes_on(desk));
    for (issuer, ..) in issuers {
        behave(issuer);
    }
    let callers: Vec<_> =
        issuers.iter().map(|(issuer, ..)| desk.visitor().bearing(&issuer.token("marry", ADMINS))).collect();
    futures_util::future::join_all(callers.iter().map(|caller| until(caller, 200))).await;
}

/// Asks until the answer has the status: what was learnt or failed a moment ago counts for a moment.
async fn until(caller: &Caller, status: u16) -> Answer {
    let start = Instant::now();
    loop {
        let answer = caller.get("/tickets").await;
        if answer.status == status || start.elapsed() > Duration::from_secs(30) {
            return answer.is(status);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn claims_that_do_not_hold_open_nothing() {
    let issuer = Issuer::start().await;
    let desk = desk(&issuer, &[]);
    let good = issuer.claims("marry", ADMINS);
    desk.visitor().bearing(&issuer.key().sign(&good)).get("/tickets").await.is(200);
    let now = now_s();
    for changes in [
        json!({ "iss": "https://issuer.example" }),
        json!({ "iss": format!("{}/", issuer.url()) }),
        json!({ "iss": null }),
        json!({ "iss": [issuer.url()] }),
        json!({ "aud": "api://else" }),
        json!({ "aud": "api://desk2" }),
        json!({ "aud": null }),
        json!({ "aud": [] }),
        json!({ "aud": "api://else", "client_id": "api://desk" }),
        json!({ "exp": now - 1 }),
        json!({ "exp": null }),
        json!({ "exp": "tomorrow" }),
        json!({ "nbf": now + 600 }),
        json!({ "iat": now + 600 }),
        json!({ "sub": null }),
        json!({ "sub": "" }),
    ] {
        let token = issuer.key().sign(&samples::merged(good.clone(), changes.clone()));
        let answer = desk.visitor().bearing(&token).get("/tickets").await;
        assert_eq!(answer.status, 401, "{changes}: {answer}");
        refused(answer);
    }
    let client = samples::merged(good, json!({ "client_id": "api://desk" }));
    let mut client_only = client.clone();
    client_only.as_object_mut().expect("claims").remove("aud");
    desk.visitor().bearing(&issuer.key().sign(&client_only)).get("/tickets").await.is(200);
}

#[tokio::test]
async fn signatures_by_anything_but_the_named_key_open_nothing() {
    let issuer = Issuer::start().await;
    let elliptic = SigningKey::elliptic("curve");
    issuer.publish(&[issuer.key(), &elliptic]);
    let desk = desk(&issuer, &[]);
    let claims = issuer.claims("marry", ADMINS);
    let visitor = desk.visitor();
    visitor.bearing(&issuer.key().sign(&claims)).get("/tickets").await.is(200);
    visitor.bearing(&elliptic.sign(&claims)).get("/tickets").await.is(200);

    let kid = issuer.key().kid();
    let mut bad = Vec::new();
    for alg in ["none", "None", "", "HS256", "ES512", "EdDSA"] {
        bad.push(format!("{}.{}.", part(&json!({ "alg": alg, "kid": kid })), part(&claims)));
    }
    // The public key as a shared secret.
    let modulus = issuer.key().jwk["n"].as_str().expect("an RSA key").to_owned();
    for secret in [modulus.clone().into_bytes(), URL_SAFE_NO_PAD.decode(&modulus).expect("base64"), Vec::new()] {
        let message = format!("{}.{}", part(&json!({ "alg": "HS256", "kid": kid })), part(&claims));
        let mut mac = Hmac::<Sha256>::new_from_slice(&secret).expect("any length");
        mac.update(message.as_bytes());
        bad.push(format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())));
    }
    // Keys that nobody published, under an id that somebody has, no id, or one that nobody has.
    let own = SigningKey::rsa(kid);
    bad.push(own.sign(&claims));
    bad.push(own.sign_as(&Header::new(Algorithm::RS256), &claims));
    bad.push(issuer.key().sign_as(&Header::new(Algorithm::RS256), &claims));
    bad.push(SigningKey::rsa("unknown").sign(&claims));
    bad.push(SigningKey::rsa("curve").sign(&claims));
    bad.push(SigningKey::elliptic("curve").sign(&claims));
    // A key for RS256 is for nothing else.
    let relabelled = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::PS256) };
    bad.push(issuer.key().sign_as(&relabelled, &claims));
    let brought = Header {
        jku: Some(format!("{}/keys", issuer.url())),
        jwk: serde_json::from_value(own.jwk.clone()).ok(),
        kid: Some(kid.to_owned()),
        ..Header::new(Algorithm::RS256)
    };
    bad.push(own.sign_as(&brought, &claims));
    for token in bad {
        refused(visitor.bearing(&token).get("/tickets").await);
    }
    goes_on(&desk).await;
}

#[tokio::test]
async fn a_token_belongs_to_one_issuer_and_no_other() {
    let (one, two) = (Issuer::start().await, Issuer::start().await);
    let mut settings = two.settings_as("EVENTDESK_ISSUER_2");
    // The same group means another role there.
    settings.insert("EVENTDESK_ISSUER_2_ROLES".to_owned(), "desk-admins=support".to_owned());
    let more: Vec<_> = settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let desk = desk(&one, &more);
    let visitor = desk.visitor();
    let roles = async |token: &str| visitor.bearing(token).get("/me").await.is(200).body["roles"].clone();
    assert_eq!(roles(&one.token("marry", ADMINS)).await, json!(["admin"]));
    assert_eq!(roles(&two.token("marry", ADMINS)).await, json!(["support"]));
    let ids = [one.token("marry", ADMINS), two.token("marry", ADMINS)];
    let first = visitor.bearing(&ids[0]).get("/me").await.is(200).id();
    let second = visitor.bearing(&ids[1]).get("/me").await.is(200).id();
    assert_ne!(first, second, "the same subject at another issuer is somebody else");

    // Signed by the one in the other's name, and in the name of the desk's own issuer.
    refused(visitor.bearing(&two.key().sign(&one.claims("marry", ADMINS))).get("/tickets").await);
    let own = desk.admin().await;
    let own_claims = own.get("/whoami").await.is(200);
    let forged = samples::merged(
        two.claims(&own_claims.str("sub"), ADMINS),
        json!({ "iss": own_claims.str("iss"), "aud": own_claims.str("aud") }),
    );
    refused(visitor.bearing(&two.key().sign(&forged)).get("/tickets").await);
}

#[tokio::test]
async fn a_token_travels_in_the_header_alone() {
    let issuer = Issuer::start().await;
    let desk = desk(&issuer, &[]);
    let token = issuer.token("marry", ADMINS);
    let answer = desk.visitor().get(&format!("/tickets?access_token={token}")).await.problem(401);
    assert!(!answer.header("www-authenticate").unwrap_or_default().contains("error="), "{answer}");
    let form = [("access_token", token.as_str())];
    desk.visitor().form("/tickets", &form).await.problem(401);
}

#[tokio::test]
async fn groups_are_compared_whole_whatever_stands_in_them() {
    let issuer = Issuer::start().await;
    let desk = desk(&issuer, &[]);
    let roles = async |groups: Value| {
        let claims = samples::merged(issuer.claims(&samples::name("user"), &[]), json!({ "groups": groups }));
        let caller = desk.visitor().bearing(&issuer.key().sign(&claims));
        caller.get("/me").await.is(200).body["roles"].clone()
    };
    for groups in [
        json!(["desk-admin", "desk-adminsx", "xdesk-admins", "Desk-Admins"]),
        json!(["x desk-admins", "desk-admins y"]),
        json!(["x,desk-admins", "desk-admins,"]),
        json!(["[desk-admins]", "[desk-admins", "desk-admins]"]),
        json!(["\"desk-admins\"", "[\"desk-admins\"]"]),
        json!(["\tdesk-admins\n"]),
        json!([["desk-admins"], { "desk-admins": true }]),
        json!({ "desk-admins": true }),
        json!([]),
        json!(null),
        json!(""),
        json!(true),
        json!("desk-admins2"),
        json!("admin"),
    ] {
        assert_eq!(roles(groups.clone()).await, json!([]), "{groups}");
    }
    for groups in [
        json!(["desk-admins"]),
        json!(["other", "desk-admins"]),
        json!("desk-admins"),
        json!("[other desk-admins]"),
        json!("other,desk-admins"),
        json!("[\"other\",\"desk-admins\"]"),
        json!(["a group with blanks", "desk-admins"]),
    ] {
        assert_eq!(roles(groups.clone()).await, json!(["admin"]), "{groups}");
    }
}

#[tokio::test]
async fn tokens_that_are_too_large_are_refused_before_they_are_read() {
    let issuer = Issuer::start().await;
    let desk = desk(&issuer, &[]);
    let visitor = desk.visitor();
    let many: serde_json::Map<String, Value> = (0..10_000).map(|n| (format!("claim{n}"), json!(n))).collect();
    let many = issuer.key().sign(&samples::merged(issuer.claims("marry", ADMINS), Value::Object(many)));
    let answer = visitor.bearing(&many).attempt("GET", "/tickets", None).await;
    assert!(answer.is_ok_and(|answer| matches!(answer.status, 401 | 431)));
    let some: serde_json::Map<String, Value> = (0..300).map(|n| (format!("c{n}"), json!(1))).collect();
    let some = issuer.key().sign(&samples::merged(issuer.claims("marry", ADMINS), Value::Object(some)));
    refused(visitor.bearing(&some).get("/tickets").await);
    goes_on(&desk).await;
}

#[tokio::test]
async fn an_issuer_that_misbehaves_holds_up_nobody_else() {
    let spoilt = [
        Manner::Silent,
        Manner::Endless,
        Manner::Trickle,
        Manner::Raw(500, ("x-a", "b".into()), Vec::new()),
        Manner::Raw(302, ("location", "http://127.0.0.1:1/keys".into()), Vec::new()),
        Manner::Raw(200, ("content-type", "text/html".into()), b"<html>log in</html>".to_vec()),
        Manner::Raw(200, ("content-encoding", "gzip".into()), vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 0xcb]),
        Manner::Json(json!({ "keys": [] })),
        Manner::Json(json!({ "keys": [{ "kty": "oct", "kid": "first", "k": "c2VjcmV0" }] })),
        Manner::Json(json!([])),
    ];
    let mut spoilt: Vec<_> =
        spoilt.into_iter().flat_map(|manner| [(DISCOVERY, manner.clone()), (KEYS, manner)]).collect();
    // As many at once as a desk takes, for some of them take their time.
    while !spoilt.is_empty() {
        let mut issuers = Vec::new();
        for (path, manner) in spoilt.split_off(spoilt.len().saturating_sub(8)) {
            let issuer = Issuer::start().await;
            issuer.answer(path, manner.clone());
            issuers.push((issuer, path, manner));
        }
        let all: Vec<_> = issuers.iter().map(|(issuer, ..)| issuer.clone()).collect();
        each_is_unavailable_until_it_behaves(&desk_of(&all, &[]), &issuers, Issuer::behave).await;
    }
}

#[tokio::test]
async fn an_issuer_that_hands_out_anothers_keys_is_not_believed() {
    let (issuer, other) = (Issuer::start().await, Issuer::start().await);
    let lies = [
        json!({ "issuer": other.url(), "jwks_uri": format!("{}/keys", other.url()) }),
        json!({ "issuer": issuer.url(), "jwks_uri": "http://issuer.example/keys" }),
        json!({ "issuer": issuer.url(), "jwks_uri": "file:///etc/passwd" }),
        json!({ "issuer": issuer.url(), "jwks_uri": "" }),
        json!({ "issuer": issuer.url() }),
    ];
    issuer.answer(DISCOVERY, Manner::Json(lies[0].clone()));
    let desk = desk(&issuer, &[]);
    let caller = desk.visitor().bearing(&issuer.token("marry", ADMINS));
    for lie in lies {
        issuer.answer(DISCOVERY, Manner::Json(lie));
        unavailable(until(&caller, 503).await);
    }
    issuer.behave();
    until(&caller, 200).await;
}

#[tokio::test]
async fn one_id_for_two_keys_is_none() {
    let issuer = Issuer::start().await;
    let twin = SigningKey::rsa("first");
    let third = SigningKey::rsa("third");
    issuer.publish(&[issuer.key(), &twin, &third]);
    let desk = desk(&issuer, &[]);
    let claims = issuer.claims("marry", ADMINS);
    for key in [issuer.key(), &twin] {
        refused(desk.visitor().bearing(&key.sign(&claims)).get("/tickets").await);
    }
    desk.visitor().bearing(&third.sign(&claims)).get("/tickets").await.is(200);
}

#[tokio::test]
async fn a_rotated_key_is_found_at_once_and_unknown_ones_cost_the_issuer_little() {
    let issuer = Issuer::start().await;
    let desk = desk(&issuer, &[]);
    let visitor = desk.visitor();
    let old = visitor.bearing(&issuer.token("marry", ADMINS));
    for _ in 0..20 {
        old.get("/tickets").await.is(200);
    }
    assert_eq!((issuer.asked(DISCOVERY), issuer.asked(KEYS)), (1, 1), "a request costs no call");

    let next = SigningKey::rsa("next");
    issuer.publish(&[&next]);
    visitor.bearing(&next.sign(&issuer.claims("marry", ADMINS))).get("/tickets").await.is(200);
    // What was withdrawn is gone with the same answer, though the token was seen before.
    refused(old.get("/tickets").await);

    for n in 0..50 {
        let claims = issuer.claims("marry", ADMINS);
        let header = Header { kid: Some(format!("made-up-{n}")), ..Header::new(Algorithm::RS256) };
        refused(visitor.bearing(&next.sign_as(&header, &claims)).get("/tickets").await);
    }
    assert!(issuer.asked(KEYS) <= 4, "{}", issuer.asked(KEYS));
}

#[tokio::test]
async fn known_keys_go_on_while_the_issuer_is_down() {
    let issuer = Issuer::start().await;
    let desk = desk(&issuer, &[]);
    let visitor = desk.visitor();
    visitor.bearing(&issuer.token("marry", ADMINS)).get("/tickets").await.is(200);
    for path in [DISCOVERY, KEYS] {
        issuer.answer(path, Manner::Raw(500, ("x-a", "b".into()), Vec::new()));
    }
    visitor.bearing(&issuer.token("jones", ADMINS)).get("/tickets").await.is(200);
    let unknown = SigningKey::rsa("next").sign(&issuer.claims("marry", ADMINS));
    unavailable(visitor.bearing(&unknown).get("/tickets").await);
    visitor.bearing(&issuer.token("smith", ADMINS)).get("/tickets").await.is(200);
}

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
