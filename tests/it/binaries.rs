//! What the function binaries ask of the system that they run on.

use std::process::Command;

use eventdesk_tests::path_of;

/// What `provided.al2023` has of the C library.
const NEWEST: [u32; 2] = [2, 34];
const BINARIES: [&str; 5] = ["command", "projector", "query", "identity", "audit"];

/// The headers of a newer C library call some functions by newer names, though they have been there for ever
/// (`__isoc23_strtol`). A build for Lambda uses the headers of the C library that Lambda has.
const RENAMED: &str = "__isoc23_";

/// `symbol@GLIBC_version`, for each that a binary takes from the C library.
fn asked(binary: &str) -> Vec<(String, Vec<u32>)> {
    let mut readelf = Command::new("readelf");
    let told = readelf.args(["-W", "--dyn-syms"]).arg(path_of(binary)).output().expect("readelf comes with the linker");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let text = String::from_utf8(told.stdout).expect("symbols are ASCII");
    let words = text.split_ascii_whitespace().filter_map(|word| word.split_once("@GLIBC_"));
    let version = |text: &str| text.split('.').map(|part| part.parse().expect("a version")).collect();
    words.map(|(symbol, text)| (symbol.to_owned(), version(text))).collect()
}

#[test]
fn functions_ask_for_no_newer_c_library_than_lambda_has() {
    for binary in BINARIES {
        let asked = asked(binary);
        assert!(asked.len() > 50, "{binary} is linked to the C library: {asked:?}");
        let newer = |(symbol, version): &&(String, Vec<u32>)| version[..] > NEWEST[..] && !symbol.starts_with(RENAMED);
        let newer: Vec<_> = asked.iter().filter(newer).collect();
        assert!(newer.is_empty(), "{binary} asks for {newer:?}");
    }
}
