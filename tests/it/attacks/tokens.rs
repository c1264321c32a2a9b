//! Tokens that must open nothing.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use eventdesk_tests::{
    issuer::{Issuer, SigningKey, now_s},
    samples,
};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{ADMINS, desk, goes_on, part, refused};

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
