//! Each function of the desk is deployed, with its log, its alarms, and the settings that it needs and no more.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use eventdesk_app::{
    audit::{COMMITS_BEHIND, OLDEST_BEHIND_SECONDS, REPUBLISHED},
    figures,
};
use eventdesk_http::routes::Owner;
use eventdesk_runtime::Config;
use serde_json::{Value, json};

use super::document::{Mode, Template, named, target};

/// Functions besides those that own routes.
const OTHERS: [&str; 5] = ["authorizer", "projector-ticket", "projector-history", "projector-directory", "audit"];

fn names() -> BTreeSet<String> {
    Owner::ALL.iter().map(|owner| owner.as_str()).chain(OTHERS).map(str::to_owned).collect()
}

fn settings(function: &Value) -> BTreeMap<String, Value> {
    let variables = function["Environment"]["Variables"].as_object().expect("a function has settings");
    variables.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[test]
fn each_function_is_deployed_and_none_besides() {
    let template = Template::read(Mode::Authorizer);
    let functions = template.functions();
    assert_eq!(functions.keys().cloned().collect::<BTreeSet<_>>(), names());
    for (name, (_, function)) in &functions {
        assert_eq!(function["Handler"], json!(name));
        assert_eq!(function["AutoPublishCodeSha256"], json!({"Ref": "Revision"}), "{name}");
        let folder = function["CodeUri"].as_str().expect("a function has code");
        let binary =
            folder.strip_prefix(".build/").and_then(|rest| rest.strip_suffix('/')).expect("built by infra/build");
        let manifest = format!("{}/../functions/{binary}/Cargo.toml", env!("CARGO_MANIFEST_DIR"));
        assert!(Path::new(&manifest).exists(), "{name}: there is no functions/{binary}");
    }
    let globals = template.globals();
    assert_eq!(globals["Runtime"], "provided.al2023");
    assert_eq!(globals["Architectures"], json!([{"Ref": "Architecture"}]));
    assert_eq!(globals["AutoPublishAlias"], "live");
    assert_eq!(globals["DeploymentPreference"]["Type"], json!({"Ref": "DeploymentType"}));
}

#[test]
fn each_function_has_a_log_that_is_kept_for_a_while() {
    let template = Template::read(Mode::Authorizer);
    for (name, (_, function)) in template.functions() {
        let log = target(&function["LoggingConfig"]["LogGroup"]).expect("a function names its log");
        assert_eq!(template.resources[log]["Type"], "AWS::Logs::LogGroup");
        let log = template.properties(log);
        assert_eq!(log["LogGroupName"]["Fn::Sub"], format!("/aws/lambda/${{AWS::StackName}}-{name}"));
    }
    for (id, log) in template.of("AWS::Logs::LogGroup") {
        assert_eq!(log["RetentionInDays"], json!({"Ref": "LogRetentionDays"}), "{id}");
    }
}

#[test]
fn each_function_has_alarms_that_also_move_traffic_back() {
    let template = Template::read(Mode::Authorizer);
    let throttled: BTreeSet<_> = template
        .of("AWS::CloudWatch::Alarm")
        .flat_map(|(_, alarm)| alarm["Metrics"].as_array().cloned().unwrap_or_default())
        .filter(|one| one["MetricStat"]["Metric"]["MetricName"] == "Throttles")
        .map(|one| named(&one["MetricStat"]["Metric"]["Dimensions"][0]["Value"]).to_owned())
        .collect();
    assert_eq!(throttled, names());
    for (name, (_, function)) in template.functions() {
        let alarms = function["DeploymentPreference"]["Alarms"].as_array().expect("alarms end a shift");
        let metrics: BTreeSet<_> = alarms
            .iter()
            .map(|alarm| template.properties(target(alarm).expect("alarms are referenced")))
            .filter(|alarm| alarm["MetricName"] == "5xx" || named(&alarm["Dimensions"][0]["Value"]) == name)
            .map(|alarm| alarm["MetricName"].as_str().expect("a metric has a name"))
            .collect();
        assert!(metrics.contains("Errors"), "{name}: {metrics:?}");
    }
}

#[test]
fn each_alarm_tells_the_topic() {
    for (id, alarm) in Template::read(Mode::Authorizer).of("AWS::CloudWatch::Alarm") {
        assert_eq!(alarm["AlarmActions"], json!([{"Ref": "AlarmTopicArn"}]), "{id}");
        assert!(alarm["TreatMissingData"].is_string(), "{id}");
    }
}

#[test]
fn alarms_watch_what_the_audit_measures() {
    let template = Template::read(Mode::Authorizer);
    let own = template.of("AWS::CloudWatch::Alarm").filter(|(_, alarm)| alarm["Namespace"] == "eventdesk");
    let watched: BTreeSet<_> = own
        .map(|(id, alarm)| {
            let [dimension] = alarm["Dimensions"].as_array().expect("dimensions").as_slice() else { panic!("{id}") };
            assert_eq!((&dimension["Name"], named(&dimension["Value"])), (&json!("function"), "audit"), "{id}");
            alarm["MetricName"].as_str().expect("a metric has a name")
        })
        .collect();
    assert_eq!(watched, BTreeSet::from([COMMITS_BEHIND, OLDEST_BEHIND_SECONDS, REPUBLISHED]));
}

#[test]
fn the_dashboard_shows_what_functions_measure() {
    let template = Template::read(Mode::Authorizer);
    let body = &template.properties("Dashboard")["DashboardBody"]["Fn::Sub"];
    let body: Value = serde_json::from_str(body.as_str().expect("a text")).expect("a dashboard is JSON");
    let widgets = body["widgets"].as_array().expect("widgets").iter();
    let shown = widgets.flat_map(|widget| widget["properties"]["metrics"].as_array().expect("metrics"));
    let mut own = BTreeSet::new();
    for metric in shown.filter(|metric| metric[0] == "eventdesk") {
        let [name, dimension, function] = [1, 2, 3].map(|at| metric[at].as_str().expect("a text"));
        let function = function.strip_prefix("${AWS::StackName}-").expect("named after the stack");
        assert!(dimension == "function" && names().contains(function), "{metric}");
        own.insert(name.to_owned());
    }
    let measured = figures::ALL.into_iter().chain([COMMITS_BEHIND, OLDEST_BEHIND_SECONDS, REPUBLISHED]);
    assert_eq!(own, measured.map(str::to_owned).collect());
}

#[test]
fn a_function_is_told_of_a_service_only_if_it_may_use_it() {
    let template = Template::read(Mode::Authorizer);
    for (name, (_, function)) in template.functions() {
        let settings = settings(function);
        let rights = super::policies::rights(&template, function);
        let may = |service: &str, resource: &str| {
            rights.iter().any(|(action, on)| action.starts_with(service) && on.starts_with(resource))
        };
        for (setting, allowed) in [
            ("EVENTDESK_STORE_TABLE", may("dynamodb:", "StoreTable")),
            ("EVENTDESK_STORE_IDENTITY_TABLE", may("dynamodb:", "IdentityTable")),
            // Queues are found by the names of bus and consumer.
            ("EVENTDESK_BUS_NAME", may("events:", "Bus") || may("sqs:", "")),
            ("EVENTDESK_SECRET_PARAMETER", may("ssm:", "parameter")),
        ] {
            assert_eq!(settings.contains_key(setting), allowed, "{name}: {setting}");
        }
        for (setting, kind, value) in [
            ("EVENTDESK_STORE_TABLE", "EVENTDESK_STORE_KIND", "dynamodb"),
            ("EVENTDESK_BUS_NAME", "EVENTDESK_BUS_KIND", "eventbridge"),
            ("EVENTDESK_VIEWS_URI", "EVENTDESK_VIEWS_KIND", "mongodb"),
            // Connections that the cluster would keep for minutes after their function is gone.
            ("EVENTDESK_VIEWS_URI", "EVENTDESK_LAMBDA_SHUTDOWN_SIGNAL", "true"),
        ] {
            assert!(!settings.contains_key(setting) || settings[kind] == value, "{name}: {kind}");
        }
    }
}

/// A setting as a function finds it; what only the service can tell is made up.
fn told(setting: &str, value: &Value) -> String {
    if let Some(text) = value.as_str() {
        return text.to_owned();
    }
    let made_up = match setting {
        "EVENTDESK_BASE_PATH" => "desk",
        "EVENTDESK_BUILTIN_ISSUER_AUDIENCE" | "EVENTDESK_VIEWS_DATABASE" => "eventdesk",
        "EVENTDESK_BUILTIN_ISSUER_URL" => "https://abc.execute-api.eu-central-1.amazonaws.com",
        "EVENTDESK_BUS_NAME" => "eventdesk-dev",
        "EVENTDESK_ISSUER_AUDIENCE" => "api://default,other",
        "EVENTDESK_ISSUER_DOCS_CLIENT_ID" => "0oa",
        "EVENTDESK_ISSUER_GROUPS_CLAIM" => "groups",
        "EVENTDESK_ISSUER_ROLES" => "internal/desk/admins=admin,internal/desk/staff=support",
        "EVENTDESK_ISSUER_URL" => "https://dev-1.okta.example/oauth2/default",
        "EVENTDESK_LOG_LEVEL" => "info",
        "EVENTDESK_SECRET_PARAMETER" => "/eventdesk-dev/secret",
        "EVENTDESK_STORE_IDENTITY_TABLE" => "eventdesk-dev-identity",
        "EVENTDESK_STORE_TABLE" => "eventdesk-dev-store",
        "EVENTDESK_VIEWS_URI" => {
            let uri = value["Fn::Sub"].as_str().expect("made of the host's name");
            return uri.replace("${MongoHost}", "dev.example.mongodb.net");
        }
        _ => panic!("{setting} is {value}"),
    };
    made_up.to_owned()
}

#[test]
fn the_program_takes_the_settings_of_each_function() {
    for mode in [Mode::Jwt, Mode::Authorizer] {
        let template = Template::read(mode);
        let common = settings(template.globals());
        for (name, (_, function)) in template.functions() {
            let all = common.clone().into_iter().chain(settings(function));
            let all: BTreeMap<_, _> =
                all.map(|(setting, value)| (setting.clone(), Some(told(&setting, &value)))).collect();
            let config = Config::read("", all).unwrap_or_else(|error| panic!("{name} in {mode:?}: {error}"));
            if settings(function).contains_key("EVENTDESK_BUILTIN_ISSUER_ENABLED") {
                assert_eq!(config.builtin_issuer.enabled, mode == Mode::Authorizer, "{name}");
            }
        }
    }
}

#[test]
fn no_setting_holds_a_secret() {
    let template = Template::read(Mode::Authorizer);
    for (name, (_, function)) in template.functions() {
        for (setting, value) in settings(function) {
            let secret = ["PASSWORD", "TOKEN", "CREDENTIAL", "KEY"].iter().any(|word| setting.contains(word));
            assert!(!secret && (!setting.contains("SECRET") || setting.ends_with("_PARAMETER")), "{name}: {setting}");
            let text = value.to_string();
            assert!(!text.contains("://") || !text.contains('@'), "{name}: {setting} may hold a password");
        }
    }
}

#[test]
fn the_gateways_log_holds_no_token_and_no_query() {
    let template = Template::read(Mode::Authorizer);
    let api = template.properties("Api");
    let format = api["AccessLogSettings"]["Format"].as_str().expect("requests are logged");
    let line: Value = serde_json::from_str(format).expect("a line of the log is JSON");
    for (name, value) in line.as_object().expect("a line of the log is an object") {
        let value = value.as_str().unwrap_or_default();
        let harmless = !["header", "query", "claims", "Authorization"].iter().any(|word| value.contains(word));
        assert!(value.starts_with("$context.") && harmless, "{name}: {value}");
    }
}

#[test]
fn what_cannot_be_made_again_outlives_the_stack() {
    let template = Template::read(Mode::Authorizer);
    let tables: Vec<_> =
        template.of("AWS::DynamoDB::Table").map(|(id, table)| (id.to_owned(), table.clone())).collect();
    assert_eq!(tables.len(), 2);
    for (id, table) in tables {
        let resource = &template.resources[&id];
        assert_eq!(
            (&resource["DeletionPolicy"], &resource["UpdateReplacePolicy"]),
            (&json!("Retain"), &json!("Retain"))
        );
        assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
        assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
        assert_eq!(table["SSESpecification"]["SSEEnabled"], true);
        assert_eq!(table["DeletionProtectionEnabled"], json!({"Ref": "DeletionProtection"}));
    }
}
