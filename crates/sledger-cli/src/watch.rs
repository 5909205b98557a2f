//! `policies.watch`: the policies folder looked at each second, and read again when it is another.
//!
//! It is looked at and not listened to: that works on every file system, and an editor that writes a file in several
//! steps is waited for, since a folder counts as another only once it looks alike twice.

use sledger_server::{ReloadError, Reloader};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tokio::time::{MissedTickBehavior, interval};

/// How often it is looked at.
const EACH: Duration = Duration::from_secs(1);
/// Files that are told apart; a folder with more is no policies folder.
const FILES_MAX: usize = 4_096;

/// A folder that is watched.
#[derive(Debug)]
pub(crate) struct Watched {
    folder: PathBuf,
    /// As it was when it was last read.
    read: Look,
    /// As it was last seen.
    seen: Look,
}

/// What a folder looks like: its policies and tests by name, length and time of change. `None` where it cannot be seen.
type Look = Option<Vec<(PathBuf, u64, Option<SystemTime>)>>;

impl Watched {
    /// `folder` as it is now, which is known already.
    pub(crate) fn new(folder: &Path) -> Self {
        let seen = look(folder);
        Self { folder: folder.to_owned(), read: seen.clone(), seen }
    }

    /// Whether it is another than when it was last read, and has stayed so for two looks.
    fn is_news(&mut self, now: Look) -> bool {
        let settled = now == self.seen;
        self.seen = now;
        if !settled || self.seen == self.read {
            return false;
        }
        self.read.clone_from(&self.seen);
        true
    }
}

impl Watched {
    /// The ledger was busy: the folder is news still.
    fn is_to_be_read_again(&mut self) {
        self.read = None;
    }
}

fn look(folder: &Path) -> Look {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).ok()?.take(FILES_MAX) {
        let path = entry.ok()?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        let is_one = |one: &str| one.eq_ignore_ascii_case("rhai") || one.eq_ignore_ascii_case("toml");
        if extension.is_some_and(is_one) {
            // What cannot be read is seen all the same: it is a policy that cannot be used.
            let about = path.metadata().ok();
            let changed = about.as_ref().and_then(|about| about.modified().ok());
            files.push((path, about.map_or(0, |about| about.len()), changed));
        }
    }
    files.sort();
    Some(files)
}

/// Reads the policies again whenever the folder is another. What comes of it is in the log, and the server says so too.
pub(crate) async fn reloads(watched: Option<Watched>, reloader: &Reloader) -> Infallible {
    let Some(mut watched) = watched else { return std::future::pending().await };
    let mut ticks = interval(EACH);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let folder = watched.folder.clone();
        let now = tokio::task::spawn_blocking(move || look(&folder)).await.ok().flatten();
        if watched.is_news(now) {
            // What came of it is told by the server itself.
            if let Err(ReloadError::Failed(_)) = reloader.reload_policies().await {
                watched.is_to_be_read_again();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "a look may see nothing")]
    fn at(len: u64) -> Look {
        Some(vec![(PathBuf::from("a.rhai"), len, None)])
    }

    #[test]
    fn a_folder_is_news_once_it_has_looked_alike_twice() {
        let mut watched = Watched { folder: PathBuf::new(), read: at(1), seen: at(1) };
        assert!(!watched.is_news(at(1)), "nothing happened");
        assert!(!watched.is_news(at(2)) && !watched.is_news(at(3)), "somebody is writing");
        assert!(watched.is_news(at(3)), "and has done so");
        assert!(!watched.is_news(at(3)), "it is read once");
        assert!(!watched.is_news(at(1)) && watched.is_news(at(1)), "what was before is news as well");
        watched.is_to_be_read_again();
        assert!(watched.is_news(at(1)), "what could not be taken is news still");
    }

    #[test]
    fn only_policies_and_tests_are_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let before = look(folder.path());
        std::fs::write(folder.path().join("notes.txt"), "x").unwrap();
        assert_eq!(look(folder.path()), before);
        std::fs::write(folder.path().join("a.rhai"), "x").unwrap();
        assert_ne!(look(folder.path()), before);
        assert_eq!(look(&folder.path().join("none")), None);
    }
}
