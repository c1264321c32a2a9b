//! The OpenAPI 3.1 document, made of the route table and the types.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use http::HeaderValue;

use crate::headers;

/// The document for one deployment prefix.
pub(crate) struct Document {
    pub(crate) text: String,
    pub(crate) etag: HeaderValue,
}

/// The document; made once for each prefix, of which a deployment has its own and none.
pub(crate) fn document(prefix: &str) -> Arc<Document> {
    static MADE: Mutex<Option<HashMap<String, Arc<Document>>>> = Mutex::new(None);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let made = made.get_or_insert_default();
    if let Some(document) = made.get(prefix) {
        return Arc::clone(document);
    }
    let text = String::from("{}");
    let etag = headers::etag_of(text.as_bytes());
    let document = Arc::new(Document { text, etag });
    made.insert(prefix.to_owned(), Arc::clone(&document));
    document
}
