//! What only an import asks: a mark, and the counter of ticket numbers.

use async_trait::async_trait;
use aws_sdk_dynamodb::{error::SdkError, operation::update_item::UpdateItemError};
use eventdesk_app::ports::{ImportStore, StoreError};

use super::{
    DynamoEventStore,
    fault::{read_failed, undecodable},
    item::{Item, LAST, STREAM, VERSION, item, number, take_number, text},
    store::number_key,
};

fn mark_key() -> Item {
    item([(STREAM, text("counter#unfinished-import")), (VERSION, number(0))])
}

#[async_trait]
impl ImportStore for DynamoEventStore {
    async fn unfinished_import(&self) -> Result<Option<u32>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(mark_key())).consistent_read(true);
        let Some(mut mark) = get.send().await.map_err(read_failed)?.item else { return Ok(None) };
        take_number(&mut mark, LAST).map(Some).map_err(undecodable)
    }

    async fn mark_import(&self, mark: Option<u32>) -> Result<(), StoreError> {
        let Some(mark) = mark else {
            let delete = self.client.delete_item().table_name(&self.table).set_key(Some(mark_key()));
            return delete.send().await.map(drop).map_err(read_failed);
        };
        let mut marked = mark_key();
        marked.insert(LAST.to_owned(), number(mark));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(marked));
        put.send().await.map_err(read_failed)?;
        Ok(())
    }

    async fn raise_ticket_numbers(&self, used: u64) -> Result<(), StoreError> {
        // Of the block in hand nothing is used any more.
        *self.numbers.lock().await = 0..0;
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(number_key()))
            .update_expression("SET #last = :used")
            .condition_expression("attribute_not_exists(#last) OR #last < :used")
            .expression_attribute_names("#last", LAST)
            .expression_attribute_values(":used", number(used));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(refused))
                if matches!(refused.err(), UpdateItemError::ConditionalCheckFailedException(_)) =>
            {
                Ok(())
            }
            Err(error) => Err(read_failed(error)),
        }
    }
}
