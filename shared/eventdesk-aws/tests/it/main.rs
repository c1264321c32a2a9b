//! The adapters keep their ports' contracts against an emulator, and behave when the services do not.
//!
//! The emulator is moto, which holds one request at a time. What it never answers is put on the wire by [`wire`].

mod bus;
mod dynamodb;
mod emulator;
mod wire;
