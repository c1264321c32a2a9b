//! Users and employees.

use eventdesk_app::{
    QueryError,
    commands::{
        AssignTicket, DeleteEmployee, DeleteTicket, DeleteUser, EmployeeInput, RegisterEmployee, RegisterUser,
        ReplaceEmployee,
    },
    queries::{EmployeeFilter, TicketKey, UserFilter},
};
use eventdesk_events::{ticket::Status, user::Role};

use super::all_pages;
use crate::desk::{Desk, asking, root, scenarios};

/// Whether something as it came in is to be found.
type Fits<T> = Box<dyn Fn(&T) -> bool>;

async fn users_are_found_by_every_filter(desk: Desk) {
    let mut users = Vec::new();
    for number in 0..9 {
        let roles: &[Role] = [&[][..], &[Role::Support], &[Role::Support, Role::Manager]][number % 3];
        let new = RegisterUser { disabled: number % 2 == 0, ..desk.new_user(roles) };
        users.push((desk.register(new.clone()).await.id, new));
    }
    let gone = desk.user(&[Role::Support]).await.id;
    desk.run(&root(), DeleteUser { id: gone }).await.unwrap();
    desk.project().await;
    let any = UserFilter::default;
    let upper = |text: &Option<String>| text.as_ref().map(|text| format!(" {} ", text.to_uppercase()));
    let third = users[3].1.clone();
    let q = Some("NUMBER".to_owned());
    let same = |pick: fn(&RegisterUser) -> &Option<String>| -> Fits<RegisterUser> {
        let wanted = pick(&third).clone();
        Box::new(move |user| *pick(user) == wanted)
    };
    let cases: Vec<(UserFilter, Fits<RegisterUser>)> = vec![
        (any(), Box::new(|_| true)),
        (UserFilter { username: upper(&third.username), ..any() }, same(|user| &user.username)),
        (UserFilter { email: upper(&third.email), ..any() }, same(|user| &user.email)),
        (UserFilter { phone: third.phone.clone(), ..any() }, same(|user| &user.phone)),
        (UserFilter { role: Some(Role::Manager), ..any() }, Box::new(|user| user.roles.contains(&Role::Manager))),
        (UserFilter { disabled: Some(true), ..any() }, Box::new(|user| user.disabled)),
        (UserFilter { disabled: Some(false), ..any() }, Box::new(|user| !user.disabled)),
        (UserFilter { q, ..any() }, Box::new(|_| true)),
        (UserFilter { q: third.phone.clone(), role: Some(Role::Admin), ..any() }, Box::new(|_| false)),
        (UserFilter { q: upper(&third.email), ..any() }, same(|user| &user.email)),
        (UserFilter { q: Some("%".to_owned()), ..any() }, Box::new(|_| false)),
    ];
    for (filter, fits) in cases {
        let mut wanted: Vec<_> = users.iter().filter(|(_, user)| fits(user)).collect();
        wanted.sort_by_key(|(id, user)| (user.username.clone(), id.to_string()));
        let wanted: Vec<_> = wanted.into_iter().map(|(id, _)| *id).collect();
        let (caller, queries) = (asking(&root()), &desk.queries);
        let (found, total) = all_pages!(4, |page| queries.users(&caller, &filter, &page));
        assert_eq!(found.iter().map(|user| user.id).collect::<Vec<_>>(), wanted, "{filter:?}");
        assert_eq!(total, wanted.len() as u64);
    }
    let refused = desk.queries.user(&asking(&root()), gone).await;
    assert!(matches!(refused, Err(QueryError::NotFound(_))), "{refused:?}");
}

async fn employees_are_found_by_every_filter(desk: Desk) {
    let mut employees = Vec::new();
    for number in 0..9 {
        let input = EmployeeInput {
            nick_name: (number % 2 == 0).then(|| "Ducky".to_owned()),
            country: (number % 3 > 0).then(|| ["Chile", "Österreich"][number % 2].to_owned()),
            city: (number % 3 > 1).then(|| "Santa Cruz".to_owned()),
            phone: (number > 4).then(|| desk.new_employee().phone.unwrap()),
            ..desk.new_employee()
        };
        let register = RegisterEmployee { input: input.clone() };
        employees.push((desk.run(&root(), register).await.unwrap().record.id, input));
    }
    desk.project().await;
    let any = EmployeeFilter::default;
    let some = |text: &str| Some(text.to_owned());
    let seventh = employees[7].1.clone();
    let (email, phone) = (seventh.email.clone(), seventh.phone.clone());
    let cases: Vec<(EmployeeFilter, Fits<EmployeeInput>)> = vec![
        (any(), Box::new(|_| true)),
        (EmployeeFilter { email: email.clone(), ..any() }, Box::new(move |e| e.email == email)),
        (EmployeeFilter { phone: phone.clone(), ..any() }, Box::new(move |e| e.phone == phone)),
        (
            EmployeeFilter { country: some("ÖSTERREICH"), ..any() },
            Box::new(|e| e.country.as_deref() == Some("Österreich")),
        ),
        (EmployeeFilter { city: some("santa cruz"), ..any() }, Box::new(|e| e.city.is_some())),
        (
            EmployeeFilter { city: some("santa cruz"), country: some("chile"), ..any() },
            Box::new(|e| e.city.is_some() && e.country.as_deref() == Some("Chile")),
        ),
        (EmployeeFilter { q: some("DUCK"), ..any() }, Box::new(|e| e.nick_name.is_some())),
        (EmployeeFilter { q: some("santa"), ..any() }, Box::new(|_| false)),
    ];
    for (filter, fits) in cases {
        let mut wanted: Vec<_> = employees.iter().filter(|(_, employee)| fits(employee)).collect();
        wanted.sort_by_key(|(id, e)| (e.last_name.clone().map(|name| name.to_lowercase()), id.to_string()));
        let wanted: Vec<_> = wanted.into_iter().map(|(id, _)| *id).collect();
        let (caller, queries) = (asking(&root()), &desk.queries);
        let (found, total) = all_pages!(2, |page| queries.employees(&caller, &filter, &page));
        assert_eq!(found.iter().map(|employee| employee.id).collect::<Vec<_>>(), wanted, "{filter:?}");
        assert_eq!(total, wanted.len() as u64);
    }
}

