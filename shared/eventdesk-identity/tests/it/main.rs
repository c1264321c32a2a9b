//! The issuer and the authorizer, from outside.

mod attacks;
mod authorizer;
mod keys;
mod passwords;
mod support;
