//! Rules of the employee, case by case.

use eventdesk_events::{
    Version,
    employee::{Changed, Deleted, EmployeeEvent, EmployeeProfile, ProfileChange, Registered},
};

use super::{Employee, EmployeeCommand, EmployeeError};
use crate::testing::{fold, given, user};

fn profile() -> EmployeeProfile {
    EmployeeProfile {
        first_name: "Marry".into(),
        last_name: "Fox".into(),
        nick_name: Some("Bravo".into()),
        email: "marry.fox@example.com".into(),
        ..EmployeeProfile::default()
    }
}

fn register() -> EmployeeCommand {
    EmployeeCommand::Register { profile: profile(), user_id: None }
}

fn registered() -> EmployeeEvent {
    EmployeeEvent::Registered(Registered { user_id: None, private: Some(profile()) })
}

fn deleted() -> EmployeeEvent {
    EmployeeEvent::Deleted(Deleted {})
}

#[test]
fn an_employee_is_registered_once() {
    given::<Employee>([]).when(register()).then([registered()]);
    given::<Employee>([registered()]).when(register()).then_err(EmployeeError::AlreadyRegistered);
    given::<Employee>([registered(), deleted()]).when(register()).then_err(EmployeeError::AlreadyRegistered);
}

#[test]
fn an_unknown_or_deleted_employee_refuses_every_change() {
    for (history, error) in [(vec![], EmployeeError::NotFound), (vec![registered(), deleted()], EmployeeError::Deleted)]
    {
        let employee = given::<Employee>(history);
        let same = EmployeeCommand::Replace { profile: profile(), user_id: None, held: Some(profile()) };
        employee.when(same).then_err(error);
        employee.when(EmployeeCommand::Delete).then_err(error);
    }
}

#[test]
fn a_replaced_record_names_what_changed() {
    let new = EmployeeProfile { last_name: "Wolf".into(), nick_name: None, city: Some("Kyiv".into()), ..profile() };
    given::<Employee>([registered()])
        .when(EmployeeCommand::Replace { profile: new.clone(), user_id: Some(user(4)), held: Some(profile()) })
        .then([EmployeeEvent::Changed(Changed {
            changed: ["last_name", "nick_name", "city", "user_id"].map(String::from).to_vec(),
            previous_user_id: None,
            user_id: Some(user(4)),
            private: Some(ProfileChange { previous: Some(profile()), current: new }),
        })]);
}

#[test]
fn a_change_of_the_login_alone_carries_no_details() {
    let changed = |previous_user_id, user_id| {
        EmployeeEvent::Changed(Changed { changed: vec!["user_id".into()], previous_user_id, user_id, private: None })
    };
    let replace = |user_id| EmployeeCommand::Replace { profile: profile(), user_id, held: Some(profile()) };
    let given_login = changed(None, Some(user(4)));
    given::<Employee>([registered()]).when(replace(Some(user(4)))).then([given_login.clone()]);
    given::<Employee>([registered(), given_login]).when(replace(None)).then([changed(Some(user(4)), None)]);
}

#[test]
fn the_login_stands_in_the_event_also_when_it_did_not_change() {
    let registered = EmployeeEvent::Registered(Registered { user_id: Some(user(4)), private: Some(profile()) });
    let new = EmployeeProfile { last_name: "Wolf".into(), ..profile() };
    given::<Employee>([registered])
        .when(EmployeeCommand::Replace { profile: new.clone(), user_id: Some(user(4)), held: Some(profile()) })
        .then([EmployeeEvent::Changed(Changed {
            changed: vec!["last_name".into()],
            previous_user_id: None,
            user_id: Some(user(4)),
            private: Some(ProfileChange { previous: Some(profile()), current: new }),
        })]);
}

#[test]
fn every_field_with_a_value_is_a_change_where_the_old_ones_were_erased() {
    given::<Employee>([registered()])
        .when(EmployeeCommand::Replace { profile: profile(), user_id: None, held: None })
        .then([EmployeeEvent::Changed(Changed {
            changed: ["first_name", "last_name", "nick_name", "email"].map(String::from).to_vec(),
            previous_user_id: None,
            user_id: None,
            private: Some(ProfileChange { previous: None, current: profile() }),
        })]);
}

#[test]
fn replacing_a_record_by_itself_adds_nothing() {
    given::<Employee>([registered()])
        .when(EmployeeCommand::Replace { profile: profile(), user_id: None, held: Some(profile()) })
        .then([]);
}

#[test]
fn an_employee_is_deleted() {
    given::<Employee>([registered()]).when(EmployeeCommand::Delete).then([deleted()]);
}

#[test]
fn the_state_knows_the_login_and_in_which_version_the_details_were_set() {
    let changed = |changed: &[&str], user_id| {
        let changed = changed.iter().map(ToString::to_string).collect();
        EmployeeEvent::Changed(Changed { changed, previous_user_id: None, user_id, private: None })
    };
    let employee: Employee =
        fold(&[registered(), changed(&["city", "user_id"], Some(user(4))), changed(&["user_id"], None)]);
    let facts = employee.facts().unwrap();
    assert_eq!((facts.user_id, facts.profile_version), (None, Version::new(2)));
}
