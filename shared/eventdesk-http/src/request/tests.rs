use eventdesk_events::Version;

use super::{
    Query, etag,
    etag::{IfMatch, not_modified},
    trace::{trace_id, w3c_trace_id, x_ray_trace_id},
};
use crate::routes::{Parameter, ParameterKind};

#[test]
fn tags_show_version_and_revision() {
    assert_eq!(etag(Version::new(7), 0), "\"7\"");
    assert_eq!(etag(Version::new(7), 3), "\"7.3\"");
}

#[test]
fn if_match_is_read_or_refused() {
    let one_of = |versions: &[u64]| Some(IfMatch::OneOf(versions.iter().copied().map(Version::new).collect()));
    for (text, wanted) in [
        (None, Some(IfMatch::Any)),
        (Some("*"), Some(IfMatch::Any)),
        (Some("\"7\""), one_of(&[7])),
        (Some("\"7.3\""), one_of(&[7])),
        (Some(" \"7.3\" , \"8\""), one_of(&[7, 8])),
        (Some("W/\"7\""), one_of(&[0])),
        (Some("7"), None),
        (Some("\"7"), None),
        (Some("\"seven\""), None),
        (Some("\"7.\""), None),
        (Some("\"7.x\""), None),
        (Some("\"+7\""), None),
        (Some("\"99999999999999999999\""), None),
        (Some("\"7\","), None),
        (Some(""), None),
    ] {
        assert_eq!(IfMatch::parse(text).ok(), wanted, "{text:?}");
    }
}

#[test]
fn if_none_match_compares_weakly() {
    let tag = etag(Version::new(7), 3);
    for (text, wanted) in
        [("\"7.3\"", true), ("W/\"7.3\"", true), ("\"7\"", false), ("\"1\", \"7.3\"", true), ("*", true), ("", false)]
    {
        assert_eq!(not_modified(Some(text), &tag), wanted, "{text}");
    }
    assert!(!not_modified(None, &tag));
}

#[test]
fn a_trace_id_is_taken_from_a_valid_header_only() {
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let good = format!("00-{id}-00f067aa0ba902b7-01");
    assert_eq!(w3c_trace_id(&good), Some(id));
    assert_eq!(w3c_trace_id(&format!("cc-{id}-00f067aa0ba902b7-01-later")), Some(id));
    for bad in [
        String::new(),
        "garbage".to_owned(),
        good.to_uppercase(),
        format!("{good}-more"),
        format!("ff-{id}-00f067aa0ba902b7-01"),
        format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
        format!("00-{id}-{}-01", "0".repeat(16)),
        format!("00-{id}-00f067aa0ba902b7"),
    ] {
        assert_eq!(w3c_trace_id(&bad), None, "{bad}");
    }
}

#[test]
fn x_rays_trace_id_is_told_as_the_standard_tells_it() {
    let whole = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    for header in [whole, "Self=1-67891234-12456789abcdef012345678a; Root=1-5759e988-bd862e3fe1be46a994272793"] {
        assert_eq!(x_ray_trace_id(header).as_deref(), Some("5759e988bd862e3fe1be46a994272793"));
    }
    for header in ["", "Root=", "Root=1-5759e988", "Root=2-5759e988-bd862e3fe1be46a994272793", "Sampled=0"] {
        assert_eq!(x_ray_trace_id(header), None, "{header}");
    }
}

#[test]
fn what_the_caller_names_as_its_trace_goes_first() {
    let mut headers = http::HeaderMap::new();
    assert_eq!(trace_id(&headers), None);
    headers.insert("x-amzn-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793".parse().unwrap());
    assert_eq!(trace_id(&headers).as_deref(), Some("5759e988bd862e3fe1be46a994272793"));
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    headers.insert("traceparent", parent.parse().unwrap());
    assert_eq!(trace_id(&headers).as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
}

const KNOWN: &[Parameter] = &[
    Parameter { name: "tag", kind: ParameterKind::Text, description: "" },
    Parameter { name: "status", kind: ParameterKind::SomeOf(&["a", "b"]), description: "" },
    Parameter { name: "cursor", kind: ParameterKind::Text, description: "" },
];

#[test]
fn a_query_is_decoded() {
    let query = Query::parse("tag=a+b%2Bc&status=a,b&status=c&", KNOWN).unwrap();
    assert_eq!(query.get("tag"), Some("a b+c"));
    assert_eq!(query.list("status", "", |text| Some(text.to_owned())).unwrap(), ["a", "b", "c"]);
    assert!(Query::parse("tag=1&tag=2", KNOWN).is_err());
    assert!(Query::parse("t%61g=1", KNOWN).is_ok());
}

#[test]
fn the_next_page_keeps_all_but_the_cursor() {
    let query = Query::parse("tag=a%20b&cursor=old&status=a", KNOWN).unwrap();
    assert_eq!(query.with_cursor("n+w"), "tag=a%20b&status=a&cursor=n%2Bw");
    assert_eq!(Query::parse("", KNOWN).unwrap().with_cursor("new"), "cursor=new");
}
