//! Rules of the ticket, case by case.
