//! Gathers values from file and environment, and everything that is wrong with them.

use std::{collections::BTreeMap, fmt, ops::RangeInclusive};

use toml::{Table, Value};

use super::keys::{self, Kind};

/// One thing that is wrong; no text of it repeats a value that may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, with dots; or the variable or file, if it is wrong as such.
    pub key: String,
    /// The variable that the value came from, if it did.
    pub variable: Option<String>,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.reason)?;
        match &self.variable {
            Some(variable) => write!(f, " (from {variable})"),
            None => Ok(()),
        }
    }
}

/// A configuration that cannot be; names every key that is wrong, one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(pub Vec<Problem>);

impl ConfigError {
    pub(super) fn one(key: String, reason: String) -> Self {
        Self(vec![Problem { key, variable: None, reason }])
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

struct Given {
    value: Value,
    variable: Option<String>,
}

/// Values by key, and the problems found so far.
pub(super) struct Reader {
    kinds: BTreeMap<String, Kind>,
    given: BTreeMap<String, Given>,
    /// How many issuers the file has.
    issuers: usize,
    problems: Vec<Problem>,
}

impl Reader {
    pub(super) fn new(text: &str, variables: impl IntoIterator<Item = (String, Option<String>)>) -> Self {
        let kinds = keys::all().into_iter().collect();
        let mut reader = Self { kinds, given: BTreeMap::new(), issuers: 0, problems: Vec::new() };
        match text.parse::<Table>() {
            Ok(table) => reader.take_table("", table),
            // Not the error's own text: that quotes the line, and a secret may stand in it.
            Err(error) => {
                let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
                reader.problem("the file", None, format!("not TOML at line {line}: {}", error.message()));
            }
        }
        reader.take_variables(variables);
        reader
    }

    /// The configuration, if nothing was wrong on the way to it.
    pub(super) fn done<T>(self, config: T) -> Result<T, ConfigError> {
        if self.problems.is_empty() { Ok(config) } else { Err(ConfigError(self.problems)) }
    }

    fn problem(&mut self, key: &str, variable: Option<String>, reason: String) {
        self.problems.push(Problem { key: key.to_owned(), variable, reason });
    }

    /// Notes that a key's value cannot be.
    pub(super) fn refuse(&mut self, key: &str, reason: impl Into<String>) {
        let variable = self.given.get(key).and_then(|given| given.variable.clone());
        self.problem(key, variable, reason.into());
    }

    fn take_table(&mut self, prefix: &str, table: Table) {
        for (name, value) in table {
            let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
            match value {
                Value::Table(section) if self.is_section(&key) => self.take_table(&key, section),
                Value::Array(sections) if key == keys::ISSUER && sections.iter().all(Value::is_table) => {
                    self.take_issuers(sections);
                }
                value => self.take(&key, value, None),
            }
        }
    }

    /// The tables of `[[issuer]]`, each as a section of its own.
    fn take_issuers(&mut self, tables: Vec<Value>) {
        if tables.len() > keys::MOST_ISSUERS {
            self.problem(keys::ISSUER, None, format!("there may be at most {}", keys::MOST_ISSUERS));
        }
        for (index, table) in tables.into_iter().take(keys::MOST_ISSUERS).enumerate() {
            self.issuers = index + 1;
            if let Value::Table(section) = table {
                self.take_table(&keys::issuer(index), section);
            }
        }
    }

    /// The sections of issuers of whom anything is said.
    pub(super) fn issuers(&self) -> Vec<String> {
        let said = |section: &String| {
            self.given.keys().any(|key| {
                let rest = key.strip_prefix(section).and_then(|rest| rest.strip_prefix('.'));
                // What begins with a number is about another one.
                rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
            })
        };
        let sections = (0..keys::MOST_ISSUERS).map(|index| (index, keys::issuer(index)));
        sections.filter(|(index, section)| *index < self.issuers || said(section)).map(|(_, section)| section).collect()
    }

    fn is_section(&self, key: &str) -> bool {
        self.kinds.keys().any(|known| known.strip_prefix(key).is_some_and(|rest| rest.starts_with('.')))
    }

    fn take(&mut self, key: &str, value: Value, variable: Option<String>) {
        let reason = match self.kinds.get(key) {
            None if self.is_section(key) => "is a section, not a value",
            None => "unknown key",
            Some(kind) if !kind.fits(&value) => kind.expectation(),
            Some(_) => {
                self.given.insert(key.to_owned(), Given { value, variable });
                return;
            }
        };
        self.problem(key, variable, reason.to_owned());
    }

    fn take_variables(&mut self, variables: impl IntoIterator<Item = (String, Option<String>)>) {
        let names: BTreeMap<String, String> = self.kinds.keys().map(|key| (keys::variable(key), key.clone())).collect();
        for (variable, text) in variables.into_iter().filter(|(name, _)| name.starts_with(keys::PREFIX)) {
            let Some(key) = names.get(&variable) else {
                self.problem(&variable, None, "unknown variable".to_owned());
                continue;
            };
            match (text, self.kinds.get(key)) {
                (Some(text), Some(kind)) => match kind.read(&text) {
                    Some(value) => self.take(key, value, Some(variable)),
                    None => self.problem(key, Some(variable), kind.expectation().to_owned()),
                },
                _ => self.problem(key, Some(variable), "not Unicode".to_owned()),
            }
        }
    }

    /// The text of a key.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.given.get(key).and_then(|given| given.value.as_str()).map(str::to_owned)
    }

    /// As [`Reader::text`]; an empty text counts as none.
    pub(super) fn some_text(&self, key: &str) -> Option<String> {
        self.text(key).filter(|text| !text.is_empty())
    }

    /// Whether a key has a value; an empty text counts as none.
    pub(super) fn is_given(&self, key: &str) -> bool {
        self.given.get(key).is_some_and(|given| given.value.as_str() != Some(""))
    }

    /// The switch of a key.
    pub(super) fn boolean(&self, key: &str, default: bool) -> bool {
        self.given.get(key).and_then(|given| given.value.as_bool()).unwrap_or(default)
    }

    /// The number of a key within its range.
    pub(super) fn number(&mut self, key: &str, range: RangeInclusive<u32>, default: u32) -> u32 {
        let Some(number) = self.given.get(key).and_then(|given| given.value.as_integer()) else { return default };
        if let Some(number) = u32::try_from(number).ok().filter(|number| range.contains(number)) {
            return number;
        }
        self.refuse(key, format!("must be {} to {}", range.start(), range.end()));
        default
    }

    /// The texts of a key.
    pub(super) fn list(&self, key: &str) -> Vec<String> {
        let array = self.given.get(key).and_then(|given| given.value.as_array());
        array.into_iter().flatten().filter_map(|value| value.as_str().map(str::to_owned)).collect()
    }

    /// The pairs of a key; what is no pair is noted.
    pub(super) fn pairs(&mut self, key: &str) -> Vec<(String, String)> {
        match self.given.get(key).map(|given| given.value.clone()) {
            Some(Value::Table(table)) => {
                table.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect()
            }
            Some(Value::Array(_)) => {
                let mut pairs = Vec::new();
                for text in self.list(key) {
                    // The name may hold `=` itself.
                    match text.rsplit_once('=') {
                        Some((name, value)) => pairs.push((name.trim().to_owned(), value.trim().to_owned())),
                        None => self.refuse(key, format!("{text:?} has no =")),
                    }
                }
                pairs
            }
            _ => Vec::new(),
        }
    }

    /// All that was given below a section, as a table again.
    pub(super) fn section(&self, section: &str) -> Table {
        let mut table = Table::new();
        for (key, given) in &self.given {
            let Some(path) = key.strip_prefix(section).and_then(|rest| rest.strip_prefix('.')) else { continue };
            insert(&mut table, path, given.value.clone());
        }
        table
    }
}

fn insert(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((name, rest)) => {
            let inner = table.entry(name).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

impl Kind {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_str(),
            Self::Integer => value.is_integer(),
            Self::Boolean => value.is_bool(),
            Self::List => value.as_array().is_some_and(|array| array.iter().all(Value::is_str)),
            Self::Pairs => {
                Self::List.fits(value)
                    || value.as_table().is_some_and(|table| table.iter().all(|(_, value)| value.is_str()))
            }
        }
    }

    /// Reads the text of a variable.
    fn read(self, text: &str) -> Option<Value> {
        Some(match self {
            Self::Text => Value::String(text.to_owned()),
            Self::Integer => Value::Integer(text.trim().parse().ok()?),
            Self::Boolean => Value::Boolean(text.trim().parse().ok()?),
            Self::List | Self::Pairs => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Value::Array(parts.map(|part| Value::String(part.to_owned())).collect())
            }
        })
    }

    fn expectation(self) -> &'static str {
        match self {
            Self::Text => "must be a text",
            Self::Integer => "must be a whole number",
            Self::Boolean => "must be true or false",
            Self::List => "must be a list of texts",
            Self::Pairs => "must be a table of texts, or a list of name=text",
        }
    }
}
