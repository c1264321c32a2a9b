//! `[policy]`: who may do what, and who decides it.

use std::{path::PathBuf, time::Duration};

use eventdesk_app::access::AccessMatrix;

use super::{reader::Reader, values::check_url};

/// `[policy]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Who decides.
    pub engine: PolicyEngine,
    /// Which roles have which permission: the configured matrix, if that decides, and else the default one. The
    /// built-in issuer gives scopes by it, whoever decides.
    pub matrix: AccessMatrix,
}

/// `policy.engine`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyEngine {
    /// The permission matrix.
    Matrix {
        /// Where it stands, if it is not the default one.
        file: Option<PathBuf>,
    },
    /// A Rego policy, evaluated within the process.
    Rego {
        /// Where it stands.
        file: PathBuf,
        /// What stands there; not yet compiled.
        text: String,
    },
    /// A server of Open Policy Agent.
    Opa {
        /// Where its Data API has the decision: `https://opa.example/v1/data/eventdesk/authz/allow`.
        url: String,
        /// How long it may take to answer.
        timeout: Duration,
        /// How long an answer stands for the very same question; zero = it is asked each time.
        remember: Duration,
    },
}

/// Longest that a remote answer stands, in milliseconds: a policy that changes counts within that.
const LONGEST_REMEMBERED_MS: u32 = 5_000;

pub(super) fn policy(reader: &mut Reader) -> Policy {
    let engine = reader.text("policy.engine").unwrap_or_else(|| "matrix".to_owned());
    match engine.as_str() {
        "matrix" => {}
        "rego" => return Policy { engine: rego(reader), matrix: AccessMatrix::default() },
        "opa" => return Policy { engine: opa(reader), matrix: AccessMatrix::default() },
        _ => reader.refuse("policy.engine", "must be \"matrix\", \"rego\" or \"opa\""),
    }
    goes_only_with(reader, &["url", "timeout_ms", "remember_ms"], "opa");
    matrix(reader)
}

fn matrix(reader: &mut Reader) -> Policy {
    let Some(file) = reader.some_text("policy.file") else {
        return Policy { engine: PolicyEngine::Matrix { file: None }, matrix: AccessMatrix::default() };
    };
    let matrix =
        read(&file).and_then(|text| AccessMatrix::from_toml(&text).map_err(|error| format!("{file}: {error}")));
    let matrix = matrix.unwrap_or_else(|reason| {
        reader.refuse("policy.file", reason.trim_end());
        AccessMatrix::default()
    });
    Policy { engine: PolicyEngine::Matrix { file: Some(file.into()) }, matrix }
}

fn rego(reader: &mut Reader) -> PolicyEngine {
    goes_only_with(reader, &["url", "timeout_ms", "remember_ms"], "opa");
    let Some(file) = reader.some_text("policy.file") else {
        reader.refuse("policy.file", "must name the policy with policy.engine = \"rego\"");
        return PolicyEngine::Matrix { file: None };
    };
    let text = read(&file).unwrap_or_else(|reason| {
        reader.refuse("policy.file", reason);
        String::new()
    });
    PolicyEngine::Rego { file: file.into(), text }
}

fn opa(reader: &mut Reader) -> PolicyEngine {
    if reader.some_text("policy.file").is_some() {
        reader.refuse("policy.file", "goes with policy.engine = \"matrix\" or \"rego\" only");
    }
    let url = reader.some_text("policy.url").unwrap_or_default();
    if url.is_empty() {
        reader.refuse("policy.url", "must be given with policy.engine = \"opa\"");
    } else if let Err(reason) = check_url(&url) {
        reader.refuse("policy.url", reason);
    }
    PolicyEngine::Opa {
        url,
        timeout: millis(reader.number("policy.timeout_ms", 10..=10_000, 1_000)),
        remember: millis(reader.number("policy.remember_ms", 0..=LONGEST_REMEMBERED_MS, 2_000)),
    }
}

fn millis(number: u32) -> Duration {
    Duration::from_millis(number.into())
}

fn read(file: &str) -> Result<String, String> {
    std::fs::read_to_string(file).map_err(|error| format!("{file} cannot be read: {error}"))
}

fn goes_only_with(reader: &mut Reader, names: &[&str], engine: &str) {
    for name in names {
        let key = format!("policy.{name}");
        if reader.is_given(&key) {
            reader.refuse(&key, format!("goes with policy.engine = \"{engine}\" only"));
        }
    }
}
