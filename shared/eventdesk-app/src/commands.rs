//! Everything that can be asked of the desk, one type a command.

mod check;
mod employee;
mod message;
mod ticket;
mod user;

pub use employee::{DeleteEmployee, EmployeeInput, EraseEmployee, RegisterEmployee, ReplaceEmployee};
pub use message::{EditMessage, PostMessage, RetractMessage};
pub use ticket::{
    AssignTicket, ChangeRequester, DeleteTicket, EditTicket, MoveTicket, OpenTicket, TagTicket, UnassignTicket,
    UntagTicket, allowed_moves,
};
pub use user::{AdmitUser, ChangeUser, DeleteUser, EraseUser, RegisterUser, SetPassword, UserChange, UserContacts};
