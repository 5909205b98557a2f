//! A server on a free port, over a ledger of the test.

use sledger::{Config as LedgerConfig, Ledger};
use sledger_client::{Client, Retries};
use sledger_server::{Config, Server};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// Longer than anything here may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server that runs until it is dropped.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) ledger: Ledger,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    pub(crate) fn in_memory() -> Self {
        Self::over(Ledger::in_memory(LedgerConfig::new("unused")).unwrap())
    }

    pub(crate) fn on_disk(dir: &Path) -> Self {
        Self::over(Ledger::open(LedgerConfig { reserve_bytes: 0, ..LedgerConfig::new(dir) }).unwrap())
    }

    fn over(ledger: Ledger) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = channel();
        let theirs = ledger.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.unwrap().block_on(async move {
                let config = Config { listen: "127.0.0.1:0".to_owned(), ..Config::default() };
                let server = Server::bind(config, theirs).await.unwrap();
                tell.send(server.local_addr()).unwrap();
                let until = async {
                    // A test that is over stops its server.
                    let _over = stopped.await;
                };
                server.run(until).await.unwrap();
            });
        });
        let address = told.recv_timeout(PATIENCE).unwrap();
        Self { address, ledger, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // What it panicked about is told by its own message.
            let _panicked = thread.join();
        }
        self.ledger.close();
    }
}

/// A client with connections of its own, that hardly pauses.
pub(crate) fn client(address: SocketAddr) -> Client {
    let retries = Retries { pause: Duration::from_millis(1), ..Retries::default() };
    Client::new(&format!("http://{address}")).unwrap().with_retries(retries)
}
