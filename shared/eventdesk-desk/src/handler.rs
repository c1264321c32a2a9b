//! Which of a binary's functions a process is.

use std::env;

use eventdesk_http::routes::Owner;

/// Names the function, as the Lambda runtime sets it.
pub const HANDLER_VARIABLE: &str = "_HANDLER";

/// A binary was started as a function that it has not.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{HANDLER_VARIABLE} must be one of {known}, not {given:?}")]
pub struct UnknownHandler {
    given: String,
    known: String,
}

/// A function that can be named.
pub trait Named: Copy {
    /// The value of `_HANDLER`.
    fn name(self) -> &'static str;
}

impl Named for &'static str {
    fn name(self) -> &'static str {
        self
    }
}

impl Named for Owner {
    fn name(self) -> &'static str {
        self.as_str()
    }
}

/// The function that the environment names, one of `known`.
///
/// # Errors
/// [`UnknownHandler`] for any other, and if none is named.
pub fn handler<N: Named>(known: &[N]) -> Result<N, UnknownHandler> {
    named(&env::var(HANDLER_VARIABLE).unwrap_or_default(), known)
}

fn named<N: Named>(given: &str, known: &[N]) -> Result<N, UnknownHandler> {
    known.iter().copied().find(|function| function.name() == given).ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|function| function.name()).collect();
        UnknownHandler { given: given.to_owned(), known: names.join(", ") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_named_letter_by_letter() {
        assert_eq!(named("query-ticket", &["query-ticket", "query-directory"]), Ok("query-ticket"));
        for given in ["", "query", "Query-Ticket", "command-ticket"] {
            let refused = named(given, &["query-ticket", "query-directory"]).unwrap_err().to_string();
            assert!(refused.contains("query-ticket, query-directory") && refused.contains(&format!("{given:?}")));
        }
    }
}
