//! Query parameters: only those of the route, each once unless it is a list.

use std::borrow::Cow;

use eventdesk_app::queries::PageRequest;
use eventdesk_events::Timestamp;
use percent_encoding::percent_decode;

use crate::{
    Kind, Problem,
    routes::{Parameter, ParameterKind},
};

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 100;

/// The query of a request, decoded.
#[derive(Debug, Default)]
pub(crate) struct Query<'q> {
    raw: &'q str,
    pairs: Vec<(&'static str, Cow<'q, str>)>,
}

impl<'q> Query<'q> {
    /// Reads `a=1&b=2` (`application/x-www-form-urlencoded`).
    ///
    /// # Errors
    /// 400 that names the parameter: unknown, given twice, not UTF-8, or with control characters.
    pub(crate) fn parse(raw: &'q str, known: &'static [Parameter]) -> Result<Self, Problem> {
        let mut pairs: Vec<(&'static str, Cow<'q, str>)> = Vec::new();
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name).unwrap_or(Cow::Borrowed(name));
            let Some(parameter) = known.iter().find(|parameter| parameter.name == name) else {
                return Err(unknown(&name));
            };
            let value = decode(value).filter(|value| !value.chars().any(char::is_control));
            let value = value.ok_or_else(|| Problem::invalid_parameter(parameter.name, "is not printable UTF-8"))?;
            let list = matches!(parameter.kind, ParameterKind::SomeOf(_));
            if !list && pairs.iter().any(|(before, _)| *before == parameter.name) {
                return Err(Problem::invalid_parameter(parameter.name, "may be given once"));
            }
            pairs.push((parameter.name, value));
        }
        Ok(Self { raw, pairs })
    }

    /// The value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_ref())
    }

    /// The value of a parameter, read by `read`; `expected` completes "… must be".
    pub(crate) fn read<T>(
        &self,
        name: &'static str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let refuse = || Problem::invalid_parameter(name, &format!("must be {expected}"));
        self.get(name).map(|text| read(text.trim()).ok_or_else(refuse)).transpose()
    }

    /// All values of a list, repeated or parted by commas.
    pub(crate) fn list<T>(
        &self,
        name: &'static str,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, Problem> {
        let values = self.pairs.iter().filter(|(key, _)| *key == name).flat_map(|(_, value)| value.split(','));
        let refuse = || Problem::invalid_parameter(name, &format!("must be {expected}"));
        values.map(|value| read(value.trim()).ok_or_else(refuse)).collect()
    }

    /// The text of a parameter, trimmed.
    pub(crate) fn text(&self, name: &'static str) -> Option<String> {
        self.get(name).map(|text| text.trim().to_owned())
    }

    /// A point in time.
    pub(crate) fn time(&self, name: &'static str) -> Result<Option<Timestamp>, Problem> {
        self.read(name, Timestamp::EXPECTED, |text| Timestamp::parse(text).ok())
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self, name: &'static str) -> Result<Option<bool>, Problem> {
        self.read(name, "true or false", |text| text.parse().ok())
    }

    /// Which page is asked for.
    pub(crate) fn page(&self) -> Result<PageRequest, Problem> {
        let limit = self.read("limit", "a whole number from 1 to 100", |text| {
            text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit))
        })?;
        let total = self.read("include", "total", |text| (text == "total").then_some(()))?;
        Ok(PageRequest {
            limit: limit.unwrap_or(DEFAULT_LIMIT),
            cursor: self.get("cursor").map(ToOwned::to_owned),
            total: total.is_some(),
        })
    }

    /// The same query with another cursor, as it came in otherwise.
    pub(crate) fn with_cursor(&self, cursor: &str) -> String {
        let others = self.raw.split('&').filter(|pair| !pair.is_empty() && !is_cursor(pair));
        let mut query = String::with_capacity(self.raw.len() + cursor.len() + 8);
        for pair in others {
            query.push_str(pair);
            query.push('&');
        }
        query.push_str("cursor=");
        query.extend(percent_encoding::utf8_percent_encode(cursor, percent_encoding::NON_ALPHANUMERIC));
        query
    }
}

fn is_cursor(pair: &str) -> bool {
    let name = pair.split_once('=').map_or(pair, |(name, _)| name);
    decode(name).is_some_and(|name| name == "cursor")
}

fn unknown(name: &str) -> Problem {
    let name: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
    Problem::new(Kind::UnknownParameter, format!("this route has no query parameter {name}")).with("parameter", name)
}

/// Decodes one part; `None` if it is not UTF-8.
fn decode(part: &str) -> Option<Cow<'_, str>> {
    if !part.bytes().any(|byte| matches!(byte, b'+' | b'%')) {
        return Some(Cow::Borrowed(part));
    }
    let spaced = part.replace('+', " ");
    let decoded = percent_decode(spaced.as_bytes()).decode_utf8().ok()?;
    Some(Cow::Owned(decoded.into_owned()))
}
