//! What the directory takes and refuses, by default and as configured.

mod configured;
mod passwords;
mod people;

use super::{DirectoryRules, FieldFault};

fn rules(toml: &str) -> DirectoryRules {
    toml::from_str(toml).unwrap()
}

fn codes<T>(checked: Result<T, Vec<FieldFault>>) -> Vec<(&'static str, &'static str)> {
    checked.err().unwrap_or_default().into_iter().map(|f| (f.field, f.fault.code)).collect()
}
