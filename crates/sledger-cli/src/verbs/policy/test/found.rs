//! Policies and their tests among files and folders.

use crate::exit::Usage;
use anyhow::{Context as _, Result};
use sledger_policy::SOURCE_BYTES_MAX;
use sledger_policy::suite::TESTS_BYTES_MAX;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

const TESTS: &str = ".test.toml";

/// A policy to try.
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) file: PathBuf,
    pub(super) source: String,
    /// Its tests, where it has any.
    pub(super) tests: Option<(PathBuf, String)>,
}

/// What there is to try, and tests without a policy.
#[derive(Default)]
pub(super) struct Found {
    pub(super) subjects: Vec<Subject>,
    pub(super) problems: Vec<String>,
}

impl Found {
    /// Every policy of `paths`, by path.
    pub(super) fn among(paths: &[PathBuf]) -> Result<Self> {
        let mut policies = BTreeMap::new();
        for path in paths {
            if path.is_dir() {
                let entries = std::fs::read_dir(path).with_context(|| unreadable(path))?;
                for entry in entries {
                    take(&entry.with_context(|| unreadable(path))?.path(), &mut policies);
                }
            } else if !path.exists() {
                return Err(Usage::error(format!("`{}` does not exist", path.display())));
            } else if !take(path, &mut policies) {
                let reason = "is neither a policy (`NAME.rhai`) nor its tests (`NAME.test.toml`)";
                return Err(Usage::error(format!("`{}` {reason}", path.display())));
            }
        }
        let mut found = Self::default();
        for (file, name) in policies {
            found.read(file, name)?;
        }
        Ok(found)
    }

    fn read(&mut self, file: PathBuf, name: String) -> Result<()> {
        let beside = file.with_file_name(format!("{name}{TESTS}"));
        if !file.is_file() {
            let reason = format!("`{}` has no policy `{}` beside it", beside.display(), file.display());
            self.problems.push(reason);
            return Ok(());
        }
        let source = text(&file, SOURCE_BYTES_MAX)?;
        let tests = if beside.is_file() { Some(text(&beside, TESTS_BYTES_MAX)?) } else { None };
        self.subjects.push(Subject { name, file, source, tests: tests.map(|text| (beside, text)) });
        Ok(())
    }
}

/// Takes in the policy that `path` is or has tests for.
fn take(path: &Path, policies: &mut BTreeMap<PathBuf, String>) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let stem = name.strip_suffix(".rhai").or_else(|| name.strip_suffix(TESTS));
    let Some(stem) = stem.filter(|stem| !stem.is_empty()) else { return false };
    policies.insert(path.with_file_name(format!("{stem}.rhai")), stem.to_owned());
    true
}

fn text(path: &Path, most: usize) -> Result<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path).with_context(|| unreadable(path))?;
    file.take(most as u64 + 1).read_to_string(&mut text).with_context(|| unreadable(path))?;
    anyhow::ensure!(text.len() <= most, "`{}` is larger than {most} bytes", path.display());
    Ok(text)
}

fn unreadable(path: &Path) -> String {
    format!("cannot read `{}`", path.display())
}
