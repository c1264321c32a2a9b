//! What a good token opens, and in what form its claims are handed on.

use std::sync::Arc;

use async_trait::async_trait;
use eventdesk_app::ports::{AccessClaims, TokenIssuer};
use eventdesk_events::{UserId, user::Role};
use eventdesk_identity::{
    Authorizer, IssuerKeys, KeySource, KeySourceError, Refusal, RsaTokenIssuer, Trust, Validation, VerifyingKey,
};
use serde_json::json;
use tokio::sync::watch;
use uuid::Uuid;

use crate::support::{AUDIENCE, Bench, ISSUER, NOW_S, authorizer, good, good_but, shared_folder};

fn claims() -> AccessClaims {
    AccessClaims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: UserId::from_uuid(Uuid::from_u128(7)),
        client_id: None,
        sid: None,
        exp: NOW_S + 3_600,
        iat: NOW_S,
        nbf: NOW_S,
        jti: Uuid::from_u128(8),
        scope: "tickets:read admin".to_owned(),
        groups: vec![Role::Admin, Role::Support],
    }
}

#[tokio::test]
async fn a_token_of_the_issuer_opens_the_door_and_its_claims_are_text() {
    let bench = Bench::new();
    let issuer = RsaTokenIssuer::new(ISSUER, bench.keys.clone());
    let verified = bench.check(&issuer.sign(&claims()).await.unwrap()).await.unwrap();
    let claim = |name: &str| verified.claims.get(name).map(String::as_str);
    assert_eq!(claim("iss"), Some(ISSUER));
    assert_eq!(claim("aud"), Some(AUDIENCE));
    assert_eq!(claim("sub"), Some("00000000-0000-0000-0000-000000000007"));
    assert_eq!(claim("jti"), Some("00000000-0000-0000-0000-000000000008"));
    assert_eq!(claim("exp"), Some("1795309200"));
    assert_eq!(claim("groups"), Some("[admin support]"));
    assert_eq!(claim("scope"), Some("tickets:read admin"));
    assert_eq!(verified.claims.len(), 9);
    assert_eq!(*verified.scopes, ["tickets:read".to_owned(), "admin".to_owned()]);
    assert_eq!(verified.expires_at, NOW_S + 3_600);
}

#[tokio::test]
async fn every_kind_of_claim_becomes_text_as_the_service_writes_it() {
    let bench = Bench::new();
    let verified = bench
        .check_claims(good_but(json!({
            "yes": true, "whole": -3, "part": 1.5, "list": ["a", 1, false], "empty": [],
            "nested": {"b": ["x", "y"], "a": 1}, "text": "as it is: [a b]",
        })))
        .await
        .unwrap();
    for (name, text) in [
        ("yes", "true"),
        ("whole", "-3"),
        ("part", "1.5"),
        ("list", "[a 1 false]"),
        ("empty", "[]"),
        ("nested", "map[a:1 b:[x y]]"),
        ("text", "as it is: [a b]"),
        ("groups", "[manager support]"),
    ] {
        assert_eq!(verified.claims.get(name).map(String::as_str), Some(text), "{name}");
    }
}

#[tokio::test]
async fn the_scheme_has_any_case_and_may_be_left_out() {
    let bench = Bench::new();
    let token = bench.token(&good());
    for header in [
        format!("Bearer {token}"),
        format!("bearer {token}"),
        format!("BEARER   {token}"),
        format!(" Bearer {token} "),
        token.clone(),
    ] {
        assert!(bench.authorizer.authorize(Some(&header), &[]).await.is_ok());
    }
}

#[tokio::test]
async fn one_of_several_audiences_and_the_client_in_their_absence_will_do() {
    let bench = Bench::new();
    for changes in
        [json!({"aud": "other"}), json!({"aud": ["x", "eventdesk"]}), json!({"aud": null, "client_id": "eventdesk"})]
    {
        assert!(bench.check_claims(good_but(changes.clone())).await.is_ok(), "{changes}");
    }
}

