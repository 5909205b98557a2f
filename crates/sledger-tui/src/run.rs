//! The loop around the reducer: terminal, threads, clock.
//!
//! Promise: draws on change only, and at most so often a second as asked for. What takes long is done on threads of its
//! own; the loop itself never waits for a ledger. Everything that waits in between is bounded.

mod input;

use crate::app::{App, Effect, Msg, Setup};
use crate::live::{Live, Ring};
use crate::source::{Ask, Failed, Side, Source, Told};
use crate::terminal::{self, Screen};
use crate::view;
use ratatui::crossterm::event::Event;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use sledger_core::Millis;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Things that wait for the loop at most; whoever brings more waits.
const WAITING_MAX: usize = 1_024;
/// Questions that wait at most: of each kind one is under way.
const ASKED_MAX: usize = 64;
/// Failures to read a key in a row after which the terminal is gone: one alone may be a signal that came between.
const READ_FAILURES_MAX: u32 = 16;
/// How often the clock is looked at.
const TICK: Duration = Duration::from_millis(100);

/// What a monitor looks at.
#[derive(Default)]
pub struct Sources {
    /// A served ledger, with a feed of events.
    pub live: Option<Live>,
    /// The past.
    pub past: Option<Box<dyn Source>>,
}

/// Why a monitor ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// Somebody asked for it.
    Asked,
    /// A signal did.
    Signal(i32),
}

/// What reaches the loop.
enum Edge {
    Input(Event),
    Signal(i32),
    Told(Side, Told),
    Failed(Side, Failed),
}

/// Runs a monitor until somebody quits it, drawing `fps` times a second at most.
///
/// # Errors
/// The terminal's; also where a thread of it panicked.
pub fn run(setup: Setup, sources: Sources, fps: u32, mouse: bool) -> io::Result<Ends> {
    let (edges, arrived) = sync_channel(WAITING_MAX);
    let mut edge = Around::new(sources, &edges);
    let mut screen = Screen::take(mouse)?;
    listen(&edges)?;
    let size = screen.terminal.size()?;
    let mut app = App::new(setup);
    let frame = Duration::from_secs(1) / fps.clamp(1, 60);
    let ended = edge.go_round(&mut app, &mut screen, &arrived, frame, (size.width, size.height));
    screen.leave();
    ended
}

/// What is around the reducer.
struct Around {
    live: Option<Live>,
    asks: [Option<SyncSender<Ask>>; 2],
    tail: Arc<Ring>,
    /// The user that is followed, and his events.
    followed: Option<(String, Arc<Ring>)>,
}

impl Around {
    fn new(sources: Sources, edges: &SyncSender<Edge>) -> Self {
        let tail = Arc::new(Ring::default());
        let asked = |side: Side, source: Box<dyn Source>| worker(side, source, edges.clone());
        if let Some(live) = &sources.live {
            live.follow(None, &tail);
        }
        let live = sources.live.clone().map(|live| asked(Side::Live, Box::new(live)));
        let past = sources.past.map(|past| asked(Side::Past, past));
        Self { live: sources.live, asks: [live, past], tail, followed: None }
    }

    fn go_round(
        &mut self,
        app: &mut App,
        screen: &mut Screen,
        arrived: &Receiver<Edge>,
        frame: Duration,
        (columns, rows): (u16, u16),
    ) -> io::Result<Ends> {
        let mut drawn: Option<Instant> = None;
        let mut is_dirty = true;
        self.reduce(app, screen, Msg::Tick(now()))?;
        self.reduce(app, screen, Msg::Resize(columns, rows))?;
        loop {
            is_dirty |= app.take_dirty();
            let since = drawn.map_or(frame, |drawn| drawn.elapsed());
            if is_dirty && since >= frame {
                screen.terminal.draw(|to| view::render(app, to.area(), to.buffer_mut()))?;
                (drawn, is_dirty) = (Some(Instant::now()), false);
            }
            let wait = if is_dirty { frame.saturating_sub(since).min(TICK) } else { TICK };
            let first = match arrived.recv_timeout(wait) {
                Ok(edge) => Some(edge),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Ok(Ends::Asked),
            };
            if terminal::has_panicked() {
                return Err(io::Error::other("a thread of the monitor panicked"));
            }
            self.reduce(app, screen, Msg::Tick(now()))?;
            for edge in first.into_iter().chain(arrived.try_iter().take(WAITING_MAX)) {
                if let Some(ends) = self.edge(app, screen, edge)? {
                    return Ok(ends);
                }
            }
            self.drain(app, screen)?;
        }
    }

