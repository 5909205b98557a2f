//! The peer: a Redis server of our own with a limiter in Lua, asked over one plain connection.

mod resp;

use crate::cpu;
use crate::work::{LIMIT, Run, Work};
use anyhow::{Context, bail};
use clap::Args;
use hdrhistogram::Histogram;
use resp::{Reply, command, reply};
use std::io::{self, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// One sorted set a user, scored by when a session ends. What has expired goes; at the limit the next to expire
/// goes; the newcomer comes in. Answers how many had to go.
const SCRIPT: &str = "\
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
local evicted = 0
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then
  redis.call('ZPOPMIN', KEYS[1])
  evicted = 1
end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[4])
return evicted";

/// Ports tried: another process may take a free one before Redis does.
const STARTS_MAX: u32 = 5;
/// How long Redis may take to answer after its start.
const START_MAX: Duration = Duration::from_secs(10);
/// How long one reply may take.
const REPLY_MAX: Duration = Duration::from_secs(30);
/// Logins sent together while it is filled: nobody measures it then.
const FILL_PIPELINE: usize = 4096;
/// A session's life in milliseconds: nothing expires within a run, as on our side.
const LIFE: u64 = 12 * 3600 * 1000;

/// Which Redis, and how it is asked.
#[derive(Args, Clone, Debug)]
pub(crate) struct Peer {
    /// Requests sent to Redis before their replies are read
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(crate) pipeline: u16,
    /// The Redis server to start
    #[arg(long, default_value = "redis-server")]
    pub(crate) redis: String,
}

impl Peer {
    /// The version, or word on stderr that there is none.
    pub(crate) fn version(&self) -> anyhow::Result<Option<String>> {
        let version = Redis::version(&self.redis)?;
        if version.is_none() {
            let mut err = io::stderr();
            writeln!(err, "`{}` is not installed: figures come without a ratio", self.redis)?;
        }
        Ok(version)
    }

    /// What it is called beside our figures.
    pub(crate) fn name(&self, version: Option<&str>) -> String {
        match version {
            Some(version) => format!("Redis {version} Lua, pipeline {}", self.pipeline),
            None => format!("`{}` (not installed)", self.redis),
        }
    }
}

/// A running server and the connection to it. Stopped when dropped.
pub(crate) struct Redis {
    connection: BufReader<TcpStream>,
    script: Vec<u8>,
    out: Vec<u8>,
    _server: Server,
    _folder: TempDir,
}

/// A server process; killed when dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself: then there is nothing to kill.
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

