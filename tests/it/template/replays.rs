//! Replays reach projectors, and nobody who acts on the world outside.

use std::{collections::BTreeSet, path::Path};

use saphyr::{LoadableYamlNode, Yaml};
use serde_json::{Value, json};

use super::{
    document::{self, Mode, Template, target},
    queues::consumers,
};

/// Whether a pattern lets no event through that the desk or the archive of the bus sends once more.
fn leaves_replays_alone(pattern: &Value) -> bool {
    let absent = json!([{"exists": false}]);
    pattern["replay-name"] == absent && pattern["detail"]["replay"] == absent
}

#[test]
fn a_rule_feeds_projectors_or_leaves_replays_alone() {
    let template = Template::read(Mode::Authorizer);
    let projectors: BTreeSet<_> = consumers().iter().map(|consumer| consumer.queue).collect();
    let mut fed = BTreeSet::new();
    for (id, rule) in template.of("AWS::Events::Rule") {
        let goals = rule["Targets"].as_array().expect("a rule has targets");
        let queues: Vec<_> = goals.iter().map(|goal| target(&goal["Arn"])).collect();
        let (projections, others): (Vec<_>, Vec<_>) =
            queues.into_iter().partition(|queue| queue.is_some_and(|queue| projectors.contains(queue)));
        assert!(projections.is_empty() || others.is_empty(), "{id} feeds projectors and others");
        let pattern = &rule["EventPattern"];
        if others.is_empty() {
            // Neither mark is asked for: what is sent once more mends what was lost.
            assert!(pattern.get("replay-name").is_none() && pattern.get("detail").is_none(), "{id}: {pattern}");
            fed.extend(projections.into_iter().flatten());
        } else {
            assert!(leaves_replays_alone(pattern), "{id} may do things twice: {pattern}");
        }
    }
    assert_eq!(fed, projectors.iter().copied().collect());
}

#[test]
fn what_is_sent_once_more_is_not_archived_again() {
    let template = Template::read(Mode::Authorizer);
    let pattern = &template.properties("Archive")["EventPattern"];
    // What the archive itself replays, the service does not archive again.
    assert_eq!(pattern, &json!({"source": ["eventdesk"], "detail": {"replay": [{"exists": false}]}}));
}

#[test]
fn documented_patterns_for_side_effects_leave_replays_alone() {
    for page in ["docs/replays.md", "infra/README.md"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{page}: {error}"));
        let mut found = 0;
        for line in text.lines().map(str::trim).filter(|line| line.starts_with("EventPattern:")) {
            let documents = Yaml::load_from_str(line).expect("an example is YAML");
            let example = document::json(documents.first().expect("a line is a document"));
            assert!(leaves_replays_alone(&example["EventPattern"]), "{page}: {line}");
            found += 1;
        }
        assert!(found > 0, "{page} has no example");
    }
}
