//! The read store on MongoDB.
//!
//! A view is a collection per generation (`tickets_g1`), a document of a view one document there: declared fields as
//! values of their own, for filters and indexes, and the body as the text it is. What is used of MongoDB is little and
//! common: guarded writes of single documents, equality and ranges, indexes, `$match` and `$group`. There are no
//! multi-document transactions, no pipelines in updates, no text indexes and no collations.

mod alias;
mod consumers;
mod fault;
mod form;
mod generations;
mod options;
mod prepare;
mod query;
mod server;
mod store;
mod write;

pub use fault::MongoError;
pub use options::MongoOptions;
pub use store::MongoReadStore;
