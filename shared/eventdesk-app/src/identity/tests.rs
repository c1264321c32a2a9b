//! Logins, tokens and the first admin.
