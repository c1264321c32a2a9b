//! Lists: pages, cursors, filters and sorts.

use std::collections::BTreeSet;

use eventdesk_tests::{Answer, Caller, Host, Scene, samples};
use serde_json::{Value, json};

tests! {
    rows_written_meanwhile_neither_repeat_nor_vanish,
    pages_of_every_size_give_the_same_rows_in_the_same_order,
    messages_come_in_pages_oldest_first,
    a_page_links_to_the_next_and_tells_the_total_when_asked,
    a_cursor_is_good_for_its_own_list_only,
    parameters_out_of_bounds_are_refused,
    tickets_are_filtered_by_everything_the_contract_names,
    tickets_are_sorted_by_everything_the_contract_names,
    a_ticket_is_found_by_its_number,
    people_are_filtered_by_their_fields,
}

/// All pages of `path` (which has a query), `limit` rows each; `between` runs before each next page.
async fn pages(caller: &Caller, path: &str, limit: usize, mut between: impl AsyncFnMut()) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut cursor = String::new();
    for _ in 0..200 {
        let page = caller.get(&format!("{path}&limit={limit}{cursor}")).await.is(200);
        let found = page.rows();
        assert!(found.len() <= limit, "{page}");
        rows.extend(found);
        let Some(next) = page.next_cursor() else { return rows };
        cursor = format!("&cursor={next}");
        between().await;
    }
    panic!("the pages of {path} never end");
}

fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| row["id"].as_str().unwrap_or_default().to_owned()).collect()
}

/// `count` tickets with a tag of their own; the tag and the last answer.
async fn tagged(scene: &Scene, employee: &str, count: usize) -> (String, Vec<Answer>) {
    let tag = samples::name("list");
    let mut made = Vec::new();
    for _ in 0..count {
        made.push(scene.ticket_with(employee, json!({ "tags": [tag] })).await);
    }
    (tag, made)
}

async fn rows_written_meanwhile_neither_repeat_nor_vanish(desk: &Host) {
    let scene = Scene::on(desk).await;
    let employee = scene.employee().await;
    for sort in ["created_at", "-created_at", "number", "-number"] {
        let (tag, made) = tagged(&scene, &employee, 13).await;
        let last = made.last().expect("some were made");
        scene.admin.see(last, &format!("/tickets?tag={tag}")).await;
        let mut turn = 0;
        let path = format!("/tickets?tag={tag}&sort={sort}");
        let rows = pages(&scene.admin, &path, 3, async || {
            let more = scene.ticket_with(&employee, json!({ "tags": [tag] })).await;
            scene.admin.patch(&format!("/tickets/{}", made[turn].id()), json!({ "priority": "high" })).await.is(200);
            scene.admin.see(&more, &format!("/tickets/{}", more.id())).await;
            turn += 1;
        })
        .await;
        let found = ids(&rows);
        let distinct: BTreeSet<_> = found.iter().collect();
        assert_eq!(distinct.len(), found.len(), "{sort}: a row came twice: {found:?}");
        for ticket in &made {
            assert!(distinct.contains(&ticket.id()), "{sort}: a row vanished: {ticket}");
        }
    }
}

async fn pages_of_every_size_give_the_same_rows_in_the_same_order(desk: &Host) {
    let scene = Scene::on(desk).await;
    let (tag, made) = tagged(&scene, &scene.employee().await, 11).await;
    let last = made.last().expect("some were made");
    for sort in ["", "&sort=-updated_at", "&sort=updated_at", "&sort=priority", "&sort=-due_at", "&sort=due_at"] {
        let path = format!("/tickets?tag={tag}{sort}");
        let whole = scene.admin.see(last, &format!("{path}&limit=100")).await;
        assert_eq!(whole.rows().len(), 11, "{whole}");
        assert!(whole.next_cursor().is_none(), "{whole}");
        for limit in [1, 4, 11] {
            let rows = pages(&scene.admin, &path, limit, async || ()).await;
            assert_eq!(ids(&rows), whole.column("id"), "{sort} by {limit}");
        }
    }
    for path in ["/employees?", "/users?"] {
        let rows = pages(&scene.admin, path, 7, async || ()).await;
        let distinct: BTreeSet<_> = ids(&rows).into_iter().collect();
        assert_eq!(distinct.len(), rows.len(), "{path}");
    }
}

