//! Why a request gets no further.

/// Why a request gets no further, with what RFC 6750, section 3.1, has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No bearer token at all: the challenge carries no error.
    #[error("no bearer token")]
    Missing,
    /// Longer than any token of ours.
    #[error("the token is too large")]
    TooLarge,
    /// Not one signed JWT.
    #[error("the token is malformed")]
    Malformed,
    /// None of those that its key is for; `none` and HMAC never are.
    #[error("the token's algorithm is not accepted")]
    Algorithm,
    /// Names no key, or none that the issuer has.
    #[error("the token's key is unknown")]
    UnknownKey,
    /// The signature is not the key's.
    #[error("the token's signature is wrong")]
    Signature,
    /// By somebody else.
    #[error("the token is of another issuer")]
    Issuer,
    /// For somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// Over, or without an end.
    #[error("the token has expired")]
    Expired,
    /// From the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// In order, but with none of the route's scopes.
    #[error("the token has none of the scopes that this needs")]
    InsufficientScope,
    /// The issuer says that it is worth nothing: it was taken back, or is over.
    #[error("the token is not active")]
    Inactive,
    /// The issuer cannot be asked now.
    #[error("the issuer cannot be asked")]
    Unavailable,
}

impl Refusal {
    /// `invalid_token` (401), `insufficient_scope` (403), or none: for a missing token (401), and when the
    /// issuer cannot be asked (503).
    pub const fn code(self) -> Option<&'static str> {
        match self {
            Self::Missing | Self::Unavailable => None,
            Self::InsufficientScope => Some("insufficient_scope"),
            _ => Some("invalid_token"),
        }
    }

    /// What to tell the client, fit for a quoted string; nothing of the inside and nothing of the token.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Missing => "a bearer token is needed",
            Self::TooLarge => "the token is too large",
            Self::Malformed => "the token is malformed",
            Self::Algorithm => "the token's algorithm is not accepted",
            Self::UnknownKey => "the token's key is unknown",
            Self::Signature => "the token's signature is wrong",
            Self::Issuer => "the token is of another issuer",
            Self::Audience => "the token is for another audience",
            Self::Expired => "the token has expired",
            Self::NotYetValid => "the token is not valid yet",
            Self::InsufficientScope => "the token has none of the scopes that this needs",
            Self::Inactive => "the token is not active",
            Self::Unavailable => "tokens cannot be checked now",
        }
    }
}
