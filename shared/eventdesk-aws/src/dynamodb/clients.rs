//! Service accounts.

use async_trait::async_trait;
use aws_sdk_dynamodb::{
    Client as Dynamo, operation::put_item::PutItemError, types::ReturnValuesOnConditionCheckFailure as OnFailure,
};
use eventdesk_app::ports::{Client, Clients, ClientsError, StoredClient};
use uuid::Uuid;

use super::item::{Item, PART, SUBJECT, item, number, take_number, take_text, text};

const CLIENTS: &str = "clients";
const BODY: &str = "body";
const REVISION: &str = "revision";

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Service accounts in the `…-identity` table: items of one subject, so that all are read by one query.
pub struct DynamoClients {
    client: Dynamo,
    table: String,
}

impl DynamoClients {
    /// Service accounts over a table that has the schema which [`crate::dynamodb`] describes.
    pub fn new(client: Dynamo, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// Every account, page by page.
    async fn read(&self) -> Result<Vec<StoredClient>, Source> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("#subject = :clients")
            .expression_attribute_names("#subject", SUBJECT)
            .expression_attribute_values(":clients", text(CLIENTS))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut all = Vec::new();
        while let Some(item) = pages.next().await {
            all.push(stored(item?)?);
        }
        Ok(all)
    }
}

fn key(id: Uuid) -> Item {
    item([(SUBJECT, text(CLIENTS)), (PART, text(id.to_string()))])
}

fn whole(client: &Client, revision: u64) -> Result<Item, Source> {
    let mut whole = key(client.id);
    whole.extend(item([(BODY, text(serde_json::to_string(client)?)), (REVISION, number(revision))]));
    Ok(whole)
}

fn stored(mut item: Item) -> Result<StoredClient, Source> {
    let body = take_text(&mut item, BODY)?;
    Ok(StoredClient { client: serde_json::from_str(&body)?, revision: take_number(&mut item, REVISION)? })
}

fn failed(error: impl Into<Source>) -> ClientsError {
    ClientsError(error.into())
}

#[async_trait]
impl Clients for DynamoClients {
    async fn create(&self, client: Client) -> Result<(), ClientsError> {
        let whole = whole(&client, 1).map_err(failed)?;
        // Its id is fresh: should it be there, an earlier try of this call has stored it.
        let put = self.client.put_item().table_name(&self.table).set_item(Some(whole));
        put.send().await.map(drop).map_err(failed)
    }

    async fn get(&self, id: Uuid) -> Result<Option<StoredClient>, ClientsError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key(id))).consistent_read(true);
        get.send().await.map_err(failed)?.item.map(stored).transpose().map_err(failed)
    }

    async fn replace(&self, client: Client, revision: u64) -> Result<bool, ClientsError> {
        let whole = whole(&client, revision + 1).map_err(failed)?;
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(whole.clone()))
            .condition_expression("#revision = :revision")
            .expression_attribute_names("#revision", REVISION)
            .expression_attribute_values(":revision", number(revision))
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        let Err(error) = put.send().await else { return Ok(true) };
        match error.as_service_error() {
            // Our own, stored by a try whose answer was lost.
            Some(PutItemError::ConditionalCheckFailedException(found)) => Ok(found.item.as_ref() == Some(&whole)),
            _ => Err(failed(error)),
        }
    }

    async fn all(&self) -> Result<Vec<StoredClient>, ClientsError> {
        self.read().await.map_err(ClientsError)
    }
}
