//! `policy new`: a policy and its tests to begin with.

use crate::args::Global;
use crate::configured::{self, Flags};
use crate::exit::{Exit, Usage};
use crate::output::Output;
use anyhow::{Context as _, Result};
use clap::Args;
use sledger_policy::{BUILT_IN, built_in, built_in_tests};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// Longer names are none.
const NAME_BYTES_MAX: usize = 64;

/// Write a new policy with tests, to begin with
///
/// The policy passes `policy check` and its tests as it is. Nothing that is there is written over
#[derive(Debug, Args)]
pub(crate) struct New {
    /// Its name: lower-case letters, digits and _
    name: String,
    /// Where to [default: the policies folder of the configuration]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Begin with a built-in policy and its tests
    #[arg(long, value_name = "POLICY")]
    from: Option<String>,
}

impl New {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        check_name(&self.name)?;
        let (source, tests) = self.texts()?;
        let folder = match &self.folder {
            Some(folder) => folder.clone(),
            None => configured::load(global, &Flags::new(), out)?.config.policies.folder,
        };
        let files = [("rhai", source), ("test.toml", tests)]
            .map(|(end, text)| (folder.join(format!("{}.{end}", self.name)), text));
        for (file, _) in &files {
            if file.symlink_metadata().is_ok() {
                return Err(there_already(file));
            }
        }
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        for (file, text) in &files {
            write(file, text)?;
            out.line(&sledger_wire::escape(&file.display().to_string()))?;
        }
        if built_in(&self.name).is_some() {
            out.say(&format!("it takes the place of the built-in policy `{}`", self.name));
        }
        Ok(Exit::Ok)
    }

    fn texts(&self) -> Result<(&'static str, &'static str)> {
        let Some(from) = &self.from else {
            return Ok((include_str!("new/policy.rhai"), include_str!("new/policy.test.toml")));
        };
        built_in(from).zip(built_in_tests(from)).ok_or_else(|| {
            let known: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
            Usage::error(format!("there is no built-in policy `{from}`; built in: {}", known.join(" ")))
        })
    }
}

/// Refuses a name that no policy can have, with one that it could.
fn check_name(name: &str) -> Result<()> {
    let is_good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.chars().all(is_good) {
        return Ok(());
    }
    let stem = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = stem.strip_suffix(".rhai").unwrap_or(stem);
    let fixed: String =
        stem.to_lowercase().chars().map(|c| if is_good(c) { c } else { '_' }).take(NAME_BYTES_MAX).collect();
    let fixed = if fixed.is_empty() { "my_policy" } else { &fixed };
    Err(Usage::error(format!(
        "`{name}` cannot be a policy's name: lower-case letters, digits and `_`, at most {NAME_BYTES_MAX}; \
         `{fixed}` could"
    )))
}

fn there_already(file: &Path) -> anyhow::Error {
    Usage::error(format!("`{}` is there already: take another name, or remove it", file.display()))
}

/// Writes a file that must not be there yet.
fn write(file: &Path, text: &str) -> Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).open(file);
    let mut made = match made {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(there_already(file)),
        made => made.with_context(|| format!("cannot write `{}`", file.display()))?,
    };
    made.write_all(text.as_bytes()).with_context(|| format!("cannot write `{}`", file.display()))
}
