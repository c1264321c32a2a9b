//! What [`Clients`] promises.
#![expect(clippy::missing_panics_doc, reason = "a case fails by panicking")]

use std::sync::Arc;

use eventdesk_app::{
    Digest,
    ports::{Client, ClientChange, ClientEntry, Clients, StoredClient},
};
use eventdesk_events::{Actor, ActorKind, Timestamp, user::Role};
use uuid::Uuid;

use crate::{clients as cases, suite::run_cases};

/// Runs every case, each on fresh, empty service accounts from `factory`. Needs a runtime of several threads.
///
/// # Panics
/// If a case fails; all failed ones are named.
pub async fn run_all<F, Fut>(factory: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Arc<dyn Clients>>,
{
    run_cases!(
        factory,
        [
            cases::an_account_is_kept_as_given,
            cases::a_replacement_names_the_revision_it_has_seen,
            cases::of_fifty_replacements_at_once_one_succeeds,
            cases::all_are_listed_by_id,
        ]
    );
}

fn client(id: u128) -> Client {
    let actor = Actor { id: "somebody".to_owned(), kind: ActorKind::User };
    Client {
        id: Uuid::from_u128(id),
        name: "Reporting – Münster".to_owned(),
        roles: vec![Role::Manager, Role::Support],
        scopes: "tickets:read events:read".to_owned(),
        secret: Some(Digest([7; 16])),
        history: vec![ClientEntry {
            what: ClientChange::Created,
            at: Timestamp::from_millis(1_795_305_600_001),
            actor,
        }],
    }
}

fn named(id: u128, name: &str) -> Client {
    Client { name: name.to_owned(), ..client(id) }
}

async fn kept(clients: &dyn Clients, id: u128) -> Option<StoredClient> {
    clients.get(Uuid::from_u128(id)).await.expect("reads succeed")
}

async fn replace(clients: &dyn Clients, client: Client, revision: u64) -> bool {
    clients.replace(client, revision).await.expect("writes succeed")
}

/// To the last member; one without secret, roles and scopes too.
pub async fn an_account_is_kept_as_given(clients: Arc<dyn Clients>) {
    assert_eq!(kept(&*clients, 1).await, None);
    let bare = Client { roles: Vec::new(), scopes: String::new(), secret: None, ..client(2) };
    for client in [client(1), bare.clone()] {
        clients.create(client).await.expect("writes succeed");
    }
    assert_eq!(kept(&*clients, 1).await, Some(StoredClient { client: client(1), revision: 1 }));
    assert_eq!(kept(&*clients, 2).await, Some(StoredClient { client: bare, revision: 1 }));
}

/// Whoever has not seen the newest changes nothing.
pub async fn a_replacement_names_the_revision_it_has_seen(clients: Arc<dyn Clients>) {
    assert!(!replace(&*clients, client(1), 1).await, "there is none");
    assert_eq!(kept(&*clients, 1).await, None);
    clients.create(client(1)).await.expect("writes succeed");
    assert!(replace(&*clients, named(1, "two"), 1).await);
    assert!(!replace(&*clients, named(1, "three"), 1).await);
    assert!(!replace(&*clients, named(1, "three"), 3).await);
    assert_eq!(kept(&*clients, 1).await, Some(StoredClient { client: named(1, "two"), revision: 2 }));
    assert!(replace(&*clients, named(1, "three"), 2).await);
    assert_eq!(kept(&*clients, 1).await.map(|stored| stored.revision), Some(3));
}

/// So two rotations never leave two secrets that were both answered as the one that counts.
pub async fn of_fifty_replacements_at_once_one_succeeds(clients: Arc<dyn Clients>) {
    clients.create(client(1)).await.expect("writes succeed");
    let tries: Vec<_> = (0..50)
        .map(|number| {
            let clients = Arc::clone(&clients);
            tokio::spawn(async move { (number, replace(&*clients, named(1, &format!("n{number}")), 1).await) })
        })
        .collect();
    let mut winner = None;
    for attempt in tries {
        let (number, replaced) = attempt.await.expect("tries do not panic");
        if replaced {
            assert_eq!(winner.replace(number), None, "two were stored");
        }
    }
    let name = format!("n{}", winner.expect("one was stored"));
    assert_eq!(kept(&*clients, 1).await, Some(StoredClient { client: named(1, &name), revision: 2 }));
}

/// However many there are.
pub async fn all_are_listed_by_id(clients: Arc<dyn Clients>) {
    assert_eq!(clients.all().await.expect("reads succeed"), []);
    for id in (1..=40).rev() {
        clients.create(client(id)).await.expect("writes succeed");
    }
    assert!(replace(&*clients, named(7, "seven"), 1).await);
    let all = clients.all().await.expect("reads succeed");
    assert_eq!(all.iter().map(|stored| stored.client.id.as_u128()).collect::<Vec<_>>(), (1..=40).collect::<Vec<_>>());
    assert_eq!((&*all[6].client.name, all[6].revision), ("seven", 2));
}
