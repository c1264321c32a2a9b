//! AWS adapters of eventdesk's ports: event store and credentials on DynamoDB, the bus on EventBridge and SQS.