async fn messages_come_in_pages_oldest_first(desk: &Host) {
    let scene = Scene::on(desk).await;
    let ticket = scene.ticket(&scene.employee().await).await;
    let path = format!("/tickets/{}/messages", ticket.id());
    let mut said = Vec::new();
    for n in 0..5 {
        let body = json!({ "visibility": "public", "body": format!("Word {n}.") });
        said.push(scene.admin.post(&path, body).await.is(201));
    }
    scene.admin.see(&said[4], &path).await;
    let rows = pages(&scene.admin, &format!("{path}?"), 2, async || ()).await;
    assert_eq!(ids(&rows), said.iter().map(Answer::id).collect::<Vec<_>>());
}

async fn a_page_links_to_the_next_and_tells_the_total_when_asked(desk: &Host) {
    let scene = Scene::on(desk).await;
    let (tag, made) = tagged(&scene, &scene.employee().await, 5).await;
    let page = scene.admin.see(&made[4], &format!("/tickets?tag={tag}&sort=number&limit=2&include=total")).await;
    let total = if page.body["total"].is_null() { &page.body["page"]["total"] } else { &page.body["total"] };
    assert_eq!(total, 5, "{page}");
    let link = page.header("link").expect("a page with more has a Link");
    let (target, relation) = link.split_once(';').expect("a link has a relation");
    assert!(relation.contains("rel=\"next\""), "{link}");
    let target = target.trim().trim_start_matches('<').trim_end_matches('>');
    let target = if target.starts_with('/') { format!("{}{target}", desk.base()) } else { target.to_owned() };
    let next = scene.admin.get(&target).await.is(200);
    // Each process gives numbers of a block of its own, so they are not in the order of time.
    let mut by_number: Vec<_> = made.iter().map(|ticket| (ticket.body["number"].as_u64(), ticket.id())).collect();
    by_number.sort();
    assert_eq!(next.column("id"), [by_number[2].1.clone(), by_number[3].1.clone()], "{next}");

    let last = scene.admin.get(&format!("/tickets?tag={tag}&limit=100")).await.is(200);
    assert!(last.header("link").is_none_or(|link| !link.contains("rel=\"next\"")), "{last}");
    assert!(last.body["total"].is_null() && last.body["page"]["total"].is_null(), "only when asked: {last}");
}

async fn a_cursor_is_good_for_its_own_list_only(desk: &Host) {
    let scene = Scene::on(desk).await;
    let (tag, made) = tagged(&scene, &scene.employee().await, 4).await;
    let page = scene.admin.see(&made[3], &format!("/tickets?tag={tag}&limit=2")).await;
    let cursor = page.next_cursor().expect("there is more");
    let with = |query: &str, cursor: &str| format!("/tickets?{query}&limit=2&cursor={cursor}");

    scene.admin.get(&with(&format!("tag={tag}"), &cursor)).await.is(200);
    scene.admin.get(&with("tag=other", &cursor)).await.problem(400);
    scene.admin.get(&with(&format!("tag={tag}&status=open"), &cursor)).await.problem(400);
    scene.admin.get(&with(&format!("tag={tag}&sort=created_at"), &cursor)).await.problem(400);
    scene.admin.get(&format!("/employees?cursor={cursor}")).await.problem(400);
    for at in [0, cursor.len() / 3, cursor.len() / 2, cursor.len() - 2] {
        let mut bytes = cursor.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let tampered = String::from_utf8(bytes).expect("a cursor is ASCII");
        scene.admin.get(&with(&format!("tag={tag}"), &tampered)).await.problem(400);
    }
    for nonsense in ["x", "AAAA", "%00", "e30"] {
        scene.admin.get(&with(&format!("tag={tag}"), nonsense)).await.problem(400);
    }
}

