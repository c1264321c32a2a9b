//! The DynamoDB adapters keep their ports' contracts against an emulator, and behave when the service does not.
//!
//! The emulator is moto. It never throttles, never has transactions in each other's way and never leaves keys of a
//! batch unread; those answers are put on the wire.

mod bed;
mod commands;
mod contracts;
mod counting;
mod desk;
mod dollars;
mod faults;
mod feed;
mod paging;
