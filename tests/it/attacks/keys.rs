//! Issuers that do not behave, and keys that are not what they seem.

use eventdesk_tests::issuer::{DISCOVERY, Issuer, KEYS, Manner, SigningKey};
use jsonwebtoken::{Algorithm, Header};
use serde_json::json;

use super::{ADMINS, desk, desk_of, each_is_unavailable_until_it_behaves, refused, unavailable, until};

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
