//! Each projection hears what it takes, by a queue that loses nothing silently.

use std::collections::BTreeSet;

use eventdesk_app::projections::{DirectoryProjection, HistoryProjection, Projection, TicketsProjection};
use eventdesk_events::Event;
use serde_json::{Value, json};

use super::document::{Mode, Template, named, target};

const FOURTEEN_DAYS_S: u64 = 14 * 24 * 3_600;

/// A consumer: its rule, queue and function.
pub(super) struct Consumer {
    projection: Box<dyn Projection>,
    rule: &'static str,
    pub(super) queue: &'static str,
}

pub(super) fn consumers() -> [Consumer; 3] {
    [
        Consumer { projection: Box::new(TicketsProjection), rule: "TicketRule", queue: "TicketQueue" },
        Consumer { projection: Box::new(HistoryProjection), rule: "HistoryRule", queue: "HistoryQueue" },
        Consumer { projection: Box::new(DirectoryProjection), rule: "DirectoryRule", queue: "DirectoryQueue" },
    ]
}

/// Whether a rule lets an event through, as far as our rules say anything.
fn lets_through(pattern: &Value, event_type: &str) -> bool {
    let members = pattern.as_object().expect("a rule has a pattern");
    assert!(members.keys().all(|key| key == "source" || key == "detail-type"), "{pattern}");
    assert_eq!(pattern["source"], json!(["eventdesk"]));
    let Some(types) = pattern.get("detail-type") else { return true };
    types.as_array().expect("a pattern is a list").iter().any(|one| match one {
        Value::String(whole) => event_type == whole,
        other => event_type.starts_with(other["prefix"].as_str().expect("a type or the beginning of one")),
    })
}

#[test]
fn a_rule_lets_through_what_its_projection_takes() {
    let template = Template::read(Mode::Authorizer);
    assert_eq!(template.of("AWS::Events::Rule").count(), consumers().len());
    for Consumer { projection, rule, queue } in consumers() {
        let rule = template.properties(rule);
        for entry in Event::catalogue() {
            let name = entry.event_type;
            assert_eq!(
                lets_through(&rule["EventPattern"], name),
                projection.takes(name),
                "{} {name}",
                projection.name()
            );
        }
        // By its name: emulators do not know a bus by its reference.
        assert_eq!(rule["EventBusName"], json!({"Fn::GetAtt": "Bus.Name"}));
        let [goal] = rule["Targets"].as_array().expect("a rule has targets").as_slice() else { panic!("one target") };
        assert_eq!(target(&goal["Arn"]), Some(queue));
        assert_eq!(goal["Id"], projection.name());
        assert_eq!(target(&goal["DeadLetterConfig"]["Arn"]), Some("UndeliveredQueue"));
    }
}

