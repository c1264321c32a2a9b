//! Where the committed schemas and samples lie.

use std::{fs, path::PathBuf};

use serde_json::Value;

/// A folder of this crate.
pub(crate) fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Name (without extension) and content of every golden sample.
pub(crate) fn goldens() -> Vec<(String, Value)> {
    let mut goldens: Vec<(String, Value)> = fs::read_dir(folder("golden"))
        .unwrap()
        .map(|file| {
            let path = file.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let content = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), content)
        })
        .collect();
    goldens.sort_by(|a, b| a.0.cmp(&b.0));
    goldens
}

/// A committed schema.
pub(crate) fn schema(stem: &str) -> Value {
    let path = folder("schemas").join(format!("{stem}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap()
}
