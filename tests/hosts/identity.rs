//! Who the caller is: tokens, the issuer's documents, and what is open to everyone.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use eventdesk_tests::{ADMIN, Answer, Desk, Host, PASSWORD, Scene, samples};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

tests! {
    a_password_buys_a_signed_token,
    a_scope_asked_for_is_cut_to_what_the_roles_allow,
    a_wrong_password_and_an_unknown_name_look_alike,
    token_requests_are_refused_as_oauth_says,
    the_issuer_publishes_itself_at_the_base_and_at_the_root,
    who_i_am_is_told_three_ways,
    forged_tokens_open_nothing,
    no_token_is_401_without_an_error_code,
    a_token_of_another_deployment_is_worth_nothing,
    health_and_readiness_are_public_at_both_places,
}

fn password_grant<'f>(username: &'f str, password: &'f str) -> [(&'f str, &'f str); 3] {
    [("grant_type", "password"), ("username", username), ("password", password)]
}

async fn a_password_buys_a_signed_token(desk: &Host) {
    let answer = desk.visitor().form("/token", &password_grant(ADMIN, PASSWORD)).await.is(200);
    assert_eq!(answer.str("token_type").to_lowercase(), "bearer", "{answer}");
    assert_eq!(answer.body["expires_in"], 3600, "{answer}");
    assert!(answer.str("scope").split(' ').any(|scope| scope == "tickets:write"), "{answer}");
    assert!(answer.header("cache-control").is_some_and(|text| text.contains("no-store")), "{answer}");

    let (header, claims) = parts(&answer.str("access_token"));
    assert_eq!(header["alg"], "RS256");
    assert!(header["kid"].is_string(), "{header}");
    for claim in ["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "scope", "groups"] {
        assert!(!claims[claim].is_null(), "no {claim}: {claims}");
    }
    assert_eq!(claims["groups"], json!(["admin"]));
    assert_ne!(claims["sub"], ADMIN, "subjects are ids, never names");
    let lifetime = claims["exp"].as_u64().unwrap_or(0) - claims["iat"].as_u64().unwrap_or(0);
    assert_eq!(lifetime, 3600, "{claims}");
}

async fn a_scope_asked_for_is_cut_to_what_the_roles_allow(desk: &Host) {
    let scene = Scene::on(desk).await;
    let user = scene.user(&["support"]).await;
    let name = user.str("username");
    let fields = [
        ("grant_type", "password"),
        ("username", name.as_str()),
        ("password", PASSWORD),
        ("scope", "tickets:read admin"),
    ];
    let answer = desk.visitor().form("/token", &fields).await.is(200);
    assert_eq!(answer.str("scope"), "tickets:read", "{answer}");
    let reader = desk.visitor().bearing(&answer.str("access_token"));
    reader.get("/tickets").await.is(200);
    let body = samples::ticket(&scene.employee().await);
    let refused = reader.post("/tickets", body).await.problem(403);
    assert!(refused.header("www-authenticate").is_none_or(|text| text.contains("insufficient_scope")), "{refused}");
}

async fn a_wrong_password_and_an_unknown_name_look_alike(desk: &Host) {
    let wrong = desk.visitor().form("/token", &password_grant(ADMIN, "passWord@9")).await.is(400);
    let unknown = desk.visitor().form("/token", &password_grant("nobodyatall", "passWord@9")).await.is(400);
    assert_eq!(wrong.body["error"], "invalid_grant", "{wrong}");
    let without_id = |answer: &Answer| {
        let mut body = answer.body.clone();
        if let Some(members) = body.as_object_mut() {
            members.remove("instance");
        }
        body
    };
    assert_eq!(without_id(&wrong), without_id(&unknown));
    assert!(wrong.header("cache-control").is_some_and(|text| text.contains("no-store")), "{wrong}");
}

