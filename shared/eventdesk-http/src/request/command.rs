//! Executing commands with what the request says about itself.

use eventdesk_app::{Command, CommandContext, CommandError, Done, Idempotency, commands::allowed_moves};
use eventdesk_domain::ticket::TicketError;
use eventdesk_events::{StreamId, Version};
use http::header;
use serde::Serialize;

use super::{Request, etag::IfMatch};
use crate::{Problem, headers};

/// Longest idempotency key, in characters.
const MAX_KEY_CHARS: usize = 255;

impl Request<'_> {
    /// Executes a command that creates something; `body` is what an idempotency key is bound to.
    pub(crate) async fn create<C: Command, B: Serialize>(
        &self,
        command: C,
        body: &B,
    ) -> Result<Done<C::Record>, Problem> {
        let context = self.context(None, body)?;
        self.commands()?.execute(&context, command).await.map_err(|error| self.refusal(error))
    }

    /// Executes a command on what stands in `stream`, if it still is as `If-Match` says.
    pub(crate) async fn change<C: Command, B: Serialize>(
        &self,
        command: C,
        stream: StreamId,
        body: &B,
    ) -> Result<Done<C::Record>, Problem> {
        let if_match = self.if_match(stream).await?;
        let context = self.context(if_match, body)?;
        self.commands()?.execute(&context, command).await.map_err(|error| self.refusal(error))
    }

    /// As [`Request::change`], for a body that is a secret: no digest of it is kept, so a repeat is executed again.
    pub(crate) async fn change_secret<C: Command>(
        &self,
        command: C,
        stream: StreamId,
    ) -> Result<Done<C::Record>, Problem> {
        let if_match = self.if_match(stream).await?;
        let context = CommandContext { idempotency: None, ..self.context(if_match, &())? };
        self.commands()?.execute(&context, command).await.map_err(|error| self.refusal(error))
    }

    fn context<B: Serialize>(&self, if_match: Option<Version>, body: &B) -> Result<CommandContext, Problem> {
        Ok(CommandContext {
            caller: self.caller()?.clone(),
            correlation_id: self.correlation_id(),
            trace_id: self.trace_id(),
            if_match,
            idempotency: self.idempotency(body)?,
        })
    }

    /// The version that must stand. Of several the one that does is taken: should it move on meanwhile, the command
    /// is refused as for any other.
    async fn if_match(&self, stream: StreamId) -> Result<Option<Version>, Problem> {
        let versions = match IfMatch::parse(self.header(&header::IF_MATCH)?.as_deref())? {
            IfMatch::Any => return Ok(None),
            IfMatch::OneOf(versions) => versions,
        };
        let first = versions.first().copied();
        if versions.len() < 2 {
            return Ok(first);
        }
        let head =
            self.commands()?.store.head(stream).await.map_err(|error| Problem::from(CommandError::from(error)))?;
        let standing = head.map(|commit| commit.version);
        Ok(standing.filter(|version| versions.contains(version)).or(first))
    }

    /// The idempotency key, bound to the caller, the method and the path, with the body's digest.
    fn idempotency<B: Serialize>(&self, body: &B) -> Result<Option<Idempotency>, Problem> {
        let Some(key) = self.header(&headers::IDEMPOTENCY_KEY)? else { return Ok(None) };
        let printable = key.chars().count() <= MAX_KEY_CHARS && !key.is_empty() && !key.chars().any(char::is_control);
        if !printable {
            return Err(Problem::invalid_header("Idempotency-Key", "must have 1 to 255 printable characters"));
        }
        let digester = &self.services.idempotency;
        let body = serde_json::to_vec(body).map_err(|error| Problem::internal().because(&error))?;
        let caller = self.caller()?.id.to_string();
        let (method, path) = (self.route.method.as_str(), self.path.trim_end_matches('/'));
        Ok(Some(Idempotency {
            key: digester.digest(&[caller.as_bytes(), method.as_bytes(), path.as_bytes(), key.as_bytes()]),
            body: digester.digest(&[&body]),
        }))
    }

    /// The refusal as this caller may see it: of the statuses that a ticket can reach, those open to them.
    fn refusal(&self, error: CommandError) -> Problem {
        match (error, self.caller()) {
            (CommandError::Ticket(TicketError::InvalidTransition { current, .. }), Ok(caller)) => {
                let allowed = allowed_moves(caller, current);
                TicketError::InvalidTransition { current, allowed }.into()
            }
            (error, _) => error.into(),
        }
    }
}
