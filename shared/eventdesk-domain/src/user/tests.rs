//! Rules of the user, case by case.

use eventdesk_events::{
    Version,
    user::{
        Contacts, ContactsChange, ContactsChanged, Deleted, Disabled, Enabled, ExternalIssuer, LoginAllowed,
        LoginDenied, PasswordChanged, Registered, Renamed, Role, RolesChanged, UserEvent, UserProfile, UsernameChange,
    },
};

use super::{AdmitUser, RegisterUser, ReplaceUser, User, UserCommand, UserError};
use crate::testing::{fold, given};

fn contacts() -> Contacts {
    Contacts {
        first_name: "Jones".into(),
        last_name: "Smith".into(),
        phone: "+380441234567".into(),
        email: "jones.smith@example.com".into(),
    }
}

fn register() -> UserCommand {
    UserCommand::Register(RegisterUser {
        username: "IAmManager".into(),
        contacts: contacts(),
        roles: vec![Role::Support, Role::Manager, Role::Support],
        disabled: false,
        login_denied: false,
    })
}

fn registered(roles: &[Role]) -> UserEvent {
    UserEvent::Registered(Registered {
        roles: roles.to_vec(),
        disabled: false,
        login_denied: false,
        external: None,
        private: Some(UserProfile { username: "IAmManager".into(), contacts: contacts() }),
    })
}

fn every_change() -> [UserCommand; 7] {
    [
        UserCommand::ChangeContacts { contacts: contacts(), held: None },
        UserCommand::Rename { username: "jones".into(), held: None },
        UserCommand::ChangeRoles { roles: vec![Role::Admin] },
        UserCommand::SetDisabled(true),
        UserCommand::SetLoginDenied(true),
        UserCommand::ChangePassword,
        UserCommand::Delete,
    ]
}

fn support() -> UserEvent {
    registered(&[Role::Support])
}

#[test]
fn a_user_is_registered_once_with_roles_in_order() {
    given::<User>([]).when(register()).then([registered(&[Role::Manager, Role::Support])]);
    given::<User>([support()]).when(register()).then_err(UserError::AlreadyRegistered);
    given::<User>([support(), UserEvent::Deleted(Deleted {})]).when(register()).then_err(UserError::AlreadyRegistered);
}

#[test]
fn an_unknown_user_refuses_every_change() {
    for command in every_change() {
        given::<User>([]).when(command).then_err(UserError::NotFound);
    }
}

#[test]
fn a_deleted_user_refuses_every_change() {
    for command in every_change() {
        given::<User>([support(), UserEvent::Deleted(Deleted {})]).when(command).then_err(UserError::Deleted);
    }
}

#[test]
fn changed_contacts_are_named() {
    let new = Contacts { last_name: "Fox".into(), email: "fox@example.com".into(), ..contacts() };
    given::<User>([support()])
        .when(UserCommand::ChangeContacts { contacts: new.clone(), held: Some(contacts()) })
        .then([UserEvent::ContactsChanged(ContactsChanged {
            changed: vec!["last_name".into(), "email".into()],
            private: Some(ContactsChange { previous: Some(contacts()), current: new }),
        })]);
}

#[test]
fn all_contacts_are_changes_where_the_old_ones_were_erased() {
    given::<User>([support()]).when(UserCommand::ChangeContacts { contacts: contacts(), held: None }).then([
        UserEvent::ContactsChanged(ContactsChanged {
            changed: ["first_name", "last_name", "phone", "email"].map(String::from).to_vec(),
            private: Some(ContactsChange { previous: None, current: contacts() }),
        }),
    ]);
}

#[test]
fn a_rename_tells_both_names() {
    let rename = |held: Option<&str>| UserCommand::Rename { username: "jones".into(), held: held.map(Into::into) };
    let renamed = |previous: Option<&str>| {
        let private = Some(UsernameChange { previous: previous.map(Into::into), current: "jones".into() });
        [UserEvent::Renamed(Renamed { private })]
    };
    let user = given::<User>([support()]);
    user.when(rename(Some("IAmManager"))).then(renamed(Some("IAmManager")));
    user.when(rename(Some("Jones"))).then(renamed(Some("Jones")));
    user.when(rename(None)).then(renamed(None));
}

