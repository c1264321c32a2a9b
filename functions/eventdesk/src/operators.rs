//! The audit and the dead letters, over whichever bus there is.

use std::{sync::Arc, time::Duration};

use eventdesk_app::{
    audit::{Audit, AuditOptions, LocalConsumers, LocalRepublisher},
    dead_letters::{LetterDesk, LocalDeadLetters},
    operations::Operations,
    ports::{Clock, CommitLog, ReadStore},
};
use eventdesk_cloud::Cloud;
use eventdesk_runtime::{Config, config::Bus};
use eventdesk_sqlite::SqliteEventStore;

use crate::{failure::Failure, opened::needs};

/// Newer commits are on their way: one machine has one clock, and no index that lags.
const LOCAL_MARGIN: Duration = Duration::from_secs(2);

/// What operators look after consumers with.
pub(crate) async fn operations(
    config: &Config,
    cloud: &Cloud,
    sqlite: Option<&SqliteEventStore>,
    views: &Arc<dyn ReadStore>,
    clock: Arc<dyn Clock>,
) -> Result<Operations, Failure> {
    let desk = |letters| LetterDesk { letters, views: Arc::clone(views) };
    match (&config.bus, sqlite) {
        (Bus::Local, Some(store)) => {
            let log: Arc<dyn CommitLog> = Arc::new(store.clone());
            let consumers = LocalConsumers { log, views: Arc::clone(views), clock: Arc::clone(&clock) };
            let store = Arc::new(store.clone());
            let audit = Audit {
                feed: store.clone(),
                store,
                views: Arc::clone(views),
                publisher: Arc::new(LocalRepublisher(consumers.clone())),
                consumers: Arc::new(consumers.clone()),
                clock,
                options: AuditOptions { margin: LOCAL_MARGIN, ..AuditOptions::default() },
            };
            audit.prepare().await?;
            let bus = Arc::new(LocalRepublisher(consumers.clone()));
            Ok(Operations { audit, letters: desk(Arc::new(LocalDeadLetters(consumers))), bus })
        }
        (Bus::Local, None) => Err(needs("bus.name")),
        (Bus::EventBridge { .. }, store) => {
            let audit = match store {
                Some(store) => {
                    let store = Arc::new(store.clone());
                    cloud.audit_over(store.clone(), store, Arc::clone(views)).await?
                }
                None => cloud.audit().await?,
            };
            audit.prepare().await?;
            Ok(Operations { audit, letters: desk(cloud.dead_letters().await?), bus: cloud.republisher().await? })
        }
    }
}
