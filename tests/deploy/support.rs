//! A running server, and whom it is tested with.

use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Longer than anything here takes on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at something that says nothing when it changes.
const LOOK_EACH: Duration = Duration::from_millis(50);

/// The program, where it was built beside this test.
pub(crate) fn program() -> PathBuf {
    let beside = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("sledger");
    let program = std::env::var_os("SLEDGER_BIN").map_or(beside, PathBuf::from);
    assert!(program.exists(), "`{}` is not there: cargo build -p sledger-cli", program.display());
    program
}

/// The room of the command: its unit, its package.
pub(crate) fn room(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("crates").join(name)
}

/// Whether every one of `programs` runs. What is not tested for want of one is said by name; with CI=true nothing may be.
#[expect(clippy::print_stdout, reason = "whoever runs the tests is to know what was not tested")]
pub(crate) fn have(test: &str, programs: &[&[&str]]) -> bool {
    let runs = |command: &[&str]| {
        let mut asked = Command::new(command[0]);
        asked.args(&command[1..]).arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        asked.stdin(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let missing: Vec<String> =
        programs.iter().filter(|command| !runs(command)).map(|command| command.join(" ")).collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{missing} is not installed");
        println!("skipped: {test}: {missing} is not installed");
        return false;
    }
    true
}

/// Runs the program to its end; what it wrote to stdout.
pub(crate) fn said(args: &[&str]) -> String {
    let output = Command::new(program()).args(args).env_clear().stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Looks until there is something to see, at most for [`PATIENCE`].
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        match look() {
            Ok(seen) => return seen,
            Err(why) => assert!(Instant::now() < end, "{what}: {why}"),
        }
        std::thread::park_timeout(LOOK_EACH);
    }
}

/// One request; the status and the body.
pub(crate) fn ask(address: &str, method: &str, path: &str, body: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.ok_or(std::io::ErrorKind::InvalidData)?, body.to_owned()))
}

/// A process, killed with the test that started it.
#[derive(Debug)]
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// A server in a folder of its own, with nothing of this machine's configuration.
pub(crate) struct Served {
    child: Running,
    dir: tempfile::TempDir,
    /// Kept open: what it says later goes into it.
    _talk: BufReader<ChildStdout>,
    /// HOST:PORT.
    pub(crate) address: String,
}

impl Served {
    /// With this configuration and environment.
    pub(crate) fn start(config: &str, environment: &[(&str, &str)]) -> Self {
        Self::start_by(|| Command::new(program()), config, environment)
    }

    /// Started by another program, which is told the command line after its own.
    pub(crate) fn start_by(by: impl Fn() -> Command, config: &str, environment: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut child = begin(by(), &dir, config, environment);
        let mut talk = BufReader::new(child.0.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("listening on ") {
            line.clear();
            let read = talk.read_line(&mut line).unwrap();
            assert!(read > 0, "it ended before it listened: {}", log_of(&dir));
        }
        let address = line.trim_start_matches("listening on http://").trim_end().to_owned();
        Self { child, dir, _talk: talk, address }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.0.id()
    }

    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        ask(&self.address, method, path, body).unwrap()
    }

    pub(crate) fn login(&self, user: &str, session: &str) -> (u16, String) {
        let body = format!(r#"{{"user":"{user}","session":"{session}"}}"#);
        self.ask("POST", "/v1/sessions", &body)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap(), signal).unwrap();
    }

    /// Waits for its end; its status and its log.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let status = self.child.0.wait().unwrap();
        (status, log_of(&self.dir))
    }

    /// Asks it to stop.
    pub(crate) fn stop(self) -> String {
        self.signal(Signal::TERM);
        let (status, log) = self.end();
        assert!(status.success(), "{status}: {log}");
        log
    }
}

/// Starts to serve in `dir`, the log going to a file.
pub(crate) fn begin(
    mut command: Command,
    dir: &tempfile::TempDir,
    config: &str,
    environment: &[(&str, &str)],
) -> Running {
    std::fs::write(dir.path().join("sledger.toml"), config).unwrap();
    command.args(["serve", "--data", "data"]);
    command.env_clear().env("SLEDGER__LEDGER__RESERVE", "0B").env("SLEDGER__SERVER__LISTEN", "127.0.0.1:0");
    command.envs(environment.iter().copied()).current_dir(dir.path()).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(File::create(dir.path().join("log")).unwrap());
    Running(command.spawn().unwrap())
}

/// What a server in `dir` logged.
pub(crate) fn log_of(dir: &tempfile::TempDir) -> String {
    std::fs::read_to_string(dir.path().join("log")).unwrap()
}
