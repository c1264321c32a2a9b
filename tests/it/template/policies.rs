//! Each function's role may do what the function does, on what it does it to, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::document::{Mode, Template, target};

/// What the services let nobody name the resource of.
const UNNAMEABLE: [&str; 2] = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"];
/// Policies of the service's own that a role may carry, and the condition that asks for them.
const FOREIGN: &str = "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaENIManagementAccess";

/// An action, and a name of what it is done to: a logical id, with what follows it.
type Right = (String, String);

fn list(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |values| values.iter().collect())
}

fn statements(policy: &Value) -> Vec<&Value> {
    list(&policy["PolicyDocument"]["Statement"])
}

/// What a policy names: `!GetAtt Queue.Arn` and `!Ref Alias` by logical id, `!Sub` by what follows the account.
fn resource(value: &Value) -> String {
    if let Some(id) = target(value) {
        return id.to_owned();
    }
    let text = value["Fn::Sub"].as_str().or_else(|| value.as_str()).unwrap_or_else(|| panic!("{value} names nothing"));
    if let Some(id) = text.strip_prefix("${") {
        return id.replace(".Arn}", "");
    }
    text.rsplit_once(':').map_or(text, |(_, last)| last).to_owned()
}

/// All that a function's role may do, logs apart.
pub(super) fn rights(template: &Template, function: &Value) -> BTreeSet<Right> {
    let role = template.properties(target(&function["Role"]).expect("a function has a role of its own"));
    let mut rights = BTreeSet::new();
    for statement in list(&role["Policies"]).into_iter().flat_map(statements) {
        for action in list(&statement["Action"]) {
            for on in list(&statement["Resource"]) {
                rights.insert((action.as_str().expect("an action is a text").to_owned(), resource(on)));
            }
        }
    }
    rights.into_iter().filter(|(action, _)| !action.starts_with("logs:")).collect()
}

fn all_rights() -> BTreeMap<String, BTreeSet<Right>> {
    let template = Template::read(Mode::Authorizer);
    template.functions().into_iter().map(|(name, (_, function))| (name, rights(&template, function))).collect()
}

/// The keys that a statement about a table is narrowed to.
fn keys(template: &Template, function: &str, action: &str, table: &str) -> Vec<String> {
    let functions = template.functions();
    let (_, properties) = functions[function];
    let role = template.properties(target(&properties["Role"]).expect("a function has a role"));
    let mut keys = Vec::new();
    for statement in list(&role["Policies"]).into_iter().flat_map(statements) {
        let here = list(&statement["Action"]).iter().any(|one| *one == action);
        if here && list(&statement["Resource"]).iter().any(|on| resource(on) == table) {
            let named = &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
            keys.extend(list(named).iter().filter_map(|key| key.as_str()).map(ToOwned::to_owned));
        }
    }
    keys
}

#[test]
fn nothing_is_allowed_by_a_wildcard() {
    let template = Template::read(Mode::Authorizer);
    let roles =
        template.of("AWS::IAM::Role").flat_map(|(id, role)| list(&role["Policies"]).into_iter().map(move |p| (id, p)));
    let policies = roles.chain(template.of("AWS::IAM::Policy")).chain(template.of("AWS::SQS::QueuePolicy"));
    let mut seen = 0;
    for (id, policy) in policies {
        for statement in statements(policy) {
            seen += 1;
            assert_eq!(statement["Effect"], "Allow", "{id}");
            assert!(statement["NotAction"].is_null() && statement["NotResource"].is_null(), "{id}");
            let actions: Vec<_> = list(&statement["Action"]).iter().filter_map(|action| action.as_str()).collect();
            assert!(!actions.is_empty() && actions.iter().all(|action| !action.contains('*')), "{id}: {actions:?}");
            let unnameable = actions.iter().all(|action| UNNAMEABLE.contains(action));
            for on in list(&statement["Resource"]) {
                assert!(unnameable || !on.to_string().contains('*'), "{id}: {on}");
            }
        }
    }
    assert!(seen > 30, "{seen} statements were looked at");
}

