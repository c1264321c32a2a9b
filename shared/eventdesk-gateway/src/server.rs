//! The socket: connections, keep-alive, and an end that loses nothing.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    pin, select,
    sync::{mpsc, watch},
    time::{sleep, timeout},
};
use tracing::{debug, info, warn};

use crate::{Gateway, edge::Edge};

/// How long a connection may be idle, or take over the head of a request.
const HEAD_WITHIN: Duration = Duration::from_secs(75);
/// More than any head the gateway accepts, so that it, and not the parser, refuses those that are too long.
const READ_BUFFER: usize = 64 * 1024;
const MOST_HEADERS: usize = 200;
/// How long to wait after the system could not accept, for want of file descriptors mostly.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// A socket that a gateway is to serve.
pub struct Server {
    listener: TcpListener,
}

/// Held by everything that a stop has to wait for.
pub(crate) type Work = mpsc::Sender<Infallible>;

impl Server {
    /// Takes the address; port 0 = any free one. Nothing is accepted before [`Server::run`], but callers may already
    /// connect and wait.
    ///
    /// # Errors
    /// Those of the system, such as an address in use.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await? })
    }

    /// The address taken.
    ///
    /// # Errors
    /// Those of the system.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is over. Then it accepts no more connections and no more requests, finishes those it has,
    /// and returns when they are answered or `patience` is over.
    pub async fn run(self, gateway: Gateway, stop: impl Future<Output = ()>, patience: Duration) {
        let gateway = Arc::new(gateway);
        let (stopping, stopped) = watch::channel(false);
        let (work, mut all_done) = mpsc::channel(1);
        let http = http();
        pin!(stop);
        loop {
            select! {
                () = &mut stop => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        let connection = Connection {
                            http: http.clone(),
                            gateway: Arc::clone(&gateway),
                            peer: peer.ip(),
                            work: work.clone(),
                        };
                        tokio::spawn(connection.serve(stream, stopped.clone()));
                    }
                    Err(error) => cannot_accept(&error).await,
                },
            }
        }
        drop(self.listener);
        // There may be nobody left to tell.
        let _ = stopping.send(true);
        drop(work);
        // Nothing is ever sent: receiving ends when the last holder is gone.
        if timeout(patience, all_done.recv()).await.is_err() {
            warn!("stopped with requests unanswered");
        } else {
            info!("every accepted request is answered");
        }
    }
}

/// A caller that is gone again is no news; anything else may last, so it must not make the loop spin.
async fn cannot_accept(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        warn!(error = error as &dyn std::error::Error, "cannot accept connections");
        sleep(ACCEPT_AGAIN_AFTER).await;
    }
}

fn http() -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(READ_BUFFER)
        .max_headers(MOST_HEADERS)
        // Callers that send the last request and close their side still get its answer.
        .half_close(true);
    http
}

struct Connection {
    http: http1::Builder,
    gateway: Arc<Gateway>,
    peer: IpAddr,
    work: Work,
}

impl Connection {
    async fn serve(self, stream: TcpStream, mut stopped: watch::Receiver<bool>) {
        // An answer is written at once and whole: waiting for more to send only delays it.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(error = &error as &dyn std::error::Error, "no TCP_NODELAY");
        }
        let (gateway, peer, work) = (self.gateway, self.peer, self.work);
        let stream = Edge::new(stream, gateway.ids(), gateway.head_limit());
        let service = service_fn(|request| {
            let (gateway, work) = (Arc::clone(&gateway), work.clone());
            async move { Ok::<_, Infallible>(gateway.answer(request, peer, work).await) }
        });
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        pin!(connection);
        let ended = select! {
            ended = connection.as_mut() => ended,
            // The guard that it hands back must not live on.
            () = async { drop(stopped.wait_for(|stopped| *stopped).await) } => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            debug!(error = &error as &dyn std::error::Error, "connection broke");
        }
    }
}
