//! Asking DynamoDB what each call consumed.

use aws_sdk_dynamodb::{
    config::{ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeSerializationInterceptorContextMut},
    error::BoxError,
    operation::{
        batch_get_item::BatchGetItemInput, delete_item::DeleteItemInput, get_item::GetItemInput,
        put_item::PutItemInput, query::QueryInput, scan::ScanInput, transact_write_items::TransactWriteItemsInput,
        update_item::UpdateItemInput,
    },
    types::ReturnConsumedCapacity,
};

/// Sets `ReturnConsumedCapacity` on all requests that have it.
#[derive(Debug)]
pub(crate) struct AskForUnits;

impl Intercept for AskForUnits {
    fn name(&self) -> &'static str {
        "AskForUnits"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        macro_rules! ask {
            ($($input:ty),+) => {
                $(if let Some(input) = context.input_mut().downcast_mut::<$input>() {
                    input.return_consumed_capacity = Some(ReturnConsumedCapacity::Indexes);
                })+
            };
        }
        ask!(PutItemInput, TransactWriteItemsInput, UpdateItemInput, DeleteItemInput);
        ask!(GetItemInput, BatchGetItemInput, QueryInput, ScanInput);
        Ok(())
    }
}