#[test]
fn a_role_is_taken_by_its_service_alone_and_carries_no_policy_of_others() {
    let template = Template::read(Mode::Authorizer);
    for (id, role) in template.of("AWS::IAM::Role") {
        let trust = &role["AssumeRolePolicyDocument"]["Statement"];
        let [statement] = list(trust)[..] else { panic!("{id} is taken by several") };
        let service = if id == "AuditScheduleRole" { "scheduler.amazonaws.com" } else { "lambda.amazonaws.com" };
        assert_eq!(statement["Principal"], serde_json::json!({"Service": service}), "{id}");
        for policy in role["ManagedPolicyArns"].as_array().into_iter().flatten() {
            assert_eq!(policy["Fn::Sub"], FOREIGN, "{id}");
        }
    }
}

#[test]
fn no_two_functions_share_a_role() {
    let template = Template::read(Mode::Authorizer);
    let functions = template.functions();
    let roles: BTreeSet<_> = functions.values().filter_map(|(_, function)| target(&function["Role"])).collect();
    assert_eq!(roles.len(), functions.len());
}

#[test]
fn a_function_writes_to_its_own_log_alone() {
    let template = Template::read(Mode::Authorizer);
    for (name, (_, function)) in template.functions() {
        let role = template.properties(target(&function["Role"]).expect("a function has a role"));
        let log = target(&function["LoggingConfig"]["LogGroup"]).expect("a function names its log");
        let statements = list(&role["Policies"]).into_iter().flat_map(statements);
        let logs: Vec<_> = statements.filter(|one| one["Action"].to_string().contains("logs:")).collect();
        assert_eq!(logs.len(), 1, "{name}");
        assert_eq!(logs[0]["Action"], serde_json::json!(["logs:CreateLogStream", "logs:PutLogEvents"]), "{name}");
        assert_eq!(target(&logs[0]["Resource"]), Some(log), "{name}");
    }
}

#[test]
fn queries_projectors_and_the_audit_never_write_to_a_table() {
    let reads = ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:BatchGetItem"];
    for (name, rights) in all_rights() {
        let may_write = name.starts_with("command-") || matches!(name.as_str(), "identity" | "authorizer");
        for (action, on) in rights.iter().filter(|(action, _)| action.starts_with("dynamodb:")) {
            assert!(may_write || reads.contains(&action.as_str()), "{name}: {action} on {on}");
        }
    }
}

#[test]
fn commands_write_streams_of_their_own_only() {
    let template = Template::read(Mode::Authorizer);
    for (name, streams) in [
        ("command-ticket", vec!["ticket-*"]),
        ("command-message", vec!["message-*", "ticket-*"]),
        ("command-directory", vec!["user-*", "employee-*", "roster-admins", "claim#*"]),
        ("identity", vec!["user-*"]),
        ("authorizer", vec!["user-*", "claim#*"]),
    ] {
        assert_eq!(keys(&template, name, "dynamodb:PutItem", "StoreTable"), streams, "{name}");
    }
    // There it is who lets those in that come for the first time: a record and its claims, in one transaction.
    assert_eq!(keys(&Template::read(Mode::Jwt), "identity", "dynamodb:PutItem", "StoreTable"), ["user-*", "claim#*"]);
    // Nothing in the store is ever updated but the counter of numbers, and nothing removed but reservations.
    for (name, rights) in all_rights() {
        let may = |action: &str| rights.contains(&(action.to_owned(), "StoreTable".to_owned()));
        assert_eq!(may("dynamodb:UpdateItem"), name == "command-ticket", "{name}");
        assert_eq!(may("dynamodb:DeleteItem"), name == "command-directory", "{name}");
    }
    assert_eq!(keys(&template, "command-ticket", "dynamodb:UpdateItem", "StoreTable"), ["counter#ticket-number"]);
    assert_eq!(keys(&template, "command-directory", "dynamodb:DeleteItem", "StoreTable"), ["claim#*"]);
}

