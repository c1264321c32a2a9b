//! Versions as entity tags: `"7"`, or `"7.3"` once other streams changed the representation.

use eventdesk_events::Version;
use http::HeaderValue;

use crate::Problem;

/// The tag of a representation.
pub(crate) fn etag(version: Version, revision: u64) -> HeaderValue {
    let text = if revision == 0 { format!("\"{version}\"") } else { format!("\"{version}.{revision}\"") };
    HeaderValue::from_str(&text).expect("digits, dots and quotes are header text")
}

/// What `If-Match` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum IfMatch {
    /// Any version, or the header is absent.
    Any,
    /// One of these; never empty. A tag that can never match is [`Version::NONE`].
    OneOf(Vec<Version>),
}

impl IfMatch {
    /// Reads the header: `*`, or tags parted by commas, of which the part before the dot counts.
    ///
    /// Weak tags never match (RFC 9110, section 13.1.1).
    ///
    /// # Errors
    /// 400 for anything that is not a tag of ours.
    pub(super) fn parse(text: Option<&str>) -> Result<Self, Problem> {
        let Some(text) = text else { return Ok(Self::Any) };
        if text.trim() == "*" {
            return Ok(Self::Any);
        }
        let versions: Option<Vec<Version>> = text.split(',').map(|tag| version(tag.trim())).collect();
        versions.map(Self::OneOf).ok_or_else(|| Problem::invalid_header("If-Match", "must hold entity tags or *"))
    }
}

fn version(tag: &str) -> Option<Version> {
    let (weak, tag) = tag.strip_prefix("W/").map_or((false, tag), |rest| (true, rest));
    let inner = tag.strip_prefix('"')?.strip_suffix('"')?;
    let (version, revision) = inner.split_once('.').map_or((inner, None), |(v, r)| (v, Some(r)));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(version) || !revision.is_none_or(digits) {
        return None;
    }
    Some(if weak { Version::NONE } else { Version::new(version.parse().ok()?) })
}

/// Whether `If-None-Match` names this tag, compared weakly (RFC 9110, section 13.1.2), or is `*`.
pub(crate) fn not_modified(if_none_match: Option<&str>, tag: &HeaderValue) -> bool {
    let (Some(text), Ok(tag)) = (if_none_match, tag.to_str()) else { return false };
    text.trim() == "*" || text.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)
}
