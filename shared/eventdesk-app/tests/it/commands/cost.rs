//! What commands cost the store, counted: the same however long the conversation.

use std::sync::Arc;

use eventdesk_app::commands::{MoveTicket, TagTicket};
use eventdesk_events::ticket::Status;

use crate::desk::{Counting, Desk, context, open_for, post_on, root, scenarios};

async fn commands_cost_the_same_however_much_happened_before(desk: Desk) {
    let counting = Arc::new(Counting::new(desk.store.clone()));
    let commands = desk.commands_over(counting.clone());
    let root = context(&root());
    let employee = desk.employee().await.id;
    let id = commands.execute(&root, open_for(employee)).await.unwrap().record.id;
    assert_eq!(counting.take(), (1, 1, 1), "opening looks at the requester");
    let mut status = [Status::Open, Status::Pending].into_iter().cycle();
    for messages in [10, 200] {
        for _ in 0..messages {
            commands.execute(&root, post_on(id)).await.unwrap();
        }
        counting.take();
        commands.execute(&root, post_on(id)).await.unwrap();
        assert_eq!(counting.take(), (1, 1, 1), "a message looks at its ticket");
        let status = status.find(|status| *status == Status::Pending || messages > 10).unwrap();
        commands.execute(&root, MoveTicket { id, status, reason: None }).await.unwrap();
        assert_eq!(counting.take(), (2, 2, 1), "a change looks at its ticket, the answer at its text");
        commands.execute(&root, TagTicket { id, tag: "printer".to_owned() }).await.unwrap();
        assert_eq!(counting.take(), (2, 2, 0), "no change costs no write");
    }
}

scenarios!(commands_cost_the_same_however_much_happened_before);
