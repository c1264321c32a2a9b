//! Keys on the disk.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use eventdesk_identity::{IssuerKeys, KeySource, KeysError};
use serde_json::Value;

fn pem_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn the_first_start_makes_a_key_that_only_the_owner_can_read() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("deep").join("keys");
    let keys = IssuerKeys::open(&folder).unwrap();
    assert_eq!(mode(&folder), 0o700);
    let files = pem_files(&folder);
    assert_eq!(files, [folder.join(format!("{}.pem", keys.signing_kid()))]);
    assert_eq!(mode(&files[0]), 0o600);
    assert!(fs::read_to_string(&files[0]).unwrap().starts_with("-----BEGIN PRIVATE KEY-----\n"));
}

#[test]
fn a_restart_keeps_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let first = IssuerKeys::open(folder.path()).unwrap();
    let second = IssuerKeys::open(folder.path()).unwrap();
    assert_eq!(first.signing_kid(), second.signing_kid());
    assert_eq!(first.jwks(), second.jwks());
    assert_eq!(pem_files(folder.path()).len(), 1);
}

#[test]
fn starts_at_the_same_moment_get_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let kids: Vec<String> = std::thread::scope(|scope| {
        let starts: Vec<_> =
            (0..4).map(|_| scope.spawn(|| IssuerKeys::open(folder.path()).unwrap().signing_kid())).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert!(kids.iter().all(|kid| *kid == kids[0]), "{kids:?}");
    assert_eq!(pem_files(folder.path()).len(), 1);
}

#[test]
fn the_key_set_is_public_and_named_by_thumbprint() {
    let folder = tempfile::tempdir().unwrap();
    let keys = IssuerKeys::open(folder.path()).unwrap();
    let set: Value = serde_json::from_str(&keys.jwks()).unwrap();
    let key = &set["keys"][0];
    let members: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["alg", "e", "kid", "kty", "n", "use"]);
    assert_eq!(
        (&key["kty"], &key["use"], &key["alg"], &key["e"]),
        (&"RSA".into(), &"sig".into(), &"RS256".into(), &"AQAB".into())
    );
    let modulus = URL_SAFE_NO_PAD.decode(key["n"].as_str().unwrap()).unwrap();
    assert_eq!(modulus.len() * 8, 2048);
    let input = format!(r#"{{"e":"AQAB","kty":"RSA","n":"{}"}}"#, key["n"].as_str().unwrap());
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, input.as_bytes());
    assert_eq!(key["kid"], URL_SAFE_NO_PAD.encode(digest));
    assert_eq!(key["kid"], keys.signing_kid());
}

#[tokio::test]
async fn all_keys_verify_and_the_newest_signs() {
    let folder = tempfile::tempdir().unwrap();
    let old = IssuerKeys::open(folder.path()).unwrap();
    let other = tempfile::tempdir().unwrap();
    let new = IssuerKeys::open(other.path()).unwrap();
    let file = format!("{}.pem", new.signing_kid());
    fs::copy(other.path().join(&file), folder.path().join(&file)).unwrap();
    let later =
        fs::metadata(&pem_files(folder.path())[0]).unwrap().modified().unwrap() + std::time::Duration::from_mins(1);
    fs::File::options().write(true).open(folder.path().join(&file)).unwrap().set_modified(later).unwrap();
    fs::write(folder.path().join("notes.txt"), "not a key").unwrap();

    let both = IssuerKeys::open(folder.path()).unwrap();
    assert_eq!(both.signing_kid(), new.signing_kid());
    let set: Value = serde_json::from_str(&both.jwks()).unwrap();
    let kids: Vec<_> = set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert_eq!(kids, [new.signing_kid(), old.signing_kid()]);
    assert!(both.key(&old.signing_kid()).await.unwrap().is_some());
    assert!(both.key(&new.signing_kid()).await.unwrap().is_some());
    assert!(both.key("else").await.unwrap().is_none());
}

#[test]
fn keys_that_others_may_use_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    IssuerKeys::open(folder.path()).unwrap();
    let file = pem_files(folder.path()).remove(0);
    for bad in [0o640, 0o604, 0o660, 0o644, 0o666, 0o610] {
        set_mode(&file, bad);
        let error = IssuerKeys::open(folder.path()).err().unwrap();
        assert!(matches!(&error, KeysError::Exposed { mode, .. } if *mode == bad), "{bad:o}: {error:?}");
        assert!(error.to_string().contains("600"), "{error}");
    }
    for good in [0o600, 0o400] {
        set_mode(&file, good);
        assert!(IssuerKeys::open(folder.path()).is_ok(), "{good:o}");
    }
    for bad in [0o770, 0o707, 0o777] {
        set_mode(folder.path(), bad);
        assert!(matches!(IssuerKeys::open(folder.path()), Err(KeysError::Exposed { .. })), "{bad:o}");
    }
    set_mode(folder.path(), 0o700);
}

#[test]
fn what_is_no_good_key_is_refused_by_name_and_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.pem");
    let cut = {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let text = STANDARD.encode(&der.as_ref()[..600]);
        format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
    };
    let public = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n";
    for content in ["".as_bytes(), b"garbage", &[0xff, 0xfe], public.as_bytes(), cut.as_bytes()] {
        fs::write(&file, content).unwrap();
        set_mode(&file, 0o600);
        let error = IssuerKeys::open(folder.path()).err().unwrap();
        assert!(matches!(&error, KeysError::Malformed(path) if *path == file), "{error:?}");
        assert_eq!(fs::read(&file).unwrap(), content);
    }
    assert_eq!(pem_files(folder.path()).len(), 1);
}
