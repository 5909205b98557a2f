//! `policy capture`: a recorded login as a test of a policy.

use super::explain::{explained, seq};
use crate::args::Global;
use crate::exit::{Exit, Usage};
use crate::output::Output;
use anyhow::{Context as _, Result, bail};
use clap::Args;
use sledger_policy::suite::Suite;
use sledger_replay::capture::{CaptureError, Captured, Wanted, capture};
use sledger_wire::escape;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// Make a test case of a recorded login
///
/// The case is run against the policy that decided before it is given. Exit 3 where it does not pass
#[derive(Debug, Args)]
pub(crate) struct Capture {
    /// An event of the login, as seq:N
    #[arg(value_name = "SEQ")]
    seq: String,
    /// Append it to these tests, NAME.test.toml, instead of printing it
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Name of the case
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// The quota, where several were exhausted [default: the last of them]
    #[arg(long, value_name = "NAME")]
    quota: Option<String>,
    /// Replace users, ids, addresses and attributes, and expect no words
    #[arg(long)]
    redact: bool,
}

impl Capture {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let explained = explained(seq(&self.seq)?, None, global, out)?;
        let wanted = Wanted { name: self.name.as_deref(), quota: self.quota.as_deref(), redact: self.redact };
        let captured = capture(&explained, wanted).map_err(told)?;
        let Captured { policy, case, notes, differences, .. } = &captured;
        for note in notes {
            out.say(&format!("note: {note}"));
        }
        for difference in differences {
            out.say(&format!("DIFFERS from what {policy} decided: {}", escape(difference)));
        }
        match &self.to {
            None => out.text(case)?,
            Some(_) if !differences.is_empty() => out.say("nothing was written"),
            Some(file) => {
                append(file, case)?;
                let file = file.display().to_string();
                out.line(&format!("appended to {}: passes with {policy}", escape(&file)))?;
            }
        }
        Ok(if differences.is_empty() { Exit::Ok } else { Exit::Diverged })
    }
}

fn told(error: CaptureError) -> anyhow::Error {
    match error {
        CaptureError::NothingAsked(_) | CaptureError::OtherQuota { .. } | CaptureError::Tripped(_) => {
            Usage::error(error.to_string())
        }
        CaptureError::TooMany(_) | CaptureError::NoSource(_) => error.into(),
    }
}

/// Appends the case, where the file can be read with it.
fn append(file: &Path, case: &str) -> Result<()> {
    let shown = file.display();
    let before = match std::fs::read_to_string(file) {
        Ok(before) => before,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{shown}`")),
    };
    let gap = match before.as_str() {
        "" => "",
        before if before.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    let added = format!("{gap}{case}");
    if let Err(error) = Suite::read(&format!("{before}{added}")) {
        bail!("`{shown}` cannot be read with the case: {error}");
    }
    let mut options = OpenOptions::new();
    let opened = options.append(true).create(true).open(file);
    let written = opened.and_then(|mut file| file.write_all(added.as_bytes()));
    written.with_context(|| format!("cannot write `{shown}`"))
}