#[test]
fn each_queue_feeds_its_projector_and_hears_which_messages_failed() {
    let template = Template::read(Mode::Authorizer);
    for Consumer { projection, queue, .. } in consumers() {
        let functions = template.functions();
        let (_, function) = functions[projection.name()];
        let events: Vec<_> = function["Events"].as_object().expect("a projector hears something").values().collect();
        let [event] = events.as_slice() else { panic!("{} hears several queues", projection.name()) };
        assert_eq!(event["Type"], "SQS");
        let source = &event["Properties"];
        assert_eq!(target(&source["Queue"]), Some(queue));
        assert_eq!(named(&template.properties(queue)["QueueName"]), projection.name());
        assert_eq!(source["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
        assert_eq!(source["ScalingConfig"]["MaximumConcurrency"], json!({"Ref": "ProjectorConcurrency"}));
        let number = |value: &Value| value.as_u64().expect("a number");
        let needed = 6 * number(&function["Timeout"]) + number(&source["MaximumBatchingWindowInSeconds"]);
        let visibility = number(&template.properties(queue)["VisibilityTimeout"]);
        assert!(visibility >= needed, "{queue}: {visibility} s, {needed} s are needed");
    }
}

#[test]
fn what_a_queue_gives_up_on_is_kept_and_seen() {
    let template = Template::read(Mode::Authorizer);
    let alarmed = |metric: &str| -> BTreeSet<String> {
        let alarms = template.of("AWS::CloudWatch::Alarm").filter(|(_, alarm)| alarm["MetricName"] == metric);
        alarms.filter_map(|(_, alarm)| Some(target(&alarm["Dimensions"][0]["Value"])?.to_owned())).collect()
    };
    let full = alarmed("ApproximateNumberOfMessagesVisible");
    let old = alarmed("ApproximateAgeOfOldestMessage");
    let mut ends = BTreeSet::from(["UndeliveredQueue".to_owned()]);
    for Consumer { queue, .. } in consumers() {
        let redrive = &template.properties(queue)["RedrivePolicy"];
        ends.insert(target(&redrive["deadLetterTargetArn"]).expect("a queue has a dead-letter queue").to_owned());
        // The projector itself gives up on what it cannot read. Only what it never says anything about, as while its
        // database is away, comes back by the queue's clock: for a day.
        let visibility = template.properties(queue)["VisibilityTimeout"].as_u64().expect("a number");
        assert!(redrive["maxReceiveCount"].as_u64().expect("a number") * visibility >= 24 * 3_600);
        let dead = target(&redrive["deadLetterTargetArn"]).map(|id| template.properties(id)).expect("there is one");
        assert_eq!(format!("{}-dead", named(&template.properties(queue)["QueueName"])), named(&dead["QueueName"]));
        assert!(old.contains(queue), "nobody is told that {queue} is not worked through");
    }
    for (id, queue) in template.of("AWS::SQS::Queue") {
        assert_eq!(queue["SqsManagedSseEnabled"], true, "{id}");
        assert_eq!(queue["MessageRetentionPeriod"], FOURTEEN_DAYS_S, "{id}");
        let consumed = consumers().iter().any(|consumer| consumer.queue == id);
        assert_ne!(consumed, ends.contains(id), "{id} has neither a dead-letter queue nor is it one");
        assert!(consumed || full.contains(id), "nobody is told of messages in {id}");
    }
}

#[test]
fn only_its_own_rules_put_messages_into_a_queue() {
    let template = Template::read(Mode::Authorizer);
    let policies: Vec<_> = template.of("AWS::SQS::QueuePolicy").collect();
    let rules_of = |queue: &str| -> BTreeSet<String> {
        let (_, policy) =
            policies.iter().find(|(_, policy)| policy["Queues"] == json!([{"Ref": queue}])).expect("a policy");
        let [statement] = policy["PolicyDocument"]["Statement"].as_array().expect("statements").as_slice() else {
            panic!("{queue} lets several in")
        };
        assert_eq!(statement["Principal"], json!({"Service": "events.amazonaws.com"}));
        assert_eq!(statement["Action"], "sqs:SendMessage");
        assert_eq!(target(&statement["Resource"]), Some(queue));
        let sources = &statement["Condition"]["ArnEquals"]["aws:SourceArn"];
        let sources = sources.as_array().cloned().unwrap_or_else(|| vec![sources.clone()]);
        sources.iter().map(|source| target(source).expect("a rule is referenced").to_owned()).collect()
    };
    for Consumer { rule, queue, .. } in consumers() {
        assert_eq!(rules_of(queue), BTreeSet::from([rule.to_owned()]));
    }
    assert_eq!(rules_of("UndeliveredQueue"), consumers().map(|consumer| consumer.rule.to_owned()).into());
    assert_eq!(policies.len(), consumers().len() + 1);
}

#[test]
fn copies_of_events_are_kept_for_two_weeks() {
    let template = Template::read(Mode::Authorizer);
    let archive = template.properties("Archive");
    assert_eq!(archive["RetentionDays"], 14);
    assert_eq!(target(&archive["SourceArn"]), Some("Bus"));
}
