//! The read store on MongoDB.
