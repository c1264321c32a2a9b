//! A fresh bus with one rule, its queue and dead-letter queue on the emulator.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_sdk_eventbridge::types::Target;
use aws_sdk_sqs::types::{Message, QueueAttributeName};
use eventdesk_app::ports::{DeadLetters, Ids, Publisher, Queue, Settlement};
use eventdesk_aws::bus::{EventBridgePublisher, LetterPlaces, SqsDeadLetters, SqsQueue, SqsQueueOptions, read_body};
use eventdesk_contract::bus::{Bus, Dead, Setting};
use serde_json::json;
use uuid::Uuid;

use crate::{
    emulator::{REGION, config, fresh_name},
    wire::Wire,
};

const CONSUMER: &str = "mine";
const ACCOUNT: &str = "123456789012";

/// Without jitter.
struct NoIds;

impl Ids for NoIds {
    fn next(&self) -> Uuid {
        Uuid::nil()
    }

    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

pub(crate) struct AwsBus {
    pub(crate) publisher: EventBridgePublisher,
    pub(crate) queue: SqsQueue,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) url: String,
    pub(crate) dead_url: String,
    pub(crate) options: SqsQueueOptions,
    pub(crate) wire: Arc<Wire>,
    letters: SqsDeadLetters,
}

/// Two attempts after the first, each at once.
pub(crate) fn hasty() -> Setting {
    Setting { visibility: Duration::from_secs(30), backoff: vec![Duration::ZERO; 2] }
}

impl AwsBus {
    pub(crate) async fn new(setting: Setting) -> Self {
        let config = config().await;
        let name = fresh_name();

        let wire = Arc::new(Wire::default());
        let http = wire.around(config.http_client().expect("there is an HTTP client"));
        let config = config.to_builder().http_client(http).build();
        let sqs = aws_sdk_sqs::Client::new(&config);
        let events = aws_sdk_eventbridge::Client::new(&config);

        let dead_name = format!("{name}-dead");
        let dead_url = queue(&sqs, &dead_name, HashMap::new()).await;
        let redrive = json!({ "deadLetterTargetArn": arn(&dead_name), "maxReceiveCount": 3 });
        let attributes = HashMap::from([(QueueAttributeName::RedrivePolicy, redrive.to_string())]);
        // Redrive is for consumers that never answer; the cases that look for it make a queue of their own.
        let attributes = if setting.backoff.is_empty() { attributes } else { HashMap::new() };
        let url = queue(&sqs, &name, attributes).await;
        events.create_event_bus().name(&name).send().await.expect("a bus can be made");
        let pattern = json!({ "source": ["eventdesk"] }).to_string();
        events
            .put_rule()
            .name("all")
            .event_bus_name(&name)
            .event_pattern(pattern)
            .send()
            .await
            .expect("a rule can be made");
        let target = Target::builder().id("queue").arn(arn(&name)).build().expect("id and ARN are set");
        let targets = events.put_targets().rule("all").event_bus_name(&name).targets(target).send().await;
        assert_eq!(targets.expect("a target can be set").failed_entry_count(), 0);

        let options = SqsQueueOptions {
            visibility: Some(setting.visibility),
            backoff: setting.backoff,
            wait: Duration::ZERO,
            poll: Duration::from_millis(20),
        };
        let queue = SqsQueue::new(sqs.clone(), &url, Some(dead_url.clone()), options.clone());
        let publisher = EventBridgePublisher::new(events, name, Arc::new(NoIds));
        wire.sent();
        let places = LetterPlaces { queue: url.clone(), dead_letters: dead_url.clone() };
        let letters = SqsDeadLetters::new(sqs.clone(), HashMap::from([(CONSUMER.to_owned(), places)]), Duration::ZERO);
        Self { publisher, queue, sqs, url, dead_url, options, wire, letters }
    }

    /// The messages in the dead-letter queue, which stay there.
    pub(crate) async fn dead_messages(&self) -> Vec<Message> {
        let call = self.sqs.receive_message().queue_url(&self.dead_url).max_number_of_messages(10);
        let call = call.visibility_timeout(0).message_attribute_names("All");
        call.send().await.expect("dead letters can be received").messages.unwrap_or_default()
    }

    /// How many messages of these the queue holds, hidden ones included.
    pub(crate) async fn waiting(&self, url: &str) -> u64 {
        let call = self.sqs.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::All);
        let attributes = call.send().await.expect("a queue tells of itself").attributes.unwrap_or_default();
        let count = |name| attributes.get(&name).and_then(|count| count.parse::<u64>().ok()).unwrap_or_default();
        count(QueueAttributeName::ApproximateNumberOfMessages)
            + count(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)
    }
}

async fn queue(sqs: &aws_sdk_sqs::Client, name: &str, attributes: HashMap<QueueAttributeName, String>) -> String {
    let made = sqs.create_queue().queue_name(name).set_attributes(Some(attributes)).send().await;
    made.expect("a queue can be made").queue_url.expect("a queue has a URL")
}

fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}")
}

/// An attribute of a dead letter.
pub(crate) fn attribute(message: &Message, name: &str) -> String {
    let attributes = message.message_attributes.as_ref().expect("a dead letter has attributes");
    attributes[name].string_value.clone().expect("they are texts")
}

#[async_trait]
impl Bus for AwsBus {
    fn publisher(&self) -> &dyn Publisher {
        &self.publisher
    }

    fn queue(&self) -> &dyn Queue {
        &self.queue
    }

    async fn settle(&self, settlement: Settlement) {
        assert_eq!(self.queue.progress(&settlement), None);
        self.queue.settle(settlement).await.expect("the batch is settled");
    }

    async fn pass(&self, time: Duration) {
        // The emulator's clock is the real one.
        tokio::time::sleep(time).await;
    }

    fn letters(&self) -> &dyn DeadLetters {
        &self.letters
    }

    fn consumer(&self) -> &'static str {
        CONSUMER
    }

    async fn dead(&self) -> Vec<Dead> {
        let dead = |message: &Message| Dead {
            stream: read_body(message.body.as_deref().unwrap_or_default()).ok().map(|event| event.stream),
            attempts: attribute(message, "attempts").parse().expect("a number"),
            reason: attribute(message, "reason"),
        };
        self.dead_messages().await.iter().map(dead).collect()
    }
}