#[test]
fn credentials_and_keys_are_read_by_the_issuer_alone() {
    let template = Template::read(Mode::Authorizer);
    for (name, rights) in all_rights() {
        let actions = rights.iter().filter(|(_, on)| on == "IdentityTable").map(|(action, _)| action.as_str());
        let narrowed: BTreeMap<_, _> =
            actions.map(|action| (action, keys(&template, &name, action, "IdentityTable"))).collect();
        let narrowed: Vec<_> = narrowed.iter().map(|(action, keys)| (*action, keys.join(" "))).collect();
        let narrowed: Vec<_> = narrowed.iter().map(|(action, keys)| (*action, keys.as_str())).collect();
        let wanted: &[_] = match name.as_str() {
            "identity" => &[
                ("dynamodb:BatchGetItem", "login#*"),
                ("dynamodb:DeleteItem", "sessions#*"),
                ("dynamodb:GetItem", "user#* sessions#* clients"),
                ("dynamodb:PutItem", "user#* issuer-keys sessions#* clients"),
                ("dynamodb:Query", "issuer-keys sessions#* revoked clients"),
                ("dynamodb:UpdateItem", "login#* sessions#* revoked"),
            ],
            // A registration that is repeated must bring the same password.
            "command-directory" => &[
                ("dynamodb:DeleteItem", "user#* sessions#*"),
                ("dynamodb:GetItem", "user#*"),
                ("dynamodb:PutItem", "user#*"),
                ("dynamodb:Query", "sessions#*"),
                ("dynamodb:UpdateItem", "revoked"),
            ],
            "authorizer" => &[("dynamodb:Query", "issuer-keys revoked")],
            _ => &[],
        };
        assert_eq!(narrowed, wanted, "{name}");
    }
}

#[test]
fn the_authorizer_knows_users_and_reservations_and_nothing_else_of_the_store() {
    let template = Template::read(Mode::Authorizer);
    assert_eq!(keys(&template, "authorizer", "dynamodb:Query", "StoreTable"), ["user-*"]);
    assert_eq!(keys(&template, "authorizer", "dynamodb:GetItem", "StoreTable"), ["claim#*"]);
    let rights = &all_rights()["authorizer"];
    let known = ["dynamodb:Query", "dynamodb:GetItem", "dynamodb:PutItem"];
    let of_store = rights.iter().filter(|(_, on)| on == "StoreTable");
    assert!(of_store.map(|(action, _)| action.as_str()).all(|action| known.contains(&action)));
}

#[test]
fn who_changes_tells_the_bus_and_who_projects_hears_one_queue() {
    for (name, rights) in all_rights() {
        let may =
            |action: &str| rights.iter().filter(|(one, _)| one == action).map(|(_, on)| on.clone()).collect::<Vec<_>>();
        let publishes = name.starts_with("command-") || matches!(name.as_str(), "audit" | "identity" | "authorizer");
        assert_eq!(may("events:PutEvents"), if publishes { vec!["Bus"] } else { vec![] }, "{name}");
        let own = match name.as_str() {
            // Who shows dead letters receives them, and takes those away that are tried again.
            "operations" => vec!["DirectoryDeadLetters", "HistoryDeadLetters", "TicketDeadLetters"],
            "projector-ticket" => vec!["TicketQueue"],
            "projector-history" => vec!["HistoryQueue"],
            "projector-directory" => vec!["DirectoryQueue"],
            _ => vec![],
        };
        assert_eq!(may("sqs:ReceiveMessage"), own, "{name}");
        assert_eq!(may("sqs:DeleteMessage"), own, "{name}");
        // A projector brings what it cannot work through to its own dead letters; the audit asks for a second look.
        let sends: Vec<_> = match name.as_str() {
            "audit" | "operations" => {
                vec!["DirectoryQueue".to_owned(), "HistoryQueue".to_owned(), "TicketQueue".to_owned()]
            }
            _ => own.iter().map(|queue| queue.replace("Queue", "DeadLetters")).collect(),
        };
        assert_eq!(may("sqs:SendMessage"), sends, "{name}");
    }
}

#[test]
fn the_schedule_may_call_the_audit_and_nothing_else() {
    let template = Template::read(Mode::Authorizer);
    let role = template.properties("AuditScheduleRole");
    let [statement] = list(&role["Policies"]).into_iter().flat_map(statements).collect::<Vec<_>>()[..] else {
        panic!("the schedule may do several things")
    };
    assert_eq!(statement["Action"], "lambda:InvokeFunction");
    assert_eq!(statement["Resource"], serde_json::json!({"Ref": "Audit.Alias"}));
    assert_eq!(template.properties("AuditSchedule")["Target"]["Arn"], statement["Resource"]);
}
