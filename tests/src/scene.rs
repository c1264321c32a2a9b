//! A desk with people on it: what most stories start from.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{ADMIN, Answer, Caller, PASSWORD, samples};

/// Where a desk answers.
pub trait Place {
    /// `http://address:port`.
    fn base(&self) -> String;
}

impl<P: Place> Place for Arc<P> {
    fn base(&self) -> String {
        self.as_ref().base()
    }
}

/// Callers and makers of records on one desk.
pub struct Scene {
    /// Somebody without a token.
    pub visitor: Caller,
    /// The bootstrap administrator.
    pub admin: Caller,
}

/// A supported person who can log in.
pub struct EmployeeLogin {
    /// The login user's id.
    pub user_id: String,
    /// The employee record's id.
    pub employee_id: String,
    /// Logged in.
    pub caller: Caller,
}

impl Scene {
    /// Logs the administrator in.
    pub async fn on(desk: &impl Place) -> Self {
        let visitor = Caller::new(&desk.base());
        Self { admin: visitor.login(ADMIN, PASSWORD).await, visitor }
    }

    /// A new user with these roles, as the directory answered it.
    pub async fn user(&self, roles: &[&str]) -> Answer {
        self.admin.post("/users", samples::user(roles)).await.is(201)
    }

    /// A new user with these roles, logged in; with its id.
    pub async fn staff(&self, roles: &[&str]) -> (String, Caller) {
        let user = self.user(roles).await;
        (user.id(), self.visitor.login(&user.str("username"), PASSWORD).await)
    }

    /// A new employee record's id. Tickets show the name from now on: it does not come later and change their entity
    /// tags under a test.
    pub async fn employee(&self) -> String {
        let employee = self.admin.post("/employees", samples::employee()).await.is(201);
        self.admin.see(&employee, &format!("/employees/{}", employee.id())).await.id()
    }

    /// A new employee with a login.
    pub async fn employee_login(&self) -> EmployeeLogin {
        let (user_id, caller) = self.staff(&["employee"]).await;
        let body = samples::merged(samples::employee(), json!({ "user_id": user_id }));
        let employee_id = self.admin.post("/employees", body).await.is(201).id();
        EmployeeLogin { user_id, employee_id, caller }
    }

    /// A new ticket of this employee, opened by the administrator.
    pub async fn ticket(&self, employee_id: &str) -> Answer {
        self.ticket_with(employee_id, json!({})).await
    }

    /// A new ticket of this employee with more or other members.
    pub async fn ticket_with(&self, employee_id: &str, changes: Value) -> Answer {
        self.admin.post("/tickets", samples::merged(samples::ticket(employee_id), changes)).await.is(201)
    }

    /// A new ticket brought to `status` by allowed moves.
    pub async fn ticket_in(&self, employee_id: &str, status: &str) -> Answer {
        let mut ticket = self.ticket(employee_id).await;
        let path = format!("/tickets/{}/status", ticket.id());
        let moves: &[&str] = match status {
            "new" => &[],
            "closed" => &["solved", "closed"],
            _ => &[status],
        };
        for status in moves {
            ticket = self.admin.put(&path, json!({ "status": status })).await.is(200);
        }
        ticket
    }

    /// Moves a ticket.
    pub async fn move_to(&self, ticket_id: &str, status: &str) -> Answer {
        self.admin.put(&format!("/tickets/{ticket_id}/status"), json!({ "status": status })).await.is(200)
    }
}
