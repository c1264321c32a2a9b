//! Runs a suite to its end and names every case that failed.

use std::{any::Any, panic::AssertUnwindSafe};

use futures_util::FutureExt;

/// The cases of a suite that failed so far.
#[derive(Default)]
pub(crate) struct Report(Vec<String>);

impl Report {
    pub(crate) async fn case(&mut self, name: &str, case: impl Future<Output = ()>) {
        if let Err(panic) = AssertUnwindSafe(case).catch_unwind().await {
            self.0.push(format!("{name}: {}", text(&*panic)));
        }
    }

    pub(crate) fn finish(self) {
        assert!(self.0.is_empty(), "{} cases failed:\n{}", self.0.len(), self.0.join("\n"));
    }
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panicked")
}

/// Runs each case on what the factory makes for it.
macro_rules! run_cases {
    ($factory:expr, [$($module:ident::$case:ident),+ $(,)?]) => {{
        let mut report = $crate::suite::Report::default();
        $( report.case(stringify!($case), $module::$case($factory().await)).await; )+
        report.finish();
    }};
}

pub(crate) use run_cases;
