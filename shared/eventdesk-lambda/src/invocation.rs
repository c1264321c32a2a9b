//! What surrounds every invocation.

use std::{
    io::stdout,
    task::{Context, Poll},
};

use eventdesk_app::ports::Clock;
use eventdesk_http::x_ray_trace_id;
use eventdesk_runtime::SystemClock;
use futures_util::{FutureExt, future::Inspect};
use lambda_runtime::{
    Error, LambdaInvocation,
    tower::{Layer, Service},
};
use tracing::{Instrument, error_span, instrument::Instrumented, warn};

use crate::figures::{Figures, Ids};

/// Puts the invocation's ids on all of its lines, and writes what was measured during it.
///
/// The caller has its answer by the time that the figures are written, and Lambda waits for them.
pub(crate) struct Invocations {
    pub(crate) figures: &'static Figures,
    pub(crate) clock: SystemClock,
}

/// A service within [`Invocations`].
pub(crate) struct Surrounded<S> {
    figures: &'static Figures,
    clock: SystemClock,
    inner: S,
}

impl<S> Layer<S> for Invocations {
    type Service = Surrounded<S>;

    fn layer(&self, inner: S) -> Surrounded<S> {
        Surrounded { figures: self.figures, clock: self.clock, inner }
    }
}

type AtTheEnd = Box<dyn FnOnce(&Result<(), Error>) + Send>;

impl<S: Service<LambdaInvocation, Response = (), Error = Error>> Service<LambdaInvocation> for Surrounded<S> {
    type Response = ();
    type Error = Error;
    type Future = Instrumented<Inspect<S::Future, AtTheEnd>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let (figures, clock) = (self.figures, self.clock);
        let request_id = invocation.context.request_id.clone();
        let trace_id = invocation.context.xray_trace_id.as_deref().and_then(x_ray_trace_id);
        // Of the highest level, so that a filter which lets any line through lets the ids through with it.
        let span = error_span!("invocation", request_id, trace_id);
        figures.begin(Ids { request_id, trace_id });
        let at_the_end: AtTheEnd = Box::new(move |_| {
            if let Err(error) = figures.tell(clock.now(), stdout()) {
                warn!(error = &error as &dyn std::error::Error, "figures cannot be written");
            }
        });
        let call = span.in_scope(|| self.inner.call(invocation));
        call.inspect(at_the_end).instrument(span)
    }
}
