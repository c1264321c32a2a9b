//! Fresh tables on the emulator.

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use eventdesk_aws::dynamodb::{DynamoEventStore, Tables, create_tables};

use crate::{
    emulator::{config, fresh_name},
    wire::Wire,
};

/// Tables of one test, and what it does to the wire.
pub(crate) struct Bed {
    pub(crate) config: SdkConfig,
    pub(crate) client: Client,
    pub(crate) tables: Tables,
    pub(crate) wire: Arc<Wire>,
}

impl Bed {
    pub(crate) async fn new() -> Self {
        let config = config().await;
        let tables = Tables::of(&fresh_name());
        create_tables(&Client::new(&config), &tables).await.expect("tables can be made");
        let wire = Arc::new(Wire::default());
        let http = wire.around(config.http_client().expect("there is an HTTP client"));
        let config = config.to_builder().http_client(http).build();
        Self { client: Client::new(&config), config, tables, wire }
    }

    /// A store as of another process each time.
    pub(crate) fn store(&self) -> Arc<DynamoEventStore> {
        Arc::new(DynamoEventStore::new(self.client.clone(), &self.tables.store))
    }
}
