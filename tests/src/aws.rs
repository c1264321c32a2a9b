//! Calls to the emulation of AWS, in the services' own protocols and without their SDKs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The region of everything that tests deploy.
pub(crate) const REGION: &str = "eu-central-1";

/// AWS at one URL; it takes every key.
#[derive(Clone)]
pub(crate) struct Aws {
    http: reqwest::Client,
    url: String,
}

/// A message as it was received.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its id, the same each time it is received.
    pub id: String,
    /// What it is deleted by.
    pub receipt: String,
    /// Its body.
    pub body: String,
    /// Its system attributes.
    pub attributes: BTreeMap<String, Value>,
    /// What the sender added: texts by name.
    pub added: BTreeMap<String, String>,
}

impl Aws {
    pub(crate) fn at(url: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().expect("a plain client needs nothing");
        Self { http, url: url.to_owned() }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn request(&self, service: &str) -> reqwest::RequestBuilder {
        // The emulation finds region and service here, and looks at nothing else.
        let scope = format!("testing/20260101/{REGION}/{service}/aws4_request");
        let signed = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00");
        self.http.post(format!("{}/", self.url)).header("authorization", signed)
    }

    /// An action of a service that speaks JSON, named as in `X-Amz-Target`.
    pub(crate) async fn call(&self, service: &str, target: &str, body: &Value) -> Value {
        let request = self.request(service).header("x-amz-target", target);
        let request = request.header("content-type", "application/x-amz-json-1.0").body(body.to_string());
        let answer = request.send().await.unwrap_or_else(|error| panic!("{target}: {error}"));
        let status = answer.status();
        let text = answer.text().await.unwrap_or_default();
        assert!(status.is_success(), "{target} {body} -> {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Up to ten messages of a queue; they are hidden for as long as the queue says.
    pub(crate) async fn receive(&self, queue: &str) -> Vec<Message> {
        let asked = json!({
            "QueueUrl": queue,
            "MaxNumberOfMessages": 10,
            "WaitTimeSeconds": 0,
            "AttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        });
        let answer = self.call("sqs", "AmazonSQS.ReceiveMessage", &asked).await;
        let text = |one: &Value, member: &str| one[member].as_str().unwrap_or_default().to_owned();
        let message = |one: &Value| Message {
            id: text(one, "MessageId"),
            receipt: text(one, "ReceiptHandle"),
            body: text(one, "Body"),
            attributes: serde_json::from_value(one["Attributes"].clone()).unwrap_or_default(),
            added: one["MessageAttributes"]
                .as_object()
                .map(|added| added.iter().map(|(name, value)| (name.clone(), text(value, "StringValue"))).collect())
                .unwrap_or_default(),
        };
        answer["Messages"].as_array().map(|all| all.iter().map(message).collect()).unwrap_or_default()
    }

    pub(crate) async fn send(&self, queue: &str, body: &str) {
        self.call("sqs", "AmazonSQS.SendMessage", &json!({ "QueueUrl": queue, "MessageBody": body })).await;
    }

    pub(crate) async fn delete(&self, queue: &str, message: &Message) {
        let asked = json!({ "QueueUrl": queue, "ReceiptHandle": message.receipt });
        self.call("sqs", "AmazonSQS.DeleteMessage", &asked).await;
    }

    /// Shows a received message to receivers again, at once.
    pub(crate) async fn release(&self, queue: &str, message: &Message) {
        let asked = json!({ "QueueUrl": queue, "ReceiptHandle": message.receipt, "VisibilityTimeout": 0 });
        self.call("sqs", "AmazonSQS.ChangeMessageVisibility", &asked).await;
    }

    /// How many messages a queue holds, hidden ones with them.
    pub(crate) async fn waiting(&self, queue: &str) -> u64 {
        let asked = json!({ "QueueUrl": queue, "AttributeNames": ["All"] });
        let answer = self.call("sqs", "AmazonSQS.GetQueueAttributes", &asked).await;
        let count = |name: &str| answer["Attributes"][name].as_str().and_then(|text| text.parse().ok()).unwrap_or(0);
        count("ApproximateNumberOfMessages") + count("ApproximateNumberOfMessagesNotVisible")
    }

    pub(crate) async fn set_visibility(&self, queue: &str, seconds: u32) {
        let attributes = json!({ "VisibilityTimeout": seconds.to_string() });
        let asked = json!({ "QueueUrl": queue, "Attributes": attributes });
        self.call("sqs", "AmazonSQS.SetQueueAttributes", &asked).await;
    }

    /// A queue of this name behind a rule of this name.
    pub(crate) async fn subscribe(&self, bus: &str, name: &str, pattern: &Value) -> String {
        let made = self.call("sqs", "AmazonSQS.CreateQueue", &json!({ "QueueName": name })).await;
        let queue = made["QueueUrl"].as_str().unwrap_or_else(|| panic!("no queue: {made}")).to_owned();
        let asked = json!({ "QueueUrl": queue, "AttributeNames": ["QueueArn"] });
        let told = self.call("sqs", "AmazonSQS.GetQueueAttributes", &asked).await;
        let rule = json!({ "Name": name, "EventBusName": bus, "EventPattern": pattern.to_string() });
        self.call("events", "AWSEvents.PutRule", &rule).await;
        let target = json!({ "Id": "queue", "Arn": told["Attributes"]["QueueArn"] });
        let asked = json!({ "Rule": name, "EventBusName": bus, "Targets": [target] });
        let put = self.call("events", "AWSEvents.PutTargets", &asked).await;
        assert_eq!(put["FailedEntryCount"], 0, "{put}");
        queue
    }

    pub(crate) async fn unsubscribe(&self, bus: &str, name: &str) {
        let queue = self.call("sqs", "AmazonSQS.GetQueueUrl", &json!({ "QueueName": name })).await["QueueUrl"].clone();
        let asked = json!({ "Rule": name, "EventBusName": bus, "Ids": ["queue"] });
        self.call("events", "AWSEvents.RemoveTargets", &asked).await;
        self.call("events", "AWSEvents.DeleteRule", &json!({ "Name": name, "EventBusName": bus })).await;
        self.call("sqs", "AmazonSQS.DeleteQueue", &json!({ "QueueUrl": queue })).await;
    }

    pub(crate) async fn put_secret(&self, name: &str, value: &str) {
        let asked = json!({ "Name": name, "Value": value, "Type": "SecureString", "Overwrite": true });
        self.call("ssm", "AmazonSSM.PutParameter", &asked).await;
    }
}
