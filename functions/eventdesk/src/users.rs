//! `eventdesk users`: people, for an operator who cannot log in or has none to ask.

use std::io::stdin;

use clap::{Args, Subcommand};
use eventdesk_app::{
    ConsistencyToken, UserRecord,
    commands::{ChangeUser, DeleteUser, RegisterUser, SetPassword, UserChange},
    identity::GeneratedPassword,
    queries::{PageRequest, QueryContext, UserFilter},
};
use eventdesk_events::user::Role;
use eventdesk_runtime::Config;
use serde_json::json;

use crate::{
    console,
    failure::Failure,
    office::{Office, refused},
};

const PAGE: usize = 100;

/// What to do with users.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub(crate) enum UsersCommand {
    /// Lists them, with roles and what keeps them out.
    List {
        /// One JSON object a line instead of lines for people.
        #[arg(long)]
        json: bool,
    },
    /// Registers one.
    Create(NewUser),
    /// Sets a password and ends all sessions. Without an option one is made and shown once.
    SetPassword {
        /// Name or id.
        user: String,
        #[command(flatten)]
        password: Password,
    },
    /// Sets roles: admin, manager, support, employee, parted by commas; nothing for none.
    SetRoles {
        /// Name or id.
        user: String,
        /// The roles.
        #[arg(value_delimiter = ',', value_parser = role)]
        roles: Vec<Role>,
    },
    /// Lets a disabled one in again.
    Enable {
        /// Name or id.
        user: String,
    },
    /// Keeps one from everything but the authentication section.
    Disable {
        /// Name or id.
        user: String,
    },
    /// Allows one who was denied to log in.
    AllowLogin {
        /// Name or id.
        user: String,
    },
    /// Gives one no token any more.
    DenyLogin {
        /// Name or id.
        user: String,
    },
    /// Deletes one; their name on tickets stays.
    Delete {
        /// Name or id.
        user: String,
    },
}

/// A user to register.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(crate) struct NewUser {
    /// Unique, compared without case.
    username: String,
    /// Given name.
    #[arg(long)]
    first_name: String,
    /// Family name.
    #[arg(long)]
    last_name: String,
    /// Unique.
    #[arg(long)]
    email: String,
    /// `+` and digits; unique.
    #[arg(long)]
    phone: String,
    /// Parted by commas.
    #[arg(long, value_delimiter = ',', value_parser = role)]
    roles: Vec<Role>,
    #[command(flatten)]
    password: Password,
}

/// Where a password comes from. It is no argument: those can be seen by everybody on the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub(crate) struct Password {
    /// Reads it from standard input, one line.
    #[arg(long)]
    password_stdin: bool,
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "must be admin, manager, support or employee".to_owned())
}

/// A password, and whether it is to be shown.
enum Chosen {
    Given(String),
    Made(GeneratedPassword),
}

impl Chosen {
    fn text(&self) -> String {
        match self {
            Self::Given(text) => text.clone(),
            Self::Made(made) => made.reveal().to_owned(),
        }
    }

    fn show(&self) {
        if let Self::Made(made) = self {
            console::say(&format!("The password is {}", made.reveal()));
            console::say("It is shown this once and kept nowhere: note it now.");
        }
    }
}

impl Password {
    fn choose(self, office: &Office) -> Result<Chosen, Failure> {
        if !self.password_stdin {
            let policy = &office.desk.config().directory.password;
            return Ok(Chosen::Made(GeneratedPassword::made(policy, &*office.desk.ids())));
        }
        let mut line = String::new();
        stdin().read_line(&mut line).map_err(|error| Failure::Refused(format!("standard input: {error}")))?;
        Ok(Chosen::Given(line.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

/// Does what is asked with users.
pub(crate) async fn users(config: Config, command: UsersCommand) -> Result<(), Failure> {
    let office = Office::open(config).await?;
    match command {
        UsersCommand::List { json } => list(&office, json).await,
        UsersCommand::Create(new) => create(&office, new).await,
        UsersCommand::SetPassword { user, password } => {
            let (id, chosen) = (office.user(&user).await?, password.choose(&office)?);
            let command = SetPassword { id, password: Some(chosen.text()), kept_session: None };
            office.desk.commands().execute(&office.context(), command).await.map_err(refused)?;
            console::say(&format!("{user}: the password is set"));
            chosen.show();
            Ok(())
        }
        UsersCommand::SetRoles { user, roles } => change(&office, &user, UserChange::Roles(roles)).await,
        UsersCommand::Enable { user } => change(&office, &user, UserChange::Disabled(false)).await,
        UsersCommand::Disable { user } => change(&office, &user, UserChange::Disabled(true)).await,
        UsersCommand::AllowLogin { user } => change(&office, &user, UserChange::LoginDenied(false)).await,
        UsersCommand::DenyLogin { user } => change(&office, &user, UserChange::LoginDenied(true)).await,
        UsersCommand::Delete { user } => {
            let id = office.user(&user).await?;
            office.desk.commands().execute(&office.context(), DeleteUser { id }).await.map_err(refused)?;
            console::say(&format!("{user}: deleted"));
            Ok(())
        }
    }
}

async fn change(office: &Office, user: &str, change: UserChange) -> Result<(), Failure> {
    let command = ChangeUser { id: office.user(user).await?, change, may_administer: true };
    let done = office.desk.commands().execute(&office.context(), command).await.map_err(refused)?;
    console::say(&in_words(&done.record));
    Ok(())
}

async fn create(office: &Office, new: NewUser) -> Result<(), Failure> {
    let chosen = new.password.choose(office)?;
    let command = RegisterUser {
        username: Some(new.username),
        first_name: Some(new.first_name),
        last_name: Some(new.last_name),
        phone: Some(new.phone),
        email: Some(new.email),
        password: Some(chosen.text()),
        roles: new.roles,
        disabled: false,
        login_denied: false,
    };
    let done = office.desk.commands().execute(&office.context(), command).await.map_err(refused)?;
    console::say(&in_words(&done.record));
    chosen.show();
    Ok(())
}

async fn list(office: &Office, json: bool) -> Result<(), Failure> {
    let queries = office.desk.queries(office.views().await?);
    let context = QueryContext { caller: office.context().caller, token: ConsistencyToken::default() };
    let mut cursor = None;
    loop {
        let request = PageRequest { limit: PAGE, cursor, total: false };
        let page = queries.users(&context, &UserFilter::default(), &request).await.map_err(Failure::Query)?;
        for user in &page.items {
            console::say(&if json { in_json(user).to_string() } else { in_words(user) });
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

fn username(user: &UserRecord) -> &str {
    user.profile.as_ref().map_or("(erased)", |profile| &profile.username)
}

fn roles(user: &UserRecord) -> Vec<&'static str> {
    user.facts.roles.iter().map(|role| role.as_str()).collect()
}

fn in_words(user: &UserRecord) -> String {
    let roles = if user.facts.roles.is_empty() { "no role".to_owned() } else { roles(user).join(",") };
    let disabled = if user.facts.disabled { " disabled" } else { "" };
    let denied = if user.facts.login_denied { " login-denied" } else { "" };
    format!("{} {} {roles}{disabled}{denied}", user.id, username(user))
}

fn in_json(user: &UserRecord) -> serde_json::Value {
    json!({
        "id": user.id,
        "username": username(user),
        "roles": roles(user),
        "disabled": user.facts.disabled,
        "login_denied": user.facts.login_denied,
        "created_at": user.facts.created_at,
        "updated_at": user.facts.updated_at,
    })
}
