//! The programs, each with the functions that it can be, and so with the handlers that it needs.

use super::{Answering, Owner};
use crate::{Problem, request::Request};

/// A program that answers some of the routes. Nothing of the handlers of others is in its binary, nor of what they
/// stand on.
pub trait Program {
    /// The functions that it can be.
    const FUNCTIONS: &'static [Owner];
    /// Whether its routes tell the schemas of what comes in and goes out; the code that makes them is large.
    const DESCRIBES: bool = false;
}

macro_rules! programs {
    ($($(#[$doc:meta])* $name:ident: $functions:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}

        impl Program for $name {
            const FUNCTIONS: &'static [Owner] = $functions;
        }
    )*};
}

programs! {
    /// The binary `command`.
    Command: &[Owner::CommandTicket, Owner::CommandMessage, Owner::CommandDirectory];
    /// The binary `query`.
    Query: &[Owner::QueryTicket, Owner::QueryDirectory];
    /// The binary `identity`.
    Identity: &[Owner::Identity];
    /// The binary `audit`.
    Audit: &[Owner::Operations];
    /// Every function in one process.
    Whole: &Owner::ALL;
    /// No function: whoever only looks at the routes.
    Nobody: &[];
}

/// No function: whoever describes the routes.
#[derive(Debug)]
pub enum Describing {}

impl Program for Describing {
    const FUNCTIONS: &'static [Owner] = &[];
    const DESCRIBES: bool = true;
}

/// Whether the program is this function.
pub(super) const fn answers<Of: Program>(owner: Owner) -> bool {
    let mut next = 0;
    while next < Of::FUNCTIONS.len() {
        if Of::FUNCTIONS[next] as u8 == owner as u8 {
            return true;
        }
        next += 1;
    }
    false
}

/// In the place of another program's handler; a function is not asked for the routes of others.
pub(super) fn elsewhere<'r>(_: &'r Request<'r>) -> Answering<'r> {
    Box::pin(async { Err(Problem::not_found()) })
}
