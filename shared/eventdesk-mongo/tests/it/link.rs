//! A connection to the server that can be cut or left hanging.

use std::net::SocketAddr;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// What becomes of bytes on the way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Way {
    Open,
    /// Connections are closed, and new ones at once.
    Cut,
    /// Connections stay, and nothing passes.
    Hanging,
}

/// Forwards a port of its own to the server.
pub(crate) struct Link {
    pub(crate) address: SocketAddr,
    way: watch::Sender<Way>,
}

impl Link {
    /// A link to the first host of a URI.
    pub(crate) async fn to(uri: &str) -> Self {
        let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
        let host = rest.split(['/', '?', ',']).next().unwrap_or(rest).to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (way, watched) = watch::channel(Way::Open);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, host.clone(), watched.clone()));
            }
        });
        Self { address, way }
    }

    pub(crate) fn set(&self, way: Way) {
        self.way.send_replace(way);
    }
}

async fn forward(mut client: TcpStream, host: String, mut way: watch::Receiver<Way>) {
    let Ok(mut server) = TcpStream::connect(host).await else { return };
    loop {
        let now = *way.borrow_and_update();
        match now {
            Way::Cut => return,
            Way::Hanging => {
                if way.changed().await.is_err() {
                    return;
                }
            }
            Way::Open => tokio::select! {
                changed = way.changed() => if changed.is_err() { return },
                _ = copy_bidirectional(&mut client, &mut server) => return,
            },
        }
    }
}
