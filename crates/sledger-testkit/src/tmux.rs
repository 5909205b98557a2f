//! A real terminal: a program under tmux, its screen, its keys.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long is waited for a screen: machines that run tests are busy.
const WAITED_MAX: Duration = Duration::from_secs(90);

/// Terminals of this process so far; only their names hang on it.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A terminal of its own with a program in it; gone with its handle.
#[derive(Debug)]
pub struct Tmux {
    socket: String,
}

impl Drop for Tmux {
    fn drop(&mut self) {
        // It may have ended already.
        let _gone = self.run(&["kill-server"]);
    }
}

impl Tmux {
    /// Starts `command` of a shell in `dir`; `None`, said by name, where tmux is not installed.
    ///
    /// # Panics
    /// Where tmux refuses, or is missing with `CI=true`.
    #[must_use]
    #[expect(clippy::print_stdout, reason = "whoever runs the tests is to know what was not checked")]
    pub fn start((columns, rows): (u16, u16), dir: &Path, command: &str) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "tmux is not installed");
            println!("skipped: the terminal was not tried: tmux is not installed (package `tmux`)");
            return None;
        }
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let tmux = Self { socket: format!("sledger-{}-{count}", std::process::id()) };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let dir = dir.display().to_string();
        let started =
            tmux.run(&["new-session", "-d", "-x", &columns, "-y", &rows, "-c", &dir, "sh", "-c", command]);
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
        // What programs put into the clipboard by OSC 52 is taken.
        tmux.run(&["set-option", "-s", "set-clipboard", "on"]);
        Some(tmux)
    }

    /// What was put into the clipboard last.
    #[must_use]
    pub fn clipboard(&self) -> String {
        String::from_utf8_lossy(&self.run(&["show-buffer"]).stdout).into_owned()
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut tmux = Command::new("tmux");
        tmux.args(["-f", "/dev/null", "-L", &self.socket]).args(args);
        tmux.env("TERM", "xterm-256color").env("LC_ALL", "C.UTF-8").env_remove("NO_COLOR").env_remove("TMUX");
        tmux.output().expect("tmux was there a moment ago")
    }

    /// Sends keys by tmux's names.
    pub fn keys(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    /// Another size.
    pub fn resize(&self, columns: u16, rows: u16) {
        self.run(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]);
    }

    /// What is on the screen.
    #[must_use]
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.run(&["capture-pane", "-p"]).stdout).into_owned()
    }

    /// The same with its colours, as control sequences.
    #[must_use]
    pub fn coloured_screen(&self) -> String {
        String::from_utf8_lossy(&self.run(&["capture-pane", "-p", "-e"]).stdout).into_owned()
    }

    /// The number of the process that the terminal began with.
    #[must_use]
    pub fn pid(&self) -> String {
        let output = self.run(&["display-message", "-p", "#{pane_pid}"]);
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Waits until the screen is as wanted; the screen.
    ///
    /// # Panics
    /// Shows the screen where it does not come to that.
    pub fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + WAITED_MAX;
        loop {
            let screen = self.screen();
            if is_so(&screen) {
                return screen;
            }
            assert!(Instant::now() < until, "not seen: {what}\n{screen}");
            std::thread::yield_now();
        }
    }
}
