//! Random command histories, and random ways for their events to arrive.

use eventdesk_app::{
    Command, CommandError,
    access::Caller,
    commands::{
        AssignTicket, ChangeRequester, DeleteEmployee, DeleteTicket, DeleteUser, EditMessage, EditTicket,
        EmployeeInput, MoveTicket, PostMessage, ReplaceEmployee, RetractMessage, TagTicket, UnassignTicket,
        UntagTicket,
    },
};
use eventdesk_events::{EmployeeId, MessageId, TicketId, message::Visibility, ticket::Status, user::Role};
use proptest::{prelude::*, sample::Index};

use crate::desk::{Desk, open_for, post_on, root};

/// One step of a history; indexes choose among what there is by then.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Open(Index),
    Post { ticket: Index, staff: bool, internal: bool },
    EditMessage(Index, String),
    Retract(Index),
    Move(Index, Index),
    Assign(Index, Index),
    Unassign(Index),
    Tag(Index, u8),
    Untag(Index, u8),
    Edit { ticket: Index, title: String, tags: Vec<u8> },
    ChangeRequester(Index, Index),
    Delete(Index),
    Rename(Index, String),
    Login(Index, bool),
    DeleteEmployee(Index),
    DeleteUser(Index),
    Wait(i64),
}

pub(crate) fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let index = any::<Index>;
    let text = || "[a-z]{1,8}";
    let step = prop_oneof![
        3 => index().prop_map(Step::Open),
        8 => (index(), any::<bool>(), any::<bool>())
            .prop_map(|(ticket, staff, internal)| Step::Post { ticket, staff, internal }),
        2 => (index(), text()).prop_map(|(message, body)| Step::EditMessage(message, body)),
        1 => index().prop_map(Step::Retract),
        4 => (index(), index()).prop_map(|(ticket, status)| Step::Move(ticket, status)),
        2 => (index(), index()).prop_map(|(ticket, user)| Step::Assign(ticket, user)),
        1 => index().prop_map(Step::Unassign),
        1 => (index(), 0..4_u8).prop_map(|(ticket, tag)| Step::Tag(ticket, tag)),
        1 => (index(), 0..4_u8).prop_map(|(ticket, tag)| Step::Untag(ticket, tag)),
        3 => (index(), text(), proptest::collection::vec(0..4_u8, 0..3))
            .prop_map(|(ticket, title, tags)| Step::Edit { ticket, title, tags }),
        1 => (index(), index()).prop_map(|(ticket, employee)| Step::ChangeRequester(ticket, employee)),
        1 => index().prop_map(Step::Delete),
        1 => (index(), text()).prop_map(|(employee, name)| Step::Rename(employee, name)),
        1 => (index(), any::<bool>()).prop_map(|(employee, login)| Step::Login(employee, login)),
        1 => index().prop_map(Step::DeleteEmployee),
        1 => index().prop_map(Step::DeleteUser),
        3 => (-20..50_i64).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..most)
}

/// What stands on the desk by now.
pub(crate) struct People {
    staff: Vec<Caller>,
    employees: Vec<(Caller, EmployeeId, EmployeeInput)>,
    tickets: Vec<(TicketId, usize)>,
    messages: Vec<(TicketId, MessageId, Caller)>,
}

impl People {
    pub(crate) async fn hired(desk: &Desk) -> Self {
        let staff = vec![desk.user(&[Role::Admin]).await, desk.user(&[Role::Support]).await];
        let mut employees = Vec::new();
        for _ in 0..2 {
            let caller = desk.user(&[Role::Employee]).await;
            let input = EmployeeInput { user_id: Some(caller.id), ..desk.new_employee() };
            let register = eventdesk_app::commands::RegisterEmployee { input: input.clone() };
            let id = desk.run(&root(), register).await.unwrap().record.id;
            employees.push((caller, id, input));
        }
        Self { staff, employees, tickets: Vec::new(), messages: Vec::new() }
    }

