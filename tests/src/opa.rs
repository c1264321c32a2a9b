//! The policy server that `tests/run` starts.

/// Names its URL.
const URL: &str = "EVENTDESK_TEST_OPA_URL";

/// An Open Policy Agent with the desk's default policy in the package `eventdesk.authz`.
pub struct Opa {
    http: reqwest::Client,
    base: String,
}

impl Opa {
    /// The server of this run.
    pub fn started() -> Self {
        let base = std::env::var(URL);
        let base = base.unwrap_or_else(|_| panic!("{URL} is not set: tests/run starts what it names"));
        let http = reqwest::Client::builder().no_proxy().build().expect("a plain client needs nothing");
        Self { http, base }
    }

    /// Where the policy of a package, its parts parted by slashes, decides.
    pub fn decision(&self, package: &str) -> String {
        format!("{}/v1/data/{package}/allow", self.base)
    }

    /// Adds a policy of these rules in a package of its own: where it decides. A test takes a name once.
    pub async fn add(&self, name: &str, rules: &str) -> String {
        let package = format!("{name}_{}", std::process::id());
        let text = format!("package {package}\n{rules}");
        let asked = self.http.put(format!("{}/v1/policies/{package}", self.base)).body(text);
        let answer = asked.send().await.expect("the policy server answers");
        assert!(answer.status().is_success(), "{answer:?}");
        self.decision(&package)
    }
}
