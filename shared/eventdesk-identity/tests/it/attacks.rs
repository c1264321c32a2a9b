//! Tokens that must open nothing.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use eventdesk_identity::{IssuerKeys, Refusal};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{Bench, NOW_S, good, good_but, part};

#[tokio::test]
async fn claims_that_do_not_hold_are_refused_though_the_signature_is_good() {
    let bench = Bench::new();
    let cases = [
        (json!({"iss": null}), Refusal::Issuer),
        (json!({"iss": "https://desk.example/"}), Refusal::Issuer),
        (json!({"iss": "https://DESK.example"}), Refusal::Issuer),
        (json!({"iss": ["https://desk.example"]}), Refusal::Issuer),
        (json!({"aud": null}), Refusal::Audience),
        (json!({"aud": "event"}), Refusal::Audience),
        (json!({"aud": "eventdesk2"}), Refusal::Audience),
        (json!({"aud": ["a", "b"]}), Refusal::Audience),
        (json!({"aud": []}), Refusal::Audience),
        (json!({"aud": 7}), Refusal::Audience),
        (json!({"aud": {"eventdesk": true}}), Refusal::Audience),
        (json!({"aud": "else", "client_id": "eventdesk"}), Refusal::Audience),
        (json!({"aud": null, "client_id": "else"}), Refusal::Audience),
        (json!({"exp": null}), Refusal::Expired),
        (json!({"exp": NOW_S}), Refusal::Expired),
        (json!({"exp": NOW_S - 1}), Refusal::Expired),
        (json!({"exp": -1}), Refusal::Expired),
        (json!({"exp": "never"}), Refusal::Malformed),
        (json!({"exp": [4_102_444_800_u64]}), Refusal::Malformed),
        (json!({"nbf": NOW_S + 61}), Refusal::NotYetValid),
        (json!({"iat": NOW_S + 61}), Refusal::NotYetValid),
        (json!({"iat": 1e300}), Refusal::NotYetValid),
        (json!({"nbf": "soon"}), Refusal::Malformed),
    ];
    for (changes, refusal) in cases {
        let answer = bench.check_claims(good_but(changes.clone())).await;
        assert_eq!(answer.map(|_| ()), Err(refusal), "{changes}");
    }
    for payload in [json!([]), json!("text"), json!(null), json!(1)] {
        assert_eq!(bench.check_claims(payload.clone()).await.unwrap_err(), Refusal::Malformed, "{payload}");
    }
}

#[tokio::test]
async fn no_algorithm_but_rsa_is_believed() {
    let bench = Bench::new();
    let signature = bench.token(&good()).rsplit_once('.').unwrap().1.to_owned();
    for alg in ["none", "None", "NONE", "", "HS256", "HS384", "HS512", "ES256", "PS256", "EdDSA", "rs256", "RS1"] {
        let head = part(&json!({"alg": alg, "kid": bench.keys.signing_kid()}));
        for signature in ["", &signature] {
            let token = format!("{head}.{}.{signature}", part(&good()));
            assert_eq!(bench.check(&token).await.unwrap_err(), Refusal::Algorithm, "{alg}");
        }
    }
    for head in [json!({"kid": bench.keys.signing_kid()}), json!({"alg": 7}), json!({"alg": null}), json!("RS256")] {
        let token = format!("{}.{}.{signature}", part(&head), part(&good()));
        assert_eq!(bench.check(&token).await.unwrap_err(), Refusal::Malformed, "{head}");
    }
}

#[tokio::test]
async fn the_public_key_is_no_shared_secret() {
    let bench = Bench::new();
    let jwks: Value = serde_json::from_str(&bench.keys.jwks()).unwrap();
    let key = &jwks["keys"][0];
    let modulus = key["n"].as_str().unwrap();
    let secrets = [
        modulus.as_bytes().to_vec(),
        URL_SAFE_NO_PAD.decode(modulus).unwrap(),
        key.to_string().into_bytes(),
        bench.keys.jwks().into_bytes(),
        Vec::new(),
    ];
    for secret in secrets {
        for alg in ["HS256", "RS256"] {
            let head = json!({"alg": alg, "typ": "JWT", "kid": bench.keys.signing_kid()});
            let message = format!("{}.{}", part(&head), part(&good()));
            let mut mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap();
            mac.update(message.as_bytes());
            let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()));
            assert!(bench.check(&token).await.is_err(), "{alg}");
        }
    }
}

