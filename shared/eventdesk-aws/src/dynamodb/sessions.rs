//! Sessions and revoked tokens.

use async_trait::async_trait;
use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure as OnFailure},
};
use eventdesk_app::{
    Digest,
    ports::{Revocations, RevocationsError, Session, Sessions, SessionsError},
};
use eventdesk_events::{Timestamp, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};
use uuid::Uuid;

use super::item::{EXPIRES, Item, Malformed, PART, SUBJECT, item, number, take_number, take_text, text};

const REVOKED: &str = "revoked";
const CURRENT: &str = "current";
const PREVIOUS: &str = "previous";
const ROTATED_AT: &str = "rotated_at";
const EXPIRES_AT: &str = "expires_at";
const PASSWORD_SET_AT: &str = "password_set_at";
const SCOPE: &str = "scope";
const UNTIL: &str = "until";
/// Kept so much longer than needed, for clocks differ.
const MARGIN_S: i64 = 60;
/// How many are removed at a time.
const AT_ONCE: usize = 16;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Sessions in the `…-identity` table, one item each, which the table's TTL removes.
pub struct DynamoSessions {
    client: Client,
    table: String,
}

impl DynamoSessions {
    /// Sessions over a table that has the schema which [`crate::dynamodb`] describes.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    async fn ids(&self, user: UserId) -> Result<Vec<Uuid>, Source> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("#subject = :subject")
            .projection_expression("#part")
            .expression_attribute_names("#subject", SUBJECT)
            .expression_attribute_names("#part", PART)
            .expression_attribute_values(":subject", text(subject(user)))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut ids = Vec::new();
        while let Some(item) = pages.next().await {
            ids.push(take_id(&mut item?, PART)?);
        }
        Ok(ids)
    }

    async fn remove(&self, user: UserId, id: Uuid) -> Result<(), Source> {
        self.client.delete_item().table_name(&self.table).set_key(Some(key(user, id))).send().await?;
        Ok(())
    }

    /// What a session stands on, if it is there.
    async fn keep(&self, user: UserId, id: Uuid, password_set_at: Timestamp) -> Result<(), Source> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(user, id)))
            .update_expression("SET #at = :at")
            .condition_expression("attribute_exists(#subject)")
            .expression_attribute_names("#at", PASSWORD_SET_AT)
            .expression_attribute_names("#subject", SUBJECT)
            .expression_attribute_values(":at", number(password_set_at.millis()));
        match update.send().await {
            Err(error) if !refused(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }
}

fn refused<R>(error: &SdkError<UpdateItemError, R>) -> bool {
    error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception)
}

fn subject(user: UserId) -> String {
    format!("sessions#{user}")
}

fn key(user: UserId, id: Uuid) -> Item {
    item([(SUBJECT, text(subject(user))), (PART, text(id.to_string()))])
}

fn expires(at: Timestamp) -> AttributeValue {
    number(at.millis().div_euclid(1_000) + MARGIN_S)
}

fn whole(session: &Session) -> Item {
    let mut whole = key(session.user, session.id);
    whole.extend(item([
        (CURRENT, text(session.current.to_string())),
        (ROTATED_AT, number(session.rotated_at.millis())),
        (EXPIRES_AT, number(session.expires_at.millis())),
        (PASSWORD_SET_AT, number(session.password_set_at.millis())),
        (SCOPE, text(&*session.scope)),
        (EXPIRES, expires(session.expires_at)),
    ]));
    if let Some(previous) = session.previous {
        whole.insert(PREVIOUS.to_owned(), text(previous.to_string()));
    }
    whole
}

fn take_id(item: &mut Item, name: &'static str) -> Result<Uuid, Malformed> {
    take_text(item, name)?.parse().map_err(|_| Malformed(name))
}

fn take_time(item: &mut Item, name: &'static str) -> Result<Timestamp, Malformed> {
    Ok(Timestamp::from_millis(take_number(item, name)?))
}

fn take_digest(item: &mut Item, name: &'static str) -> Result<Digest, Malformed> {
    Digest::parse(&take_text(item, name)?).ok_or(Malformed(name))
}

fn session(user: UserId, mut item: Item) -> Result<Session, Malformed> {
    let item = &mut item;
    Ok(Session {
        id: take_id(item, PART)?,
        user,
        current: take_digest(item, CURRENT)?,
        previous: if item.contains_key(PREVIOUS) { Some(take_digest(item, PREVIOUS)?) } else { None },
        rotated_at: take_time(item, ROTATED_AT)?,
        expires_at: take_time(item, EXPIRES_AT)?,
        password_set_at: take_time(item, PASSWORD_SET_AT)?,
        scope: take_text(item, SCOPE)?,
    })
}

