//! The policies folder: `NAME.rhai` files, read as text and nothing more.
//!
//! Other files (tests, notes) and folders in it are passed over. A file that cannot be a policy is an error
//! that names it: a policy left out in silence would be a quota enforced otherwise than intended.

use crate::SOURCE_BYTES_MAX;
use crate::header::is_name;
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
    #[error("policy file `{}` is not UTF-8", path.display())]
    NotText {
        /// The file.
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

/// The policies in `folder`, by name.
///
/// # Errors
/// Names the folder or the file, and what is wrong with it.
pub fn load_folder(folder: &Path) -> Result<Vec<(String, String)>, FolderError> {
    let unreadable = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => FolderError::Missing { folder: folder.to_owned() },
        _ => FolderError::Unreadable { path: folder.to_owned(), source },
    };
    let mut found: BTreeMap<String, (PathBuf, String)> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if !is_policy(&path) {
            continue;
        }
        let name = name_of(&path)?;
        let source = read(&path)?;
        if let Some((first, _)) = found.insert(name, (path.clone(), source)) {
            return Err(FolderError::Twice { first, second: path });
        }
    }
    Ok(found.into_iter().map(|(name, (_, source))| (name, source)).collect())
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
    !path.is_dir() && path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("rhai"))
}

fn name_of(path: &Path) -> Result<String, FolderError> {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if is_name(stem) { Ok(stem.to_owned()) } else { Err(FolderError::BadName { path: path.to_owned() }) }
}

fn read(path: &Path) -> Result<String, FolderError> {
    let unreadable = |source| FolderError::Unreadable { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(SOURCE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > SOURCE_BYTES_MAX {
        return Err(FolderError::TooLarge { path: path.to_owned() });
    }
    String::from_utf8(bytes).map_err(|_| FolderError::NotText { path: path.to_owned() })
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
        let cases: [(&str, &[u8], &str); 4] = [
            ("My-Policy.rhai", b"", "lower-case"),
            ("a.rhai", b"\xff", "not UTF-8"),
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
    fn only_the_default_folder_may_be_missing() {
        let nowhere = Path::new("/nonexistent/policies");
        assert!(matches!(load_folder(nowhere), Err(FolderError::Missing { .. })));
        assert_eq!(load_folder_if_there(nowhere).unwrap(), []);
    }
}
