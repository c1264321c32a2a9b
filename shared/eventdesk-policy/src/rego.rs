//! Rego within the process.

mod jwt;

use std::{
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use eventdesk_app::ports::{PolicyEngine, PolicyInput, PolicyUnavailable};
use regorus::{Engine, LimitError, Value, utils::limits::ExecutionTimerConfig};

/// How long one decision may take. Ordinary ones take microseconds; but it is time on the wall, and a machine may be busy
/// with other things.
const TIME_LIMIT: Duration = Duration::from_secs(1);
/// Steps of evaluation between two looks at the clock.
const STEPS_BETWEEN_LOOKS: NonZeroU32 = NonZeroU32::new(64).expect("64 is not zero");
/// Largest input that is evaluated, in bytes of JSON. The gateway's limit on headers keeps tokens far below.
const MOST_INPUT: usize = 64 * 1024;
/// Most evaluators that are kept for the next question; each holds what one evaluation needs, the policy is shared.
const MOST_IDLE: usize = 16;
/// The rule that decides, behind the policy's package.
const RULE: &str = "allow";

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RegoError {
    /// It is not Rego (version 1); the message names line and column.
    #[error("not a policy: {0}")]
    Syntax(String),
    /// It has no rule that decides.
    #[error("the policy has no rule {0}")]
    NoRule(String),
    /// It cannot be evaluated.
    #[error("the policy cannot be evaluated: {0}")]
    Broken(String),
}

/// A compiled policy. `allow` in the package of its file decides.
pub struct RegoPolicy {
    rule: String,
    prototype: Engine,
    idle: Mutex<Vec<Engine>>,
}

impl RegoPolicy {
    /// Compiles a policy, once, and tries it on an empty question. `name` is what messages call it.
    ///
    /// Beside Rego's own functions there is `io.jwt.decode`. A function of Rego that fails is undefined, as in OPA.
    ///
    /// # Errors
    /// See [`RegoError`].
    pub fn compile(name: &str, text: &str) -> Result<Self, RegoError> {
        let mut engine = Engine::new();
        engine.set_strict_builtin_errors(false);
        engine.set_execution_timer_config(ExecutionTimerConfig {
            limit: TIME_LIMIT,
            check_interval: STEPS_BETWEEN_LOOKS,
        });
        let decode = engine.add_extension(jwt::DECODE.to_owned(), 1, Box::new(jwt::decode));
        decode.map_err(|error| RegoError::Broken(error.to_string()))?;
        let package = engine.add_policy(name.to_owned(), text.to_owned());
        let package = package.map_err(|error| RegoError::Syntax(one_line(&error.to_string())))?;
        let rule = format!("{package}.{RULE}");
        engine.set_input(Value::new_object());
        match engine.eval_rule(rule.clone()) {
            Ok(_) => Ok(Self { rule, prototype: engine, idle: Mutex::default() }),
            Err(error) if error.to_string().contains("not a valid rule path") => Err(RegoError::NoRule(rule)),
            Err(error) => Err(RegoError::Broken(one_line(&error.to_string()))),
        }
    }

    /// Evaluates the rule. Takes microseconds, and [`TIME_LIMIT`] at most.
    fn decide(&self, input: &str) -> Result<bool, PolicyUnavailable> {
        let input = match Value::from_json_str(input) {
            Ok(input) => input,
            Err(error) => return Err(PolicyUnavailable(error.to_string())),
        };
        let idle = self.lock().pop();
        let mut engine = idle.unwrap_or_else(|| self.prototype.clone());
        engine.set_input(input);
        let answer = engine.eval_rule(self.rule.clone());
        // The token must not lie about until the next question.
        engine.set_input(Value::Undefined);
        match answer {
            Ok(answer) => {
                let mut idle = self.lock();
                if idle.len() < MOST_IDLE {
                    idle.push(engine);
                }
                Ok(answer == Value::Bool(true))
            }
            // What an evaluator was about when it broke off is nothing to build on: it is not kept.
            Err(error) if error.downcast_ref::<LimitError>().is_some() => {
                Err(PolicyUnavailable(format!("a decision took longer than {TIME_LIMIT:?}")))
            }
            Err(error) => {
                tracing::error!(
                    error = one_line(&error.to_string()),
                    "the policy fails on a question, which denies it"
                );
                Ok(false)
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Engine>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The engine draws the line that it complains about; in a log and on a terminal one line tells as much.
fn one_line(message: &str) -> String {
    let parts = message.lines().map(|line| line.trim_matches([' ', '|', '^'])).filter(|line| !line.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

#[async_trait]
impl PolicyEngine for RegoPolicy {
    async fn allows(&self, input: &PolicyInput<'_>) -> Result<bool, PolicyUnavailable> {
        let text = serde_json::to_string(input).map_err(|error| PolicyUnavailable(error.to_string()))?;
        if text.len() > MOST_INPUT {
            tracing::warn!(input.bytes = text.len(), "a question is too long for the policy, which denies it");
            return Ok(false);
        }
        self.decide(&text)
    }
}
