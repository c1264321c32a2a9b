//! Representations: records as callers see them.

mod directory;
mod history;
mod message;
mod page;
mod ticket;

pub(crate) use directory::{EmployeeView, UserView};
pub(crate) use history::EntryView;
pub(crate) use message::MessageView;
pub(crate) use page::page;
pub(crate) use ticket::TicketView;