#[test]
fn roles_change_as_a_set() {
    given::<User>([support()]).when(UserCommand::ChangeRoles { roles: vec![Role::Support, Role::Admin] }).then([
        UserEvent::RolesChanged(RolesChanged {
            previous: vec![Role::Support],
            current: vec![Role::Admin, Role::Support],
        }),
    ]);
}

#[test]
fn flags_are_set_and_cleared() {
    let cases = [
        (
            UserCommand::SetDisabled as fn(bool) -> UserCommand,
            UserEvent::Disabled(Disabled {}),
            UserEvent::Enabled(Enabled {}),
        ),
        (UserCommand::SetLoginDenied, UserEvent::LoginDenied(LoginDenied {}), UserEvent::LoginAllowed(LoginAllowed {})),
    ];
    for (command, set, cleared) in cases {
        let before = given::<User>([support()]);
        before.when(command(false)).then([]);
        before.when(command(true)).then([set.clone()]);
        let after = given::<User>([support(), set]);
        after.when(command(true)).then([]);
        after.when(command(false)).then([cleared]);
    }
}

#[test]
fn setting_what_is_set_adds_nothing() {
    for command in [
        UserCommand::ChangeContacts { contacts: contacts(), held: Some(contacts()) },
        UserCommand::Rename { username: "IAmManager".into(), held: Some("IAmManager".into()) },
        UserCommand::ChangeRoles { roles: vec![Role::Support, Role::Support] },
    ] {
        given::<User>([support()]).when(command).then([]);
    }
}

#[test]
fn a_whole_record_is_as_many_facts_as_it_changes() {
    let whole = |username: &str, roles: Option<Vec<Role>>, held: Option<UserProfile>| {
        let (username, contacts) = (username.into(), contacts());
        UserCommand::Replace(ReplaceUser { username, contacts, roles, disabled: Some(true), login_denied: None, held })
    };
    let held = || Some(UserProfile { username: "IAmManager".into(), contacts: contacts() });
    let renamed = UsernameChange { previous: Some("IAmManager".into()), current: "jones".into() };
    let roles = RolesChanged { previous: vec![Role::Support], current: vec![] };
    given::<User>([support()]).when(whole("jones", Some(vec![]), held())).then([
        UserEvent::Renamed(Renamed { private: Some(renamed) }),
        UserEvent::RolesChanged(roles),
        UserEvent::Disabled(Disabled {}),
    ]);
    given::<User>([support(), UserEvent::Disabled(Disabled {})]).when(whole("IAmManager", None, held())).then([]);
    given::<User>([support()]).when(whole("IAmManager", None, None)).then([
        UserEvent::Renamed(Renamed { private: Some(UsernameChange { previous: None, current: "IAmManager".into() }) }),
        UserEvent::ContactsChanged(ContactsChanged {
            changed: ["first_name", "last_name", "phone", "email"].map(String::from).to_vec(),
            private: Some(ContactsChange { previous: None, current: contacts() }),
        }),
        UserEvent::Disabled(Disabled {}),
    ]);
}

#[test]
fn every_password_change_is_a_fact() {
    given::<User>([support()]).when(UserCommand::ChangePassword).then([UserEvent::PasswordChanged(PasswordChanged {})]);
}

#[test]
fn a_user_is_deleted() {
    given::<User>([support()]).when(UserCommand::Delete).then([UserEvent::Deleted(Deleted {})]);
}

#[test]
fn an_active_admin_has_the_role_and_nothing_against_them() {
    let admin = || registered(&[Role::Admin]);
    let (disabled, enabled) = (UserEvent::Disabled(Disabled {}), UserEvent::Enabled(Enabled {}));
    for (history, expected) in [
        (vec![], false),
        (vec![support()], false),
        (vec![admin()], true),
        (vec![admin(), disabled.clone()], false),
        (vec![admin(), disabled, enabled], true),
        (vec![admin(), UserEvent::LoginDenied(LoginDenied {})], false),
        (vec![admin(), UserEvent::LoginDenied(LoginDenied {}), UserEvent::LoginAllowed(LoginAllowed {})], true),
        (vec![admin(), UserEvent::RolesChanged(RolesChanged { previous: vec![Role::Admin], current: vec![] })], false),
        (vec![admin(), UserEvent::Deleted(Deleted {})], false),
    ] {
        assert_eq!(fold::<User>(&history).is_active_admin(), expected, "{history:?}");
    }
}