#[tokio::test]
async fn only_the_key_that_the_header_names_counts() {
    let bench = Bench::new();
    let sign = |header: Header| jsonwebtoken::encode(&header, &good(), &bench.private).unwrap();
    let without = Header { kid: None, ..bench.header() };
    assert_eq!(bench.check(&sign(without)).await.unwrap_err(), Refusal::UnknownKey);
    for kid in ["", "other", "../keys", &bench.keys.signing_kid()[1..]] {
        let other = Header { kid: Some(kid.to_owned()), ..bench.header() };
        assert_eq!(bench.check(&sign(other)).await.unwrap_err(), Refusal::UnknownKey, "{kid}");
    }
    for kid in [json!(null), json!(7), json!(["a"])] {
        let token = format!("{}.{}.AAAA", part(&json!({"alg": "RS256", "kid": kid})), part(&good()));
        assert!(bench.check(&token).await.is_err(), "{kid}");
    }

    let foreign_folder = tempfile::tempdir().unwrap();
    let foreign = IssuerKeys::open(foreign_folder.path()).unwrap();
    let pem = std::fs::read(foreign_folder.path().join(format!("{}.pem", foreign.signing_kid()))).unwrap();
    let foreign_key = EncodingKey::from_rsa_pem(&pem).unwrap();
    let claims_to_be_ours = jsonwebtoken::encode(&bench.header(), &good(), &foreign_key).unwrap();
    assert_eq!(bench.check(&claims_to_be_ours).await.unwrap_err(), Refusal::Signature);

    // A key or an address of keys that the token brings along is not looked at.
    let jwks: Value = serde_json::from_str(&foreign.jwks()).unwrap();
    let jwk = serde_json::from_value(jwks["keys"][0].clone()).unwrap();
    let brought = Header {
        jwk: Some(jwk),
        jku: Some("https://evil.example/jwks".to_owned()),
        x5u: Some("https://evil.example/cert".to_owned()),
        ..bench.header()
    };
    let brought = jsonwebtoken::encode(&brought, &good(), &foreign_key).unwrap();
    assert_eq!(bench.check(&brought).await.unwrap_err(), Refusal::Signature);
}

#[tokio::test]
async fn an_extension_that_must_be_understood_is_not() {
    let bench = Bench::new();
    let header = Header { crit: Some(vec!["exp".to_owned()]), ..bench.header() };
    let token = jsonwebtoken::encode(&header, &good(), &bench.private).unwrap();
    assert_eq!(bench.check(&token).await.unwrap_err(), Refusal::Malformed);
}

#[tokio::test]
async fn nothing_of_a_token_can_be_changed() {
    let bench = Bench::new();
    let good_token = bench.token(&good());
    let [head, payload, signature]: [&str; 3] =
        good_token.split('.').collect::<Vec<_>>().try_into().expect("three parts");
    let more = part(&good_but(json!({"groups": ["admin"]})));
    let later = part(&good_but(json!({"exp": 4_102_444_800_u64})));
    for payload in [more, later] {
        let answer = bench.check(&format!("{head}.{payload}.{signature}")).await;
        assert_eq!(answer.unwrap_err(), Refusal::Signature);
    }
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    for at in [0, 100, 255] {
        bytes[at] ^= 1;
        let token = format!("{head}.{payload}.{}", URL_SAFE_NO_PAD.encode(&bytes));
        assert_eq!(bench.check(&token).await.unwrap_err(), Refusal::Signature);
        bytes[at] ^= 1;
    }
    let padded = format!("{head}.{payload}.{}", STANDARD.encode(&bytes));
    assert!(bench.check(&padded).await.is_err());
    for short in [&signature[1..], &signature[..signature.len() - 2], ""] {
        assert_eq!(bench.check(&format!("{head}.{payload}.{short}")).await.unwrap_err(), Refusal::Signature);
    }
    // Another algorithm of the family is another signature.
    let relabelled = part(&json!({"alg": "RS512", "kid": bench.keys.signing_kid()}));
    assert_eq!(bench.check(&format!("{relabelled}.{payload}.{signature}")).await.unwrap_err(), Refusal::Signature);
    assert!(bench.check(&good_token).await.is_ok());
}

