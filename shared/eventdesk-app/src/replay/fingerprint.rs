//! What a document says, as a number: told by the fold, and compared with what the read store gives back.

use sha2::{Digest as _, Sha256};

use crate::ports::{Document, Value};

/// The low bits of a revision that count the writes after a rebuild.
const WRITES: u32 = 16;

/// A number for all that a document says, but for its revision; below 2^46, never 0.
pub(super) fn fingerprint(document: &Document) -> u64 {
    let mut hash = Sha256::new();
    let mut text = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    text(&document.id);
    text(&document.body);
    hash.update(document.version.to_le_bytes());
    hash.update([u8::from(document.deleted)]);
    for value in &document.fields {
        match value {
            Value::Null => hash.update([0]),
            Value::Int(number) => {
                hash.update([1]);
                hash.update(number.to_le_bytes());
            }
            Value::Text(text) => {
                hash.update([2]);
                hash.update((text.len() as u64).to_le_bytes());
                hash.update(text);
            }
            Value::Set(texts) => {
                hash.update([3]);
                hash.update((texts.len() as u64).to_le_bytes());
                for text in texts {
                    hash.update((text.len() as u64).to_le_bytes());
                    hash.update(text);
                }
            }
        }
    }
    let hash = hash.finalize();
    let first = hash.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    (first >> 18).max(1)
}

/// The revision of a document that a rebuild fills in: it carries the fingerprint, so that the document can be told from
/// what others wrote and compared with what was meant, and it never is a revision of an earlier generation.
pub(super) fn first_revision(document: &Document) -> u64 {
    (fingerprint(document) << WRITES) | 1
}

/// What a revision says of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Filled in with this fingerprint, and not written since.
    Filled(u64),
    /// Filled in, and written since.
    Rewritten,
    /// Written by somebody else from the beginning.
    Foreign,
}

pub(super) fn origin(revision: u64) -> Origin {
    match (revision >> WRITES, revision & ((1 << WRITES) - 1)) {
        (0, _) => Origin::Foreign,
        (fingerprint, 1) => Origin::Filled(fingerprint),
        _ => Origin::Rewritten,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Document {
        Document {
            id: "a".to_owned(),
            version: 3,
            revision: 1,
            deleted: false,
            fields: vec![Value::Text("x".to_owned()), Value::Int(7), Value::Null, Value::Set(vec!["y".to_owned()])],
            body: "{}".to_owned(),
        }
    }

    #[test]
    fn whatever_a_document_says_changes_its_fingerprint() {
        let changes: [fn(&mut Document); 8] = [
            |document| document.id.push('b'),
            |document| document.version = 4,
            |document| document.deleted = true,
            |document| document.body.push(' '),
            |document| document.fields[0] = Value::Null,
            |document| document.fields[1] = Value::Int(8),
            |document| document.fields[2] = Value::Text(String::new()),
            |document| document.fields[3] = Value::Set(vec!["y".to_owned(), "z".to_owned()]),
        ];
        let before = fingerprint(&document());
        for (number, change) in changes.into_iter().enumerate() {
            let mut changed = document();
            change(&mut changed);
            assert_ne!(fingerprint(&changed), before, "change {number}");
        }
        let rewritten = Document { revision: 9, ..document() };
        assert_eq!(fingerprint(&rewritten), before);
    }

    #[test]
    fn a_revision_tells_who_wrote() {
        let first = first_revision(&document());
        assert!(i64::try_from(first + 60_000).is_ok());
        assert_eq!(origin(first), Origin::Filled(fingerprint(&document())));
        assert_eq!(origin(first + 1), Origin::Rewritten);
        assert_eq!((origin(1), origin(60_000)), (Origin::Foreign, Origin::Foreign));
    }
}
