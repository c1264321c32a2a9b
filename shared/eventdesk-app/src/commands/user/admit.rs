//! Letting in who has logged in elsewhere.

use eventdesk_domain::user::{AdmitUser as Admit, User, UserCommand};
use eventdesk_events::{
    StreamId, UserId,
    user::{Contacts, ExternalIssuer, Role},
};

use crate::{Command, CommandError, Commands, Loaded, Transaction, ports::Namespace};

/// Shortest username, in characters.
const SHORTEST: usize = 3;
/// Most characters of a name that an issuer gives: there is room behind it for what tells two of them apart.
const LONGEST: usize = 48;
/// Most characters of a given or family name, or of an e-mail address.
const LONGEST_TEXT: usize = 254;

/// Lets in who has logged in elsewhere: makes the directory's record of a first-seen subject, and notes the roles of
/// one that is known.
///
/// The record's id follows from issuer and subject, so the stream itself is the strongly consistent look-up: of two
/// first requests at once one writes version 1 and the other finds it. Names are claimed by the issuer and prove
/// nothing: a username that somebody has gets a tail, and neither phone nor e-mail is reserved.
#[derive(Debug, Clone)]
pub struct AdmitUser {
    /// The one id of this issuer's subject.
    pub id: UserId,
    /// Where they log in.
    pub issuer: ExternalIssuer,
    /// What the issuer calls them, the best first; any text.
    pub called: Vec<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Their address, as the issuer knows it.
    pub email: Option<String>,
    /// What their groups make them.
    pub roles: Vec<Role>,
}

impl Command for AdmitUser {
    type Decided = ();
    type Record = ();

    async fn attempt(&self, tx: &mut Transaction<'_>) -> Result<(), CommandError> {
        let stream = StreamId::User(self.id);
        let loaded: Loaded<User> = tx.load(stream).await?;
        let mut username = String::new();
        if loaded.state == User::Unregistered {
            username = self.free_username(tx).await?;
            tx.claim(Namespace::Username, &username, stream, "/username");
        }
        let text = |text: &Option<String>| {
            let visible = text.as_deref().unwrap_or_default().chars().filter(|c| !c.is_control());
            visible.take(LONGEST_TEXT).collect::<String>().trim().to_owned()
        };
        let contacts = Contacts {
            first_name: text(&self.first_name),
            last_name: text(&self.last_name),
            phone: String::new(),
            email: text(&self.email),
        };
        let admit = Admit { issuer: self.issuer.clone(), username, contacts, roles: self.roles.clone() };
        tx.decide(loaded, UserCommand::Admit(admit)).map(|_| ())
    }

    async fn answer(&self, _: &Commands, (): ()) -> Result<(), CommandError> {
        Ok(())
    }
}

impl AdmitUser {
    /// The first name that is one, with a tail if somebody has it.
    async fn free_username(&self, tx: &Transaction<'_>) -> Result<String, CommandError> {
        let name = self.called.iter().map(|name| usable(name)).find(|name| name.len() >= SHORTEST);
        let name = name.unwrap_or_else(|| "user".to_owned());
        let desk = tx.desk();
        if desk.store.holder(desk.claim(Namespace::Username, &name)).await?.is_none() {
            return Ok(name);
        }
        let id = self.id.to_string();
        Ok(format!("{name}-{}", id.rsplit('-').next().unwrap_or(&id)))
    }
}

/// What of a name may stand in a username.
fn usable(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || "._-@".contains(*c)).take(LONGEST).collect()
}
