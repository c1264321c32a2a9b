use std::collections::HashSet;

use eventdesk_app::identity::Scope;
use http::Method;

use super::{Access, BASE_PATH, Match, Owner, find, strip_prefix, table};

#[test]
fn every_route_finds_itself_with_and_without_a_slash() {
    for route in table() {
        for path in [route.path.to_owned(), format!("{}/", route.path)] {
            let Match::Route { route: found, params } = find(&route.method, &path) else { panic!("{path}") };
            assert!(std::ptr::eq(found, route), "{path} is {found:?}");
            for name in route.path_parameters() {
                assert_eq!(params.raw(name), Some(format!("{{{name}}}").as_str()));
            }
        }
        let root = route.path.strip_prefix(BASE_PATH).expect("every path begins with the base path");
        assert_eq!(matches!(find(&route.method, root), Match::Route { .. }), route.at_root, "{root}");
    }
}

#[test]
fn routes_are_declared_once_and_named_once() {
    let mut places = HashSet::new();
    let mut names = HashSet::new();
    for route in table() {
        assert!(places.insert((route.method.clone(), route.path)), "{route:?} stands twice");
        assert!(names.insert(route.operation_id()), "{route:?} has another's name");
    }
}

#[test]
fn scopes_exist_and_only_public_routes_need_no_permission() {
    for route in table() {
        for scope in route.scopes {
            assert!(Scope::ALL.iter().any(|known| known.as_str() == *scope), "{scope}");
        }
        assert_eq!(matches!(route.access, Access::Needs(_)), !route.scopes.is_empty(), "{route:?}");
        assert!(!route.is_command() || route.method != Method::GET, "{route:?}");
        assert!(!route.is_query() || route.method == Method::GET, "{route:?}");
    }
}

#[test]
fn parameters_are_decoded_and_must_be_text() {
    let Match::Route { params, .. } = find(&Method::GET, "/api/v1/tickets/a%20b") else { panic!("found nothing") };
    assert_eq!(params.get("ticket_id").as_deref(), Some("a b"));
    assert_eq!(params.get("other"), None);
    let Match::Route { params, .. } = find(&Method::GET, "/api/v1/tickets/%ff") else { panic!("found nothing") };
    assert_eq!(params.get("ticket_id"), None);
}

#[test]
fn nothing_is_found_where_nothing_is() {
    for path in ["", "/", "/api/v1", "/api/v1/", "/api/v1/tickets//", "/api/v1/tickets//status", "/tickets", "tickets"]
    {
        assert!(matches!(find(&Method::GET, path), Match::NotFound), "{path}");
    }
    let Match::MethodNotAllowed { allow } = find(&Method::POST, "/api/v1/tickets/1") else { panic!("allowed") };
    assert_eq!(allow, "DELETE, GET, HEAD, PATCH, PUT");
}

#[test]
fn a_prefix_is_taken_off_by_whole_segments() {
    for (path, prefix, wanted) in [
        ("/prod/api/v1/me", "prod", ("/prod", "/api/v1/me")),
        ("/prod/api/v1/me", "/prod/", ("/prod", "/api/v1/me")),
        ("/a/b/api", "a/b", ("/a/b", "/api")),
        ("/product/api", "prod", ("", "/product/api")),
        ("/api/v1/me", "prod", ("", "/api/v1/me")),
        ("/prod", "prod", ("/prod", "")),
        ("/api", "", ("", "/api")),
    ] {
        assert_eq!(strip_prefix(path, prefix), wanted, "{path} {prefix}");
    }
}

#[test]
fn owners_are_what_the_handler_setting_says() {
    for owner in Owner::ALL {
        assert_eq!(Owner::parse(owner.as_str()), Some(owner));
        assert!(table().iter().any(|route| route.function == owner), "{} owns nothing", owner.as_str());
    }
    assert_eq!(Owner::parse("projector-ticket"), None);
}
