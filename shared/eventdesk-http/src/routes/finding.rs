//! From a method and a path to a route.

use std::{borrow::Cow, sync::LazyLock};

use http::Method;
use percent_encoding::percent_decode_str;

use super::{BASE_PATH, Route, table};

/// Most parameters a path has.
const MOST_PARAMS: usize = 2;

/// The parameters in a path, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PathParams<'p>([Option<(&'static str, &'p str)>; MOST_PARAMS]);

impl<'p> PathParams<'p> {
    /// The parameter as it stands in the path, percent-encoding included.
    pub fn raw(&self, name: &str) -> Option<&'p str> {
        self.0.iter().flatten().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }

    /// The parameter decoded; `None` also for what decodes to anything but UTF-8.
    pub fn get(&self, name: &str) -> Option<Cow<'p, str>> {
        percent_decode_str(self.raw(name)?).decode_utf8().ok()
    }
}

/// What stands at a path.
#[derive(Debug)]
pub enum Match<'p> {
    /// A route.
    Route {
        /// The route.
        route: &'static Route,
        /// The path's parameters.
        params: PathParams<'p>,
    },
    /// Routes of other methods.
    MethodNotAllowed {
        /// The value of the `Allow` header.
        allow: &'static str,
    },
    /// Nothing.
    NotFound,
}

struct Place {
    routes: Vec<&'static Route>,
    allow: String,
}

struct Finder {
    router: matchit::Router<usize>,
    places: Vec<Place>,
}

static FINDER: LazyLock<Finder> = LazyLock::new(Finder::new);

impl Finder {
    fn new() -> Self {
        let mut places: Vec<(&'static str, Place)> = Vec::new();
        for route in table() {
            let root = route.at_root.then(|| route.path.strip_prefix(BASE_PATH)).flatten();
            for path in [Some(route.path), root].into_iter().flatten() {
                match places.iter_mut().find(|(known, _)| *known == path) {
                    Some((_, place)) => place.routes.push(route),
                    None => places.push((path, Place { routes: vec![route], allow: String::new() })),
                }
            }
        }
        let mut router = matchit::Router::new();
        for (index, (path, place)) in places.iter_mut().enumerate() {
            router.insert(*path, index).expect("the table's paths do not overlap, as a test of the table shows");
            place.allow = allow(&place.routes);
        }
        Self { router, places: places.into_iter().map(|(_, place)| place).collect() }
    }
}

fn allow(routes: &[&'static Route]) -> String {
    let mut methods: Vec<&str> = routes.iter().map(|route| route.method.as_str()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.sort_unstable();
    methods.join(", ")
}

/// The route of a method and a path without deployment prefix and query; a trailing slash makes no difference, and
/// `HEAD` finds the route of `GET`.
pub fn find<'p>(method: &Method, path: &'p str) -> Match<'p> {
    let path = if path.len() > 1 { path.strip_suffix('/').unwrap_or(path) } else { path };
    let finder = &*FINDER;
    let Ok(found) = finder.router.at(path) else { return Match::NotFound };
    let Some(place) = finder.places.get(*found.value) else { return Match::NotFound };
    let wanted = if *method == Method::HEAD { &Method::GET } else { method };
    let Some(route) = place.routes.iter().find(|route| route.method == *wanted) else {
        return Match::MethodNotAllowed { allow: &place.allow };
    };
    let mut params = PathParams::default();
    // The router hands back the names it was built with; those of the table live as long as the program.
    for (slot, (name, (_, value))) in params.0.iter_mut().zip(route.path_parameters().zip(found.params.iter())) {
        *slot = Some((name, value));
    }
    Match::Route { route, params }
}

/// Takes a deployment prefix (`/prod`, `/desk/v2`; slashes around it do not matter) off a path, by whole segments:
/// the prefix as it stands in the path, and the rest. A path without the prefix, or an empty prefix, stays as it is.
pub fn strip_prefix<'p>(path: &'p str, prefix: &str) -> (&'p str, &'p str) {
    let prefix = prefix.trim_matches('/');
    if prefix.is_empty() {
        return ("", path);
    }
    let rest = path.strip_prefix('/').and_then(|path| path.strip_prefix(prefix));
    match rest {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => path.split_at(path.len() - rest.len()),
        _ => ("", path),
    }
}
