//! The tables: their names, and how they are made where no template does.

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    error::{BuildError, SdkError},
    operation::{
        create_table::CreateTableError, describe_table::DescribeTableError, update_time_to_live::UpdateTimeToLiveError,
    },
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
        ScalarAttributeType, TableStatus, TimeToLiveSpecification,
    },
};

use super::{
    feed::FEED_INDEX,
    item::{AT, BUCKET, EXPIRES, PART, STREAM, SUBJECT, VERSION},
};

/// How often, and how far apart, a new table is looked at until it can be used.
const LOOKS: u32 = 120;
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// The names of a deployment's tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// Commits, reservations and ticket numbers.
    pub store: String,
    /// What the built-in issuer keeps.
    pub identity: String,
}

impl Tables {
    /// `<prefix>-store` and `<prefix>-identity`.
    pub fn of(prefix: &str) -> Self {
        Self { store: format!("{prefix}-store"), identity: format!("{prefix}-identity") }
    }
}

/// Why a table could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CreateTablesError {
    /// The request could not be built.
    #[error("the request is incomplete")]
    Request(#[from] BuildError),
    /// It was refused.
    #[error("table {table} cannot be made")]
    Create {
        /// The table.
        table: String,
        /// What the service says.
        #[source]
        source: Box<SdkError<CreateTableError>>,
    },
    /// It could not be looked at.
    #[error("table {table} cannot be seen")]
    Describe {
        /// The table.
        table: String,
        /// What the service says.
        #[source]
        source: Box<SdkError<DescribeTableError>>,
    },
    /// Its TTL could not be switched on.
    #[error("table {table} cannot forget what is over")]
    TimeToLive {
        /// The table.
        table: String,
        /// What the service says.
        #[source]
        source: Box<SdkError<UpdateTimeToLiveError>>,
    },
    /// It exists, but did not become usable within a minute.
    #[error("table {0} is not active yet")]
    NotActive(String),
}

/// Makes both tables, for an emulator, and returns when they can be used; those that exist are left as they are.
///
/// # Errors
/// See [`CreateTablesError`].
pub async fn create_tables(client: &Client, tables: &Tables) -> Result<(), CreateTablesError> {
    let feed = GlobalSecondaryIndex::builder()
        .index_name(FEED_INDEX)
        .key_schema(key(BUCKET, KeyType::Hash)?)
        .key_schema(key(AT, KeyType::Range)?)
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
        .build()?;
    let store = client
        .create_table()
        .table_name(&tables.store)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute(STREAM, ScalarAttributeType::S)?)
        .attribute_definitions(attribute(VERSION, ScalarAttributeType::N)?)
        .attribute_definitions(attribute(BUCKET, ScalarAttributeType::S)?)
        .attribute_definitions(attribute(AT, ScalarAttributeType::N)?)
        .key_schema(key(STREAM, KeyType::Hash)?)
        .key_schema(key(VERSION, KeyType::Range)?)
        .global_secondary_indexes(feed);
    created(&tables.store, store.send().await.map(drop))?;
    let identity = client
        .create_table()
        .table_name(&tables.identity)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute(SUBJECT, ScalarAttributeType::S)?)
        .attribute_definitions(attribute(PART, ScalarAttributeType::S)?)
        .key_schema(key(SUBJECT, KeyType::Hash)?)
        .key_schema(key(PART, KeyType::Range)?);
    let fresh = created(&tables.identity, identity.send().await.map(drop))?;
    wait_until_active(client, &tables.store).await?;
    wait_until_active(client, &tables.identity).await?;
    if fresh {
        let expires = TimeToLiveSpecification::builder().attribute_name(EXPIRES).enabled(true).build()?;
        let update = client.update_time_to_live().table_name(&tables.identity).time_to_live_specification(expires);
        update.send().await.map_err(|source| CreateTablesError::TimeToLive {
            table: tables.identity.clone(),
            source: Box::new(source),
        })?;
    }
    Ok(())
}

fn attribute(name: &str, kind: ScalarAttributeType) -> Result<AttributeDefinition, BuildError> {
    AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build()
}

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement, BuildError> {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build()
}

/// Whether the table is new; `false` if it was there before.
fn created(table: &str, answer: Result<(), SdkError<CreateTableError>>) -> Result<bool, CreateTablesError> {
    match answer {
        Ok(()) => Ok(true),
        Err(error) if error.as_service_error().is_some_and(CreateTableError::is_resource_in_use_exception) => Ok(false),
        Err(source) => Err(CreateTablesError::Create { table: table.to_owned(), source: Box::new(source) }),
    }
}

async fn wait_until_active(client: &Client, table: &str) -> Result<(), CreateTablesError> {
    for _ in 0..LOOKS {
        let described = client.describe_table().table_name(table).send().await;
        let described = described
            .map_err(|source| CreateTablesError::Describe { table: table.to_owned(), source: Box::new(source) })?;
        if described.table.and_then(|table| table.table_status) == Some(TableStatus::Active) {
            return Ok(());
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    Err(CreateTablesError::NotActive(table.to_owned()))
}
