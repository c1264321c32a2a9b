//! The black-box suites: one binary, one file per subject.

mod concurrency;
mod conventions;
mod conversation;
mod crash;
mod faults;
mod identity;
mod lambda;
mod lists;
mod openapi;
mod roles;
mod story;
mod template;
mod transitions;
mod versions;
mod workspace;
