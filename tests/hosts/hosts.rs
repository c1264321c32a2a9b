//! One running desk of each kind for all tests.

use std::sync::{Arc, Mutex, PoisonError};

use eventdesk_tests::{Host, Kind};
use tokio::runtime::Runtime;

/// The hosts that have been asked for, and the runtime on which they and the tests run.
pub(crate) struct Hosts {
    runtime: Runtime,
    /// In the order of [`Kind::ALL`].
    started: [Mutex<Option<Arc<Host>>>; 3],
}

impl Hosts {
    pub(crate) fn new() -> Self {
        Self { runtime: Runtime::new().expect("threads can be started"), started: Default::default() }
    }

    /// The desk of this kind, which is started by whoever asks first; the others wait.
    pub(crate) fn get(&self, kind: Kind) -> Arc<Host> {
        // Nothing but the start happens under the lock.
        let mut started =
            self.started[kind as usize].lock().unwrap_or_else(|_| panic!("the desk never started: see the first test"));
        Arc::clone(started.get_or_insert_with(|| Arc::new(self.block_on(kind.start()))))
    }

    /// Runs to its end what a test does.
    pub(crate) fn block_on<T>(&self, test: impl Future<Output = T>) -> T {
        self.runtime.block_on(test)
    }

    /// Ends all that was started.
    pub(crate) fn end(&self) {
        for host in &self.started {
            let host = host.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(host) = host.and_then(Arc::into_inner) {
                self.block_on(host.end());
            }
        }
    }
}
