//! The policies folder: `NAME.rhai` files, read as text and nothing more.
//!
//! Other files (tests, notes) and folders in it are passed over. What is called `*.rhai` and cannot be a policy
//! is an error that names it: a policy left out in silence would be a quota enforced otherwise than intended.

use crate::SOURCE_BYTES_MAX;
use crate::check::{Lint, LintCode, read_source};
use crate::header::is_name;
use serde::Deserialize;
use sledger_core::config::Level;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Why a policies folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// There is no such folder.
    #[error("policies folder `{}` does not exist", folder.display())]
    Missing {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder or a file in it cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// What.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is no text.
    #[error("policy file `{}`:{lint}", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Where, and what it is instead.
        lint: Lint,
    },
    /// A folder or a device has a policy's name.
    #[error("`{}` is called like a policy and is no file", path.display())]
    NotFile {
        /// What.
        path: PathBuf,
    },
    /// A file is too large.
    #[error("policy file `{}` is larger than {SOURCE_BYTES_MAX} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A file's name cannot be a policy's.
    #[error("policy file `{}` has a name other than lower-case letters, digits and `_`", path.display())]
    BadName {
        /// The file.
        path: PathBuf,
    },
    /// Two files give one policy.
    #[error("policy files `{}` and `{}` have one name", first.display(), second.display())]
    Twice {
        /// One.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
}

impl FolderError {
    /// The same as a complaint about the file it is of.
    #[must_use]
    pub fn lint(&self) -> Lint {
        let message = match std::error::Error::source(self) {
            Some(cause) => format!("{self}: {cause}"),
            None => self.to_string(),
        };
        match self {
            Self::NotText { lint, .. } => lint.clone(),
            Self::TooLarge { .. } => Lint::new(LintCode::TooLarge, 0, 0, message),
            _ => Lint::new(LintCode::File, 0, 0, message),
        }
    }
}

/// A `*.rhai` of a folder.
#[derive(Debug)]
pub struct PolicyFile {
    /// The file.
    pub path: PathBuf,
    /// Name and source.
    pub policy: Result<(String, String), FolderError>,
}

/// Every `*.rhai` in `folder`, in the order of the paths, also those that cannot be policies.
///
/// # Errors
/// The folder cannot be read.
pub fn scan_folder(folder: &Path) -> Result<Vec<PolicyFile>, FolderError> {
    let unreadable = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => FolderError::Missing { folder: folder.to_owned() },
        _ => FolderError::Unreadable { path: folder.to_owned(), source },
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.retain(|path| is_policy(path));
    paths.sort();
    let mut first: BTreeMap<String, PathBuf> = BTreeMap::new();
    let read = |path: PathBuf| {
        let policy =
            read_policy(&path).and_then(|(name, source)| match first.insert(name.clone(), path.clone()) {
                Some(first) => Err(FolderError::Twice { first, second: path.clone() }),
                None => Ok((name, source)),
            });
        PolicyFile { path, policy }
    };
    Ok(paths.into_iter().map(read).collect())
}

/// The policies in `folder`, by name.
///
/// # Errors
/// Names the folder or the file, and what is wrong with it.
pub fn load_folder(folder: &Path) -> Result<Vec<(String, String)>, FolderError> {
    let found: Result<BTreeMap<String, String>, _> =
        scan_folder(folder)?.into_iter().map(|file| file.policy).collect();
    Ok(found?.into_iter().collect())
}

/// As [`load_folder`], but a folder that does not exist holds no policies: for the default folder.
///
/// # Errors
/// As [`load_folder`].
pub fn load_folder_if_there(folder: &Path) -> Result<Vec<(String, String)>, FolderError> {
    match load_folder(folder) {
        Err(FolderError::Missing { .. }) => Ok(Vec::new()),
        other => other,
    }
}

fn is_policy(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("rhai"))
}

/// Name and source of a policy's file.
///
/// # Errors
/// Names the file, and what is wrong with it.
pub fn read_policy(path: &Path) -> Result<(String, String), FolderError> {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if !is_name(stem) {
        return Err(FolderError::BadName { path: path.to_owned() });
    }
    Ok((stem.to_owned(), read(path)?))
}

fn read(path: &Path) -> Result<String, FolderError> {
    let unreadable = |source| FolderError::Unreadable { path: path.to_owned(), source };
    // Looked at before it is opened: opening a pipe waits for who writes to it.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(FolderError::NotFile { path: path.to_owned() });
    }
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(SOURCE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > SOURCE_BYTES_MAX {
        return Err(FolderError::TooLarge { path: path.to_owned() });
    }
    read_source(bytes).map_err(|lint| FolderError::NotText { path: path.to_owned(), lint })
}

/// The level that a policy's tests are written for: that of `[base]` in their file.
#[must_use]
pub fn level_of_tests(tests: &str) -> Option<Level> {
    #[derive(Deserialize)]
    struct File {
        base: Base,
    }
    #[derive(Deserialize)]
    struct Base {
        level: String,
    }
    match toml::from_str::<File>(tests).ok()?.base.level.as_str() {
        "hard" => Some(Level::Hard),
        "soft" => Some(Level::Soft),
        "advisory" => Some(Level::Advisory),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        folder
    }

    #[test]
    fn policies_are_read_by_name_and_other_files_passed_over() {
        let folder = folder(&[("b.rhai", b"2"), ("a.rhai", b"1"), ("a.test.toml", b""), ("README.md", b"")]);
        let found = load_folder(folder.path()).unwrap();
        assert_eq!(found, [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
    }

    #[test]
    fn a_file_that_cannot_be_a_policy_is_refused_by_name() {
        let large = vec![b' '; SOURCE_BYTES_MAX + 1];
        let cases: [(&str, &[u8], &str); 5] = [
            ("My-Policy.rhai", b"", "lower-case"),
            ("a.rhai", b"\xff", "not UTF-8"),
            ("a.rhai", b"\xff\xfe\0", "UTF-16"),
            ("a.rhai", &large, "larger than"),
            (".rhai.rhai", b"", "lower-case"),
        ];
        for (name, bytes, complaint) in cases {
            let error = load_folder(folder(&[(name, bytes)]).path()).unwrap_err().to_string();
            assert!(error.contains(complaint) && error.contains(name), "{error}");
        }
        let error = load_folder(folder(&[("a.rhai", b""), ("a.RHAI", b"")]).path()).unwrap_err();
        assert!(matches!(error, FolderError::Twice { .. }), "{error}");
    }

    #[test]
    fn what_is_no_file_is_refused_by_name_and_the_others_are_still_read() {
        let folder = folder(&[("b.rhai", b"2")]);
        std::fs::create_dir(folder.path().join("a.rhai")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("c.rhai")).unwrap();
        let files = scan_folder(folder.path()).unwrap();
        let told: Vec<String> = files
            .iter()
            .map(|file| file.policy.as_ref().map_or_else(ToString::to_string, |(name, _)| name.clone()))
            .collect();
        assert!(told[0].contains("a.rhai") && told[0].contains("is no file"), "{told:?}");
        assert_eq!(told[1], "b");
        assert!(told[2].contains("cannot read") && told[2].contains("c.rhai"), "{told:?}");
        assert!(matches!(load_folder(folder.path()), Err(FolderError::NotFile { .. })));
    }

    #[test]
    fn only_the_default_folder_may_be_missing() {
        let nowhere = Path::new("/nonexistent/policies");
        assert!(matches!(load_folder(nowhere), Err(FolderError::Missing { .. })));
        assert_eq!(load_folder_if_there(nowhere).unwrap(), []);
    }
}
