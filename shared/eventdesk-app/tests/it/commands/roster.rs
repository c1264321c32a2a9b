//! The last active admin stays.

use std::sync::Arc;

use eventdesk_app::{
    CommandError, Commands,
    commands::{DeleteUser, RegisterUser},
};
use eventdesk_events::{UserId, user::Role};

use crate::desk::{Desk, Interference, Rival, context, root, scenarios};

fn deletes(commands: Arc<Commands>, id: UserId) -> Interference {
    Interference::First(Box::new(move || {
        tokio::spawn(async move {
            commands.execute(&context(&root()), DeleteUser { id }).await.unwrap();
        })
    }))
}

async fn the_last_active_admin_cannot_be_deleted(desk: Desk) {
    let admin = desk.user(&[Role::Admin]).await.id;
    desk.register(RegisterUser { disabled: true, ..desk.new_user(&[Role::Admin]) }).await;
    desk.register(RegisterUser { login_denied: true, ..desk.new_user(&[Role::Admin]) }).await;
    desk.user(&[Role::Manager]).await;
    let refused = desk.run(&root(), DeleteUser { id: admin }).await;
    assert!(matches!(refused, Err(CommandError::Roster(_))), "{refused:?}");
    desk.user(&[Role::Admin]).await;
    desk.run(&root(), DeleteUser { id: admin }).await.unwrap();
}

async fn two_admins_deleted_at_once_leave_one(desk: Desk) {
    let (one, two) = (desk.user(&[Role::Admin]).await.id, desk.user(&[Role::Admin]).await.id);
    let root = root();
    let (first, second) =
        tokio::join!(desk.run(&root, DeleteUser { id: one }), desk.run(&root, DeleteUser { id: two }));
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    let refused = if first.is_ok() { second } else { first };
    assert!(matches!(refused, Err(CommandError::Roster(_))), "{refused:?}");
}

async fn an_admin_is_guarded_though_the_other_goes_at_the_last_moment(desk: Desk) {
    let (one, two) = (desk.user(&[Role::Admin]).await.id, desk.user(&[Role::Admin]).await.id);
    let others = Arc::new(desk.commands_over(desk.store.clone()));
    let rival = Arc::new(Rival::new(desk.store.clone(), vec![deletes(others, two)]));
    let refused = desk.commands_over(rival).execute(&context(&root()), DeleteUser { id: one }).await;
    assert!(matches!(refused, Err(CommandError::Roster(_))), "{refused:?}");
}

scenarios!(
    the_last_active_admin_cannot_be_deleted,
    two_admins_deleted_at_once_leave_one,
    an_admin_is_guarded_though_the_other_goes_at_the_last_moment,
);