impl Redis {
    /// The version of `program`; `None` when it is not installed.
    fn version(program: &str) -> anyhow::Result<Option<String>> {
        let said = match Command::new(program).arg("--version").output() {
            Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("run `{program}`")),
        };
        let version = said.split_whitespace().find_map(|word| word.strip_prefix("v="));
        Ok(Some(version.unwrap_or("of unknown version").to_owned()))
    }

    /// Starts `program` with its data in `folder`.
    pub(crate) fn start(program: &str, folder: &Path) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix_in("redis-", folder)?;
        for _ in 0..STARTS_MAX {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
            let mut server = spawn(program, port, folder.path())?;
            if let Some(stream) = connect(&mut server, port)? {
                return Self::over(stream, server, folder);
            }
        }
        bail!("`{program}` did not start on any of {STARTS_MAX} free ports");
    }

    fn over(stream: TcpStream, server: Server, folder: TempDir) -> anyhow::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(REPLY_MAX))?;
        let connection = BufReader::with_capacity(64 * 1024, stream);
        let pid = server.0.id();
        let mut redis =
            Self { connection, script: Vec::new(), out: Vec::new(), _server: server, _folder: folder };
        let info = String::from_utf8_lossy(&redis.ask(&[b"INFO"])?).into_owned();
        if !info.lines().any(|line| line == format!("process_id:{pid}")) {
            bail!("another server answers on the port of ours");
        }
        if !info.lines().any(|line| line == "aof_enabled:1") {
            bail!("Redis does not append to a file");
        }
        redis.script = redis.ask(&[b"SCRIPT", b"LOAD", SCRIPT.as_bytes()])?;
        Ok(redis)
    }

    /// Empties it and fills the users of `work` that are full.
    pub(crate) fn refill(&mut self, work: &Work) -> anyhow::Result<()> {
        self.ask(&[b"FLUSHALL"])?;
        let mut filling = work.filling().peekable();
        while filling.peek().is_some() {
            let some = filling.by_ref().take(FILL_PIPELINE).map(|n| work.filler(n));
            let sent = self.send(some)?;
            self.collect(sent)?;
        }
        Ok(())
    }

    /// The logins of `range`, `pipeline` at a time.
    pub(crate) fn run(&mut self, work: &Work, range: Range<u64>, pipeline: usize) -> anyhow::Result<Run> {
        let (logins, begun) = (range.end - range.start, Instant::now());
        let mut latencies = Histogram::new(3)?;
        let (mut evicted, mut rest) = (0, range);
        while !rest.is_empty() {
            let asked = Instant::now();
            let sent = self.send(rest.by_ref().take(pipeline).map(|n| work.login(n)))?;
            evicted += self.collect(sent)?;
            latencies.record_n(u64::try_from(asked.elapsed().as_nanos())?, sent)?;
        }
        Ok(Run { logins, took: begun.elapsed(), latencies, evicted, spent: cpu::Spent::new() })
    }

    fn send(&mut self, logins: impl Iterator<Item = (String, String)>) -> anyhow::Result<u64> {
        let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
        let (expired, expires, limit) = (now.to_string(), (now + LIFE).to_string(), LIMIT.to_string());
        self.out.clear();
        let mut sent = 0;
        for (user, session) in logins {
            let words: [&[u8]; 8] = [
                b"EVALSHA",
                &self.script,
                b"1",
                user.as_bytes(),
                expired.as_bytes(),
                expires.as_bytes(),
                limit.as_bytes(),
                session.as_bytes(),
            ];
            command(&mut self.out, &words)?;
            sent += 1;
        }
        self.connection.get_mut().write_all(&self.out)?;
        Ok(sent)
    }

    /// How many of `sent` logins evicted somebody.
    fn collect(&mut self, sent: u64) -> anyhow::Result<u64> {
        let mut evicted = 0;
        for _ in 0..sent {
            match reply(&mut self.connection)? {
                Reply::Int(count) => evicted += u64::try_from(count)?,
                Reply::Text(text) => bail!("the script answered `{}`", text.escape_ascii()),
            }
        }
        Ok(evicted)
    }

    fn ask(&mut self, words: &[&[u8]]) -> anyhow::Result<Vec<u8>> {
        self.out.clear();
        command(&mut self.out, words)?;
        self.connection.get_mut().write_all(&self.out)?;
        match reply(&mut self.connection)? {
            Reply::Text(text) => Ok(text),
            Reply::Int(int) => Ok(int.to_string().into_bytes()),
        }
    }
}

fn spawn(program: &str, port: u16, folder: &Path) -> anyhow::Result<Server> {
    let port = port.to_string();
    let child = Command::new(program)
        .args(["--port", &port, "--bind", "127.0.0.1", "--daemonize", "no"])
        .args(["--appendonly", "yes", "--appendfsync", "always", "--save", ""])
        .args(["--auto-aof-rewrite-percentage", "0", "--dir"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Ok(Server(child.with_context(|| format!("start `{program}`"))?))
}

/// Connects as soon as it listens; `None` when it ended first, as it does when somebody else has its port.
fn connect(server: &mut Server, port: u16) -> anyhow::Result<Option<TcpStream>> {
    let begun = Instant::now();
    while begun.elapsed() < START_MAX {
        if server.0.try_wait()?.is_some() {
            return Ok(None);
        }
        if let Ok(stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            return Ok(Some(stream));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    bail!("Redis did not listen within {START_MAX:?}")
}
