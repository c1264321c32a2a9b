//! Commands on employees.

use eventdesk_domain::{
    employee::{Employee, EmployeeCommand, EmployeeError},
    rules::RawEmployee,
    user::User,
};
use eventdesk_events::{EmployeeId, StreamId, UserId, employee::EmployeeProfile};

use super::check::Checked;
use crate::{
    Command, CommandError, Commands, EmployeeRecord, Loaded, Resource, Target, Transaction, ports::Namespace, texts,
};

/// An employee's record as it came in.
#[derive(Debug, Clone, Default)]
pub struct EmployeeInput {
    /// Given name; required.
    pub first_name: Option<String>,
    /// Family name; required.
    pub last_name: Option<String>,
    /// What they are called.
    pub nick_name: Option<String>,
    /// `+` and digits; unique.
    pub phone: Option<String>,
    /// Required; unique, compared without case.
    pub email: Option<String>,
    /// ISO 8601 calendar date.
    pub birthday: Option<String>,
    /// Country.
    pub country: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Street address.
    pub address: Option<String>,
    /// The user as whom they log in; unique.
    pub user_id: Option<UserId>,
}

/// Registers an employee.
#[derive(Debug, Clone)]
pub struct RegisterEmployee {
    /// The record.
    pub input: EmployeeInput,
}

/// Sets an employee's whole record.
#[derive(Debug, Clone)]
pub struct ReplaceEmployee {
    /// The employee.
    pub id: EmployeeId,
    /// The record; what it leaves out is taken away.
    pub input: EmployeeInput,
}

/// Deletes an employee; their name on tickets stays.
#[derive(Debug, Clone)]
pub struct DeleteEmployee {
    /// The employee.
    pub id: EmployeeId,
}

impl Command for RegisterEmployee {
    type Decided = (EmployeeId, Loaded<Employee>);
    type Record = EmployeeRecord;

    async fn attempt(&self, tx: &mut Transaction<'_>) -> Result<Self::Decided, CommandError> {
        let id = EmployeeId::from_uuid(tx.new_id());
        let stream = StreamId::Employee(id);
        let loaded = match tx.creation::<Employee>(stream).await? {
            Target::Replayed(loaded) => return Ok((id, loaded)),
            Target::Fresh(loaded) => loaded,
        };
        let profile = self.input.checked(tx, None).await?;
        let user_id = self.input.user_id;
        claim(tx, &profile, user_id, stream);
        Ok((id, tx.decide(loaded, EmployeeCommand::Register { profile, user_id })?))
    }

    async fn answer(&self, desk: &Commands, (id, loaded): Self::Decided) -> Result<EmployeeRecord, CommandError> {
        record(desk, id, loaded).await
    }
}

impl Command for ReplaceEmployee {
    type Decided = Loaded<Employee>;
    type Record = EmployeeRecord;

    async fn attempt(&self, tx: &mut Transaction<'_>) -> Result<Self::Decided, CommandError> {
        let stream = StreamId::Employee(self.id);
        let loaded = match tx.target::<Employee>(stream).await? {
            Target::Replayed(loaded) => return Ok(loaded),
            Target::Fresh(loaded) => loaded,
        };
        let Employee::Active(facts) = &loaded.state else { return Err(CommandError::NotFound(Resource::Employee)) };
        let profile = self.input.checked(tx, facts.user_id).await?;
        let held = texts::employee_profile(&*tx.desk().store, &loaded, facts).await?;
        release(tx, held.as_ref(), facts.user_id, stream);
        claim(tx, &profile, self.input.user_id, stream);
        tx.decide(loaded, EmployeeCommand::Replace { profile, user_id: self.input.user_id, held })
    }

    async fn answer(&self, desk: &Commands, loaded: Self::Decided) -> Result<EmployeeRecord, CommandError> {
        record(desk, self.id, loaded).await
    }
}

impl Command for DeleteEmployee {
    type Decided = Loaded<Employee>;
    type Record = ();

