//! What a text field may hold, before it reaches a command.
//!
//! Lengths are in characters (Unicode scalar values), after trimming. Details never repeat the refused text.

#[cfg(test)]
mod tests;
mod visible;

use visible::is_visible;

use crate::ticket::MAX_TAGS;

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// For programs: `required`, `too_short`, `too_long`, `blank`, `control_character`, `pattern` and the like.
    pub code: &'static str,
    /// For people.
    pub detail: String,
}

impl Fault {
    /// A fault with this code and explanation.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }

    /// A field is absent that must be there.
    pub fn required() -> Self {
        Self::new("required", "must be given")
    }
}

/// A range of lengths in characters, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The shortest.
    pub min: usize,
    /// The longest.
    pub max: usize,
}

/// Of a ticket's title.
pub const TITLE: Bounds = Bounds { min: 1, max: 200 };
/// Of a ticket's description.
pub const DESCRIPTION: Bounds = Bounds { min: 1, max: 20_000 };
/// Of a message.
pub const MESSAGE_BODY: Bounds = Bounds { min: 1, max: 50_000 };
/// Of the reason of a status change.
pub const REASON: Bounds = Bounds { min: 1, max: 1_000 };
/// Of a tag.
pub const TAG: Bounds = Bounds { min: 1, max: 40 };

impl Bounds {
    /// Whether `text` lies within.
    ///
    /// # Errors
    /// `too_short` or `too_long`.
    pub fn check(self, text: &str) -> Result<(), Fault> {
        let length = text.chars().count();
        if length < self.min {
            Err(Fault::new("too_short", format!("must have at least {} character(s)", self.min)))
        } else if length > self.max {
            Err(Fault::new("too_long", format!("must have at most {} character(s)", self.max)))
        } else {
            Ok(())
        }
    }
}

/// One line, trimmed.
///
/// # Errors
/// `control_character` (line breaks and tabs included), `too_short`, `too_long`, or `blank` if nothing in it shows.
pub fn single_line(text: &str, bounds: Bounds) -> Result<String, Fault> {
    let text = text.trim();
    if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err(Fault::new("control_character", "must be one line without control characters"));
    }
    bounded(text, bounds).map(|()| text.to_owned())
}

/// Lines and tabs, trimmed as a whole; `\r\n` becomes `\n`.
///
/// # Errors
/// `control_character` (a lone `\r` included), `too_short`, `too_long`, or `blank` if nothing in it shows.
pub fn multi_line(text: &str, bounds: Bounds) -> Result<String, Fault> {
    let text = text.trim().replace("\r\n", "\n");
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        return Err(Fault::new("control_character", "must have no control characters but line breaks and tabs"));
    }
    bounded(&text, bounds).map(|()| text)
}

fn bounded(text: &str, bounds: Bounds) -> Result<(), Fault> {
    bounds.check(text)?;
    if bounds.min > 0 && !text.chars().any(is_visible) {
        return Err(Fault::new("blank", "must have at least one visible character"));
    }
    Ok(())
}

/// A ticket's title: one line of [`TITLE`].
///
/// # Errors
/// As [`single_line`].
pub fn title(text: &str) -> Result<String, Fault> {
    single_line(text, TITLE)
}

/// A ticket's description: lines of [`DESCRIPTION`].
///
/// # Errors
/// As [`multi_line`].
pub fn description(text: &str) -> Result<String, Fault> {
    multi_line(text, DESCRIPTION)
}

/// A message: lines of [`MESSAGE_BODY`].
///
/// # Errors
/// As [`multi_line`].
pub fn message_body(text: &str) -> Result<String, Fault> {
    multi_line(text, MESSAGE_BODY)
}

/// The reason of a status change: lines of [`REASON`].
///
/// # Errors
/// As [`multi_line`].
pub fn reason(text: &str) -> Result<String, Fault> {
    multi_line(text, REASON)
}

/// A tag, trimmed: `a` to `z`, digits, `-`, `_` and `.`.
///
/// # Errors
/// `too_short`, `too_long` or `pattern`.
pub fn tag(text: &str) -> Result<String, Fault> {
    let text = text.trim();
    TAG.check(text)?;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    if text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err(Fault::new("pattern", "must consist of lower case letters a to z, digits, '-', '_' and '.'"))
    }
}

/// A ticket's tags: each a [`tag`], sorted, without repeats, at most [`MAX_TAGS`].
///
/// # Errors
/// Every faulty tag with its place in `texts`, or one `too_many` without a place.
pub fn tags<T: AsRef<str>>(texts: &[T]) -> Result<Vec<String>, Vec<(Option<usize>, Fault)>> {
    let mut tags = Vec::new();
    let mut faults = Vec::new();
    for (place, text) in texts.iter().enumerate() {
        match tag(text.as_ref()) {
            Ok(tag) => tags.push(tag),
            Err(fault) => faults.push((Some(place), fault)),
        }
    }
    tags.sort_unstable();
    tags.dedup();
    if tags.len() > MAX_TAGS {
        faults.push((None, Fault::new("too_many", format!("must be at most {MAX_TAGS} tags"))));
    }
    if faults.is_empty() { Ok(tags) } else { Err(faults) }
}
