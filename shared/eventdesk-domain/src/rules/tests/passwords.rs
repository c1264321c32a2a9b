use super::{codes, rules};
use crate::rules::DirectoryRules;

fn faults(password: &str) -> Vec<&'static str> {
    codes(DirectoryRules::default().password("password", Some(password))).into_iter().map(|(_, code)| code).collect()
}

#[test]
fn a_password_of_every_kind_of_character_is_accepted() {
    for password in ["passWord@1", "passWord@2", "Aa1!Aa1!", "Пароль-Test1$", &format!("Aa1!{}", "x".repeat(124))]
    {
        assert_eq!(faults(password), [] as [&str; 0], "{password}");
    }
}

#[test]
fn every_missing_kind_is_named() {
    assert_eq!(faults("password"), ["missing_upper", "missing_digit", "missing_special"]);
    assert_eq!(faults("PASSWORD1!"), ["missing_lower"]);
    assert_eq!(faults("Password1-"), ["missing_special"]);
    assert_eq!(faults("Aa1!"), ["too_short"]);
    assert_eq!(faults(&format!("Aa1!{}", "x".repeat(125))), ["too_long"]);
    assert_eq!(faults(""), ["too_short", "missing_upper", "missing_lower", "missing_digit", "missing_special"]);
    assert_eq!(faults("Aa1!Aa1!\0"), ["control_character"]);
}

#[test]
fn a_password_is_not_trimmed() {
    assert_eq!(faults("  Aa1!  "), [] as [&str; 0]);
}

#[test]
fn a_missing_password_is_named_by_the_requests_field() {
    assert_eq!(codes(DirectoryRules::default().password("new_password", None)), [("new_password", "required")]);
}

#[test]
fn requirements_can_be_lifted() {
    let rules = rules("[password]\nmin = 15\nrequire_upper = false\nrequire_digit = false\nrequire_special = false");
    assert!(rules.validate().is_ok());
    assert!(rules.password("password", Some("correct horse battery")).is_ok());
    assert_eq!(codes(rules.password("password", Some("Aa1!Aa1!"))), [("password", "too_short")]);
}

#[test]
fn other_characters_can_be_special() {
    let rules = rules("[password]\nspecial = \"§\"");
    assert!(rules.password("password", Some("Passwort1§")).is_ok());
    assert_eq!(codes(rules.password("password", Some("Passwort1!"))), [("password", "missing_special")]);
}
