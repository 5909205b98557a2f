//! A server on a free port, a connection that shows its bytes, a log that fails on demand.

use serde_json::Value;
use sledger::core::config::{Quota, Settings};
use sledger::core::log::{Appended, Batch, Head, Log};
use sledger::{Config as LedgerConfig, Ledger, MemoryLog};
use sledger_server::{Config, ServeError, Server};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// Longer than anything here may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server that runs.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) ledger: Ledger,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

pub(crate) fn config() -> Config {
    Config { listen: "127.0.0.1:0".to_owned(), ..Config::default() }
}

pub(crate) fn settings(on_exhausted: &str) -> Settings {
    let quota = Quota { on_exhausted: on_exhausted.to_owned(), ..Quota::default_quota() };
    Settings { quotas: vec![Arc::new(quota)], ..Settings::default() }
}

/// A server over a ledger in memory that denies the sixth session of a user.
pub(crate) fn denying() -> Running {
    let ledger = LedgerConfig { settings: settings("deny_access"), ..LedgerConfig::new("unused") };
    Running::over(Ledger::in_memory(ledger).unwrap(), config())
}

impl Running {
    pub(crate) fn over(ledger: Ledger, config: Config) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let theirs = ledger.clone();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async move {
                let server = Server::bind(config, theirs).await?;
                tell.send(server.local_addr()).unwrap();
                server
                    .run(async {
                        // A test that is over stops its server.
                        let _ = stopped.await;
                    })
                    .await
            })
        });
        let address = told.recv_timeout(PATIENCE).unwrap();
        Self { address, ledger, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn connect(&self) -> Wire {
        Wire::to(self.address)
    }

    /// Asks on a connection of its own.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&str>) -> Raw {
        self.connect().ask(method, path, body)
    }

    pub(crate) fn login(&self, user: &str, session: &str) -> Raw {
        let body = format!(r#"{{"user":"{user}","session":"{session}"}}"#);
        self.ask("POST", "/v1/sessions", Some(&body))
    }

    pub(crate) fn stop(&mut self) -> Result<(), ServeError> {
        drop(self.stop.take());
        self.ended()
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self) -> Result<(), ServeError> {
        self.thread.take().unwrap().join().unwrap()
    }

    /// Says that it should stop, without waiting.
    pub(crate) fn begin_to_stop(&mut self) {
        drop(self.stop.take());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if self.ledger.poisoned().is_none() {
            self.ledger.close();
        }
    }
}

/// A response as it came.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Raw {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Checks status and content type of a problem; its JSON.
    pub(crate) fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], status, "{self:?}");
        problem
    }
}

/// A connection.
pub(crate) struct Wire {
    pub(crate) stream: BufReader<TcpStream>,
    host: String,
}

impl Wire {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream), host: address.to_string() }
    }

    pub(crate) fn send(&mut self, text: &[u8]) {
        self.stream.get_mut().write_all(text).unwrap();
    }

    pub(crate) fn ask(&mut self, method: &str, path: &str, body: Option<&str>) -> Raw {
        self.ask_with(method, path, "", body)
    }

    /// With further headers, each with its end of line.
    pub(crate) fn ask_with(&mut self, method: &str, path: &str, headers: &str, body: Option<&str>) -> Raw {
        let host = self.host.clone();
        let length = body.map_or(0, str::len);
        let kind = if method == "GET" { "" } else { "content-type: application/json\r\n" };
        let body = body.unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\n{kind}{headers}content-length: {length}\r\n\r\n"
        );
        self.send(format!("{head}{body}").as_bytes());
        self.read()
    }

    /// Reads one response.
    pub(crate) fn read(&mut self) -> Raw {
        let head = self.read_head();
        let mut body = Vec::new();
        if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
            while let Some(chunk) = self.chunk() {
                body.extend(chunk);
            }
        } else {
            let length = head.to_ascii_lowercase();
            let length = length.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            body.resize(length.unwrap_or(0), 0);
            self.stream.read_exact(&mut body).unwrap();
        }
        let status = head.split(' ').nth(1).unwrap_or_default().parse().unwrap_or(0);
        Raw { status, head, body: String::from_utf8(body).unwrap() }
    }

    pub(crate) fn read_head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(self.stream.read_line(&mut head).unwrap() > 0, "ended within {head:?}");
        }
        head
    }

    /// The next chunk of a chunked body; `None` after the last, or at the end of the connection.
    pub(crate) fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut size = String::new();
        self.stream.read_line(&mut size).ok().filter(|read| *read > 0)?;
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        self.stream.read_exact(&mut chunk).unwrap();
        chunk.truncate(size);
        (size > 0).then_some(chunk)
    }
}

/// A log in memory whose appends fail once `broken` is set.
pub(crate) struct Fragile {
    log: MemoryLog,
    broken: Arc<AtomicBool>,
}

impl Fragile {
    pub(crate) fn new() -> (Self, Arc<AtomicBool>) {
        let broken = Arc::new(AtomicBool::new(false));
        (Self { log: MemoryLog::default(), broken: Arc::clone(&broken) }, broken)
    }
}

impl Log for Fragile {
    fn append(&mut self, batch: Batch<'_>, head: &Head) -> Appended {
        if self.broken.load(Ordering::SeqCst) {
            return Appended::Failed("the disk is on fire".to_owned());
        }
        self.log.append(batch, head)
    }

    fn head(&self) -> Head {
        self.log.head()
    }

    fn close(&mut self) -> Result<(), String> {
        Ok(())
    }
}
