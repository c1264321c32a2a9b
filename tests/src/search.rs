//! A search of all that a desk keeps on its services: tables, read models, queues and dead letters.

use std::io::Read as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::read::DeflateDecoder;
use futures_util::TryStreamExt as _;
use mongodb::bson::{Document, doc};
use serde_json::{Value, json};

use crate::Cloud;

impl Cloud {
    /// Where one of these words stands, with the word: in tables, documents of every generation, or queues.
    pub async fn holding(&self, words: &[String]) -> Vec<String> {
        let mut found = Vec::new();
        for (place, text) in self.everything().await {
            let held = words.iter().filter(|word| text.contains(word.as_str()));
            found.extend(held.map(|word| format!("{place} holds {word}")));
        }
        found.sort();
        found.dedup();
        found
    }

    /// All that there is, as text, with where it lies.
    async fn everything(&self) -> Vec<(String, String)> {
        let mut all = self.items().await;
        all.extend(self.documents().await);
        all.extend(self.messages().await);
        all
    }

    async fn items(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        let tables = self.aws.call("dynamodb", "DynamoDB_20120810.ListTables", &json!({})).await;
        for table in tables["TableNames"].as_array().into_iter().flatten() {
            let mut from = Value::Null;
            loop {
                let mut asked = json!({ "TableName": table });
                if !from.is_null() {
                    asked["ExclusiveStartKey"] = from;
                }
                let page = self.aws.call("dynamodb", "DynamoDB_20120810.Scan", &asked).await;
                let items = page["Items"].as_array().into_iter().flatten();
                all.extend(items.map(|item| (format!("table {table}"), readable(item))));
                from = page["LastEvaluatedKey"].clone();
                if from.is_null() {
                    break;
                }
            }
        }
        all
    }

    async fn documents(&self) -> Vec<(String, String)> {
        let database = self.read_models().await;
        let mut all = Vec::new();
        for name in database.list_collection_names().await.expect("collections can be listed") {
            let cursor = database.collection::<Document>(&name).find(doc! {}).await.expect("documents can be read");
            let documents: Vec<Document> = cursor.try_collect().await.expect("documents can be read");
            all.extend(documents.into_iter().map(|document| (format!("collection {name}"), document.to_string())));
        }
        all
    }

    async fn messages(&self) -> Vec<(String, String)> {
        let queues = self.aws.call("sqs", "AmazonSQS.ListQueues", &json!({})).await;
        let mut all = Vec::new();
        for queue in queues["QueueUrls"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let mut seen = Vec::new();
            loop {
                let messages = self.receive(queue).await;
                if messages.is_empty() {
                    break;
                }
                seen.extend(messages);
            }
            for message in &seen {
                self.release(queue, message).await;
            }
            all.extend(seen.into_iter().map(|message| (format!("queue {queue}"), message.body)));
        }
        all
    }
}

/// An item with its packed texts unpacked.
fn readable(item: &Value) -> String {
    let mut text = item.to_string();
    for value in item.as_object().into_iter().flat_map(serde_json::Map::values) {
        let packed = value["B"].as_str().and_then(|packed| STANDARD.decode(packed).ok());
        let mut unpacked = String::new();
        if packed.is_some_and(|packed| DeflateDecoder::new(packed.as_slice()).read_to_string(&mut unpacked).is_ok()) {
            text.push_str(&unpacked);
        }
    }
    text
}
