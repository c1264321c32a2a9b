//! What a new password must be.

use serde::Deserialize;

use super::RulesError;
use crate::text::{Bounds, Fault};

/// Hashing costs grow with the length, so there is an end to it.
const LONGEST: usize = 1_024;

/// The rules for new passwords; they are taken as they are, untrimmed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "four independent switches of a configuration table")]
pub struct PasswordPolicy {
    /// The shortest, in characters.
    pub min: usize,
    /// The longest, in characters; at most 1,024.
    pub max: usize,
    /// Whether an upper-case letter must be in it.
    pub require_upper: bool,
    /// Whether a lower-case letter must be in it.
    pub require_lower: bool,
    /// Whether a digit must be in it.
    pub require_digit: bool,
    /// Whether one of `special` must be in it.
    pub require_special: bool,
    /// The characters that count as special; others may be used all the same.
    pub special: String,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            min: 8,
            max: 128,
            require_upper: true,
            require_lower: true,
            require_digit: true,
            require_special: true,
            special: "!@#$%^&*".to_owned(),
        }
    }
}

impl PasswordPolicy {
    /// Everything wrong with a password; empty if it will do.
    pub fn faults(&self, password: &str) -> Vec<Fault> {
        let mut faults: Vec<Fault> =
            Bounds { min: self.min, max: self.max }.check(password).err().into_iter().collect();
        let mut need = |required: bool, met: &dyn Fn(char) -> bool, code, detail: String| {
            if required && !password.chars().any(met) {
                faults.push(Fault::new(code, detail));
            }
        };
        need(self.require_upper, &char::is_uppercase, "missing_upper", "must have an upper-case letter".into());
        need(self.require_lower, &char::is_lowercase, "missing_lower", "must have a lower-case letter".into());
        need(self.require_digit, &|c| c.is_ascii_digit(), "missing_digit", "must have a digit".into());
        let special = format!("must have one of {}", self.special);
        need(self.require_special, &|c| self.special.contains(c), "missing_special", special);
        if password.chars().any(char::is_control) {
            faults.push(Fault::new("control_character", "must have no control characters"));
        }
        faults
    }

    pub(super) fn validate(&self, key: &str) -> Result<(), RulesError> {
        let required = [self.require_upper, self.require_lower, self.require_digit, self.require_special];
        let classes = required.into_iter().filter(|class| *class).count();
        let refuse = |name: &str, reason: String| Err(RulesError::new(format!("{key}.{name}"), reason));
        if self.min == 0 {
            return refuse("min", "must be at least 1".into());
        }
        if self.max > LONGEST {
            return refuse("max", format!("must be at most {LONGEST}"));
        }
        if self.min > self.max {
            return refuse("max", format!("no password has {} to {} characters", self.min, self.max));
        }
        if self.max < classes {
            return refuse("max", format!("{classes} kinds of characters do not fit into {}", self.max));
        }
        if self.require_special && self.special.is_empty() {
            return refuse("special", "must not be empty while require_special is true".into());
        }
        if self.special.chars().any(char::is_control) {
            return refuse("special", "must have no control characters".into());
        }
        Ok(())
    }
}
