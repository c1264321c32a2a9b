//! What text fields take and refuse.

use super::{Bounds, Fault, TITLE, description, message_body, multi_line, reason, single_line, tag, tags, title};

const SMALL: Bounds = Bounds { min: 2, max: 4 };

fn code(checked: Result<String, Fault>) -> &'static str {
    checked.map_or_else(|fault| fault.code, |_| "accepted")
}

#[test]
fn texts_are_trimmed_before_they_are_measured() {
    assert_eq!(single_line("  \tabcd \n", SMALL).unwrap(), "abcd");
    assert_eq!(multi_line("\r\n\r\nabcd\n", SMALL).unwrap(), "abcd");
    assert_eq!(code(single_line(" a ", SMALL)), "too_short");
}

#[test]
fn lengths_are_in_characters() {
    assert_eq!(single_line("äöüß", SMALL).unwrap(), "äöüß");
    assert_eq!(code(single_line("äöüßé", SMALL)), "too_long");
    assert_eq!(code(single_line("🎫", SMALL)), "too_short");
}

#[test]
fn a_title_has_1_to_200_characters() {
    assert_eq!(code(title("")), "too_short");
    assert_eq!(code(title("x")), "accepted");
    assert_eq!(code(title(&"x".repeat(200))), "accepted");
    assert_eq!(code(title(&"x".repeat(201))), "too_long");
}

#[test]
fn the_longest_texts_are_as_promised() {
    type Check = fn(&str) -> Result<String, Fault>;
    for (check, longest) in [(description as Check, 20_000), (message_body, 50_000), (reason, 1_000)] {
        assert_eq!(code(check("x")), "accepted");
        assert_eq!(code(check(&"ü".repeat(longest))), "accepted");
        assert_eq!(code(check(&"ü".repeat(longest + 1))), "too_long");
    }
}

#[test]
fn one_line_has_neither_line_breaks_nor_control_characters() {
    for text in ["a\nb", "a\r\nb", "a\tb", "a\0b", "a\u{1b}[31mb", "a\u{7f}b", "a\u{85}b", "a\u{2028}b"] {
        assert_eq!(code(single_line(text, TITLE)), "control_character", "{text:?}");
    }
}

#[test]
fn many_lines_have_line_breaks_and_tabs_but_no_other_control_characters() {
    assert_eq!(message_body("a\r\n\tb\nc").unwrap(), "a\n\tb\nc");
    for text in ["a\rb", "a\0b", "a\u{1b}[31mb", "a\u{7f}b", "a\u{9b}b"] {
        assert_eq!(code(message_body(text)), "control_character", "{text:?}");
    }
}

#[test]
fn something_must_show() {
    for text in ["\u{200b}", "\u{feff}\u{200d}", "\u{2060} \u{ad}", "\u{202e}", "\u{3164}", "\u{e0020}", "\u{2800}"] {
        assert_eq!(code(message_body(text)), "blank", "{text:?}");
        assert_eq!(code(title(text)), "blank", "{text:?}");
    }
    for text in [".", "é", "字", "👩‍👩‍👧", "\u{200b}x"] {
        assert_eq!(code(message_body(text)), "accepted", "{text:?}");
    }
}

#[test]
fn spaces_alone_are_too_short() {
    assert_eq!(code(message_body(" \u{a0}\n\t\u{3000}")), "too_short");
}

#[test]
fn details_do_not_repeat_the_text() {
    let secret = "s3cret".repeat(100);
    assert!(!title(&secret).unwrap_err().detail.contains("s3cret"));
    assert!(!tag("S3CRET").unwrap_err().detail.contains("S3CRET"));
}

#[test]
fn tags_are_lower_case_words() {
    for text in ["vpn", "a", "2nd-level", "v1.2_x", " vpn ", &"x".repeat(40)] {
        assert_eq!(tag(text).unwrap(), text.trim());
    }
    for (text, expected) in [
        ("", "too_short"),
        ("VPN", "pattern"),
        ("two words", "pattern"),
        ("büro", "pattern"),
        ("a/b", "pattern"),
        ("a\0", "pattern"),
        (&"x".repeat(41), "too_long"),
    ] {
        assert_eq!(code(tag(text)), expected, "{text:?}");
    }
}

#[test]
fn a_list_of_tags_is_sorted_and_without_repeats() {
    assert_eq!(tags(&["vpn", "mail", " vpn"]).unwrap(), ["mail", "vpn"]);
}

#[test]
fn every_faulty_tag_is_named_by_its_place() {
    let faults = tags(&["vpn", "VPN", "mail", ""]).unwrap_err();
    let places: Vec<_> = faults.iter().map(|(place, fault)| (*place, fault.code)).collect();
    assert_eq!(places, [(Some(1), "pattern"), (Some(3), "too_short")]);
}

#[test]
fn twenty_different_tags_are_the_most() {
    let many = |n: usize| (0..n).map(|i| format!("t{i}")).collect::<Vec<_>>();
    assert_eq!(tags(&many(20)).unwrap().len(), 20);
    assert_eq!(tags(&[many(20), many(20)].concat()).unwrap().len(), 20);
    let faults = tags(&many(21)).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert_eq!((faults[0].0, faults[0].1.code), (None, "too_many"));
}