async fn parameters_out_of_bounds_are_refused(desk: &Host) {
    let admin = desk.admin().await;
    for query in [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=ten",
        "limit=1&limit=2",
        "sort=colour",
        "sort=--number",
        "status=sleeping",
        "priority=maximal",
        "assignee=nobody",
        "requester=x",
        "created_after=yesterday",
        "include=everything",
        "overdue=perhaps",
    ] {
        let answer = admin.get(&format!("/tickets?{query}")).await;
        let status = answer.status;
        answer.is_one_of(&[400, 422]).problem(status);
    }
    admin.get("/tickets?limit=100").await.is(200);
    admin.get("/tickets?limit=1").await.is(200);
}

async fn tickets_are_filtered_by_everything_the_contract_names(desk: &Host) {
    let scene = Scene::on(desk).await;
    let (agent_id, agent) = scene.staff(&["support"]).await;
    let employee = scene.employee().await;
    let other = scene.employee().await;
    let tag = samples::name("filter");
    let new = |employee: &str, more: Value| {
        samples::merged(samples::ticket(employee), samples::merged(json!({ "tags": [tag] }), more))
    };

    let plain = scene.admin.post("/tickets", new(&employee, json!({}))).await.is(201);
    let urgent = json!({ "priority": "urgent", "tags": [tag, "vpn"] });
    let urgent = scene.admin.post("/tickets", new(&other, urgent)).await.is(201);
    let due = json!({ "due_at": "2020-01-01T00:00:00.000Z" });
    let taken = agent.post("/tickets", new(&employee, due.clone())).await.is(201);
    let assigned =
        agent.put(&format!("/tickets/{}/assignee", taken.id()), json!({ "user_id": agent_id })).await.is(200);
    let solved = agent.post("/tickets", new(&employee, due)).await.is(201);
    let solved_now = scene.move_to(&solved.id(), "solved").await;
    let later = agent.post("/tickets", new(&employee, json!({ "due_at": "2099-01-01T00:00:00.000Z" }))).await.is(201);

    let reader = agent.after(&later).after(&solved_now).after(&assigned);
    let id = [&plain, &urgent, &taken, &solved, &later].map(Answer::id);
    let [plain_id, urgent_id, taken_id, solved_id, later_id] = &id;
    let since = taken.str("created_at");
    let changed = solved_now.str("updated_at");
    let all = id.each_ref();
    let is_since = |answer: &Answer| answer.str("created_at") > since;
    let after_taken: Vec<_> =
        [&plain, &urgent, &taken, &solved, &later].into_iter().filter(|a| is_since(a)).map(Answer::id).collect();

    let cases: Vec<(String, Vec<&String>)> = vec![
        (String::new(), all.to_vec()),
        ("status=new".into(), vec![plain_id, urgent_id, later_id]),
        ("status=open".into(), vec![taken_id]),
        ("status=open,solved".into(), vec![taken_id, solved_id]),
        ("status=open&status=solved".into(), vec![taken_id, solved_id]),
        ("priority=urgent".into(), vec![urgent_id]),
        ("assignee=me".into(), vec![taken_id]),
        (format!("assignee={agent_id}"), vec![taken_id]),
        ("assignee=none".into(), vec![plain_id, urgent_id, solved_id, later_id]),
        (format!("requester={other}"), vec![urgent_id]),
        ("opened_by=me".into(), vec![taken_id, solved_id, later_id]),
        ("overdue=true".into(), vec![taken_id]),
        (format!("created_after={since}"), after_taken.iter().collect()),
        (format!("updated_after={changed}&status=solved"), vec![]),
        ("created_before=2020-01-01T00:00:00.000Z".into(), vec![]),
        ("created_before=2099-01-01T00:00:00.000Z".into(), all.to_vec()),
        ("created_after=2099-01-01T00:00:00.000Z".into(), vec![]),
        (format!("requester={employee}&opened_by=me&status=new"), vec![later_id]),
    ];
    for (query, wanted) in cases {
        let answer = reader.see(&taken, &format!("/tickets?tag={tag}&{query}")).await;
        let found: BTreeSet<_> = answer.column("id").into_iter().collect();
        let wanted: BTreeSet<_> = wanted.into_iter().cloned().collect();
        assert_eq!(found, wanted, "?tag={tag}&{query}: {answer}");
    }
    let vpn = reader.get(&format!("/tickets?tag=vpn&requester={other}")).await.is(200);
    assert_eq!(vpn.column("id"), std::slice::from_ref(urgent_id));
}