async fn open_tickets_are_those_that_are_not_done(desk: Desk) {
    let (caller, employee) = desk.requester().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(desk.ticket(&root(), employee).await.id);
    }
    desk.set_status(&root(), ids[0], Status::Solved).await;
    desk.close(&root(), ids[1]).await;
    desk.run(&root(), DeleteTicket { id: ids[2] }).await.unwrap();
    desk.project().await;
    let found = desk.queries.employee(&asking(&caller), employee).await.unwrap();
    assert_eq!(found.open_tickets, Some(2));
    let filter = EmployeeFilter::default();
    let (context, queries) = (asking(&caller), &desk.queries);
    let (found, total) = all_pages!(3, |page| queries.employees(&context, &filter, &page));
    assert_eq!((found.len(), total, found[0].open_tickets), (1, 1, Some(2)));
}

async fn an_employee_sees_their_own_record_alone(desk: Desk) {
    let (caller, own) = desk.requester().await;
    let other = desk.employee().await.id;
    desk.project().await;
    assert_eq!(desk.queries.employee(&asking(&caller), own).await.unwrap().id, own);
    let refused = desk.queries.employee(&asking(&caller), other).await;
    assert!(matches!(refused, Err(QueryError::NotFound(_))), "{refused:?}");
}

async fn a_change_of_the_login_alone_keeps_the_details(desk: Desk) {
    let (_, employee) = desk.requester().await;
    let id = desk.ticket(&root(), employee).await.id;
    let before = desk.employee().await;
    let login = desk.user(&[Role::Employee]).await.id;
    desk.project().await;
    let profile = before.profile.clone().unwrap();
    let input = EmployeeInput {
        first_name: Some(profile.first_name.clone()),
        last_name: Some(profile.last_name.clone()),
        nick_name: profile.nick_name.clone(),
        phone: profile.phone.clone(),
        email: Some(profile.email.clone()),
        country: profile.country.clone(),
        city: profile.city.clone(),
        user_id: Some(login),
        ..EmployeeInput::default()
    };
    desk.run(&root(), ReplaceEmployee { id: before.id, input }).await.unwrap();
    desk.run(&root(), eventdesk_app::commands::ChangeRequester { id, employee_id: before.id }).await.unwrap();
    desk.project().await;
    let after = desk.queries.employee(&asking(&root()), before.id).await.unwrap();
    assert_eq!((after.version.get(), after.profile), (2, before.profile));
    assert_eq!(after.facts.user_id, Some(login));
    let ticket = desk.queries.ticket(&asking(&root()), TicketKey::Id(id), None).await.unwrap();
    let name = format!("{} {}", profile.first_name, profile.last_name);
    assert_eq!(ticket.fed.unwrap().requester_name, Some(name));
}

async fn a_ticket_keeps_the_last_known_names(desk: Desk) {
    let support = desk.user(&[Role::Support]).await;
    let employee = desk.employee().await;
    let id = desk.ticket(&root(), employee.id).await.id;
    desk.run(&root(), AssignTicket { id, user_id: support.id }).await.unwrap();
    let message = desk.post(&support, id).await.id;
    let input =
        EmployeeInput { first_name: Some("Eva".to_owned()), last_name: Some("Neu".to_owned()), ..desk.new_employee() };
    desk.run(&root(), ReplaceEmployee { id: employee.id, input }).await.unwrap();
    desk.run(&root(), DeleteEmployee { id: employee.id }).await.unwrap();
    desk.run(&root(), DeleteUser { id: support.id }).await.unwrap();
    desk.project().await;
    let fed = desk.queries.ticket(&asking(&root()), TicketKey::Id(id), None).await.unwrap().fed.unwrap();
    assert_eq!(fed.requester_name.as_deref(), Some("Eva Neu"));
    assert!(fed.assignee_name.unwrap().starts_with("Ada Number"));
    let message = desk.queries.message(&asking(&root()), id, message, true).await.unwrap();
    assert!(message.author.unwrap().name.unwrap().starts_with("Ada Number"));
}

scenarios!(
    users_are_found_by_every_filter,
    employees_are_found_by_every_filter,
    open_tickets_are_those_that_are_not_done,
    an_employee_sees_their_own_record_alone,
    a_change_of_the_login_alone_keeps_the_details,
    a_ticket_keeps_the_last_known_names,
);
