//! What is checked: files, all policies of folders, stdin.

use crate::exit::Usage;
use anyhow::{Context as _, Result};
use sledger_policy::{FolderError, Lint, SOURCE_BYTES_MAX, read_policy, read_source, scan_folder};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// A policy's source, or why there is none.
#[derive(Debug)]
pub(super) struct Source {
    /// The file, as it was named.
    pub(super) file: String,
    /// Where it is; `None` for stdin.
    pub(super) path: Option<PathBuf>,
    /// Its name; `None` for stdin and for what has none.
    pub(super) name: Option<String>,
    pub(super) text: Result<String, Lint>,
}

/// The sources at `paths`, in order.
pub(super) fn all(paths: &[PathBuf]) -> Result<Vec<Source>> {
    let mut all = Vec::new();
    for path in paths {
        if path == Path::new("-") {
            all.push(stdin()?);
        } else if path.is_dir() {
            let files = scan_folder(path).map_err(|error| Usage::error(error.lint().message))?;
            all.extend(files.into_iter().map(|file| Source::new(file.path, file.policy)));
        } else if path.symlink_metadata().is_err() {
            return Err(Usage::error(format!("`{}` does not exist", path.display())));
        } else {
            all.push(Source::new(path.clone(), read_policy(path)));
        }
    }
    Ok(all)
}

fn stdin() -> Result<Source> {
    let mut bytes = Vec::new();
    // One byte more than a policy may have shows that it is too long.
    let most = SOURCE_BYTES_MAX as u64 + 1;
    std::io::stdin().lock().take(most).read_to_end(&mut bytes).context("cannot read stdin")?;
    Ok(Source { file: "-".to_owned(), path: None, name: None, text: read_source(bytes) })
}

impl Source {
    fn new(path: PathBuf, policy: Result<(String, String), FolderError>) -> Self {
        let file = path.display().to_string();
        let (name, text) = match policy {
            Ok((name, text)) => (Some(name), Ok(text)),
            Err(error) => (None, Err(error.lint())),
        };
        Self { file, path: Some(path), name, text }
    }

    /// The text of `NAME.test.toml` beside it.
    pub(super) fn tests(&self) -> Option<String> {
        let tests = self.path.as_ref()?.with_extension("test.toml");
        let length = std::fs::metadata(&tests).ok().filter(std::fs::Metadata::is_file)?.len();
        if length > TESTS_BYTES_MAX {
            return None;
        }
        std::fs::read_to_string(tests).ok()
    }
}

/// Longer tests are not looked at for their level.
const TESTS_BYTES_MAX: u64 = 1 << 20;
