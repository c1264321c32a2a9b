//! The black-box suites of one server in files of its own: one binary, one file per subject. What holds wherever the
//! desk stands is in `hosts/`.

mod attacks;
mod binaries;
mod crash;
mod directory;
mod faults;
mod identity;
mod issuers;
mod operations;
mod template;
mod workspace;
