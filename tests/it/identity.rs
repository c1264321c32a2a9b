//! What a server keeps of secrets.

use std::path::{Path, PathBuf};

use eventdesk_tests::{Desk, PASSWORD, Scene, samples};
use serde_json::json;

fn password_grant<'f>(username: &'f str, password: &'f str) -> [(&'f str, &'f str); 3] {
    [("grant_type", "password"), ("username", username), ("password", password)]
}

#[tokio::test]
async fn keys_on_the_disk_are_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let desk = Desk::shared();
    let mut keys = 0;
    for file in files_below(&desk.data()) {
        let name = file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let content = std::fs::read(&file).unwrap_or_default();
        let names_a_key = ["key", "secret", "pem", "jwk"].iter().any(|part| name.contains(part));
        if names_a_key || content.windows(11).any(|window| window == b"PRIVATE KEY") {
            let mode = std::fs::metadata(&file).expect("the file is there").permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{} has mode {mode:o}", file.display());
            keys += 1;
        }
    }
    assert!(keys > 0, "no key file found in {:?}", files_below(&desk.data()));
}

#[tokio::test]
async fn no_secret_reaches_the_log_or_the_disk_in_clear() {
    let desk = Desk::start();
    let scene = Scene::on(&desk).await;
    let secret = "passWord@clear7";
    let user = samples::merged(samples::user(&["support"]), json!({ "password": secret }));
    let user = scene.admin.post("/users", user).await.is(201);
    let token = desk.login_as(&user.str("username"), secret).await.bearer.expect("logged in");
    desk.visitor().form("/token", &password_grant(&user.str("username"), "passWord@wrong7")).await.is(400);
    scene.admin.bearing("garbled-token-7").get("/tickets").await.is(401);
    let body = "A sentence that no log should hold.";
    let ticket = samples::merged(samples::ticket(&scene.employee().await), json!({ "description": body }));
    scene.admin.post("/tickets", ticket).await.is(201);
    scene.admin.get(&format!("/tickets?access_token={token}")).await.is_one_of(&[400, 422]);
    assert!(desk.stop().success());

    let log = desk.log();
    for word in [secret, "passWord@wrong7", PASSWORD, token.as_str(), "garbled-token-7", body] {
        assert!(!log.contains(word), "the log holds {word}:\n{log}");
    }
    for file in files_below(&desk.data()) {
        let content = std::fs::read(&file).unwrap_or_default();
        for word in [secret, PASSWORD, token.as_str()] {
            let found = content.windows(word.len()).any(|window| window == word.as_bytes());
            assert!(!found, "{} holds a password or token", file.display());
        }
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().map_while(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}
