//! Policy engines: that they say what the matrix says, and what happens when they say nothing.

mod matrix;
mod question;
mod rego;
