//! The black-box suites of one server in files of its own: one binary, one file per subject. What holds wherever the
//! desk stands is in `hosts/`.

mod concurrency;
mod conventions;
mod crash;
mod faults;
mod identity;
mod openapi;
mod roles;
mod template;
mod workspace;
