//! What functions tell whoever operates them: lines with the ids of their invocation, and figures.

use std::time::{Duration, Instant};

use eventdesk_tests::{Function, Host, gateway_event, samples};
use serde_json::{Value, json};

use crate::functions::{bus_message, message, prepared};

tests! {
    each_request_is_counted_by_its_outcome_under_its_ids,
    a_projector_tells_what_it_did_and_how_late,
    each_line_of_an_invocation_carries_its_ids,
    the_audit_tells_that_nothing_is_behind,
    what_the_bus_does_not_take_is_counted,
    a_function_that_cannot_start_says_why,
    a_function_that_is_told_to_end_closes_its_connections,
}

const TOLD_WITHIN: Duration = Duration::from_secs(10);

/// A `traceparent` that nobody else has, and the trace id in it.
fn trace() -> (String, String) {
    let id = format!("4bf92f3577b34da6a3ce{:012}", samples::unique());
    (format!("00-{id}-00f067aa0ba902b7-01"), id)
}

/// The first line with `wanted`; a function writes its figures after its answer.
async fn line(printed: impl Fn() -> String, wanted: impl Fn(&Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let printed = printed();
        let whole = printed.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let mut lines = whole.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")));
        if let Some(line) = lines.find(&wanted) {
            return line;
        }
        assert!(start.elapsed() < TOLD_WITHIN, "no such line:\n{printed}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The figures of an invocation: each declared metric with its unit and value.
#[track_caller]
fn figures(line: &Value) -> Vec<(&str, &str, &Value)> {
    let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap_or_else(|| panic!("no figures: {line}"));
    let [directive] = directives.as_slice() else { panic!("one set of metrics: {line}") };
    assert_eq!(directive["Namespace"], "eventdesk", "{line}");
    assert_eq!(directive["Dimensions"], json!([["function"]]), "ids are no dimensions: {line}");
    assert!(line["function"].is_string() && line["_aws"]["Timestamp"].is_u64(), "{line}");
    let metrics = directive["Metrics"].as_array().expect("metrics");
    let told = metrics.iter().map(|metric| {
        let name = metric["Name"].as_str().expect("a metric has a name");
        (name, metric["Unit"].as_str().expect("a metric has a unit"), &line[name])
    });
    told.collect()
}

/// Invokes a process and returns the figures that it told about that.
async fn told_by(function: &Function, event: &Value, trace_id: &str) -> Value {
    function.invoke(event.clone()).await;
    line(|| function.printed(), |line| line["_aws"].is_object() && line["trace_id"] == trace_id).await
}

async fn each_request_is_counted_by_its_outcome_under_its_ids(desk: &Host) {
    let (lambdas, scene, claims) = prepared(desk).await;
    let good = samples::ticket(&scene.employee().await);
    let bad = json!({ "title": "" });
    for (handler, method, path, body, outcome) in [
        ("command-ticket", "POST", "/tickets", Some(&good), "answered"),
        ("command-ticket", "POST", "/tickets", Some(&bad), "refused"),
        ("query-ticket", "GET", "/tickets?limit=1", None, "answered"),
        ("identity", "GET", "/status", None, "answered"),
    ] {
        let function = lambdas.another(handler, &[]).await;
        let (traceparent, trace_id) = trace();
        let mut event = gateway_event(method, &format!("/api/v1{path}"), &claims, body);
        event["headers"]["traceparent"] = json!(traceparent);
        let line = told_by(&function, &event, &trace_id).await;
        let told = figures(&line);
        let [(latency, unit, value), (counted, "Count", count)] = sorted(&told)[..] else { panic!("{line}") };
        assert_eq!((latency, unit, counted, count), ("latency_ms", "Milliseconds", outcome, &json!(1)), "{line}");
        assert!(value.as_f64().is_some_and(|value| value > 0.0), "{line}");
        let request_id = line["request_id"].as_str().unwrap_or_default();
        assert!(request_id.starts_with("8476a536-e9f4-11e8-9739-"), "Lambda's own: {line}");
        assert!(line["function"].as_str().is_some_and(|name| name.ends_with(handler)), "{line}");
    }
}

/// The latency first.
fn sorted<'f>(told: &[(&'f str, &'f str, &'f Value)]) -> Vec<(&'f str, &'f str, &'f Value)> {
    let mut told = told.to_vec();
    told.sort_by_key(|(_, unit, _)| *unit == "Count");
    told
}

async fn a_projector_tells_what_it_did_and_how_late(desk: &Host) {
    let (lambdas, scene, claims) = prepared(desk).await;
    let ticket = scene.ticket(&scene.employee().await).await;
    let stream = format!("ticket-{}", ticket.id());
    scene.admin.see(&ticket, &format!("/tickets/{}", ticket.id())).await;
    // Committed on the day that `bus_message` names.
    let known = bus_message("ticket.opened", &stream, 1, &claims["sub"], &json!({}), &Value::Null);
    let poison = message("poison", "this is no JSON".into());
    let projector = lambdas.another("projector-ticket", &[]).await;
    let batch = [message("known", known), poison];
    let event = eventdesk_tests::batch_of(&lambdas.cloud().queue("projector-ticket", false), &batch);
    projector.invoke(event).await;
    let line = line(|| projector.printed(), |line| line["_aws"].is_object()).await;
    let told = figures(&line);
    let mut counted: Vec<_> = told.iter().filter(|(_, unit, _)| *unit == "Count").map(|t| (t.0, t.2)).collect();
    counted.sort_by_key(|(name, _)| *name);
    assert_eq!(counted, [("events_failed", &json!(1)), ("events_projected", &json!(1))], "{line}");
    let lag = told.iter().find(|(name, ..)| *name == "lag_ms").unwrap_or_else(|| panic!("{line}"));
    assert!(lag.1 == "Milliseconds" && lag.2.as_u64().is_some(), "{line}");
}

