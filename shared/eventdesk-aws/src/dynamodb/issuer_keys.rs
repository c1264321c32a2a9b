//! The issuer's sealed keys.

use async_trait::async_trait;
use aws_sdk_dynamodb::{
    Client, error::SdkError, operation::put_item::PutItemError, types::ReturnValuesOnConditionCheckFailure as OnFailure,
};
use eventdesk_app::ports::{IssuerKeyStore, IssuerKeyStoreError, SealedKey};
use eventdesk_events::Timestamp;

use super::item::{Item, Malformed, PART, SUBJECT, binary, item, number, take_bytes, take_number, take_text, text};

const KEYS: &str = "issuer-keys";
const KID: &str = "kid";
const MADE_AT: &str = "made_at";
const SEALED: &str = "sealed";

/// The issuer's keys in the `…-identity` table, one item a key.
pub struct DynamoIssuerKeyStore {
    client: Client,
    table: String,
}

impl DynamoIssuerKeyStore {
    /// Keys over a table that has the schema which [`crate::dynamodb`] describes.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }
}

fn sealed(mut item: Item) -> Result<SealedKey, Malformed> {
    Ok(SealedKey {
        number: take_text(&mut item, PART)?.parse().map_err(|_| Malformed(PART))?,
        kid: take_text(&mut item, KID)?,
        made_at: Timestamp::from_millis(take_number(&mut item, MADE_AT)?),
        sealed: take_bytes(&mut item, SEALED)?,
    })
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> IssuerKeyStoreError {
    IssuerKeyStoreError(Box::new(error))
}

#[async_trait]
impl IssuerKeyStore for DynamoIssuerKeyStore {
    async fn all(&self) -> Result<Vec<SealedKey>, IssuerKeyStoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("#subject = :keys")
            .expression_attribute_names("#subject", SUBJECT)
            .expression_attribute_values(":keys", text(KEYS))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut keys = Vec::new();
        while let Some(item) = pages.next().await {
            keys.push(sealed(item.map_err(failed)?).map_err(failed)?);
        }
        Ok(keys)
    }

    async fn create(&self, key: SealedKey) -> Result<bool, IssuerKeyStoreError> {
        let whole = item([
            (SUBJECT, text(KEYS)),
            // Digits enough to sort as numbers do.
            (PART, text(format!("{:06}", key.number))),
            (KID, text(&*key.kid)),
            (MADE_AT, number(key.made_at.millis())),
            (SEALED, binary(key.sealed)),
        ]);
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(whole))
            .condition_expression("attribute_not_exists(#subject)")
            .expression_attribute_names("#subject", SUBJECT)
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        match put.send().await {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(refused)) if refused.err().is_conditional_check_failed_exception() => {
                let PutItemError::ConditionalCheckFailedException(found) = refused.into_err() else { return Ok(false) };
                // Our own, stored by a try whose answer was lost.
                Ok(found.item.is_some_and(|found| found.get(KID) == Some(&text(key.kid))))
            }
            Err(error) => Err(failed(error)),
        }
    }
}
