//! The black-box suites: one binary, one file per subject.

mod concurrency;
mod conventions;
mod conversation;
mod faults;
mod identity;
mod lambda;
mod roles;
mod story;
mod transitions;
mod workspace;