    fn edge(&mut self, app: &mut App, screen: &mut Screen, edge: Edge) -> io::Result<Option<Ends>> {
        let msg = match edge {
            Edge::Input(event) if input::is_suspend(&event) => return suspend(screen).map(|()| None),
            Edge::Input(event) => match input::msg(&event) {
                Some(msg) => msg,
                None => return Ok(None),
            },
            Edge::Told(side, told) => Msg::Told(side, told),
            Edge::Failed(side, failed) => Msg::Failed(side, failed),
            Edge::Signal(SIGTSTP) => return suspend(screen).map(|()| None),
            Edge::Signal(SIGCONT) => return screen.take_again().map(|()| None),
            Edge::Signal(signal) => return Ok(Some(Ends::Signal(signal))),
        };
        Ok(self.reduce(app, screen, msg)?.then_some(Ends::Asked))
    }

    /// What came from feeds.
    fn drain(&mut self, app: &mut App, screen: &mut Screen) -> io::Result<()> {
        let mut msgs: Vec<Msg> = self.tail.take().into_iter().map(|fed| Msg::Fed(None, fed)).collect();
        if let Some((user, ring)) = &self.followed {
            msgs.extend(ring.take().into_iter().map(|fed| Msg::Fed(Some(user.clone()), fed)));
        }
        for msg in msgs {
            self.reduce(app, screen, msg)?;
        }
        Ok(())
    }

    /// Lets the reducer have a message and does what it says; whether it is to end.
    fn reduce(&mut self, app: &mut App, screen: &mut Screen, msg: Msg) -> io::Result<bool> {
        let mut is_over = false;
        for effect in app.update(msg) {
            match effect {
                Effect::Ask(side, ask) => self.ask(side, ask),
                Effect::Follow(user) => self.follow(user),
                Effect::Copy(text) => screen.copy(&text)?,
                Effect::Export { name, text } => {
                    // Says something, and asks for nothing.
                    let _none = app.update(Msg::Exported(written(&name, &text)));
                }
                Effect::Quit => is_over = true,
            }
        }
        Ok(is_over)
    }

    fn ask(&self, side: Side, ask: Ask) {
        let [live, past] = &self.asks;
        let asked = if side == Side::Live { live } else { past };
        // A worker that is gone panicked: the loop ends for that.
        if let Some(asked) = asked {
            let _gone = asked.try_send(ask);
        }
    }

    fn follow(&mut self, user: Option<String>) {
        self.followed = user.zip(self.live.as_ref()).map(|(user, live)| {
            let ring = Arc::new(Ring::default());
            live.follow(Some(user.clone()), &ring);
            (user, ring)
        });
    }
}

/// Writes a file that is not there yet, readable by its owner alone: it holds names and addresses.
fn written(name: &str, text: &str) -> Result<String, String> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(name).map_err(|error| format!("cannot write {name}: {error}"))?;
    file.write_all(text.as_bytes()).map_err(|error| format!("cannot write {name}: {error}"))?;
    Ok(name.to_owned())
}

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Asks a source on a thread of its own, one question after the other.
fn worker(side: Side, mut source: Box<dyn Source>, edges: SyncSender<Edge>) -> SyncSender<Ask> {
    let (asks, asked) = sync_channel::<Ask>(ASKED_MAX);
    thread::spawn(move || {
        for ask in asked {
            let mut meanwhile = |told| drop(edges.send(Edge::Told(side, told)));
            let edge = match source.answer(ask, &mut meanwhile) {
                Ok(told) => Edge::Told(side, told),
                Err(failed) => Edge::Failed(side, failed),
            };
            if edges.send(edge).is_err() {
                return;
            }
        }
    });
    asks
}

/// Listens to keys and signals.
fn listen(edges: &SyncSender<Edge>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGTSTP, SIGCONT])?;
    let to = edges.clone();
    thread::spawn(move || {
        for signal in signals.forever() {
            if to.send(Edge::Signal(signal)).is_err() {
                return;
            }
        }
    });
    let to = edges.clone();
    thread::spawn(move || {
        let mut failures = 0;
        // Where the terminal is gone, a signal says so too.
        while failures < READ_FAILURES_MAX {
            match ratatui::crossterm::event::read() {
                Ok(event) => {
                    failures = 0;
                    if to.send(Edge::Input(event)).is_err() {
                        return;
                    }
                }
                Err(_) => failures += 1,
            }
        }
    });
    Ok(())
}

/// Stops until somebody lets it go on, with the terminal as it was before.
fn suspend(screen: &mut Screen) -> io::Result<()> {
    screen.leave();
    emulate_default_handler(SIGTSTP)?;
    screen.take_again()
}
