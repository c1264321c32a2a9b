//! The first admin.

use std::{fmt, sync::Arc};

use eventdesk_domain::{
    roster::AdminRoster,
    rules::{DirectoryRules, PasswordPolicy},
};
use eventdesk_events::{ActorKind, StreamId, UserId, user::Role};
use uuid::Uuid;

use crate::{
    CommandContext, CommandError, Commands, Loaded,
    access::Caller,
    commands::RegisterUser,
    ports::{EventStore, Ids},
};

/// The name of the first admin.
pub const BOOTSTRAP_USERNAME: &str = "admin";

/// How many characters a generated password has, if the policy allows: 119 bits.
const GENERATED_LENGTH: usize = 20;

/// What the start of the desk did about its first admin.
#[derive(Debug)]
pub enum Bootstrap {
    /// Nothing: the desk has an admin.
    NotNeeded,
    /// Registered the admin with the configured password.
    Registered(UserId),
    /// Registered the admin with a password made for them, which is to be shown once and kept nowhere.
    RegisteredWith(UserId, GeneratedPassword),
}

/// A password made by the desk.
pub struct GeneratedPassword(String);

impl GeneratedPassword {
    /// One that keeps the policy.
    pub fn made(policy: &PasswordPolicy, ids: &dyn Ids) -> Self {
        Self(generate(policy, ids))
    }

    /// The text, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for GeneratedPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GeneratedPassword(…)")
    }
}

/// Registers the user `admin` if the desk has no admin yet; meant for every start, and for several at once.
///
/// `password` is the configured one; without it (or with an empty one) one is made. Names and contacts are
/// placeholders for the admin to change.
///
/// # Errors
/// `Invalid` at `/password` if the configured one breaks the policy, `Taken` if someone without the role has the
/// name, and those of the store.
pub async fn bootstrap(desk: &Commands, password: Option<&str>) -> Result<Bootstrap, CommandError> {
    if has_admin(&*desk.store).await? {
        return Ok(Bootstrap::NotNeeded);
    }
    let policy = &desk.rules.password;
    let configured = password.filter(|password| !password.is_empty());
    let generated = configured.is_none().then(|| generate(policy, &*desk.ids));
    let command = RegisterUser {
        username: Some(BOOTSTRAP_USERNAME.to_owned()),
        first_name: Some("Desk".to_owned()),
        last_name: Some("Admin".to_owned()),
        // Reserved for fiction and for examples: it reaches nobody.
        phone: Some("+12025550100".to_owned()),
        email: Some("admin@eventdesk.invalid".to_owned()),
        password: configured.map(ToOwned::to_owned).or_else(|| generated.clone()),
        roles: vec![Role::Admin],
        disabled: false,
        login_denied: false,
    };
    match placeholder_desk(desk).execute(&operator(&*desk.ids), command).await {
        Ok(done) => Ok(match generated {
            Some(password) => Bootstrap::RegisteredWith(done.record.id, GeneratedPassword(password)),
            None => Bootstrap::Registered(done.record.id),
        }),
        // Another start was faster.
        Err(CommandError::Taken(_)) if has_admin(&*desk.store).await? => Ok(Bootstrap::NotNeeded),
        Err(error) => Err(error),
    }
}

async fn has_admin(store: &dyn EventStore) -> Result<bool, CommandError> {
    let roster: Loaded<AdminRoster> = Loaded::newest(store, StreamId::AdminRoster).await?;
    Ok(!roster.state.admins.is_empty())
}

/// The desk with its password policy, but with the default rules for names and contacts: configured ones bind what
/// people write, not these placeholders.
fn placeholder_desk(desk: &Commands) -> Commands {
    let rules = DirectoryRules { password: desk.rules.password.clone(), ..DirectoryRules::default() };
    Commands {
        store: Arc::clone(&desk.store),
        publisher: Arc::clone(&desk.publisher),
        clock: Arc::clone(&desk.clock),
        ids: Arc::clone(&desk.ids),
        credentials: Arc::clone(&desk.credentials),
        passwords: Arc::clone(&desk.passwords),
        logins: desk.logins.clone(),
        reservations: desk.reservations.clone(),
        rules: Arc::new(rules),
    }
}

/// Whoever works on the machine itself: the first start, and the operators' tools.
pub fn operator(ids: &dyn Ids) -> CommandContext {
    CommandContext {
        caller: Caller { id: UserId::from_uuid(Uuid::nil()), kind: ActorKind::System, roles: vec![Role::Admin] },
        correlation_id: ids.next(),
        trace_id: None,
        if_match: None,
        idempotency: None,
    }
}

/// A password that the policy accepts; letters and digits that look alike are left out.
fn generate(policy: &PasswordPolicy, ids: &dyn Ids) -> String {
    const UPPER: &str = "ABCDEFGHJKLMNPQRSTUVWXYZ";
    const LOWER: &str = "abcdefghijkmnopqrstuvwxyz";
    const DIGITS: &str = "23456789";
    let needed = [
        (policy.require_upper, UPPER),
        (policy.require_lower, LOWER),
        (policy.require_digit, DIGITS),
        (policy.require_special, policy.special.as_str()),
    ];
    let mut password: Vec<char> =
        needed.into_iter().filter(|(required, _)| *required).map(|(_, set)| pick(set, ids)).collect();
    let length = GENERATED_LENGTH.clamp(policy.min, policy.max.max(policy.min));
    let all = [UPPER, LOWER, DIGITS].concat();
    while password.len() < length {
        password.push(pick(&all, ids));
    }
    // Fisher–Yates, so that the required ones do not always stand in front.
    for last in (1..password.len()).rev() {
        password.swap(last, below(last + 1, ids));
    }
    password.into_iter().collect()
}

fn pick(set: &str, ids: &dyn Ids) -> char {
    let count = set.chars().count();
    if count == 0 {
        return 'a';
    }
    set.chars().nth(below(count, ids)).unwrap_or('a')
}

/// A random number below `bound`; 64 random bits leave no bias that matters.
fn below(bound: usize, ids: &dyn Ids) -> usize {
    let mut bytes = [0; 8];
    ids.fill(&mut bytes);
    let wide = u128::from(u64::from_be_bytes(bytes)) * (bound as u128);
    usize::try_from(wide >> 64).unwrap_or(0)
}
