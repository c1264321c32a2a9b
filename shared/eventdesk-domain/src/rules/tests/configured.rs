//! Rules that an operator writes.

use super::{codes, rules};
use crate::rules::DirectoryRules;

#[test]
fn the_default_rules_are_possible() {
    assert_eq!(DirectoryRules::default().validate(), Ok(()));
    assert_eq!(rules(""), DirectoryRules::default());
}

#[test]
fn a_bound_alone_leaves_the_rest_of_the_rule() {
    let rules = rules("[users.username]\nmin = 5");
    assert_eq!(rules.validate(), Ok(()));
    assert_eq!(codes(rules.username(Some("four"))), [("username", "too_short")]);
    assert_eq!(codes(rules.username(Some("with space"))), [("username", "pattern")]);
    assert!(rules.username(Some("five5")).is_ok());
}

#[test]
fn a_pattern_replaces_the_fields_own_and_must_match_the_whole_text() {
    let rules = rules("[users.username]\npattern = '[a-z]+|\\p{Greek}+|x y|(?i:äö)\\d{2}'");
    assert_eq!(rules.validate(), Ok(()));
    for name in ["abc", "αβγ", "x y", "ÄÖ12"] {
        assert!(rules.username(Some(name)).is_ok(), "{name}");
    }
    for name in ["abc1", "1abc", "abcα", "äö123"] {
        assert_eq!(codes(rules.username(Some(name))), [("username", "pattern")], "{name}");
    }
}

#[test]
fn a_broken_pattern_matches_nothing() {
    let rules = rules("[users.username]\npattern = 'a)|(b'");
    assert_eq!(codes(rules.username(Some("aaa"))), [("username", "pattern")]);
}

#[test]
fn impossible_rules_are_named_by_key() {
    for (toml, key) in [
        ("[users.username]\nmin = 0", "users.username.min"),
        ("[users.username]\nmin = 65", "users.username.min"),
        ("[users.first_name]\nmin = 9\nmax = 3", "users.first_name.min"),
        ("[users.phone]\nmax = 7", "users.phone.max"),
        ("[users.email]\nmax = 5000", "users.email.max"),
        ("[users.last_name]\npattern = '('", "users.last_name.pattern"),
        ("[users.last_name]\npattern = 'a)|(b'", "users.last_name.pattern"),
        ("[employees.first_name]\nmax = 0", "employees.first_name.max"),
        ("[employees.city]\npattern = '[z-a]'", "employees.city.pattern"),
        ("[employees.address]\nmin = 501", "employees.address.min"),
        ("[password]\nmin = 0", "password.min"),
        ("[password]\nmin = 200", "password.max"),
        ("[password]\nmax = 2000", "password.max"),
        ("[password]\nmin = 1\nmax = 3", "password.max"),
        ("[password]\nspecial = ''", "password.special"),
        ("[password]\nspecial = \"\\t\"", "password.special"),
    ] {
        let error = rules(toml).validate().unwrap_err();
        assert_eq!(error.key, key, "{toml}");
        assert!(error.to_string().starts_with(&format!("{key}: ")) && !error.reason.is_empty(), "{error}");
    }
}

#[test]
fn a_pattern_out_of_hand_is_refused() {
    let error = rules("[users.username]\npattern = '(\\p{L}{100}){100}'").validate().unwrap_err();
    assert_eq!(error.key, "users.username.pattern");
}

#[test]
fn unknown_keys_are_refused() {
    for toml in ["[user]", "[users.nick]\nmin = 1", "[users.username]\nminimum = 1", "[password]\nmini = 1"] {
        assert!(toml::from_str::<DirectoryRules>(toml).is_err(), "{toml}");
    }
}
