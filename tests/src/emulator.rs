//! An emulation of AWS for one stack alone: it does one thing after the other, so that whoever shared it would wait
//! while a stack is deployed, for longer than the SDK has patience.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::bin;

/// A running `tests/services/moto`; dropping it kills the process by its id, and all that it held is gone.
pub(crate) struct Emulator {
    process: Child,
    url: String,
}

impl Emulator {
    pub(crate) fn start() -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("services/moto");
        let mut command = Command::new(program);
        // It tells of calls that were answered with an error, which some tests want.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("tests/services/moto can be started");
        let mut said = String::new();
        let out = process.stdout.take().expect("its output is read here");
        BufReader::new(out).read_line(&mut said).expect("its output can be read");
        let url = said.trim().to_owned();
        assert!(url.starts_with("http://"), "tests/services/moto does not start: run it to see why");
        Self { process, url }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        bin::end(&mut self.process);
    }
}