/// What a row is sorted by, as text that sorts the same.
type SortKey = dyn Fn(&Value) -> String;

async fn tickets_are_sorted_by_everything_the_contract_names(desk: &Host) {
    let scene = Scene::on(desk).await;
    let employee = scene.employee().await;
    let tag = samples::name("sort");
    let mut last = None;
    for (priority, due) in [("high", "2031"), ("low", "2033"), ("urgent", "2030"), ("normal", "2032"), ("low", "2029")]
    {
        let more = json!({ "tags": [tag], "priority": priority, "due_at": format!("{due}-01-01T00:00:00.000Z") });
        last = Some(scene.ticket_with(&employee, more).await);
    }
    let last = last.expect("five were made");
    let rank = |row: &Value| match row["priority"].as_str() {
        Some("low") => "0".to_owned(),
        Some("normal") => "1".to_owned(),
        Some("high") => "2".to_owned(),
        _ => "3".to_owned(),
    };
    let text = |member: &'static str| {
        move |row: &Value| match &row[member] {
            Value::Number(number) => format!("{number:0>12}", number = number.to_string()),
            other => other.as_str().unwrap_or_default().to_owned(),
        }
    };
    let keys: [(&str, Box<SortKey>); 5] = [
        ("priority", Box::new(rank)),
        ("created_at", Box::new(text("created_at"))),
        ("updated_at", Box::new(text("updated_at"))),
        ("due_at", Box::new(text("due_at"))),
        ("number", Box::new(text("number"))),
    ];
    for (sort, key) in keys {
        let up = scene.admin.see(&last, &format!("/tickets?tag={tag}&sort={sort}")).await;
        let values: Vec<_> = up.rows().iter().map(&key).collect();
        assert_eq!(values.len(), 5, "{up}");
        assert!(values.is_sorted(), "sort={sort}: {values:?}");
        let down = scene.admin.get(&format!("/tickets?tag={tag}&sort=-{sort}")).await.is(200);
        let values: Vec<_> = down.rows().iter().map(&key).collect();
        assert!(values.iter().rev().is_sorted(), "sort=-{sort}: {values:?}");
    }
}

async fn a_ticket_is_found_by_its_number(desk: &Host) {
    let scene = Scene::on(desk).await;
    let ticket = scene.ticket(&scene.employee().await).await;
    let number = ticket.body["number"].as_u64().expect("a ticket has a number");
    let read = scene.admin.see(&ticket, &format!("/tickets/{number}")).await;
    assert_eq!(read.id(), ticket.id());
}

async fn people_are_filtered_by_their_fields(desk: &Host) {
    let scene = Scene::on(desk).await;
    let user = scene.user(&["support", "manager"]).await;
    let (username, email, phone) = (user.str("username"), user.str("email"), user.str("phone"));
    let phone = phone.replace('+', "%2B");
    for query in [
        format!("username={username}"),
        format!("username={}", username.to_uppercase()),
        format!("email={email}"),
        format!("phone={phone}"),
        format!("email={email}&role=manager&disabled=false"),
    ] {
        let found = scene.admin.see(&user, &format!("/users?{query}")).await;
        assert_eq!(found.column("id"), [user.id()], "{query}: {found}");
    }
    let none = scene.admin.get(&format!("/users?email={email}&role=admin")).await.is(200);
    assert!(none.rows().is_empty(), "{none}");

    let city = samples::name("Town");
    let body = samples::merged(samples::employee(), json!({ "city": city }));
    let person = scene.admin.post("/employees", body).await.is(201);
    for query in [
        format!("city={city}"),
        format!("email={}", person.str("email")),
        format!("phone={}", person.str("phone").replace('+', "%2B")),
        format!("country=Ukraine&city={city}"),
    ] {
        let found = scene.admin.see(&person, &format!("/employees?{query}")).await;
        assert_eq!(found.column("id"), [person.id()], "{query}: {found}");
    }
}
