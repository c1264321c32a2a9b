//! Request bodies: media type, size, and JSON with every fault at its pointer.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use eventdesk_events::Timestamp;
use http::header;
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::error::Category;
use serde_path_to_error::Segment;

use super::Request;
use crate::{Problem, routes::Media};

/// The largest body that is read, after base64.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// The body of a request that has none.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoBody {}

impl Media {
    /// What is accepted, for people.
    const fn accepted(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::MergePatch => "application/merge-patch+json or application/json",
            Self::Form => "application/x-www-form-urlencoded",
        }
    }

    fn accepts(self, content_type: &str) -> bool {
        let mut parts = content_type.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        let known = match self {
            Self::Json => essence.eq_ignore_ascii_case("application/json"),
            Self::MergePatch => {
                essence.eq_ignore_ascii_case("application/merge-patch+json")
                    || essence.eq_ignore_ascii_case("application/json")
            }
            Self::Form => essence.eq_ignore_ascii_case("application/x-www-form-urlencoded"),
        };
        let utf8 = |value: &str| value.trim_matches('"').eq_ignore_ascii_case("utf-8");
        let mut charsets = parts.filter_map(|parameter| parameter.split_once('='));
        known && charsets.all(|(name, value)| !name.trim().eq_ignore_ascii_case("charset") || utf8(value.trim()))
    }
}

impl<'r> Request<'r> {
    /// The body, decoded.
    ///
    /// # Errors
    /// 415, 413 and 400.
    pub(crate) fn body(&self, media: Media) -> Result<Cow<'r, [u8]>, Problem> {
        let content_type = self.header(&header::CONTENT_TYPE)?.unwrap_or_default();
        let plain =
            self.header(&header::CONTENT_ENCODING)?.is_none_or(|coding| coding.eq_ignore_ascii_case("identity"));
        if !media.accepts(&content_type) || !plain {
            return Err(Problem::unsupported_media_type(media.accepted()));
        }
        self.bytes()
    }

    fn bytes(&self) -> Result<Cow<'r, [u8]>, Problem> {
        let text = self.event.body.as_deref().unwrap_or_default();
        let encoded = self.event.is_base64_encoded;
        if text.len() > if encoded { MAX_BODY_BYTES.div_ceil(3) * 4 } else { MAX_BODY_BYTES } {
            return Err(Problem::payload_too_large(MAX_BODY_BYTES));
        }
        if !encoded {
            return Ok(Cow::Borrowed(text.as_bytes()));
        }
        let bytes = STANDARD.decode(text).map_err(|_| Problem::malformed("the body is not base64"))?;
        if bytes.len() > MAX_BODY_BYTES {
            return Err(Problem::payload_too_large(MAX_BODY_BYTES));
        }
        Ok(Cow::Owned(bytes))
    }

    /// The body as JSON of this type.
    ///
    /// # Errors
    /// As [`Request::body`]; 400 for what is no JSON, 422 with a pointer for what is another JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let media = self.route.request.map_or(Media::Json, |(media, _)| media);
        parse(&self.body(media)?)
    }

    /// Refuses a body with content on a route that takes none.
    pub(crate) fn no_body(&self) -> Result<NoBody, Problem> {
        let bytes = self.bytes()?;
        if bytes.trim_ascii().is_empty() { Ok(NoBody {}) } else { parse(&bytes) }
    }
}

/// Reads a JSON object.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // A list would pass for an object whose members stand in their order.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        serde_json::from_slice::<IgnoredAny>(bytes).map_err(|error| no_json(&error))?;
        return Err(Problem::invalid_field(String::new(), "invalid_type", "must be an object"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| fault(&error))?;
    deserializer.end().map_err(|error| no_json(&error))?;
    Ok(value)
}

fn no_json(error: &serde_json::Error) -> Problem {
    if error.is_eof() {
        return Problem::malformed("the JSON of the body ends early");
    }
    Problem::malformed(format!("the body is no JSON at line {} column {}", error.line(), error.column()))
}

/// A fault with pointer and code. The value that was sent is not repeated: it may be a password.
fn fault(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let inner = error.inner();
    if inner.classify() != Category::Data {
        return no_json(inner);
    }
    let text = inner.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(before, _)| before);
    let at = pointer(error.path());
    let child = |name: &str| {
        if at.ends_with(&format!("/{}", escape(name))) { at.clone() } else { format!("{at}/{}", escape(name)) }
    };
    if let Some(name) = named(text, "unknown field `") {
        let name: String = name.chars().take(100).collect();
        return Problem::invalid_field(child(&name), "unknown_field", format!("there is no field {name}"));
    }
    if let Some(name) = named(text, "missing field `") {
        return Problem::invalid_field(child(name), "required", "must be given");
    }
    if let Some(name) = named(text, "duplicate field `") {
        return Problem::invalid_field(child(name), "duplicate_field", "is given twice");
    }
    let expected = text.split_once(", expected ").map(|(_, expected)| expected);
    match expected {
        Some(expected) if text.starts_with("unknown variant") => {
            Problem::invalid_field(at, "unknown_value", format!("must be {}", expected.replace('`', "")))
        }
        Some(expected) if text.starts_with("invalid type: ") => {
            Problem::invalid_field(at, "invalid_type", format!("must be {}", plainly(expected)))
        }
        Some(expected) => Problem::invalid_field(at, "invalid_value", format!("must be {}", plainly(expected))),
        None if text.contains("date-time") => {
            Problem::invalid_field(at, "invalid_time", format!("must be {}", Timestamp::EXPECTED))
        }
        None if text.contains("UUID") => Problem::invalid_field(at, "invalid_id", "must be a UUID"),
        None => Problem::invalid_field(at, "invalid_value", "cannot be read"),
    }
}

/// What a type calls itself, in words for callers.
fn plainly(expected: &str) -> &str {
    if expected.starts_with("struct ") {
        "an object"
    } else if expected.starts_with("a formatted UUID") || expected.starts_with("a UUID") {
        "a UUID"
    } else {
        expected
    }
}

/// The name in backticks after `prefix`, which may hold any text itself; the names of our own fields follow it.
fn named<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let rest = text.strip_prefix(prefix)?;
    let end = rest.rfind("`, expected ").or_else(|| rest.rfind("`, there are no fields"));
    let end = end.or_else(|| rest.rfind('`'))?;
    rest.get(..end)
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    let parts = path.iter().map(|segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", escape(key)),
        Segment::Enum { variant } => format!("/{}", escape(variant)),
        Segment::Unknown => String::new(),
    });
    parts.collect()
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
