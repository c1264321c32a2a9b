//! Sets as issuers publish them, and as they should not.

use serde_json::json;

use super::*;

fn number(bytes: usize) -> String {
    let mut number = vec![0xAB; bytes];
    number[bytes - 1] = 1;
    URL_SAFE_NO_PAD.encode(number)
}

fn rsa(kid: &str) -> Value {
    json!({ "kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": number(256), "e": "AQAB" })
}

fn but(mut key: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            key.as_object_mut().unwrap().remove(name);
        } else {
            key[name] = value.clone();
        }
    }
    key
}

fn kids(keys: &[Value]) -> Vec<String> {
    let found = usable(json!({ "keys": keys }).to_string().as_bytes()).unwrap_or_default();
    let mut kids: Vec<_> = found.into_keys().collect();
    kids.sort();
    kids
}

#[test]
fn keys_of_every_kind_that_signs_are_taken_and_all_others_left_out() {
    let ec =
        |crv: &str, size: usize| json!({ "kty": "EC", "kid": crv, "crv": crv, "x": number(size), "y": number(size) });
    let keys = [
        rsa("one"),
        but(rsa("plain"), &json!({ "use": null, "alg": null, "x5c": ["MII"], "unknown": {} })),
        but(rsa("pss"), &json!({ "alg": "PS512" })),
        but(rsa("ops"), &json!({ "use": null, "key_ops": ["verify"] })),
        but(rsa("padded"), &json!({ "n": format!("AAAA{}", number(258)) })),
        ec("P-256", 32),
        ec("P-384", 48),
        // From here on, none.
        but(rsa("encrypts"), &json!({ "use": "enc" })),
        but(rsa("wraps"), &json!({ "key_ops": ["wrapKey"] })),
        but(rsa("hmac-alg"), &json!({ "alg": "HS256" })),
        but(rsa("none-alg"), &json!({ "alg": "none" })),
        but(rsa("other-alg"), &json!({ "alg": "ES256" })),
        but(rsa("no-id"), &json!({ "kid": null })),
        but(rsa(""), &json!({})),
        but(rsa("small"), &json!({ "n": number(255) })),
        but(rsa("large"), &json!({ "n": number(1_025) })),
        but(rsa("no-modulus"), &json!({ "n": null })),
        but(rsa("garbage"), &json!({ "n": "not base64!" })),
        but(rsa("e-is-1"), &json!({ "e": "AQ" })),
        but(rsa("e-is-even"), &json!({ "e": "AQAC" })),
        but(rsa("e-is-0"), &json!({ "e": "AA" })),
        but(rsa("e-is-long"), &json!({ "e": number(5) })),
        json!({ "kty": "oct", "kid": "secret", "k": number(32) }),
        json!({ "kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": number(32) }),
        ec("P-521", 66),
        ec("secp256k1", 32),
        but(ec("P-256", 31), &json!({ "kid": "short" })),
        but(ec("P-256", 32), &json!({ "kid": "ec-alg", "alg": "ES384" })),
        json!("text"),
        json!(null),
        json!({ "kty": 7, "kid": "number" }),
    ];
    assert_eq!(kids(&keys), ["P-256", "P-384", "one", "ops", "padded", "plain", "pss"]);
}

#[test]
fn an_id_of_two_different_keys_means_none_of_them() {
    let other = but(rsa("twice"), &json!({ "n": number(300) }));
    assert_eq!(kids(&[rsa("twice"), other.clone(), rsa("one"), other]), ["one"]);
    assert_eq!(kids(&[rsa("same"), rsa("same")]), ["same"], "the same key may stand there twice");
}

#[test]
fn what_has_no_usable_key_is_no_key_set() {
    for body in ["", "no JSON", "[]", "{}", r#"{"keys": {}}"#, r#"{"keys": []}"#, r#"{"keys": [{"kty": "oct"}]}"#] {
        assert!(usable(body.as_bytes()).is_err(), "{body}");
    }
    assert!(usable(&[0xff, 0xfe]).is_err());
    let nested = format!("{{\"keys\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(usable(nested.as_bytes()).is_err());
}

#[test]
fn only_the_first_hundred_keys_are_looked_at() {
    let many: Vec<_> = (0..1_000).map(|n| rsa(&format!("{n:04}"))).collect();
    assert_eq!(kids(&many).len(), 100);
}
