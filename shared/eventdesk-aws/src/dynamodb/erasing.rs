//! Removing private parts: an attribute of a commit's item, the one that is ever changed.

use async_trait::async_trait;
use aws_sdk_dynamodb::{error::SdkError, operation::update_item::UpdateItemError};
use eventdesk_app::ports::{PrivateParts, Redaction, StoreError};

use super::{
    DynamoEventStore,
    fault::read_failed,
    item::{PRIVATE, STREAM, key, private_attribute},
};

#[async_trait]
impl PrivateParts for DynamoEventStore {
    async fn redact(&self, redactions: Vec<Redaction>) -> Result<(), StoreError> {
        for Redaction { stream, version, private } in redactions {
            let left = private_attribute(private.iter().map(Option::as_deref));
            let left = left.map_err(|error| StoreError::Internal(error.into()))?;
            let update = self
                .client
                .update_item()
                .table_name(&self.table)
                .set_key(Some(key(stream, version)))
                .condition_expression("attribute_exists(#stream)")
                .expression_attribute_names("#stream", STREAM)
                .expression_attribute_names("#private", PRIVATE);
            let update = match left {
                Some(left) => {
                    update.update_expression("SET #private = :left").expression_attribute_values(":left", left)
                }
                None => update.update_expression("REMOVE #private"),
            };
            match update.send().await {
                Ok(_) => {}
                Err(SdkError::ServiceError(refused))
                    if matches!(refused.err(), UpdateItemError::ConditionalCheckFailedException(_)) => {}
                Err(error) => return Err(read_failed(error)),
            }
        }
        Ok(())
    }

    /// The service keeps no log that anybody could read; backups live as long as they were told to.
    async fn scrub(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