#[tokio::test]
async fn a_clock_that_is_a_little_ahead_is_forgiven_and_iat_and_nbf_may_be_absent() {
    let bench = Bench::new();
    for changes in [json!({"iat": NOW_S + 60}), json!({"nbf": NOW_S + 60}), json!({"iat": null, "nbf": null})] {
        assert!(bench.check_claims(good_but(changes.clone())).await.is_ok(), "{changes}");
    }
    assert_eq!(bench.check_claims(good_but(json!({"exp": 1_795_305_600.5}))).await.unwrap_err(), Refusal::Expired);
}

#[tokio::test]
async fn any_one_scope_of_the_route_suffices() {
    let bench = Bench::new();
    let token = format!("Bearer {}", bench.token(&good()));
    for scopes in [&[][..], &["tickets:read"], &["admin", "tickets:write"]] {
        assert!(bench.authorizer.authorize(Some(&token), scopes).await.is_ok(), "{scopes:?}");
    }
    for scopes in [&["admin"][..], &["tickets"], &["tickets:read tickets:write"], &["TICKETS:READ"], &[""]] {
        let refusal = bench.authorizer.authorize(Some(&token), scopes).await.unwrap_err();
        assert_eq!(refusal, Refusal::InsufficientScope, "{scopes:?}");
        assert_eq!(refusal.code(), Some("insufficient_scope"));
    }
    let okta = bench.token(&good_but(json!({"scope": null, "scp": ["tickets:read", "openid"]})));
    assert!(bench.authorizer.authorize(Some(&okta), &["openid"]).await.is_ok());
    let none = bench.token(&good_but(json!({"scope": null})));
    assert!(bench.authorizer.authorize(Some(&none), &["tickets:read"]).await.is_err());
}

#[tokio::test]
async fn a_token_that_was_seen_ends_all_the_same() {
    let bench = Bench::new();
    let token = bench.token(&good());
    assert!(bench.check(&token).await.is_ok());
    bench.clock.set_s(NOW_S + 3_599);
    assert!(bench.check(&token).await.is_ok());
    bench.clock.set_s(NOW_S + 3_600);
    assert_eq!(bench.check(&token).await.unwrap_err(), Refusal::Expired);
    assert_eq!(bench.check(&token).await.unwrap_err(), Refusal::Expired, "and stays over");
}

#[tokio::test]
async fn a_token_that_was_seen_shares_its_claims() {
    let bench = Bench::new();
    let token = bench.token(&good());
    let (first, second) = (bench.check(&token).await.unwrap(), bench.check(&token).await.unwrap());
    assert!(Arc::ptr_eq(&first.claims, &second.claims));
}

#[tokio::test]
async fn tokens_of_before_a_restart_are_good_after_it() {
    let bench = Bench::new();
    let token = bench.token(&good());
    let keys = Arc::new(IssuerKeys::open(&shared_folder()).unwrap());
    assert_eq!(keys.signing_kid(), bench.keys.signing_kid());
    let restarted = authorizer(&keys, &bench.clock);
    assert!(restarted.authorize(Some(&token), &["tickets:read"]).await.is_ok());
}

/// Keys that can be taken away.
struct Withdrawn {
    keys: Arc<IssuerKeys>,
    state: watch::Receiver<&'static str>,
}

#[async_trait]
impl KeySource for Withdrawn {
    async fn key(&self, kid: &str) -> Result<Option<VerifyingKey>, KeySourceError> {
        match *self.state.borrow() {
            "there" => {}
            "gone" => return Ok(None),
            _ => return Err(KeySourceError("no answer".into())),
        }
        self.keys.key(kid).await
    }
}

#[tokio::test]
async fn a_key_that_is_withdrawn_takes_its_tokens_with_it() {
    let bench = Bench::new();
    let (state, receiver) = watch::channel("there");
    let trust = Trust::new(ISSUER, vec![AUDIENCE.to_owned()]);
    let source = Arc::new(Withdrawn { keys: bench.keys.clone(), state: receiver });
    let authorizer = Authorizer::new(bench.clock.clone()).believing(trust, Validation::Keys(source));
    let token = bench.token(&good());
    assert!(authorizer.authorize(Some(&token), &[]).await.is_ok());
    state.send_replace("away");
    let refusal = authorizer.authorize(Some(&token), &[]).await.unwrap_err();
    assert_eq!((refusal, refusal.code()), (Refusal::Unavailable, None));
    state.send_replace("gone");
    assert_eq!(authorizer.authorize(Some(&token), &[]).await.unwrap_err(), Refusal::UnknownKey);
}

