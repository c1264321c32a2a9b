//! A connection that can be cut: what stands between a desk and its database in tests of outages.

use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Passes connections on to a server, unless it is cut.
pub struct Wire {
    address: String,
    whole: Arc<watch::Sender<bool>>,
    task: JoinHandle<()>,
}

impl Wire {
    /// A whole wire to the server at `host:port`, on a free port.
    pub async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address").to_string();
        let whole = Arc::new(watch::Sender::new(true));
        let (server, state) = (server.to_owned(), Arc::clone(&whole));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass(stream, server.clone(), state.subscribe()));
            }
        });
        Self { address, whole, task }
    }

    /// Where it begins, as `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Breaks all connections, and each new one at once.
    pub fn cut(&self) {
        self.whole.send_replace(false);
    }

    /// Lets new connections through again.
    pub fn mend(&self) {
        self.whole.send_replace(true);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(mut stream: TcpStream, server: String, mut whole: watch::Receiver<bool>) {
    let passing = async {
        if let Ok(mut beyond) = TcpStream::connect(server).await {
            // Either side may go away at any time.
            let _ = copy_bidirectional(&mut stream, &mut beyond).await;
        }
    };
    tokio::select! {
        () = passing => {}
        _ = whole.wait_for(|whole| !whole) => {}
    }
}
