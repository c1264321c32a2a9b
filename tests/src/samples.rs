//! Bodies that every rule accepts, each call with values not used before.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::PASSWORD;

/// A number not handed out before by this process.
pub fn unique() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A word that stands nowhere else: it begins like this.
pub fn word(part: &str) -> String {
    format!("{part}{}", name("q").replace('-', ""))
}

/// Five to sixteen ASCII letters not handed out before: `prefix` and six more.
pub fn name(prefix: &str) -> String {
    let mut number = unique();
    let mut letters = String::new();
    for _ in 0..6 {
        letters.push(char::from(b'a' + u8::try_from(number % 26).expect("below 26")));
        number /= 26;
    }
    format!("{prefix}{letters}")
}

/// A phone number not handed out before.
pub fn phone() -> String {
    format!("+38050{:07}", unique())
}

/// The body of `POST /users`.
pub fn user(roles: &[&str]) -> Value {
    let username = name("staff");
    json!({
        "email": format!("{username}@example.com"),
        "username": username,
        "password": PASSWORD,
        "first_name": "Jones",
        "last_name": "Smith",
        "phone": phone(),
        "roles": roles,
    })
}

/// The body of `POST /employees`.
pub fn employee() -> Value {
    json!({
        "first_name": "Marry",
        "last_name": "Fox",
        "nick_name": "Bravo",
        "phone": phone(),
        "email": format!("{}@example.com", name("fox")),
        "birthday": "1998-06-01",
        "country": "Ukraine",
        "city": "Kyiv",
        "address": "Kyiv, Khreshchatyk street 22",
    })
}

/// The body of `POST /tickets`.
pub fn ticket(employee_id: &str) -> Value {
    json!({
        "title": "Network problem",
        "description": "The employee cannot access network resources.",
        "employee_id": employee_id,
    })
}

/// `base` with the members of `changes` put over it.
#[must_use]
pub fn merged(mut base: Value, changes: Value) -> Value {
    if let (Some(base), Value::Object(changes)) = (base.as_object_mut(), changes) {
        base.extend(changes);
    }
    base
}

/// `base` less these members.
#[must_use]
pub fn without(mut base: Value, members: &[&str]) -> Value {
    for member in members {
        base.as_object_mut().and_then(|base| base.remove(*member));
    }
    base
}
