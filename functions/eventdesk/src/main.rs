//! eventdesk.
fn main() {}
