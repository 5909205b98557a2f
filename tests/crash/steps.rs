//! The calls that a ledger makes on its files, as `strace` shows them, and one of them made to fail.

use sledger_testkit::recordings::Rng;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Calls that are asked of the disk.
const CALLS: [&str; 14] = [
    "openat",
    "read",
    "pread64",
    "write",
    "pwrite64",
    "ftruncate",
    "fdatasync",
    "fsync",
    "sync_file_range",
    "rename",
    "unlink",
    "rmdir",
    "mkdir",
    "getdents64",
];

/// No snapshot of these runs is of a later event.
const SNAPSHOT_SEQ_MAX: u32 = 1_500;

/// A call on a file of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Step {
    pub(crate) call: &'static str,
    /// Below the data directory; empty for the directory itself.
    pub(crate) path: PathBuf,
    /// How often it came.
    pub(crate) times: usize,
}

impl Step {
    /// The file it concerns. A snapshot is named by the seq at which it was due, which differs from run to run: there
    /// it is whichever comes.
    fn paths(&self) -> Vec<PathBuf> {
        let is_snapshot = self.path.parent() == Some(Path::new("snapshots"));
        match self.path.extension().filter(|_| is_snapshot) {
            Some(end) => (1..=SNAPSHOT_SEQ_MAX)
                .map(|seq| format!("snapshots/{seq:012}.{}", end.display()).into())
                .collect(),
            None => vec![self.path.clone()],
        }
    }

    /// What it is for: numbers in names do not count.
    fn kind(&self) -> (&'static str, String) {
        let path = self.path.to_string_lossy();
        let parts = path.split('/').map(|part| part.replace(|c: char| c.is_ascii_digit(), "#"));
        (self.call, parts.collect::<Vec<_>>().join("/"))
    }
}

/// One call that is to fail.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    step: Step,
    error: &'static str,
    /// The how manieth such call on that file, from 1.
    when: usize,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of `{}`, no {}: {}", self.step.call, self.step.path.display(), self.when, self.error)
    }
}

impl Fault {
    /// Whether nobody may be told yes any more.
    pub(crate) fn is_fatal(&self) -> bool {
        let (call, path) = self.step.kind();
        call == "fdatasync" && path.starts_with("volumes/") && path.ends_with("/db")
    }

    /// The command under which a program meets the fault.
    pub(crate) fn strace(&self, dir: &Path, trace: &Path) -> Command {
        let call = self.step.call;
        let mut command = strace(trace);
        for path in self.step.paths() {
            command.arg("-P").arg(if path.as_os_str().is_empty() { dir.to_owned() } else { dir.join(path) });
        }
        command.args(["-e", &format!("trace={call}")]);
        command.args(["-e", &format!("inject={call}:error={}:when={}", self.error, self.when)]);
        command
    }
}

fn strace(trace: &Path) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-qq", "-o"]).arg(trace).env("RUST_BACKTRACE", "0");
    command
}

/// The command under which all calls of a program are written to `trace`.
pub(crate) fn watch(trace: &Path) -> Command {
    let mut command = strace(trace);
    command.args(["-e", &format!("trace={}", CALLS.join(","))]);
    command
}

/// The calls in a trace that concern files in `dir`.
pub(crate) fn read(trace: &str, dir: &Path) -> Vec<Step> {
    let mut found: BTreeMap<(&'static str, PathBuf), usize> = BTreeMap::new();
    for line in trace.lines() {
        if let Some((call, path)) = step(line, &dir.to_string_lossy()) {
            *found.entry((call, path)).or_default() += 1;
        }
    }
    found.into_iter().map(|((call, path), times)| Step { call, path, times }).collect()
}

/// `PID CALL(ARGS…`, with a path in quotes or after a descriptor in angle brackets.
fn step(line: &str, dir: &str) -> Option<(&'static str, PathBuf)> {
    let (head, args) = line.split_once('(')?;
    let name = head.split_whitespace().last()?;
    let call = CALLS.into_iter().find(|call| *call == name)?;
    // A directory opened as such is shown before the name that is looked up in it.
    let at = args.rfind(&format!("\"{dir}")).or_else(|| args.find(&format!("<{dir}")))?;
    let at = if matches!(call, "rename") { args.find(&format!("\"{dir}"))? } else { at };
    let path = args.get(at + 1..)?.split(['"', '>']).next()?;
    let below = Path::new(path).strip_prefix(dir).ok()?;
    Some((call, below.to_owned()))
}

/// The kinds of calls among `steps`.
pub(crate) fn kinds(steps: &[Step]) -> BTreeMap<(&'static str, String), Vec<&Step>> {
    let mut kinds: BTreeMap<_, Vec<&Step>> = BTreeMap::new();
    for step in steps {
        kinds.entry(step.kind()).or_default().push(step);
    }
    kinds
}

/// `each` faults of every kind of call; a write also finds no room.
pub(crate) fn draw(steps: &[Step], seed: u64, each: usize) -> Vec<Fault> {
    let mut rng = Rng::new(seed);
    let mut faults = Vec::new();
    for (_, steps) in kinds(steps) {
        for _ in 0..each {
            let step = steps[rng.below(steps.len())].clone();
            let when = 1 + rng.below(step.times);
            let takes_room = matches!(step.call, "write" | "pwrite64" | "mkdir" | "rename" | "ftruncate");
            let error = if takes_room && rng.chance(50) { "ENOSPC" } else { "EIO" };
            faults.push(Fault { step, error, when });
        }
    }
    faults
}
