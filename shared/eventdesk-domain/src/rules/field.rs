//! One text field: its bounds, its pattern, and how faults of many fields are gathered.

use std::{fmt, sync::LazyLock};

use regex::Regex;
use serde::{Deserialize, Deserializer};

use super::{FieldFault, RulesError};
use crate::text::{Bounds, Fault, single_line};

/// No field is longer than this many characters, whatever the configuration says: events stay small.
const LONGEST: usize = 4_096;

/// What the configuration changes about one field; an empty rule changes nothing.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FieldRule {
    /// The shortest, in characters; 1 or more.
    pub min: Option<usize>,
    /// The longest, in characters; at most 4,096.
    pub max: Option<usize>,
    /// What the whole text must match, in place of the field's own pattern.
    pub pattern: Option<Pattern>,
}

/// A regular expression that a whole text must match; Unicode classes such as `\p{L}` are understood.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    // Kept also when broken: the rules' own check reports it, and until then it matches nothing.
    compiled: Result<Regex, String>,
}

impl Pattern {
    /// Compiles `text`; a broken one matches nothing and is reported by [`super::DirectoryRules::validate`].
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let compiled = anchored(&text).map_err(|e| e.to_string().lines().last().unwrap_or_default().to_owned());
        Self { text, compiled }
    }

    /// The expression as configured.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

fn anchored(pattern: &str) -> Result<Regex, regex::Error> {
    // Compiled alone first, so that an unbalanced `)` cannot close the group around it.
    Regex::new(pattern)?;
    Regex::new(&format!(r"\A(?:{pattern})\z"))
}

/// A kind of field: what it is called, its default bounds and its own pattern.
pub(super) struct Kind {
    pub(super) bounds: Bounds,
    pattern: &'static LazyLock<Regex>,
    /// The pattern in words, for people.
    words: &'static str,
}

/// Compiled at first use, and once for all fields of the kind.
macro_rules! kind {
    ($name:ident, $min:literal..=$max:literal, $pattern:expr, $words:literal) => {
        pub(super) const $name: Kind = Kind {
            bounds: Bounds { min: $min, max: $max },
            pattern: {
                static PATTERN: LazyLock<Regex> = LazyLock::new(|| anchored($pattern).expect("a tested pattern"));
                &PATTERN
            },
            words: $words,
        };
    };
}

kind!(USERNAME, 3..=64, "[A-Za-z0-9._@-]+", "must consist of the letters a to z, digits, '.', '_', '-' and '@'");
// Joiners belong to words of several scripts; marks to decomposed letters; the full stop to abbreviated names.
kind!(
    NAME,
    1..=100,
    r"[\p{M} .,·\-‐‑–'’‘ʼʻ´`\x{200c}\x{200d}]*\p{L}[\p{L}\p{M} .,·\-‐‑–'’‘ʼʻ´`\x{200c}\x{200d}]*",
    "must consist of letters, spaces, hyphens and apostrophes, with at least one letter"
);
kind!(
    NICK_NAME,
    1..=64,
    r"[\p{L}\p{M}\p{N} _.,·\-‐‑–'’‘ʼʻ´`\x{200c}\x{200d}]*[\p{L}\p{N}][\p{L}\p{M}\p{N} _.,·\-‐‑–'’‘ʼʻ´`\x{200c}\x{200d}]*",
    "must consist of letters, digits, spaces, hyphens, apostrophes and '_', with at least one letter or digit"
);
kind!(PHONE, 8..=21, r"\+[0-9]{7,20}", "must be '+' and 7 to 20 digits");
// Anything a mail server may name, addresses in other scripts included, as long as the host has a dot.
kind!(
    EMAIL,
    6..=254,
    r#"[^@\p{Z}\p{C}"<>(),:;\\\[\]]+@([\p{L}\p{N}]([\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])?\.)+[\p{L}\p{N}]([\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])"#,
    "must be an e-mail address, name@host.tld"
);
kind!(
    PLACE,
    2..=100,
    r"[\p{L}\p{M}\p{N} .,·&/()\-‐‑–'’‘ʼʻ´`\x{200c}\x{200d}]*\p{L}[\p{L}\p{M}\p{N} .,·&/()\-‐‑–'’‘ʼʻ´`\x{200c}\x{200d}]*",
    "must consist of letters, digits, spaces and the punctuation of place names, with at least one letter"
);
/// A place whose name may be one letter.
pub(super) const CITY: Kind = Kind { bounds: Bounds { min: 1, max: 100 }, ..PLACE };
kind!(
    ADDRESS,
    1..=500,
    r"[\p{L}\p{M}\p{N}\p{P}\p{S} \x{a0}\x{3000}\x{200c}\x{200d}]+",
    "must consist of printable characters"
);

