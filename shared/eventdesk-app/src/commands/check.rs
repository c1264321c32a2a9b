//! Collects what is wrong with a request's fields, so that all of it is said at once.

use eventdesk_domain::{rules::FieldFault, text::Fault};

use crate::{CommandError, InvalidField};

/// The faults found so far.
#[derive(Default)]
pub(super) struct Checked(Vec<InvalidField>);

impl Checked {
    /// The checked value, or a default that is never used because [`Checked::done`] refuses.
    pub(super) fn field<T: Default>(&mut self, name: &str, result: Result<T, Fault>) -> T {
        result.unwrap_or_else(|fault| {
            self.0.push(InvalidField::new(name, fault));
            T::default()
        })
    }

    /// As [`Checked::field`] for a field that may be left out.
    pub(super) fn optional<T>(&mut self, name: &str, result: Option<Result<T, Fault>>) -> Option<T> {
        match result? {
            Ok(value) => Some(value),
            Err(fault) => {
                self.0.push(InvalidField::new(name, fault));
                None
            }
        }
    }

    /// As [`Checked::field`] for a list whose members are checked one by one.
    pub(super) fn list<T>(&mut self, name: &str, result: Result<Vec<T>, Vec<(Option<usize>, Fault)>>) -> Vec<T> {
        result.unwrap_or_else(|faults| {
            self.0.extend(faults.into_iter().map(|(index, fault)| InvalidField {
                pointer: index.map_or_else(|| format!("/{name}"), |index| format!("/{name}/{index}")),
                fault,
            }));
            Vec::new()
        })
    }

    /// As [`Checked::field`] for several fields at once; `None` if any is wrong.
    pub(super) fn fields<T>(&mut self, result: Result<T, Vec<FieldFault>>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(faults) => {
                self.0.extend(faults.into_iter().map(|f| InvalidField::new(f.field, f.fault)));
                None
            }
        }
    }

    /// Refuses a field for a reason found elsewhere.
    pub(super) fn refuse(&mut self, name: &str, code: &'static str, detail: &str) {
        self.0.push(InvalidField::new(name, Fault::new(code, detail)));
    }

    /// Whether nothing was wrong.
    pub(super) fn done(self) -> Result<(), CommandError> {
        if self.0.is_empty() { Ok(()) } else { Err(CommandError::Invalid(self.0)) }
    }
}
