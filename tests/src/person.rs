//! Somebody who left words everywhere, to be erased.

use serde_json::json;

use crate::{Answer, Caller, PASSWORD, Scene, samples, samples::word};

/// An employee who can log in, with a ticket and a message of their own on which others have worked.
pub struct Person {
    /// The employee record's id.
    pub employee_id: String,
    /// The login user's id.
    pub user_id: String,
    /// Words that stand nowhere but in what is private about them and in what they wrote.
    pub words: Vec<String>,
    /// What an administrator has said on their ticket; it stays.
    pub kept: String,
    /// Their ticket's path.
    pub ticket: String,
    /// The newest message on it, which an administrator wrote.
    pub answer: Answer,
    /// Logged in as them.
    pub caller: Caller,
}

impl Person {
    /// Registers somebody and has them write.
    pub async fn on(scene: &Scene) -> Self {
        let (first, last, title, long, edited, said, why) =
            (word("First"), word("Last"), word("title"), word("long"), word("edited"), word("said"), word("why"));
        // They log in: what they write is theirs.
        let user = samples::merged(samples::user(&["employee"]), json!({ "first_name": first, "last_name": last }));
        let user = scene.admin.post("/users", user).await.is(201);
        let own = json!({ "user_id": user.id(), "first_name": first, "last_name": last, "address": long });
        let employee = scene.admin.post("/employees", samples::merged(samples::employee(), own)).await.is(201);
        let caller = scene.visitor.login(&user.str("username"), PASSWORD).await;
        scene.admin.see(&employee, &format!("/employees/{}", employee.id())).await;
        let words_of_page = format!("{long} ").repeat(400);
        let body = json!({ "title": title, "description": words_of_page });
        let ticket = caller.post("/tickets", samples::merged(samples::ticket(&employee.id()), body)).await.is(201);
        let path = format!("/tickets/{}", ticket.id());
        let message = caller.post(&format!("{path}/messages"), json!({ "body": said })).await.is(201);
        let more = json!({ "body": format!("{said} {edited}") });
        caller.patch(&format!("{path}/messages/{}", message.id()), more).await.is(200);
        scene.move_to(&ticket.id(), "solved").await;
        let moved = caller.put(&format!("{path}/status"), json!({ "status": "open", "reason": why })).await.is(200);
        let history = scene.admin.see(&moved, &format!("{path}/history")).await;
        assert!(history.text.contains(&why), "{history}");
        // Others' edits quote them; others' words stay.
        let kept = word("kept");
        scene.admin.patch(&path, json!({ "title": kept })).await.is(200);
        let answer = scene.admin.post(&format!("{path}/messages"), json!({ "body": kept })).await.is(201);
        scene.admin.see(&answer, &format!("{path}/messages")).await;
        let words = vec![first, last, title, long, edited, said, why, user.str("email"), user.str("username")];
        Self { employee_id: employee.id(), user_id: user.id(), words, kept, ticket: path, answer, caller }
    }

    /// Where their words could be answered.
    fn paths(&self) -> Vec<String> {
        let Self { ticket, user_id, employee_id, .. } = self;
        let mut paths = ["/tickets", "/messages", "/users", "/employees"].map(str::to_owned).to_vec();
        paths.extend(["", "/messages", "/history"].map(|end| format!("{ticket}{end}")));
        paths.extend([format!("/users/{user_id}"), format!("/employees/{employee_id}")]);
        paths
    }

    /// Demands that no answer holds any of their words.
    pub async fn is_answered_nowhere(&self, admin: &Caller) {
        answered_nowhere(admin, &self.words, &self.paths()).await;
    }
}

/// Demands that no answer at these paths holds any of these words.
pub async fn answered_nowhere(admin: &Caller, words: &[String], paths: &[String]) {
    for path in paths {
        let answer = admin.get(path).await;
        for word in words {
            assert!(!answer.text.contains(word.as_str()), "{word} in {answer}");
        }
    }
}
