//! Users, employees and the roster.

use eventdesk_events::{
    employee::EmployeeProfile,
    user::{Contacts, Role},
};
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{SECRET, folds_the_same, never_panics, run};
use crate::{
    employee::{Employee, EmployeeCommand},
    roster::{AdminRoster, RosterCommand},
    testing::user,
    user::{RegisterUser, User, UserCommand},
};

fn text() -> impl Strategy<Value = String> {
    (0..3_u8).prop_map(|n| format!("{SECRET}{n}"))
}

fn contacts() -> impl Strategy<Value = Contacts> {
    (text(), text(), text(), text()).prop_map(|(first_name, last_name, phone, email)| Contacts {
        first_name,
        last_name,
        phone,
        email,
    })
}

fn roles() -> impl Strategy<Value = Vec<Role>> {
    vec(select(Role::ALL.to_vec()), 0..6)
}

fn register() -> impl Strategy<Value = UserCommand> {
    (text(), contacts(), roles(), any::<(bool, bool)>()).prop_map(
        |(username, contacts, roles, (disabled, login_denied))| {
            UserCommand::Register(RegisterUser { username, contacts, roles, disabled, login_denied })
        },
    )
}

fn user_command() -> impl Strategy<Value = UserCommand> {
    prop_oneof![
        1 => register(),
        4 => (contacts(), option::of(contacts()))
            .prop_map(|(contacts, held)| UserCommand::ChangeContacts { contacts, held }),
        4 => (text(), option::of(text())).prop_map(|(username, held)| UserCommand::Rename { username, held }),
        4 => roles().prop_map(|roles| UserCommand::ChangeRoles { roles }),
        4 => any::<bool>().prop_map(UserCommand::SetDisabled),
        4 => any::<bool>().prop_map(UserCommand::SetLoginDenied),
        2 => Just(UserCommand::ChangePassword),
        1 => Just(UserCommand::Delete),
    ]
}

fn profile() -> impl Strategy<Value = EmployeeProfile> {
    (text(), text(), option::of(text()), option::of(text())).prop_map(|(first_name, email, nick_name, address)| {
        EmployeeProfile { first_name, email, nick_name, address, ..EmployeeProfile::default() }
    })
}

fn login() -> impl Strategy<Value = Option<eventdesk_events::UserId>> {
    option::of((0..3_u32).prop_map(user))
}

fn employee_command() -> impl Strategy<Value = EmployeeCommand> {
    prop_oneof![
        2 => (profile(), login()).prop_map(|(profile, user_id)| EmployeeCommand::Register { profile, user_id }),
        8 => (profile(), login(), option::of(profile()))
            .prop_map(|(profile, user_id, held)| EmployeeCommand::Replace { profile, user_id, held }),
        1 => Just(EmployeeCommand::Delete),
    ]
}

fn roster_command() -> impl Strategy<Value = RosterCommand> {
    (any::<bool>(), 0..6_u32)
        .prop_map(|(add, n)| if add { RosterCommand::Add(user(n)) } else { RosterCommand::Remove(user(n)) })
}

proptest! {
    #[test]
    fn a_user_folds_the_same_however_it_is_split(
        first in register(),
        rest in vec(user_command(), 0..30),
        split in 0..30_usize,
    ) {
        let commands = std::iter::once(first).chain(rest).collect();
        folds_the_same::<User>(commands, split);
    }

    #[test]
    fn roles_are_always_in_order_and_without_repeats(first in register(), rest in vec(user_command(), 0..30)) {
        let (commits, state) = run::<User>(std::iter::once(first).chain(rest).collect());
        let roles = &state.facts().unwrap().roles;
        prop_assert!(roles.is_sorted_by(|a, b| a < b), "{roles:?}");
        let mut events = commits.concat();
        events.reverse();
        never_panics::<User>(&events);
    }

    #[test]
    fn an_employee_folds_the_same_however_it_is_split(
        commands in vec(employee_command(), 0..30),
        split in 0..30_usize,
    ) {
        folds_the_same::<Employee>(commands, split);
    }

    #[test]
    fn a_roster_folds_the_same_and_is_never_emptied(commands in vec(roster_command(), 0..60), split in 0..60_usize) {
        let (commits, state) = run::<AdminRoster>(commands.clone());
        prop_assert_eq!(commits.is_empty(), state.admins.is_empty());
        folds_the_same::<AdminRoster>(commands, split);
    }
}