async fn token_requests_are_refused_as_oauth_says(desk: &Host) {
    let visitor = desk.visitor();
    for (fields, error) in [
        (vec![("grant_type", "telepathy")], "unsupported_grant_type"),
        (vec![("username", ADMIN), ("password", PASSWORD)], "invalid_request"),
        (vec![("grant_type", "password"), ("username", ADMIN)], "invalid_request"),
        (
            vec![("grant_type", "password"), ("username", ADMIN), ("username", ADMIN), ("password", PASSWORD)],
            "invalid_request",
        ),
    ] {
        let answer = visitor.form("/token", &fields).await.is(400);
        assert_eq!(answer.body["error"], error, "{answer}");
    }
    let empty = visitor.form("/token", &password_grant("", "")).await.is(400);
    assert!(empty.body["error"].is_string(), "{empty}");
    let long = "x".repeat(10_000);
    let refused = visitor.form("/token", &password_grant(ADMIN, &long)).await.is(400);
    assert!(refused.body["error"].is_string(), "{refused}");
}

async fn the_issuer_publishes_itself_at_the_base_and_at_the_root(desk: &Host) {
    let visitor = desk.visitor();
    let discovery = visitor.get("/.well-known/openid-configuration").await.is(200);
    assert_eq!(visitor.at_root().get("/.well-known/openid-configuration").await.is(200).body, discovery.body);
    let (_, claims) = parts(&desk.admin().await.bearer.expect("logged in"));
    assert_eq!(discovery.body["issuer"], claims["iss"], "{discovery}");
    assert!(discovery.str("token_endpoint").ends_with("/token"), "{discovery}");

    let keys = visitor.get("/.well-known/jwks.json").await.is(200);
    assert_eq!(visitor.at_root().get("/.well-known/jwks.json").await.is(200).body, keys.body);
    let listed = visitor.get(&discovery.str("jwks_uri")).await.is(200);
    assert_eq!(listed.body, keys.body);
    for key in keys.body["keys"].as_array().expect("keys") {
        assert_eq!((&key["kty"], &key["use"]), (&json!("RSA"), &json!("sig")), "{key}");
        assert!(key["n"].as_str().is_some_and(|n| n.len() >= 342), "at least 2048 bits: {key}");
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key[private].is_null(), "a private part is published");
        }
    }
}

async fn who_i_am_is_told_three_ways(desk: &Host) {
    let scene = Scene::on(desk).await;
    let user = scene.user(&["manager", "support"]).await;
    let caller = desk.login(&user.str("username")).await;

    let me = caller.get("/me").await.is(200);
    let mut roles: Vec<_> = me.body["roles"].as_array().expect("roles").clone();
    roles.sort_by_key(ToString::to_string);
    assert_eq!(roles, [json!("manager"), json!("support")], "{me}");
    assert!(me.mentions(&user.id()) && me.mentions(&user.str("username")), "{me}");
    assert!(!me.text.contains("hash") && !me.text.contains("argon2"), "{me}");

    let whoami = caller.get("/whoami").await.is(200);
    let claims = if whoami.body["claims"].is_object() { &whoami.body["claims"] } else { &whoami.body };
    for (name, claim) in claims.as_object().expect("claims") {
        assert!(claim.is_string(), "the gateway hands over text; {name} is not: {whoami}");
    }
    assert!(matches!(claims["groups"].as_str(), Some("[manager support]" | "[support manager]")), "{whoami}");
    assert_eq!(claims["sub"], json!(user.id()), "{whoami}");

    let status = caller.get("/status").await.is(200);
    assert_eq!(status.body["status"], "active", "{status}");
    assert!(status.str("token_expires_at").ends_with('Z'), "{status}");
}