#[tokio::test]
async fn what_is_too_large_is_not_even_taken_apart() {
    let bench = Bench::new();
    let padded = bench.token(&good_but(json!({"padding": "x".repeat(12_500)})));
    assert_eq!(bench.check(&padded).await.unwrap_err(), Refusal::TooLarge);
    let many: serde_json::Map<String, Value> = (0..10_000).map(|n| (format!("c{n}"), json!(n))).collect();
    assert_eq!(bench.check_claims(good_but(Value::Object(many))).await.unwrap_err(), Refusal::TooLarge);
    let some_more: serde_json::Map<String, Value> = (0..101).map(|n| (format!("c{n}"), json!(n))).collect();
    assert_eq!(bench.check_claims(good_but(Value::Object(some_more))).await.unwrap_err(), Refusal::TooLarge);
    let nested = format!("{}1{}", "[".repeat(3_000), "]".repeat(3_000));
    let message = format!("{}.{}", part(&json!({"alg": "RS256", "kid": "x"})), URL_SAFE_NO_PAD.encode(nested));
    assert!(bench.check(&format!("{message}.AAAA")).await.is_err());
    let nested_head = format!("{}1{}", "[".repeat(3_000), "]".repeat(3_000));
    assert_eq!(
        bench.check(&format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(nested_head))).await.unwrap_err(),
        Refusal::Malformed
    );
}

#[tokio::test]
async fn garbage_is_refused() {
    let bench = Bench::new();
    let good_token = bench.token(&good());
    let words = ["garbage", "..", "...", ".", "a.b.c", "a.b", "e30.e30.e30", "%00.%00.%00", "é.é.é", "=.=.="];
    for word in words {
        assert_eq!(bench.check(word).await.unwrap_err(), Refusal::Malformed, "{word}");
    }
    for token in
        [format!("{good_token}.x"), format!("x.{good_token}"), format!(".{good_token}"), format!("{good_token}.")]
    {
        assert_eq!(bench.check(&token).await.unwrap_err(), Refusal::Malformed);
    }
    let encrypted = "eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d";
    assert_eq!(bench.check(encrypted).await.unwrap_err(), Refusal::Malformed);
}

#[tokio::test]
async fn one_header_holds_one_token() {
    let bench = Bench::new();
    let token = bench.token(&good());
    for header in [
        format!("Bearer {token} {token}"),
        format!("Bearer {token}, Bearer {token}"),
        format!("Bearer {token},{token}"),
        format!("{token} {token}"),
        format!("Bearer\t{token}"),
        format!("Bearer {token}\n"),
        format!("Bearer Bearer {token}"),
    ] {
        let answer = bench.authorizer.authorize(Some(&header), &[]).await;
        assert_eq!(answer.unwrap_err(), Refusal::Malformed, "{header}");
    }
    for header in ["", "Bearer", "bearer ", " ", "Basic YWRtaW46cGFzc1dvcmRAMQ==", "Digest x"] {
        assert_eq!(bench.authorizer.authorize(Some(header), &[]).await.unwrap_err(), Refusal::Missing, "{header:?}");
    }
    assert_eq!(bench.authorizer.authorize(None, &[]).await.unwrap_err(), Refusal::Missing);
}

#[tokio::test]
async fn the_three_sizes_of_rsa_with_pkcs1_are_accepted() {
    let bench = Bench::new();
    for algorithm in [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512] {
        let header = Header { alg: algorithm, ..bench.header() };
        let token = jsonwebtoken::encode(&header, &good(), &bench.private).unwrap();
        assert!(bench.check(&token).await.is_ok(), "{algorithm:?}");
    }
    let pss = Header { alg: Algorithm::PS256, ..bench.header() };
    let token = jsonwebtoken::encode(&pss, &good(), &bench.private).unwrap();
    assert_eq!(bench.check(&token).await.unwrap_err(), Refusal::Algorithm);
}
