//! What the desk does, between pure rules and the outside: ports, commands, projections and queries.
//!
//! Nothing here knows HTTP status codes, SQL, MongoDB or AWS: those stand behind the ports or before the commands.

pub mod ports;

mod secret;

pub use secret::{DeploymentSecret, Digest, Digester, SecretError};
