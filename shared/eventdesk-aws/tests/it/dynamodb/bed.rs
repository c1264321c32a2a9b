//! Fresh tables on the emulator.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use aws_config::{Region, SdkConfig};
use aws_sdk_dynamodb::{Client, config::Credentials};
use eventdesk_aws::{
    client,
    dynamodb::{DynamoEventStore, Tables, create_tables},
};

use crate::wire::Wire;

pub(crate) async fn config() -> SdkConfig {
    let url = std::env::var("EVENTDESK_TEST_AWS_URL").unwrap_or_default();
    assert!(
        !url.is_empty(),
        "EVENTDESK_TEST_AWS_URL does not name an emulator: start it with tests/services/moto, which prints its URL"
    );
    client::settings()
        .endpoint_url(url)
        .region(Region::from_static("eu-central-1"))
        .credentials_provider(Credentials::new("testing", "testing", None, None, "tests"))
        .load()
        .await
}

/// Tables of one test, and what it does to the wire.
pub(crate) struct Bed {
    pub(crate) config: SdkConfig,
    pub(crate) client: Client,
    pub(crate) tables: Tables,
    pub(crate) wire: Arc<Wire>,
}

impl Bed {
    pub(crate) async fn new() -> Self {
        static BEDS: AtomicU32 = AtomicU32::new(0);
        let config = config().await;
        let number = BEDS.fetch_add(1, Ordering::Relaxed);
        let run = getrandom::u32().expect("the system has randomness");
        let tables = Tables::of(&format!("test-{run:08x}-{number}"));
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
