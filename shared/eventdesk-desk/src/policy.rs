//! Who may do what, as the configuration has it.

use std::sync::Arc;

use eventdesk_app::Policy;
use eventdesk_policy::{OpaOptions, OpaPolicy, RegoPolicy};
use eventdesk_runtime::{Config, SystemClock, config::PolicyEngine};

/// A configured policy that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("configuration: {key}: {reason}")]
pub struct InvalidPolicy {
    /// The key that names it.
    pub key: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

/// The policy that decides, compiled. Calls nobody.
///
/// # Errors
/// [`InvalidPolicy`] for a file that is no policy, and a server that must not be asked.
pub fn policy(config: &Config) -> Result<Policy, InvalidPolicy> {
    match &config.policy.engine {
        PolicyEngine::Matrix { .. } => Ok(Policy::Matrix(Arc::new(config.policy.matrix.clone()))),
        PolicyEngine::Rego { file, text } => match RegoPolicy::compile(&file.to_string_lossy(), text) {
            Ok(policy) => Ok(Policy::Engine(Arc::new(policy))),
            Err(error) => Err(InvalidPolicy { key: "policy.file", reason: error.to_string() }),
        },
        PolicyEngine::Opa { url, timeout, remember } => {
            let options = OpaOptions { url: url.clone(), timeout: *timeout, remember: *remember };
            match OpaPolicy::new(&options, Arc::new(SystemClock)) {
                Ok(policy) => Ok(Policy::Engine(Arc::new(policy))),
                Err(error) => Err(InvalidPolicy { key: "policy.url", reason: error.to_string() }),
            }
        }
    }
}
