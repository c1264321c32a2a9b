//! Issuers besides the built-in one.

use eventdesk_events::user::Role;

use super::{problems, variables};
use crate::config::{Config, Secret, Validation};

const TWO_ISSUERS: &str = r#"
[[issuer]]
url = "https://dev-1.okta.example/oauth2/default"
audience = ["api://default"]
docs_client_id = "0oa"
scope_prefix = "desk/"
default_scopes = ["tickets:read", "admin"]
roles = { "internal/example/admins" = "admin", "a=b, c" = "support" }
[[issuer]]
url = "https://tenant.auth0.example/"
audience = ["https://desk.example/api", "other"]
groups_claim = "https://desk.example/roles"
validation = "introspection"
introspection_client_id = "desk"
introspection_cache_seconds = 5
"#;

#[test]
fn several_issuers_are_read_from_the_file_in_their_order() {
    let config = Config::read(TWO_ISSUERS, variables(&[("EVENTDESK_INTROSPECTION_CLIENT_SECRET", "sesame")])).unwrap();
    let [okta, auth0] = &config.issuers[..] else { panic!("{:?}", config.issuers) };
    assert_eq!(okta.url, "https://dev-1.okta.example/oauth2/default");
    assert_eq!(okta.groups_claim, "groups");
    assert_eq!(okta.docs_client_id.as_deref(), Some("0oa"));
    assert_eq!(okta.validation, Validation::Jwks);
    assert_eq!((okta.scope_prefix.as_str(), okta.default_scopes.len()), ("desk/", 2));
    assert_eq!((auth0.scope_prefix.as_str(), auth0.default_scopes.len()), ("", 0));
    assert_eq!(okta.roles.get("a=b, c"), Some(&Role::Support), "a table holds any name");
    assert_eq!(auth0.url, "https://tenant.auth0.example/", "the slash is part of it");
    assert_eq!(auth0.audience, ["https://desk.example/api", "other"]);
    let expected = Validation::Introspection {
        url: None,
        client_id: "desk".to_owned(),
        client_secret: Secret::new("sesame".to_owned()),
        cache_seconds: 5,
    };
    assert_eq!(auth0.validation, expected);
    assert!(!format!("{config:?}").contains("sesame"));
}

#[test]
fn issuers_can_be_variables_with_a_number_from_the_second_on() {
    let config = Config::read(
        "",
        variables(&[
            ("EVENTDESK_ISSUER_URL", "https://one.example"),
            ("EVENTDESK_ISSUER_AUDIENCE", "desk,other"),
            ("EVENTDESK_ISSUER_ROLES", "internal/admins=admin, a=b/staff=support"),
            ("EVENTDESK_ISSUER_3_URL", "http://127.0.0.1:9000/three"),
            ("EVENTDESK_ISSUER_3_AUDIENCE", "desk"),
            ("EVENTDESK_ISSUER_3_VALIDATION", "introspection"),
            ("EVENTDESK_ISSUER_3_INTROSPECTION_URL", "http://127.0.0.1:9000/ask"),
            ("EVENTDESK_ISSUER_3_INTROSPECTION_CLIENT_ID", "desk"),
            ("EVENTDESK_ISSUER_3_INTROSPECTION_CLIENT_SECRET", "sesame"),
        ]),
    )
    .unwrap();
    let urls: Vec<_> = config.issuers.iter().map(|issuer| issuer.url.as_str()).collect();
    assert_eq!(urls, ["https://one.example", "http://127.0.0.1:9000/three"]);
    assert_eq!(config.issuers[0].groups_claim, "groups");
    assert_eq!(config.issuers[0].roles.get("a=b/staff"), Some(&Role::Support));
    assert_eq!(config.issuers[0].roles.len(), 2);
    assert!(matches!(&config.issuers[1].validation, Validation::Introspection { cache_seconds: 60, .. }));
    let text = format!("{TWO_ISSUERS}introspection_client_secret = \"sesame\"");
    let config = Config::read(&text, variables(&[("EVENTDESK_ISSUER_2_URL", "https://else.example")])).unwrap();
    assert_eq!(config.issuers[1].url, "https://else.example", "a variable wins over the file");
}

#[test]
fn what_is_wrong_with_one_of_several_issuers_is_said_by_its_number() {
    let found = problems(TWO_ISSUERS, &[]);
    let reason = "issuer.2.introspection_client_secret: must be given, or introspection.client_secret for all issuers";
    assert_eq!(found, [reason]);
    let one = "[[issuer]]\nurl = \"https://x.example\"\naudience = [\"desk\"]\n";
    assert_eq!(problems(&one.repeat(2), &[]), ["issuer.2.url: is another issuer's, too"]);
    let many: Vec<_> =
        (0..9).map(|n| format!("[[issuer]]\nurl = \"https://x{n}.example\"\naudience = [\"desk\"]\n")).collect();
    let many = many.concat();
    assert_eq!(problems(&many, &[]), ["issuer: there may be at most 8"]);
    let own = "[builtin_issuer]\nurl = \"https://x.example\"\n";
    assert_eq!(problems(&format!("{own}{one}"), &[]), ["issuer.url: is another issuer's, too"]);
    assert_eq!(problems("", &[("EVENTDESK_ISSUER_9_URL", "https://x.example")]).len(), 1);
}
