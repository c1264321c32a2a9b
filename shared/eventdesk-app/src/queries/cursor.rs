//! Signed places in lists.
