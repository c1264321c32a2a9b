//! Counters of failed logins.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use aws_sdk_dynamodb::{
    Client,
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::ReturnValuesOnConditionCheckFailure as OnFailure,
};
use eventdesk_app::ports::{FailedLogins, FailedLoginsError, LoginKey};
use eventdesk_events::Timestamp;

use super::{
    batch,
    fault::{StillBusy, pause},
    item::{EXPIRES, Item, PART, SUBJECT, item, number, take_number, take_text, text},
};

const FULL_AGAIN: &str = "full_again";
/// How often a counter is tried that others change at the same time.
const TRIES: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// Kept so much longer than needed, for clocks differ.
const MARGIN_S: i64 = 60;

/// Counters of failed logins in the `…-identity` table, one item a name or network, which the table's TTL removes.
///
/// A check reads; a failure is one conditional update, and a second one when its bucket was full.
pub struct DynamoFailedLogins {
    client: Client,
    table: String,
}

impl DynamoFailedLogins {
    /// Counters over a table that has the schema which [`crate::dynamodb`] describes.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    fn update(&self, key: LoginKey, latest: Timestamp) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(counter(key)))
            .expression_attribute_names("#full_again", FULL_AGAIN)
            .expression_attribute_names("#expires", EXPIRES)
            .expression_attribute_values(":expires", number(latest.millis().div_euclid(1_000) + MARGIN_S))
            .return_values_on_condition_check_failure(OnFailure::AllOld)
    }
}

fn counter(key: LoginKey) -> Item {
    item([(SUBJECT, text(subject(key))), (PART, text("failures"))])
}

fn subject(key: LoginKey) -> String {
    format!("login#{key}")
}

/// What an update met.
enum Met {
    /// Its condition held, and it is done.
    Done,
    /// Its condition did not: this is when the bucket will be full again, if anything was taken from it.
    Other(Option<i64>),
}

async fn attempt(update: UpdateItemFluentBuilder) -> Result<Met, FailedLoginsError> {
    let Err(error) = update.send().await else { return Ok(Met::Done) };
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(found)) => {
            let mut found = found.item.clone().unwrap_or_default();
            Ok(Met::Other(take_number(&mut found, FULL_AGAIN).ok()))
        }
        _ => Err(failed(error)),
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> FailedLoginsError {
    FailedLoginsError(Box::new(error))
}

#[async_trait]
impl FailedLogins for DynamoFailedLogins {
    async fn full_again(&self, keys: &[LoginKey]) -> Result<Vec<Option<Timestamp>>, FailedLoginsError> {
        let mut found = HashMap::new();
        let counters = keys.iter().map(|key| counter(*key)).collect();
        for mut item in batch::read(&self.client, &self.table, counters).await.map_err(failed)? {
            let subject = take_text(&mut item, SUBJECT).map_err(failed)?;
            let full_again = take_number(&mut item, FULL_AGAIN).map_err(failed)?;
            found.insert(subject, Timestamp::from_millis(full_again));
        }
        Ok(keys.iter().map(|key| found.get(&subject(*key)).copied()).collect())
    }

    async fn take(&self, key: LoginKey, ms: i64, now: Timestamp, latest: Timestamp) -> Result<bool, FailedLoginsError> {
        let (now, most) = (now.millis(), latest.millis() - ms);
        if now > most {
            return Ok(false);
        }
        for tries in 0..TRIES {
            if tries > 0 {
                pause(FIRST_PAUSE, tries - 1).await;
            }
            let add = self
                .update(key, latest)
                .update_expression("ADD #full_again :ms SET #expires = :expires")
                .condition_expression("#full_again > :now AND #full_again <= :most")
                .expression_attribute_values(":ms", number(ms))
                .expression_attribute_values(":now", number(now))
                .expression_attribute_values(":most", number(most));
            match attempt(add).await? {
                Met::Done => return Ok(true),
                Met::Other(Some(full_again)) if full_again > most => return Ok(false),
                Met::Other(_) => {}
            }
            let begin = self
                .update(key, latest)
                .update_expression("SET #full_again = :full_again, #expires = :expires")
                .condition_expression("attribute_not_exists(#full_again) OR #full_again <= :now")
                .expression_attribute_values(":full_again", number(now + ms))
                .expression_attribute_values(":now", number(now));
            if let Met::Done = attempt(begin).await? {
                return Ok(true);
            }
        }
        Err(failed(StillBusy { tries: TRIES, source: None }))
    }
}
