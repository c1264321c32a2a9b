//! Password hashes.

use async_trait::async_trait;
use aws_sdk_dynamodb::{
    Client, error::SdkError, operation::put_item::PutItemError, types::ReturnValuesOnConditionCheckFailure as OnFailure,
};
use eventdesk_app::ports::{Credential, Credentials, CredentialsError};
use eventdesk_events::{Timestamp, UserId};

use super::item::{Item, Malformed, PART, SUBJECT, item, number, take_number, take_text, text};

const HASH: &str = "hash";
const SET_AT: &str = "set_at";

/// Password hashes in the `…-identity` table, one item a user.
pub struct DynamoCredentials {
    client: Client,
    table: String,
}

impl DynamoCredentials {
    /// Credentials over a table that has the schema which [`crate::dynamodb`] describes.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }
}

fn key(user: UserId) -> Item {
    item([(SUBJECT, text(format!("user#{user}"))), (PART, text("password"))])
}

fn whole(user: UserId, credential: &Credential) -> Item {
    let mut whole = key(user);
    whole.insert(HASH.to_owned(), text(&*credential.hash));
    whole.insert(SET_AT.to_owned(), number(credential.set_at.millis()));
    whole
}

fn credential(mut item: Item) -> Result<Credential, Malformed> {
    let hash = take_text(&mut item, HASH)?;
    Ok(Credential { hash, set_at: Timestamp::from_millis(take_number(&mut item, SET_AT)?) })
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> CredentialsError {
    CredentialsError(Box::new(error))
}

#[async_trait]
impl Credentials for DynamoCredentials {
    async fn get(&self, user: UserId) -> Result<Option<Credential>, CredentialsError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key(user))).consistent_read(true);
        get.send().await.map_err(failed)?.item.map(credential).transpose().map_err(failed)
    }

    async fn create(&self, user: UserId, credential: Credential) -> Result<bool, CredentialsError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(whole(user, &credential)))
            .condition_expression("attribute_not_exists(#subject)")
            .expression_attribute_names("#subject", SUBJECT)
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        match put.send().await {
            Ok(_) => Ok(true),
            // Not passed on: it holds a hash.
            Err(SdkError::ServiceError(refused)) if refused.err().is_conditional_check_failed_exception() => {
                let PutItemError::ConditionalCheckFailedException(found) = refused.into_err() else { return Ok(false) };
                // Hashes are salted: the very same one is ours, stored by a try whose answer was lost.
                Ok(found.item.is_some_and(|found| found.get(HASH) == Some(&text(&*credential.hash))))
            }
            Err(error) => Err(failed(error)),
        }
    }

    async fn set(&self, user: UserId, credential: Credential) -> Result<(), CredentialsError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(whole(user, &credential)))
            .condition_expression("attribute_not_exists(#subject) OR #set_at <= :set_at")
            .expression_attribute_names("#subject", SUBJECT)
            .expression_attribute_names("#set_at", SET_AT)
            .expression_attribute_values(":set_at", number(credential.set_at.millis()));
        match put.send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(refused)) if refused.err().is_conditional_check_failed_exception() => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    async fn remove(&self, user: UserId) -> Result<(), CredentialsError> {
        let delete = self.client.delete_item().table_name(&self.table).set_key(Some(key(user)));
        delete.send().await.map(drop).map_err(failed)
    }
}