impl FieldRule {
    fn bounds(&self, kind: &Kind) -> Bounds {
        Bounds { min: self.min.unwrap_or(kind.bounds.min), max: self.max.unwrap_or(kind.bounds.max) }
    }

    fn check(&self, text: &str, kind: &Kind) -> Result<String, Fault> {
        let text = single_line(text, self.bounds(kind))?;
        let (matches, words) = match &self.pattern {
            None => (kind.pattern.is_match(&text), kind.words.to_owned()),
            Some(pattern) => (
                pattern.compiled.as_ref().is_ok_and(|regex| regex.is_match(&text)),
                format!("must match {}", pattern.text),
            ),
        };
        if matches { Ok(text) } else { Err(Fault::new("pattern", words)) }
    }

    pub(super) fn validate(&self, key: &str, kind: &Kind) -> Result<(), RulesError> {
        let Bounds { min, max } = self.bounds(kind);
        if min == 0 {
            return Err(RulesError::new(format!("{key}.min"), "must be at least 1"));
        }
        if max > LONGEST {
            return Err(RulesError::new(format!("{key}.max"), format!("must be at most {LONGEST}")));
        }
        if min > max {
            // Blame what was configured; the other end may be a default that nobody wrote.
            let end = if self.min.is_some() { "min" } else { "max" };
            return Err(RulesError::new(format!("{key}.{end}"), format!("no text has {min} to {max} characters")));
        }
        match &self.pattern {
            Some(Pattern { compiled: Err(reason), .. }) => {
                Err(RulesError::new(format!("{key}.pattern"), format!("not a regular expression: {reason}")))
            }
            _ => Ok(()),
        }
    }
}

/// Gathers the faults of many fields, so that all are told at once.
#[derive(Default)]
pub(super) struct Checker {
    faults: Vec<FieldFault>,
}

impl Checker {
    /// The checked text; empty, with a fault noted, if it is absent or wrong.
    pub(super) fn required(&mut self, field: &'static str, raw: Option<&str>, rule: &FieldRule, kind: &Kind) -> String {
        let checked = raw.ok_or_else(Fault::required).and_then(|text| rule.check(text, kind));
        self.taken(field, Some(checked)).unwrap_or_default()
    }

    /// The checked text, if there is one; `None`, with a fault noted, if it is wrong.
    pub(super) fn optional(
        &mut self,
        field: &'static str,
        raw: Option<&str>,
        rule: &FieldRule,
        kind: &Kind,
    ) -> Option<String> {
        self.taken(field, raw.map(|text| rule.check(text, kind)))
    }

    /// What a check accepted; notes what it refused.
    pub(super) fn taken(&mut self, field: &'static str, checked: Option<Result<String, Fault>>) -> Option<String> {
        match checked? {
            Ok(text) => Some(text),
            Err(fault) => {
                self.faults.push(FieldFault { field, fault });
                None
            }
        }
    }

    /// `value`, unless a fault was noted on the way to it.
    pub(super) fn finish<T>(self, value: T) -> Result<T, Vec<FieldFault>> {
        if self.faults.is_empty() { Ok(value) } else { Err(self.faults) }
    }
}
