//! What a desk answers to many different queries: two desks with the same answers hold the same.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Caller;

/// How long a desk may take to catch up.
const CAUGHT_UP_WITHIN: Duration = Duration::from_mins(2);

const LISTS: [&str; 16] = [
    "/tickets?sort=number&include=total",
    "/tickets?sort=-updated_at&limit=3",
    "/tickets?sort=priority&limit=7",
    "/tickets?status=new&status=open&sort=number",
    "/tickets?status=solved,closed&sort=number",
    "/tickets?priority=urgent&sort=number",
    "/tickets?assignee=none&sort=number",
    "/tickets?tag=vpn&sort=number",
    "/messages?limit=100",
    "/users?limit=100",
    "/users?role=support",
    "/users?disabled=false&limit=2",
    "/employees?limit=100",
    "/employees?country=Germany",
    "/employees?q=a",
    "/admin/routes",
];

/// The answers to up to `most` queries: lists by several filters and sorts, and what hangs on what is listed.
pub async fn sampled(caller: &Caller, most: usize) -> BTreeMap<String, Value> {
    let mut paths: Vec<String> = LISTS.iter().map(|path| (*path).to_owned()).collect();
    let mut answers = BTreeMap::new();
    let mut next = 0;
    while next < paths.len() && answers.len() < most {
        let path = paths[next].clone();
        next += 1;
        let answer = caller.get(&path).await;
        let mut body: Value = serde_json::from_str(&answer.text).unwrap_or_default();
        let ids: Vec<String> = body["data"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|row| Some(row["id"].as_str()?.to_owned()))
            .collect();
        for id in ids {
            let more = match path.split(['?', '/']).nth(1) {
                Some("tickets") if !path.contains("/messages") && !path.contains("/history") => {
                    vec![format!("/tickets/{id}"), format!("/tickets/{id}/history"), format!("/tickets/{id}/messages")]
                }
                Some("users") => vec![format!("/users/{id}")],
                Some("employees") => vec![format!("/employees/{id}")],
                _ => Vec::new(),
            };
            paths.extend(more.into_iter().filter(|path| !paths.contains(path)).collect::<Vec<_>>());
        }
        // Cursors are signed with each desk's own key, and refusals name their request.
        if let Some(body) = body.as_object_mut() {
            body.remove("page");
            body.remove("instance");
        }
        answers.insert(format!("{} {path}", answer.status), body);
    }
    answers
}

/// Waits until a desk gives these answers, and fails the test with the first other one if it never does.
pub async fn answers_as(caller: &Caller, expected: &BTreeMap<String, Value>) {
    let start = Instant::now();
    loop {
        let found = sampled(caller, expected.len()).await;
        if found == *expected {
            return;
        }
        if start.elapsed() > CAUGHT_UP_WITHIN {
            for (path, wanted) in expected {
                assert_eq!(found.get(path), Some(wanted), "{path}");
            }
            panic!("other queries were asked: {:?}", found.keys().collect::<Vec<_>>());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
