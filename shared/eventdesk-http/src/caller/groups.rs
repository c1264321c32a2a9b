//! The forms in which issuers and gateways write a list of groups.

/// Reads a groups claim: JSON text (`["a","b"]` or `"a"`), the list form of API Gateway (`[a b]`), `a,b`, or one
/// single group, which may contain blanks. Order and case are kept, empty names and repeats are not.
pub fn groups(text: &str) -> Vec<String> {
    let text = text.trim();
    let mut found =
        json(text).unwrap_or_else(|| match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            // A comma belongs to the name here: a group `x,admins` must not become `admins`.
            Some(list) => split(list, char::is_whitespace),
            None => split(text, |c| c == ','),
        });
    let mut seen = std::collections::HashSet::new();
    found.retain(|group| !group.is_empty() && seen.insert(group.clone()));
    found
}

fn json(text: &str) -> Option<Vec<String>> {
    if text.starts_with('[') {
        serde_json::from_str(text).ok()
    } else if text.starts_with('"') {
        serde_json::from_str(text).ok().map(|one| vec![one])
    } else {
        None
    }
}

fn split(text: &str, at: impl Fn(char) -> bool) -> Vec<String> {
    text.split(at).map(|part| part.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::groups;

    #[test]
    fn every_form_of_a_list_is_understood() {
        for (text, wanted) in [
            ("[admin support]", vec!["admin", "support"]),
            ("[admin]", vec!["admin"]),
            ("[]", vec![]),
            ("admin,support", vec!["admin", "support"]),
            (" admin , support ", vec!["admin", "support"]),
            ("admin", vec!["admin"]),
            ("Everyone at Example", vec!["Everyone at Example"]),
            (r#"["admin","support"]"#, vec!["admin", "support"]),
            (r#"["Everyone at Example", "a,b"]"#, vec!["Everyone at Example", "a,b"]),
            (r#""admin""#, vec!["admin"]),
            ("internal/example/admins", vec!["internal/example/admins"]),
            ("[a a b]", vec!["a", "b"]),
            ("[x,admin y]", vec!["x,admin", "y"]),
            ("", vec![]),
        ] {
            assert_eq!(groups(text), wanted, "{text}");
        }
    }

    #[test]
    fn names_are_taken_exactly() {
        assert_eq!(groups("[Admin administrator]"), ["Admin", "administrator"]);
    }
}