    async fn attempt(&self, tx: &mut Transaction<'_>) -> Result<Self::Decided, CommandError> {
        let stream = StreamId::Employee(self.id);
        let loaded = match tx.target::<Employee>(stream).await? {
            Target::Replayed(loaded) => return Ok(loaded),
            Target::Fresh(loaded) => loaded,
        };
        let Employee::Active(facts) = &loaded.state else { return Err(CommandError::NotFound(Resource::Employee)) };
        let held = texts::employee_profile(&*tx.desk().store, &loaded, facts).await?;
        release(tx, held.as_ref(), facts.user_id, stream);
        tx.decide(loaded, EmployeeCommand::Delete)
    }

    async fn answer(&self, _: &Commands, _: Self::Decided) -> Result<(), CommandError> {
        Ok(())
    }
}

impl EmployeeInput {
    /// The checked details; a login must be a user who exists, unless it is the one that the record has already.
    async fn checked(&self, tx: &Transaction<'_>, login: Option<UserId>) -> Result<EmployeeProfile, CommandError> {
        let raw = RawEmployee {
            first_name: self.first_name.as_deref(),
            last_name: self.last_name.as_deref(),
            nick_name: self.nick_name.as_deref(),
            phone: self.phone.as_deref(),
            email: self.email.as_deref(),
            birthday: self.birthday.as_deref(),
            country: self.country.as_deref(),
            city: self.city.as_deref(),
            address: self.address.as_deref(),
        };
        let mut check = Checked::default();
        let profile = check.fields(tx.desk().rules.employee_profile(raw, tx.now()));
        if let Some(user_id) = self.user_id.filter(|id| Some(*id) != login)
            && !matches!(tx.glance(StreamId::User(user_id)).await?, User::Active(_))
        {
            check.refuse("user_id", "unknown_user", "names no user");
        }
        check.done()?;
        profile.ok_or(CommandError::Forbidden)
    }
}

fn claim(tx: &mut Transaction<'_>, profile: &EmployeeProfile, user_id: Option<UserId>, stream: StreamId) {
    tx.claim(Namespace::EmployeeEmail, &profile.email, stream, "/email");
    if let Some(phone) = &profile.phone {
        tx.claim(Namespace::EmployeePhone, phone, stream, "/phone");
    }
    if let Some(user_id) = user_id {
        tx.claim(Namespace::EmployeeUser, &user_id.to_string(), stream, "/user_id");
    }
}

/// What a record held is freed first; a claim in the same transaction takes back what stays.
fn release(tx: &mut Transaction<'_>, held: Option<&EmployeeProfile>, user_id: Option<UserId>, stream: StreamId) {
    if let Some(held) = held {
        tx.release(Namespace::EmployeeEmail, &held.email, stream);
        if let Some(phone) = &held.phone {
            tx.release(Namespace::EmployeePhone, phone, stream);
        }
    }
    if let Some(user_id) = user_id {
        tx.release(Namespace::EmployeeUser, &user_id.to_string(), stream);
    }
}

/// The employee with their details, as a command answers them.
async fn record(desk: &Commands, id: EmployeeId, loaded: Loaded<Employee>) -> Result<EmployeeRecord, CommandError> {
    let facts = loaded.state.facts().ok_or(EmployeeError::NotFound)?.clone();
    let profile = texts::employee_profile(&*desk.store, &loaded, &facts).await?;
    Ok(EmployeeRecord { id, version: loaded.version, facts, profile, open_tickets: None })
}

/// Records that what was private about a deleted employee is gone.
#[derive(Debug, Clone)]
pub struct EraseEmployee {
    /// The employee.
    pub id: EmployeeId,
    /// See [`employee::Erased`](eventdesk_events::employee::Erased).
    pub own_parts: u64,
    /// See [`employee::Erased`](eventdesk_events::employee::Erased).
    pub written_parts: u64,
}

impl Command for EraseEmployee {
    type Decided = ();
    type Record = ();

    async fn attempt(&self, tx: &mut Transaction<'_>) -> Result<(), CommandError> {
        let loaded = tx.load::<Employee>(StreamId::Employee(self.id)).await?;
        let Self { own_parts, written_parts, .. } = *self;
        let erased = eventdesk_events::employee::Erased { own_parts, written_parts };
        tx.decide(loaded, EmployeeCommand::Erase(erased)).map(drop)
    }

    async fn answer(&self, _: &Commands, (): ()) -> Result<(), CommandError> {
        Ok(())
    }
}