#[test]
fn descriptions_fit_into_a_challenge() {
    use Refusal as R;
    for refusal in [
        R::Missing,
        R::TooLarge,
        R::Malformed,
        R::Algorithm,
        R::UnknownKey,
        R::Signature,
        R::Issuer,
        R::Audience,
        R::Expired,
        R::NotYetValid,
        R::InsufficientScope,
        R::Unavailable,
    ] {
        let fits = |byte: u8| (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\';
        assert!(refusal.description().bytes().all(fits), "RFC 6750, section 3: {refusal:?}");
    }
}

fn trusting(bench: &Bench, change: impl FnOnce(&mut Trust)) -> Authorizer {
    let mut trust = Trust::new(ISSUER, vec![AUDIENCE.to_owned()]);
    change(&mut trust);
    Authorizer::new(bench.clock.clone()).believing(trust, Validation::Keys(bench.keys.clone()))
}

#[tokio::test]
async fn groups_stand_where_the_issuer_is_said_to_put_them_and_stay_apart() {
    let bench = Bench::new();
    for (claim, claims, text) in [
        ("cognito:groups", json!({"cognito:groups": ["a", "b"]}), "[a b]"),
        ("https://desk.example/roles", json!({"https://desk.example/roles": ["a"]}), "[a]"),
        ("realm_access.roles", json!({"realm_access": {"roles": ["a", "b"]}}), "[a b]"),
        ("realm_access.roles", json!({"realm_access.roles": "a", "realm_access": {"roles": ["b"]}}), "a"),
        ("groups", json!({"groups": ["x admin", "b"]}), r#"["x admin","b"]"#),
        ("groups", json!({"groups": ["x,admin"]}), r#"["x,admin"]"#),
        ("groups", json!({"groups": ["[admin]", 7, ["c"], null]}), r#"["[admin]","7"]"#),
        ("groups", json!({"groups": "a,b"}), "a,b"),
        ("groups", json!({"groups": []}), "[]"),
    ] {
        let authorizer = trusting(&bench, |trust| trust.groups_claim = claim.to_owned());
        let token = bench.token(&good_but(claims.clone()));
        let verified = authorizer.authorize(Some(&token), &[]).await.unwrap();
        assert_eq!(verified.claims.get(claim).map(String::as_str), Some(text), "{claims}");
    }
    let authorizer = trusting(&bench, |trust| trust.groups_claim = "a.b".to_owned());
    let token = bench.token(&good_but(json!({"a": {"c": ["x"]}})));
    assert_eq!(authorizer.authorize(Some(&token), &[]).await.unwrap().claims.get("a.b"), None);
}

#[tokio::test]
async fn scopes_lose_the_issuers_prefix_and_a_token_without_any_has_the_ones_that_are_configured() {
    let bench = Bench::new();
    let authorizer = trusting(&bench, |trust| {
        trust.scope_prefix = "desk/".to_owned();
        trust.default_scopes = vec!["tickets:write".to_owned()];
    });
    for (claims, held, text) in [
        (json!({"scope": "openid desk/tickets:read"}), "tickets:read", "openid tickets:read"),
        (json!({"scope": "tickets:read"}), "tickets:read", "tickets:read"),
        (json!({"scope": null}), "tickets:write", "tickets:write"),
    ] {
        let token = bench.token(&good_but(claims.clone()));
        let verified = authorizer.authorize(Some(&token), &[held]).await.unwrap();
        assert_eq!(verified.claims.get("scope").map(String::as_str), Some(text), "{claims}");
    }
    for claims in [json!({"scope": ""}), json!({"scope": 7}), json!({"scope": null, "scp": []})] {
        let token = bench.token(&good_but(claims.clone()));
        let refused = authorizer.authorize(Some(&token), &["tickets:write"]).await;
        assert_eq!(refused.unwrap_err(), Refusal::InsufficientScope, "{claims}");
    }
}
