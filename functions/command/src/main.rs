//! A Lambda binary of eventdesk.
fn main() {}
