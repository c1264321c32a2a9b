//! Reading the file, and judging it line by line.

use std::io::{self, BufRead, Seek, SeekFrom};

use serde_json::value::RawValue;

use super::{End, EndLine, FORMAT, Header, Line, Sums, hex};

/// Lines are no longer than this, in bytes: a commit has 400 KB at most.
const LONGEST: u64 = 8 << 20;

/// Why a file is refused. Nothing is told of its content.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// It cannot be read.
    #[error("the file cannot be read at line {line}")]
    Unreadable {
        /// The line, from 1.
        line: u64,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The first line is not that of an export.
    #[error("line 1: not an export of eventdesk")]
    NoExport,
    /// A newer or older build has written it.
    #[error("line 1: the format has version {found}, this build reads {FORMAT}")]
    Format {
        /// The version.
        found: u32,
    },
    /// A line is not as it was written.
    #[error("line {line}: {problem}")]
    Line {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The last line is missing: the export was interrupted, or the file cut.
    #[error("the file ends after line {line} without its last line: it is not whole")]
    Cut {
        /// The last line that is there, from 1.
        line: u64,
    },
}

/// What a whole file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Commits.
    pub commits: u64,
    /// Password hashes.
    pub credentials: u64,
    /// The sum over everything: it tells one file from another.
    pub sum: String,
}

/// Where an interrupted export goes on.
pub struct Resumed {
    /// What the file must be cut to, for what follows was not finished.
    pub bytes: u64,
    pub(super) sums: Sums,
    pub(super) place: Option<String>,
}

/// What the first line of every version has.
#[derive(serde::Deserialize)]
struct Kind {
    eventdesk_export: u32,
}

/// One line's content.
pub(super) enum Content<'a> {
    Commit(&'a RawValue),
    Credential(&'a RawValue),
    Place(&'a RawValue),
    End(End),
}

/// The lines of a file, one at a time.
pub(super) struct Lines<R> {
    input: R,
    text: String,
    pub(super) number: u64,
    pub(super) bytes: u64,
    pub(super) sums: Sums,
}

impl<R: BufRead> Lines<R> {
    /// Reads the first line.
    pub(super) fn open(input: R) -> Result<(Self, Header), Damage> {
        let mut lines = Self { input, text: String::new(), number: 0, bytes: 0, sums: Sums::default() };
        lines.read()?.ok_or(Damage::NoExport)?;
        let kind: Kind = serde_json::from_str(&lines.text).map_err(|_| Damage::NoExport)?;
        if kind.eventdesk_export != FORMAT {
            return Err(Damage::Format { found: kind.eventdesk_export });
        }
        let header = serde_json::from_str(&lines.text).map_err(|_| Damage::NoExport)?;
        Ok((lines, header))
    }

    /// The next line, checked and counted; an error where the file ends without its last one.
    pub(super) fn next(&mut self) -> Result<Content<'_>, Damage> {
        if self.read()?.is_none() {
            return Err(Damage::Cut { line: self.number });
        }
        let Self { text, number, sums, .. } = self;
        let damage = |problem| Damage::Line { line: *number, problem };
        if let Ok(EndLine { end }) = serde_json::from_str(text) {
            let counted = sums.end();
            if end != counted {
                return Err(damage("the last line counts other lines than the file has"));
            }
            return Ok(Content::End(end));
        }
        let line: Line<'_> = serde_json::from_str(text).map_err(|_| damage("not a line of an export"))?;
        let content = match (line.commit, line.credential, line.place) {
            (Some(commit), None, None) => Content::Commit(commit),
            (None, Some(credential), None) => Content::Credential(credential),
            (None, None, Some(place)) => Content::Place(place),
            _ => return Err(damage("not a line of an export")),
        };
        let (Content::Commit(raw) | Content::Credential(raw) | Content::Place(raw)) = &content else {
            return Err(damage("not a line of an export"));
        };
        if hex(&sums.add(raw.get())) != line.sum {
            return Err(damage("its checksum is another"));
        }
        match content {
            Content::Commit(_) => sums.commits += 1,
            Content::Credential(_) => sums.credentials += 1,
            _ => {}
        }
        Ok(content)
    }

    fn read(&mut self) -> Result<Option<()>, Damage> {
        self.text.clear();
        self.number += 1;
        let line = self.number;
        let mut limited = io::Read::take(&mut self.input, LONGEST);
        let read = limited.read_line(&mut self.text).map_err(|source| Damage::Unreadable { line, source })?;
        if read == 0 {
            self.number -= 1;
            return Ok(None);
        }
        if !self.text.ends_with('\n') {
            return Err(Damage::Line { line, problem: "it is cut off" });
        }
        self.bytes += read as u64;
        Ok(Some(()))
    }
}

/// Reads the whole file and checks every line.
///
/// # Errors
/// See [`Damage`].
pub fn check(input: impl BufRead) -> Result<Summary, Damage> {
    let (mut lines, _) = Lines::open(input)?;
    loop {
        if let Content::End(End { commits, credentials, sum }) = lines.next()? {
            return match lines.read()? {
                None => Ok(Summary { commits, credentials, sum }),
                Some(()) => Err(Damage::Line { line: lines.number, problem: "it stands after the last line" }),
            };
        }
    }
}

/// Finds out where an interrupted export goes on; `None` if it is whole already.
///
/// # Errors
/// See [`Damage`]; what was cut off at the end is no damage.
pub fn resume(mut file: impl BufRead + Seek) -> Result<Option<Resumed>, Damage> {
    file.seek(SeekFrom::Start(0)).map_err(|source| Damage::Unreadable { line: 1, source })?;
    let (mut lines, _) = Lines::open(file)?;
    let mut resumed = Resumed { bytes: lines.bytes, sums: lines.sums.clone(), place: None };
    loop {
        match lines.next() {
            Ok(Content::End(_)) => return Ok(None),
            Ok(Content::Place(place)) => {
                let place = Some(place.get().to_owned());
                resumed = Resumed { bytes: lines.bytes, sums: lines.sums.clone(), place };
            }
            Ok(_) => {}
            Err(Damage::Cut { .. } | Damage::Line { problem: "it is cut off", .. }) => return Ok(Some(resumed)),
            Err(damage) => return Err(damage),
        }
    }
}
