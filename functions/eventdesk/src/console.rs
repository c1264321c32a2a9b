//! What people read on the terminal, in contrast to logs.

use std::io::{Write, stderr, stdout};

/// One line on standard output. Nobody may be reading any more, which is no reason to end.
pub(crate) fn say(line: &str) {
    let mut out = stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// One line on standard error.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(stderr().lock(), "{line}");
}