async fn each_line_of_an_invocation_carries_its_ids(desk: &Host) {
    let lambdas = desk.lambdas().expect("this suite is about functions");
    let projector = lambdas.another("projector-history", &[]).await;
    let queue = lambdas.cloud().queue("projector-history", false);
    for round in ["first", "second"] {
        let poison = [message(round, "this is no JSON".into())];
        projector.invoke(eventdesk_tests::batch_of(&queue, &poison)).await;
    }
    let mut ids = Vec::new();
    for round in ["first", "second"] {
        let failed = line(|| projector.printed(), |line| line["message.id"] == round).await;
        assert!(failed["level"] == "WARN" && failed["timestamp"].is_string(), "{failed}");
        // X-Ray's id, as the standard writes it.
        assert_eq!(failed["trace_id"], "5bef4de7ad49b0e87f6ef6c87fc2e700", "{failed}");
        let request_id = failed["request_id"].as_str().unwrap_or_default().to_owned();
        assert!(request_id.starts_with("8476a536-e9f4-11e8-9739-"), "{failed}");
        ids.push(request_id);
    }
    assert_ne!(ids[0], ids[1], "each has its own");
}

async fn the_audit_tells_that_nothing_is_behind(desk: &Host) {
    let lambdas = desk.lambdas().expect("this suite is about functions");
    let audit = lambdas.another("audit", &[]).await;
    let report = audit.invoke(json!({ "detail-type": "Scheduled Event" })).await;
    let line = line(|| audit.printed(), |line| line["_aws"].is_object()).await;
    let told = figures(&line);
    for name in ["commits_behind", "oldest_behind_seconds", "republished", "nudged"] {
        let (_, _, value) = told.iter().find(|(told, ..)| *told == name).unwrap_or_else(|| panic!("{name}: {line}"));
        assert_eq!(value.as_f64().map(f64::floor), report[name].as_f64(), "zero is told, too: {line}");
    }
}

async fn what_the_bus_does_not_take_is_counted(desk: &Host) {
    let (lambdas, scene, claims) = prepared(desk).await;
    let body = samples::ticket(&scene.employee().await);
    // Nobody listens there.
    let nowhere = [("AWS_ENDPOINT_URL_EVENTBRIDGE", "http://127.0.0.1:9")];
    let function = lambdas.another("command-ticket", &nowhere).await;
    let (traceparent, trace_id) = trace();
    let mut event = gateway_event("POST", "/api/v1/tickets", &claims, Some(&body));
    event["headers"]["traceparent"] = json!(traceparent);
    let told = told_by(&function, &event, &trace_id).await;
    assert_eq!((&told["answered"], &told["publish_failures"]), (&json!(1), &json!(1)), "durable all the same: {told}");
    let warned = line(|| function.printed(), |line| line["level"] == "WARN" && line["trace_id"] == trace_id).await;
    assert_eq!(warned["request_id"], told["request_id"], "{warned}");
    assert!(warned["event.stream"].as_str().is_some_and(|stream| stream.starts_with("ticket-")), "{warned}");
}

async fn a_function_that_cannot_start_says_why(desk: &Host) {
    let lambdas = desk.lambdas().expect("this suite is about functions");
    for (setting, value, reason) in [
        ("_HANDLER", "nobody", "command-directory"),
        ("EVENTDESK_STORE_KIND", "paper", "store.kind"),
        ("EVENTDESK_SECRET_PARAMETER", "/nothing/there", "/nothing/there"),
    ] {
        let function = lambdas.another("command-ticket", &[(setting, value)]).await;
        let ended = function.try_invoke(json!({})).await.expect_err("it does not run");
        assert!(ended.contains("exit status: 1"), "{setting}: {ended}");
        let told = line(|| function.printed(), |line| line["level"] == "ERROR").await;
        assert!(told.to_string().contains(reason), "{setting}: {told}");
    }
}

async fn a_function_that_is_told_to_end_closes_its_connections(desk: &Host) {
    let lambdas = desk.lambdas().expect("this suite is about functions");
    for (handler, event) in [
        ("query-ticket", gateway_event("GET", "/api/v1/nothing", &Value::Null, None)),
        ("projector-history", json!({ "Records": [] })),
        ("operations", gateway_event("GET", "/api/v1/ready", &Value::Null, None)),
    ] {
        let function = lambdas.another(handler, &[]).await;
        function.invoke(event).await;
        assert!(function.shut_down().await.success(), "{handler}: {}", function.printed());
        assert!(function.printed().contains("Graceful shutdown completed"), "{handler}: {}", function.printed());
    }
}
