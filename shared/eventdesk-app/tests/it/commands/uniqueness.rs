//! Values that only one may have.

use eventdesk_app::{
    CommandError,
    commands::{DeleteEmployee, DeleteUser, EmployeeInput, RegisterEmployee, RegisterUser, ReplaceEmployee},
    ports::Credentials,
};
use eventdesk_events::user::Role;

use crate::desk::{Desk, root, scenarios};

fn taken<T: std::fmt::Debug>(refused: Result<T, CommandError>) -> Vec<String> {
    let Err(CommandError::Taken(mut pointers)) = refused else { panic!("{refused:?}") };
    pointers.sort();
    pointers
}

async fn every_taken_value_is_named(desk: Desk) {
    let first = desk.new_user(&[]);
    desk.register(first.clone()).await;
    let upper = |text: &Option<String>| text.as_ref().map(|text| text.to_uppercase());
    let same_name = RegisterUser { username: upper(&first.username), ..desk.new_user(&[]) };
    assert_eq!(taken(desk.run(&root(), same_name).await), ["/username"]);
    let same_contacts = RegisterUser { phone: first.phone.clone(), email: upper(&first.email), ..desk.new_user(&[]) };
    assert_eq!(taken(desk.run(&root(), same_contacts).await), ["/email", "/phone"]);
}

async fn a_refused_user_leaves_their_other_values_free(desk: Desk) {
    let first = desk.new_user(&[]);
    desk.register(first.clone()).await;
    let second = desk.new_user(&[]);
    let refused = RegisterUser { email: first.email.clone(), ..second.clone() };
    assert_eq!(taken(desk.run(&root(), refused).await), ["/email"]);
    desk.register(second).await;
}

async fn a_deleted_users_values_are_free_again(desk: Desk) {
    let first = desk.new_user(&[Role::Support]);
    let id = desk.register(first.clone()).await.id;
    assert!(desk.credentials.get(id).await.unwrap().is_some());
    desk.run(&root(), DeleteUser { id }).await.unwrap();
    assert!(desk.credentials.get(id).await.unwrap().is_none());
    let again = desk.register(first).await;
    assert_ne!(again.id, id, "a freed name inherits nothing");
}

async fn of_two_users_at_once_with_one_name_one_is_refused(desk: Desk) {
    for _ in 0..8 {
        let first = desk.new_user(&[]);
        let second = RegisterUser { username: first.username.clone(), ..desk.new_user(&[]) };
        let root = root();
        let (one, two) = tokio::join!(desk.run(&root, first), desk.run(&root, second));
        assert!(one.is_ok() != two.is_ok());
        assert_eq!(taken(if one.is_ok() { two } else { one }), ["/username"]);
    }
}

async fn an_employee_keeps_their_own_values_and_frees_the_others(desk: Desk) {
    let login = desk.user(&[Role::Employee]).await.id;
    let input = EmployeeInput { user_id: Some(login), ..desk.new_employee() };
    let id = desk.run(&root(), RegisterEmployee { input: input.clone() }).await.unwrap().record.id;
    let upper = EmployeeInput { email: input.email.as_ref().map(|text| text.to_uppercase()), ..input.clone() };
    desk.run(&root(), ReplaceEmployee { id, input: upper }).await.unwrap();
    let all_of_it = EmployeeInput {
        phone: input.phone.clone(),
        email: input.email.clone(),
        user_id: Some(login),
        ..desk.new_employee()
    };
    let refused = desk.run(&root(), RegisterEmployee { input: all_of_it.clone() }).await;
    assert_eq!(taken(refused), ["/email", "/phone", "/user_id"]);
    // Another phone, no login: the old ones are free.
    let other = EmployeeInput { phone: desk.new_employee().phone, user_id: None, ..input.clone() };
    desk.run(&root(), ReplaceEmployee { id, input: other }).await.unwrap();
    let refused = desk.run(&root(), RegisterEmployee { input: all_of_it.clone() }).await;
    assert_eq!(taken(refused), ["/email"]);
    desk.run(&root(), DeleteEmployee { id }).await.unwrap();
    desk.run(&root(), RegisterEmployee { input: all_of_it }).await.unwrap();
}

async fn an_employee_cannot_take_what_another_has(desk: Desk) {
    let (first, second) = (desk.new_employee(), desk.new_employee());
    desk.run(&root(), RegisterEmployee { input: first.clone() }).await.unwrap();
    let id = desk.run(&root(), RegisterEmployee { input: second.clone() }).await.unwrap().record.id;
    let greedy = EmployeeInput { email: first.email.clone(), ..desk.new_employee() };
    assert_eq!(taken(desk.run(&root(), ReplaceEmployee { id, input: greedy }).await), ["/email"]);
    // The refusal freed nothing.
    let refused = desk.run(&root(), RegisterEmployee { input: second }).await;
    assert_eq!(taken(refused), ["/email", "/phone"]);
}

async fn a_login_must_be_a_user(desk: Desk) {
    let user = desk.user(&[Role::Employee]).await.id;
    desk.run(&root(), DeleteUser { id: user }).await.unwrap();
    let input = EmployeeInput { user_id: Some(user), ..desk.new_employee() };
    let refused = desk.run(&root(), RegisterEmployee { input }).await;
    let Err(CommandError::Invalid(fields)) = refused else { panic!("{refused:?}") };
    assert_eq!(fields.iter().map(|field| &*field.pointer).collect::<Vec<_>>(), ["/user_id"]);
}

scenarios!(
    every_taken_value_is_named,
    a_refused_user_leaves_their_other_values_free,
    a_deleted_users_values_are_free_again,
    of_two_users_at_once_with_one_name_one_is_refused,
    an_employee_keeps_their_own_values_and_frees_the_others,
    an_employee_cannot_take_what_another_has,
    a_login_must_be_a_user,
);
