//! The terminal: taken, and given back as it was, whatever happens.
//!
//! Invariant: after [`Screen::leave`], a panic of any thread, a signal or a suspension the terminal is in the mode it was
//! in before, with its cursor shown.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{DisableMouseCapture, EnableMouseCapture};
use ratatui::crossterm::execute;
use ratatui::crossterm::style::Print;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use std::io::{self, IsTerminal as _, Stdout, stdout};
use std::panic::{set_hook, take_hook};
use std::sync::atomic::{AtomicBool, Ordering};

/// Characters put into a clipboard at most.
const COPY_MAX: usize = 4_096;

/// Whether the terminal is taken. Written by whoever takes it or gives it back, a panicking thread among them.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);
/// Whether some thread panicked. Written by the hook, read by the loop, which then ends.
static HAS_PANICKED: AtomicBool = AtomicBool::new(false);

/// A terminal that is taken.
#[derive(Debug)]
pub struct Screen {
    /// What draws on it.
    pub terminal: ratatui::Terminal<CrosstermBackend<Stdout>>,
    mouse: bool,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// The system's; also when it is none.
    pub fn take(mouse: bool) -> io::Result<Self> {
        if !stdout().is_terminal() {
            return Err(io::Error::other("this is no terminal; `sledger top --once` prints the figures"));
        }
        give_back_on_panic();
        enter(mouse)?;
        let terminal = ratatui::Terminal::new(CrosstermBackend::new(stdout()))?;
        Ok(Self { terminal, mouse })
    }

    /// Gives it back.
    pub fn leave(&mut self) {
        give_back();
    }

    /// Takes it again, after a suspension, and forgets what it showed.
    ///
    /// # Errors
    /// The system's.
    pub fn take_again(&mut self) -> io::Result<()> {
        enter(self.mouse)?;
        execute!(stdout(), Clear(ClearType::All))?;
        // A new one knows that nothing is drawn. Clearing the old one would ask the terminal where its cursor is, and
        // the answer goes to whoever reads the keys.
        self.terminal = ratatui::Terminal::new(CrosstermBackend::new(stdout()))?;
        Ok(())
    }

    /// Puts text into the clipboard of whoever looks at the terminal, also over SSH.
    ///
    /// # Errors
    /// The system's.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        let text: String = text.chars().take(COPY_MAX).collect();
        execute!(stdout(), Print(format!("\u{1b}]52;c;{}\u{7}", STANDARD.encode(text))))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Whether some thread panicked since the terminal was taken.
#[must_use]
pub fn has_panicked() -> bool {
    HAS_PANICKED.load(Ordering::SeqCst)
}

fn enter(mouse: bool) -> io::Result<()> {
    IS_TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen, Hide)?;
    if mouse {
        execute!(stdout(), EnableMouseCapture)?;
    }
    Ok(())
}

/// Once, whoever comes first. Where the terminal is gone there is nothing to give back.
fn give_back() {
    if IS_TAKEN.swap(false, Ordering::SeqCst) {
        let _gone = execute!(stdout(), DisableMouseCapture, LeaveAlternateScreen, Show);
        let _gone = disable_raw_mode();
    }
}

/// What a panic says is to be read, so the terminal is given back before it is said.
fn give_back_on_panic() {
    let said = take_hook();
    set_hook(Box::new(move |panic| {
        give_back();
        HAS_PANICKED.store(true, Ordering::SeqCst);
        said(panic);
    }));
}
