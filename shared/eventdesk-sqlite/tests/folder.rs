//! A data folder is one server's, and its secret nobody else's.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use eventdesk_app::ports::Ids;
use eventdesk_sqlite::{DataFolder, FolderError, SqliteEventStore, SqliteReadStore, StoreOptions, ViewsOptions};
use uuid::Uuid;

/// Not random at all.
struct Counting;

impl Ids for Counting {
    fn next(&self) -> Uuid {
        Uuid::nil()
    }

    fn fill(&self, bytes: &mut [u8]) {
        for (number, byte) in (1..).zip(bytes) {
            *byte = number;
        }
    }
}

fn mode(path: impl AsRef<Path>) -> u32 {
    fs::metadata(path).expect("it exists").permissions().mode() & 0o777
}

#[test]
fn the_second_server_is_refused_until_the_first_has_gone() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("some/data");
    let first = DataFolder::open(&path).unwrap();
    assert_eq!(mode(&path), 0o700);
    let refused = DataFolder::open(&path).unwrap_err();
    assert!(matches!(refused, FolderError::InUse(_)), "{refused:?}");
    let text = refused.to_string();
    assert!(text.contains("another server") && text.contains("some/data"), "{text}");
    drop(first);
    DataFolder::open(&path).unwrap();
}

#[test]
fn tools_work_beside_a_server_but_make_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("data");
    assert!(matches!(DataFolder::open_beside_server(&path), Err(FolderError::Missing(_))));
    let server = DataFolder::open(&path).unwrap();
    let tool = DataFolder::open_beside_server(&path).unwrap();
    assert_eq!(tool.store_db(), server.store_db());
    assert!(matches!(tool.secret(&Counting), Err(FolderError::Io { .. })));
    assert!(!path.join("secret").exists());
    server.secret(&Counting).unwrap();
    tool.secret(&Counting).unwrap();
}

#[test]
fn the_secret_is_made_once_and_kept() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(temporary.path()).unwrap();
    // A start that was killed half-way left this.
    fs::write(temporary.path().join("secret.new"), "half").unwrap();
    let digest = |folder: &DataFolder| folder.secret(&Counting).unwrap().digester("test").digest(&[b"value"]);
    let made = digest(&folder);
    let file = temporary.path().join("secret");
    assert_eq!(fs::read(&file).unwrap(), (1..=32).collect::<Vec<u8>>());
    assert_eq!(mode(&file), 0o600);
    assert!(!temporary.path().join("secret.new").exists());

    fs::write(&file, [7; 32]).unwrap();
    let kept = digest(&folder);
    assert_ne!(kept, made);
    assert_eq!(digest(&folder), kept);
}

#[test]
fn a_secret_that_others_may_read_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(temporary.path()).unwrap();
    folder.secret(&Counting).unwrap();
    let file = temporary.path().join("secret");
    for exposed in [0o640, 0o604, 0o620] {
        fs::set_permissions(&file, Permissions::from_mode(exposed)).unwrap();
        let refused = folder.secret(&Counting).unwrap_err();
        assert!(matches!(refused, FolderError::SecretExposed { .. }), "{refused:?}");
        assert!(refused.to_string().contains(&format!("mode {exposed:o}")), "{refused}");
    }
    fs::set_permissions(&file, Permissions::from_mode(0o400)).unwrap();
    folder.secret(&Counting).unwrap();
}

#[test]
fn a_secret_of_another_length_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(temporary.path()).unwrap();
    folder.secret(&Counting).unwrap();
    for length in [0, 31, 33] {
        fs::write(temporary.path().join("secret"), vec![1; length]).unwrap();
        let refused = folder.secret(&Counting).unwrap_err();
        assert!(matches!(refused, FolderError::SecretMalformed { .. }), "{refused:?}");
        assert!(refused.to_string().contains(&format!("{length} bytes")), "{refused}");
    }
}

#[test]
fn no_second_secret_is_made_for_a_store_that_has_one() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(temporary.path()).unwrap();
    folder.secret(&Counting).unwrap();
    drop(SqliteEventStore::open(folder.store_db(), StoreOptions::default()).unwrap());
    fs::remove_file(temporary.path().join("secret")).unwrap();
    let refused = folder.secret(&Counting).unwrap_err();
    assert!(matches!(refused, FolderError::SecretMissing(_)), "{refused:?}");
    assert!(!temporary.path().join("secret").exists());
}

#[test]
fn databases_are_their_owners_alone_in_a_folder_open_to_all() {
    let temporary = tempfile::tempdir().unwrap();
    fs::set_permissions(temporary.path(), Permissions::from_mode(0o755)).unwrap();
    let folder = DataFolder::open(temporary.path()).unwrap();
    let store = SqliteEventStore::open(folder.store_db(), StoreOptions::default()).unwrap();
    let views = SqliteReadStore::open(folder.views_db(), &ViewsOptions::default()).unwrap();
    for file in ["store.db", "store.db-wal", "store.db-shm", "views.db", "views.db-wal", "views.db-shm"] {
        assert_eq!(mode(temporary.path().join(file)), 0o600, "{file}");
    }
    drop((store, views));
}
