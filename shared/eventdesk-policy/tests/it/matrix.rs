//! The default policy is the default matrix.

use std::{borrow::Cow, collections::BTreeMap};

use eventdesk_app::{
    access::{AccessMatrix, Permission},
    ports::{PolicyEngine, PolicyInput, PolicyResource},
};
use eventdesk_events::user::Role;
use eventdesk_http::routes::{Access, table};
use eventdesk_policy::{DEFAULT_POLICY, RegoPolicy};

use crate::question::question;

/// Every set of roles, the empty one and those of several roles included.
fn sets_of_roles() -> Vec<Vec<Role>> {
    let all = Role::ALL;
    (0..1_u32 << all.len())
        .map(|set| (0..all.len()).filter(|at| set & (1 << at) != 0).map(|at| all[at]).collect())
        .collect()
}

/// What a route is asked about: its own permission, and every other that a handler may look at besides.
fn questions() -> impl Iterator<Item = (&'static str, String, Permission)> {
    table().iter().flat_map(|route| {
        let own = match route.access {
            Access::Needs(permission) => Some(permission),
            Access::Public | Access::Authenticated => None,
        };
        Permission::ALL.iter().filter(move |_| own.is_some()).map(move |permission| {
            let behind = if own == Some(*permission) { String::new() } else { format!("#{}", permission.as_str()) };
            (route.method.as_str(), format!("{}{behind}", route.path), *permission)
        })
    })
}

#[tokio::test]
async fn the_default_policy_agrees_with_the_matrix_in_every_cell() {
    let policy = RegoPolicy::compile("access.rego", DEFAULT_POLICY).unwrap();
    let matrix = AccessMatrix::default();
    let mut cells = 0;
    for roles in sets_of_roles() {
        for (method, route, permission) in questions() {
            let input = PolicyInput {
                method,
                path: Cow::Borrowed(&route),
                route: Cow::Borrowed(&route),
                principal: eventdesk_app::ports::PolicyPrincipal { roles: &roles, ..question().principal },
                resource: PolicyResource { permission: permission.as_str(), parameters: BTreeMap::new() },
                jwt: None,
            };
            let said = policy.allows(&input).await.unwrap();
            assert_eq!(said, matrix.allows(&roles, permission), "{method} {route} for {roles:?}");
            cells += 1;
        }
    }
    assert!(cells > 16 * Permission::ALL.len() * 20, "{cells} cells");
}

#[tokio::test]
async fn a_permission_that_nobody_knows_is_nobodys() {
    let policy = RegoPolicy::compile("access.rego", DEFAULT_POLICY).unwrap();
    let input = PolicyInput {
        resource: PolicyResource { permission: "tickets.burn", parameters: BTreeMap::new() },
        ..question()
    };
    assert!(!policy.allows(&input).await.unwrap());
}