#[test]
fn staff_are_active_unless_something_is_against_them() {
    for (history, expected) in [
        (vec![support()], true),
        (vec![registered(&[Role::Employee])], false),
        (vec![registered(&[])], false),
        (vec![support(), UserEvent::Disabled(Disabled {})], false),
        (vec![support(), UserEvent::LoginDenied(LoginDenied {})], false),
    ] {
        let user: User = fold(&history);
        assert_eq!(user.facts().unwrap().is_active_staff(), expected, "{history:?}");
    }
}

#[test]
fn the_state_knows_in_which_version_name_and_contacts_were_set() {
    let renamed = UserEvent::Renamed(Renamed { private: None });
    let changed = UserEvent::ContactsChanged(ContactsChanged { changed: vec!["email".into()], private: None });
    let user: User = fold(&[support(), renamed, changed]);
    let facts = user.facts().unwrap();
    assert_eq!((facts.username_version, facts.contacts_version), (Version::new(2), Version::new(3)));
}

fn admit(roles: &[Role]) -> UserCommand {
    UserCommand::Admit(AdmitUser {
        issuer: issuer(),
        username: "ada".to_owned(),
        contacts: contacts(),
        roles: roles.to_vec(),
    })
}

fn issuer() -> ExternalIssuer {
    ExternalIssuer { issuer: "https://issuer.example".to_owned() }
}

fn admitted(roles: &[Role]) -> UserEvent {
    UserEvent::Registered(Registered {
        roles: roles.to_vec(),
        disabled: false,
        login_denied: false,
        external: Some(issuer()),
        private: Some(UserProfile { username: "ada".to_owned(), contacts: contacts() }),
    })
}

#[test]
fn who_logs_in_elsewhere_is_registered_with_their_issuer() {
    given::<User>([]).when(admit(&[Role::Support, Role::Admin])).then([admitted(&[Role::Admin, Role::Support])]);
}

#[test]
fn admitting_again_notes_the_roles_and_is_silent_if_they_are_the_same() {
    given::<User>([admitted(&[Role::Support])]).when(admit(&[Role::Support])).then([]);
    let changed = RolesChanged { previous: vec![Role::Support], current: vec![Role::Admin] };
    given::<User>([admitted(&[Role::Support])]).when(admit(&[Role::Admin])).then([UserEvent::RolesChanged(changed)]);
}

#[test]
fn nobody_is_admitted_as_a_user_of_the_desk_or_after_deletion() {
    given::<User>([registered(&[Role::Admin])]).when(admit(&[])).then_err(UserError::AlreadyRegistered);
    let gone = [admitted(&[]), UserEvent::Deleted(Deleted {})];
    given::<User>(gone).when(admit(&[])).then_err(UserError::Deleted);
}

#[test]
fn password_and_roles_kept_elsewhere_are_not_changed_here() {
    let roles = |roles: &[Role]| UserCommand::ChangeRoles { roles: roles.to_vec() };
    given::<User>([admitted(&[Role::Support])]).when(roles(&[Role::Admin])).then_err(UserError::External);
    given::<User>([admitted(&[Role::Support])]).when(roles(&[Role::Support])).then([]);
    given::<User>([admitted(&[Role::Support])]).when(UserCommand::ChangePassword).then_err(UserError::External);
}

#[test]
fn an_admin_from_elsewhere_works_but_is_not_on_the_roster() {
    let user: User = fold(&[admitted(&[Role::Admin])]);
    assert!(user.facts().is_some_and(super::UserFacts::is_active_staff));
    assert!(!user.is_active_admin());
}
