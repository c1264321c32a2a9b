//! An issuer in a folder of its own, a clock to set, and tokens of every kind.

use std::{
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, Ordering},
    },
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use eventdesk_app::ports::{Clock, Ids};
use eventdesk_events::Timestamp;
use eventdesk_identity::{Authorizer, IssuerKeys, Refusal, Trust, Validation, Verified};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) const ISSUER: &str = "https://desk.example";
pub(crate) const AUDIENCE: &str = "eventdesk";
/// 2026-11-22T00:00:00Z
pub(crate) const NOW_S: i64 = 1_795_305_600;

pub(crate) struct FakeClock(pub(crate) AtomicI64);

impl FakeClock {
    pub(crate) fn set_s(&self, seconds: i64) {
        self.0.store(seconds * 1_000, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

pub(crate) struct TestIds;

impl Ids for TestIds {
    fn next(&self) -> Uuid {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }

    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).unwrap();
    }
}

/// Making a key takes long, so one folder serves all tests that change nothing in it.
pub(crate) fn shared_folder() -> PathBuf {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| tempfile::tempdir().unwrap()).path().join("keys");
    IssuerKeys::open(&folder).unwrap();
    folder
}

pub(crate) struct Bench {
    pub(crate) keys: Arc<IssuerKeys>,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) authorizer: Authorizer,
    pub(crate) private: EncodingKey,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = shared_folder();
        let keys = Arc::new(IssuerKeys::open(&folder).unwrap());
        let pem = std::fs::read(folder.join(format!("{}.pem", keys.signing_kid()))).unwrap();
        let clock = Arc::new(FakeClock(AtomicI64::new(NOW_S * 1_000)));
        let authorizer = authorizer(&keys, &clock);
        Self { keys, clock, authorizer, private: EncodingKey::from_rsa_pem(&pem).unwrap() }
    }

    pub(crate) fn header(&self) -> Header {
        Header { kid: Some(self.keys.signing_kid()), ..Header::new(Algorithm::RS256) }
    }

    /// A token that is signed as it should be, whatever it says.
    pub(crate) fn token(&self, claims: &Value) -> String {
        jsonwebtoken::encode(&self.header(), claims, &self.private).unwrap()
    }

    pub(crate) async fn check(&self, token: &str) -> Result<Verified, Refusal> {
        self.authorizer.authorize(Some(&format!("Bearer {token}")), &[]).await
    }

    pub(crate) async fn check_claims(&self, claims: Value) -> Result<Verified, Refusal> {
        self.check(&self.token(&claims)).await
    }
}

pub(crate) fn authorizer(keys: &Arc<IssuerKeys>, clock: &Arc<FakeClock>) -> Authorizer {
    let trust = Trust::new(ISSUER, vec![AUDIENCE.to_owned(), "other".to_owned()]);
    Authorizer::new(clock.clone()).believing(trust, Validation::Keys(keys.clone()))
}

/// Claims of which nothing is wrong.
pub(crate) fn good() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "0191", "exp": NOW_S + 3_600, "iat": NOW_S, "nbf": NOW_S,
        "scope": "tickets:read tickets:write", "groups": ["manager", "support"],
    })
}

/// Good claims but for these; null removes one.
pub(crate) fn good_but(changes: Value) -> Value {
    let mut claims = good();
    let (Some(members), Value::Object(changes)) = (claims.as_object_mut(), changes) else { return claims };
    for (name, value) in changes {
        if value.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    claims
}

pub(crate) fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}
