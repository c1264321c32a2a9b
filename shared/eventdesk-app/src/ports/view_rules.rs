//! What a view's declaration allows: checks that every adapter of [`ReadStore`](super::ReadStore) makes alike.

use super::{Document, Field, FieldKind, Filter, Select, Value, ViewSpec};

/// A view declared, written or asked in a way that its declaration does not allow: a mistake in the program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("view {view}: {problem}")]
pub struct Misuse {
    /// The view's name.
    pub view: &'static str,
    /// What is wrong with it; no private text.
    pub problem: String,
}

/// Names that every view has already.
const TAKEN: [&str; 6] = ["id", "version", "revision", "deleted", "body", "rowid"];

impl ViewSpec {
    /// Checks names, fields and indexes.
    ///
    /// # Errors
    /// [`Misuse`].
    pub fn check(&self) -> Result<(), Misuse> {
        let problem = |problem: String| Err(Misuse { view: self.name, problem });
        if !is_name(self.name) {
            return problem("the name is not lower snake case of at most 40 characters".to_owned());
        }
        for (at, field) in self.fields.iter().enumerate() {
            if !is_name(field.name) || TAKEN.contains(&field.name) {
                return problem(format!("field {} cannot have this name", field.name));
            }
            if self.fields[..at].iter().any(|earlier| earlier.name == field.name) {
                return problem(format!("field {} is declared twice", field.name));
            }
        }
        for index in self.indexes {
            if index.fields.is_empty() {
                return problem("an index has no field".to_owned());
            }
            for name in index.fields {
                if self.field(name)?.1.kind == FieldKind::Set {
                    return problem(format!("set field {name} stands in an index"));
                }
            }
        }
        Ok(())
    }

    /// The declared field of this name, with its place in [`Document::fields`].
    ///
    /// # Errors
    /// [`Misuse`] if there is none.
    pub fn field(&self, name: &str) -> Result<(usize, &'static Field), Misuse> {
        self.fields
            .iter()
            .enumerate()
            .find(|(_, field)| field.name == name)
            .ok_or_else(|| Misuse { view: self.name, problem: format!("there is no field {name}") })
    }

    /// Checks a document's id and the kinds of its values.
    ///
    /// # Errors
    /// [`Misuse`].
    pub fn check_document(&self, document: &Document) -> Result<(), Misuse> {
        let problem = |problem: String| Err(Misuse { view: self.name, problem });
        if document.id.is_empty() || document.id.len() > 100 {
            return problem(format!("an id has {} bytes", document.id.len()));
        }
        if document.revision == 0 {
            return problem("revisions start with 1".to_owned());
        }
        if document.fields.len() != self.fields.len() {
            return problem(format!("a document has {} fields, not {}", document.fields.len(), self.fields.len()));
        }
        for (field, value) in self.fields.iter().zip(&document.fields) {
            let fits = match (field.kind, value) {
                (FieldKind::Set, Value::Set(texts)) => texts.is_sorted_by(|a, b| a < b),
                (FieldKind::Text, Value::Text(_) | Value::Null) | (FieldKind::Int, Value::Int(_) | Value::Null) => true,
                _ => false,
            };
            if !fits {
                return problem(format!("the value of field {} is not a {:?}", field.name, field.kind));
            }
        }
        Ok(())
    }

    /// Checks that filters name declared fields and compare them with values of their kind.
    ///
    /// # Errors
    /// [`Misuse`].
    pub fn check_filters(&self, filters: &[Filter]) -> Result<(), Misuse> {
        for filter in filters {
            let (name, fits) = match filter {
                Filter::Equal(name, value) => (name, self.takes(name, value, true)?),
                Filter::OneOf(name, values) => {
                    self.field(name)?;
                    let misfit = |value| self.takes(name, value, true).map(|takes| !takes);
                    (name, values.iter().map(misfit).find(|misfit| *misfit != Ok(false)).is_none())
                }
                Filter::Less(name, value) | Filter::Greater(name, value) => (name, self.takes(name, value, false)?),
                Filter::Holds(name, _) => (name, self.field(name)?.1.kind == FieldKind::Set),
                Filter::Contains(name, _) => (name, self.field(name)?.1.kind == FieldKind::Text),
            };
            if !fits {
                return Err(Misuse { view: self.name, problem: format!("field {name} cannot be filtered like this") });
            }
        }
        Ok(())
    }

    fn takes(&self, name: &str, value: &Value, null: bool) -> Result<bool, Misuse> {
        let kind = self.field(name)?.1.kind;
        Ok(match value {
            Value::Null => null && kind != FieldKind::Set,
            Value::Int(_) => kind == FieldKind::Int,
            Value::Text(_) => kind == FieldKind::Text,
            Value::Set(_) => false,
        })
    }
}

impl Select {
    /// Checks filters, sort and place.
    ///
    /// # Errors
    /// [`Misuse`].
    pub fn check(&self) -> Result<(), Misuse> {
        let view = self.view;
        view.check_filters(&self.filters)?;
        let kind = view.field(self.sort.field)?.1.kind;
        let place = self.after.as_ref().map(|(value, _)| view.takes(self.sort.field, value, false)).transpose()?;
        if kind == FieldKind::Set || place == Some(false) {
            let problem = format!("pages cannot be sorted by {} like this", self.sort.field);
            return Err(Misuse { view: view.name, problem });
        }
        Ok(())
    }
}

/// Lower snake case, so that a name can stand in a query as it is.
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= 40 && name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(plain)
}