    /// Does it, if there is something to do it on; what rules refuse does not happen.
    pub(crate) async fn go(&mut self, desk: &Desk, step: Step) {
        let root = root();
        let tag = |tag: u8| format!("tag{tag}");
        match step {
            Step::Wait(ms) => desk.clock.advance(ms),
            Step::Open(at) => {
                let employee = at.index(self.employees.len());
                if let Ok(done) = desk.run(&root, open_for(self.employees[employee].1)).await {
                    self.tickets.push((done.record.id, employee));
                }
            }
            Step::Rename(at, name) => {
                let at = at.index(self.employees.len());
                self.employees[at].2.first_name = Some(name);
                let (_, id, input) = self.employees[at].clone();
                attempt(desk, &root, ReplaceEmployee { id, input }).await;
            }
            Step::Login(at, login) => {
                let at = at.index(self.employees.len());
                self.employees[at].2.user_id = login.then_some(self.employees[at].0.id);
                let (_, id, input) = self.employees[at].clone();
                attempt(desk, &root, ReplaceEmployee { id, input }).await;
            }
            Step::DeleteEmployee(at) => {
                let id = self.employees[at.index(self.employees.len())].1;
                attempt(desk, &root, DeleteEmployee { id }).await;
            }
            Step::DeleteUser(at) => {
                let id = self.staff[at.index(self.staff.len())].id;
                attempt(desk, &root, DeleteUser { id }).await;
            }
            _ if self.tickets.is_empty() => {}
            Step::Post { ticket, staff, internal } => {
                let (id, employee) = *ticket.get(&self.tickets);
                let caller = if staff { self.staff[0].clone() } else { self.employees[employee].0.clone() };
                let visibility = if internal { Visibility::Internal } else { Visibility::Public };
                if let Ok(done) = desk.run(&caller, PostMessage { visibility, ..post_on(id) }).await {
                    self.messages.push((id, done.record.id, caller));
                }
            }
            Step::Move(at, status) => {
                let (id, status) = (at.get(&self.tickets).0, *status.get(&Status::ALL));
                attempt(desk, &root, MoveTicket { id, status, reason: None }).await;
            }
            Step::Assign(at, user) => {
                let (id, user_id) = (at.get(&self.tickets).0, user.get(&self.staff).id);
                attempt(desk, &root, AssignTicket { id, user_id }).await;
            }
            Step::Unassign(at) => attempt(desk, &root, UnassignTicket { id: at.get(&self.tickets).0 }).await,
            Step::Tag(at, name) => {
                attempt(desk, &root, TagTicket { id: at.get(&self.tickets).0, tag: tag(name) }).await;
            }
            Step::Untag(at, name) => {
                attempt(desk, &root, UntagTicket { id: at.get(&self.tickets).0, tag: tag(name) }).await;
            }
            Step::Edit { ticket, title, tags } => {
                let edit = EditTicket {
                    id: ticket.get(&self.tickets).0,
                    title: Some(title),
                    description: None,
                    priority: None,
                    ticket_type: None,
                    tags: Some(tags.into_iter().map(tag).collect()),
                    due_at: None,
                };
                attempt(desk, &root, edit).await;
            }
            Step::ChangeRequester(at, to) => {
                let (id, to) = (at.get(&self.tickets).0, to.index(self.employees.len()));
                attempt(desk, &root, ChangeRequester { id, employee_id: self.employees[to].1 }).await;
            }
            Step::Delete(at) => attempt(desk, &root, DeleteTicket { id: at.get(&self.tickets).0 }).await,
            _ if self.messages.is_empty() => {}
            Step::EditMessage(at, body) => {
                let (ticket_id, id, caller) = at.get(&self.messages).clone();
                attempt(desk, &caller, EditMessage { ticket_id, id, body: Some(body), may_note: true }).await;
            }
            Step::Retract(at) => {
                let (ticket_id, id, _) = at.get(&self.messages).clone();
                attempt(desk, &root, RetractMessage { ticket_id, id, any: true, may_note: true }).await;
            }
        }
    }
}

async fn attempt(desk: &Desk, caller: &Caller, command: impl Command) {
    // What rules refuse does not happen; nothing else may go wrong.
    if let Err(error @ (CommandError::Internal(_) | CommandError::Unavailable(_) | CommandError::ConcurrentChange)) =
        desk.run(caller, command).await
    {
        panic!("{error:?}");
    }
}

/// A desk with this history.
pub(super) async fn desk_with(desk: Desk, steps: Vec<Step>) -> Desk {
    let mut people = People::hired(&desk).await;
    for step in steps {
        people.go(&desk, step).await;
    }
    desk
}
