//! The issuer and the authorizer, from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod attacks;
mod authorizer;
mod keys;
mod passwords;
mod shared_keys;
mod support;