async fn forged_tokens_open_nothing(desk: &Host) {
    let admin = desk.admin().await;
    let good = admin.bearer.clone().expect("logged in");
    let (mut header, claims) = parts(&good);
    let pieces: Vec<_> = good.split('.').collect();
    let mut forged: Vec<(&str, String)> = Vec::new();

    header["alg"] = json!("none");
    let unsigned = format!("{}.{}", encode(&header), encode(&claims));
    forged.push(("alg none", format!("{unsigned}.")));
    forged.push(("alg none with the old signature", format!("{unsigned}.{}", pieces[2])));

    header["alg"] = json!("HS256");
    let keys = desk.visitor().get("/.well-known/jwks.json").await.is(200).body;
    for secret in
        [public_pem(&keys["keys"][0]), keys["keys"][0]["n"].as_str().unwrap_or_default().into(), String::new()]
    {
        let text = format!("{}.{}", encode(&header), encode(&claims));
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length is a key");
        mac.update(text.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        forged.push(("HS256 with what is public", format!("{text}.{signature}")));
    }
    for (what, claim, value) in [
        ("later expiry", "exp", json!(4_102_444_800_u64)),
        ("past expiry", "exp", json!(1_000_000_000)),
        ("another subject", "sub", json!("someone-else")),
        ("more groups", "groups", json!(["admin", "king"])),
    ] {
        let changed = samples::merged(claims.clone(), json!({ claim: value }));
        forged.push((what, format!("{}.{}.{}", pieces[0], encode(&changed), pieces[2])));
    }
    let mut signature = URL_SAFE_NO_PAD.decode(pieces[2]).expect("base64url");
    signature[7] ^= 1;
    let flipped = URL_SAFE_NO_PAD.encode(signature);
    forged.push(("one bit of the signature", format!("{}.{}.{flipped}", pieces[0], pieces[1])));
    forged.push(("no signature", format!("{}.{}", pieces[0], pieces[1])));
    forged.push(("cut off", good[..good.len() - 5].into()));
    forged.push(("garbage", "garbage".into()));
    forged.push(("dots", "..".into()));

    for (what, token) in forged {
        let answer = admin.bearing(&token).get("/tickets").await;
        assert_eq!(answer.status, 401, "{what} got in: {answer}");
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        assert!(challenge.starts_with("Bearer") && challenge.contains("error=\"invalid_token\""), "{what}: {answer}");
        answer.problem(401);
    }
    admin.get("/tickets").await.is(200);
}

async fn no_token_is_401_without_an_error_code(desk: &Host) {
    let visitor = desk.visitor();
    let good = desk.admin().await.bearer.expect("logged in");
    for path in ["/tickets", &format!("/tickets?access_token={good}")] {
        desk.wants_a_token(visitor.get(path).await);
    }
    for given in ["Basic YWRtaW46cGFzc1dvcmRAMQ==", "Bearer"] {
        let answer = visitor.with("Authorization", given).get("/tickets").await.problem(401);
        assert!(answer.header("www-authenticate").is_some_and(|text| text.starts_with("Bearer")), "{answer}");
        assert_eq!(answer.body["message"], "Unauthorized", "{answer}");
    }
    visitor.with("Authorization", &format!("bearer {good}")).get("/tickets").await.is(200);
}

async fn a_token_of_another_deployment_is_worth_nothing(desk: &Host) {
    let foreign = Desk::start().admin().await.bearer.expect("logged in");
    let answer = desk.visitor().bearing(&foreign).get("/tickets").await.problem(401);
    assert!(answer.header("www-authenticate").is_some_and(|text| text.contains("invalid_token")), "{answer}");
}

async fn health_and_readiness_are_public_at_both_places(desk: &Host) {
    for visitor in [desk.visitor(), desk.visitor().at_root()] {
        visitor.get("/health").await.is(200);
        visitor.get("/ready").await.is(200);
    }
}

fn parts(token: &str) -> (Value, Value) {
    let piece = |piece: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(piece).expect("a token's parts are base64url");
        serde_json::from_slice(&bytes).expect("a token's parts are JSON")
    };
    let mut pieces = token.split('.');
    let (header, claims) = (pieces.next().expect("a header"), pieces.next().expect("claims"));
    (piece(header), piece(claims))
}

fn encode(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

/// The PEM text of a JWK's public key, as an attacker would use it for a shared secret.
fn public_pem(key: &Value) -> String {
    fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![tag];
        let length = content.len().to_be_bytes();
        let significant = &length[length.iter().position(|byte| *byte != 0).unwrap_or(7)..];
        if content.len() >= 128 {
            out.push(0x80 | u8::try_from(significant.len()).expect("at most eight"));
        }
        out.extend_from_slice(significant);
        out.extend_from_slice(content);
        out
    }
    let integer = |member: &str| {
        let mut bytes = URL_SAFE_NO_PAD.decode(key[member].as_str().unwrap_or_default()).expect("base64url");
        if bytes.first().is_some_and(|byte| *byte >= 0x80) {
            bytes.insert(0, 0);
        }
        tagged(2, &bytes)
    };
    let rsa = tagged(0x30, &[integer("n"), integer("e")].concat());
    let algorithm = [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let info = tagged(0x30, &[algorithm.to_vec(), tagged(3, &[vec![0], rsa].concat())].concat());
    let text = STANDARD.encode(info);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}
