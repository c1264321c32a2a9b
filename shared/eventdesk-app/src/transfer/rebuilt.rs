//! What a store derives from its commits: unique values.

use eventdesk_domain::{employee::Employee, rules::normalise_unique, user::User};
use eventdesk_events::{StreamId, Version};

use super::import::ImportError;
use crate::{
    Digester,
    execute::reservation,
    ports::{Append, Claim, EventStore, Namespace},
    projections::{Applied, EmployeeDocument, Folded, UserDocument},
};

/// How many commits are read at a time.
const PAGE: usize = 200;

/// Reserves what the newest state of a person's stream holds; what was erased is free.
pub(super) async fn reserve(store: &dyn EventStore, digester: &Digester, stream: StreamId) -> Result<(), ImportError> {
    let claims = match stream {
        StreamId::User(_) => user_claims(digester, &folded(store, stream).await?),
        StreamId::Employee(_) => employee_claims(digester, &folded(store, stream).await?),
        _ => Vec::new(),
    };
    if claims.is_empty() {
        return Ok(());
    }
    let claims = claims.into_iter().map(|claim| (claim, stream)).collect();
    Ok(store.append(Append { claims, ..Append::default() }).await?)
}

async fn folded<F: Folded>(store: &dyn EventStore, stream: StreamId) -> Result<F, ImportError> {
    let (mut content, mut from) = (F::default(), Version::FIRST);
    loop {
        let page = store.read(stream, from, PAGE).await?;
        let more = page.len() == PAGE;
        for commit in page {
            let version = commit.version;
            let applied = Applied::of_commit(commit).map_err(|error| ImportError::Unreadable {
                stream,
                version,
                problem: error.to_string(),
            })?;
            content.fold(&applied);
            from = version.next();
        }
        if !more {
            return Ok(content);
        }
    }
}

fn claim(digester: &Digester, namespace: Namespace, value: &str) -> Claim {
    reservation(digester, namespace, &normalise_unique(value))
}

fn user_claims(digester: &Digester, document: &UserDocument) -> Vec<Claim> {
    let (User::Active(facts), Some(profile)) = (&document.user, &document.profile) else { return Vec::new() };
    let mut claims = vec![claim(digester, Namespace::Username, &profile.username)];
    // What an issuer elsewhere says of somebody's contacts reserves nothing; what was set here does.
    if !facts.external || facts.contacts_version > Version::FIRST {
        claims.push(claim(digester, Namespace::UserEmail, &profile.contacts.email));
        claims.push(claim(digester, Namespace::UserPhone, &profile.contacts.phone));
    }
    claims
}

fn employee_claims(digester: &Digester, document: &EmployeeDocument) -> Vec<Claim> {
    let Employee::Active(facts) = &document.employee else { return Vec::new() };
    let login = facts.user_id.map(|user| claim(digester, Namespace::EmployeeUser, &user.to_string()));
    let profile = document.profile.as_ref();
    let email = profile.map(|profile| claim(digester, Namespace::EmployeeEmail, &profile.email));
    let phone = profile.and_then(|profile| profile.phone.as_deref());
    let phone = phone.map(|phone| claim(digester, Namespace::EmployeePhone, phone));
    [login, email, phone].into_iter().flatten().collect()
}
