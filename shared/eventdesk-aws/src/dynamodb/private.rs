//! Private parts as an attribute: text as it is, long text deflated.
//!
//! A write unit is a KB, and an item has 400 of them: a message edited from 50,000 characters to as many others would
//! not fit as it is.

use std::io::{Read, Write};

use aws_sdk_dynamodb::types::AttributeValue;
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};

use super::item::{Malformed, PRIVATE, binary, text};

/// Longer texts are deflated, in bytes.
const LONG: usize = 4_096;
/// Nothing that was stored is larger than this when inflated.
const MOST_BYTES: u64 = 4 << 20;

/// The attribute for a JSON text.
pub(super) fn attribute(json: String) -> AttributeValue {
    if json.len() > LONG
        && let Some(deflated) = deflated(&json)
        && deflated.len() < json.len()
    {
        return binary(deflated);
    }
    text(json)
}

/// The JSON text of an attribute.
pub(super) fn json(attribute: AttributeValue) -> Result<String, Malformed> {
    match attribute {
        AttributeValue::S(json) => Ok(json),
        AttributeValue::B(deflated) => {
            let mut json = String::new();
            let read = DeflateDecoder::new(deflated.as_ref()).take(MOST_BYTES).read_to_string(&mut json);
            read.map(|_| json).map_err(|_| Malformed(PRIVATE))
        }
        _ => Err(Malformed(PRIVATE)),
    }
}

fn deflated(text: &str) -> Option<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).ok()?;
    encoder.finish().ok()
}
