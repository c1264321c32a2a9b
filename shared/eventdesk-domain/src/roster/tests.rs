//! Rules of the roster, case by case.

use eventdesk_events::roster::{AdminAdded, AdminRemoved, RosterEvent};

use super::{AdminRoster, RosterCommand, RosterError};
use crate::testing::{given, user};

fn added(number: u32) -> RosterEvent {
    RosterEvent::AdminAdded(AdminAdded { user_id: user(number) })
}

fn removed(number: u32) -> RosterEvent {
    RosterEvent::AdminRemoved(AdminRemoved { user_id: user(number) })
}

#[test]
fn an_admin_is_added_once() {
    given::<AdminRoster>([]).when(RosterCommand::Add(user(1))).then([added(1)]);
    given::<AdminRoster>([added(1)]).when(RosterCommand::Add(user(1))).then([]);
}

#[test]
fn one_of_two_admins_may_go() {
    given::<AdminRoster>([added(1), added(2)]).when(RosterCommand::Remove(user(1))).then([removed(1)]);
}

#[test]
fn the_last_admin_must_stay() {
    let alone = given::<AdminRoster>([added(1), added(2), removed(1)]);
    alone.when(RosterCommand::Remove(user(2))).then_err(RosterError::LastAdmin);
}

#[test]
fn removing_who_is_not_on_the_roster_adds_nothing() {
    given::<AdminRoster>([added(1)]).when(RosterCommand::Remove(user(2))).then([]);
    given::<AdminRoster>([]).when(RosterCommand::Remove(user(2))).then([]);
}