fn failed(error: impl Into<Source>) -> SessionsError {
    SessionsError(error.into())
}

#[async_trait]
impl Sessions for DynamoSessions {
    async fn begin(&self, session: Session) -> Result<(), SessionsError> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(whole(&session)));
        put.send().await.map(drop).map_err(failed)
    }

    async fn get(&self, user: UserId, id: Uuid) -> Result<Option<Session>, SessionsError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key(user, id))).consistent_read(true);
        let found = get.send().await.map_err(failed)?.item;
        found.map(|item| session(user, item)).transpose().map_err(failed)
    }

    async fn rotate(
        &self,
        user: UserId,
        id: Uuid,
        from: Digest,
        to: Digest,
        at: Timestamp,
    ) -> Result<bool, SessionsError> {
        let to = text(to.to_string());
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(user, id)))
            .update_expression("SET #previous = #current, #current = :to, #rotated_at = :at")
            .condition_expression("#current = :from")
            .expression_attribute_names("#current", CURRENT)
            .expression_attribute_names("#previous", PREVIOUS)
            .expression_attribute_names("#rotated_at", ROTATED_AT)
            .expression_attribute_values(":from", text(from.to_string()))
            .expression_attribute_values(":to", to.clone())
            .expression_attribute_values(":at", number(at.millis()))
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        let Err(error) = update.send().await else { return Ok(true) };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(found)) => {
                // Tokens are random: this very one is ours, stored by a try whose answer was lost.
                Ok(found.item.as_ref().is_some_and(|found| found.get(CURRENT) == Some(&to)))
            }
            _ => Err(failed(error)),
        }
    }

    async fn end(&self, user: UserId, id: Uuid) -> Result<(), SessionsError> {
        self.remove(user, id).await.map_err(failed)
    }

    async fn of(&self, user: UserId) -> Result<Vec<Uuid>, SessionsError> {
        self.ids(user).await.map_err(failed)
    }

    async fn end_others(&self, user: UserId, kept: Option<(Uuid, Timestamp)>) -> Result<Vec<Uuid>, SessionsError> {
        if let Some((id, password_set_at)) = kept {
            self.keep(user, id, password_set_at).await.map_err(failed)?;
        }
        let mut others = self.ids(user).await.map_err(failed)?;
        others.retain(|id| kept.is_none_or(|(kept, _)| kept != *id));
        let removals = stream::iter(others.clone()).map(|id| self.remove(user, id));
        removals.buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await.map_err(failed)?;
        Ok(others)
    }
}

/// Revocations in the `…-identity` table: items of one subject, so that all are read by one query. The table's TTL
/// removes them.
pub struct DynamoRevocations {
    client: Client,
    table: String,
}

impl DynamoRevocations {
    /// Revocations over a table that has the schema which [`crate::dynamodb`] describes.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    async fn read(&self, now: Timestamp) -> Result<Vec<(Uuid, Timestamp)>, Source> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("#subject = :revoked")
            .expression_attribute_names("#subject", SUBJECT)
            .expression_attribute_values(":revoked", text(REVOKED))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut all = Vec::new();
        while let Some(item) = pages.next().await {
            let mut item = item?;
            all.push((take_id(&mut item, PART)?, take_time(&mut item, UNTIL)?));
        }
        all.retain(|(_, until)| *until > now);
        Ok(all)
    }
}

#[async_trait]
impl Revocations for DynamoRevocations {
    async fn revoke(&self, id: Uuid, until: Timestamp, _: Timestamp) -> Result<(), RevocationsError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(item([(SUBJECT, text(REVOKED)), (PART, text(id.to_string()))])))
            .update_expression("SET #until = :until, #expires = :expires")
            .condition_expression("attribute_not_exists(#until) OR #until < :until")
            .expression_attribute_names("#until", UNTIL)
            .expression_attribute_names("#expires", EXPIRES)
            .expression_attribute_values(":until", number(until.millis()))
            .expression_attribute_values(":expires", expires(until));
        match update.send().await {
            // One that lasts as long is there already.
            Err(error) if !refused(&error) => Err(RevocationsError(error.into())),
            _ => Ok(()),
        }
    }

    async fn all(&self, now: Timestamp) -> Result<Vec<(Uuid, Timestamp)>, RevocationsError> {
        self.read(now).await.map_err(RevocationsError)
    }
}
