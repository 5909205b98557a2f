//! Who is on which line, so that an end finds its beginning.

use super::{Told, What};
use anyhow::{Result, bail};
use sledger_core::command::{Actor, Command, Login, Reconcile, Request, Target};
use sledger_core::{Millis, Seq};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Lines that are open at once.
const OPEN_MAX: usize = 1_000_000;

/// A system and a line of it.
type Place = (Arc<str>, String);

/// A session that is open on a line.
#[derive(Clone, Debug)]
struct Open {
    session: String,
    user: String,
    id: String,
}

/// Lines of all systems.
#[derive(Debug, Default)]
pub(crate) struct Terminals {
    open: BTreeMap<Place, Open>,
    /// Lines by their short names.
    lines: BTreeMap<Place, String>,
    /// Ends that match no beginning.
    pub(crate) closes_without_open: u64,
}

impl Terminals {
    /// The commands for what was told at `at`.
    pub(crate) fn requests(&mut self, told: Told, at: Millis, actor: &Actor) -> Result<Vec<Request>> {
        let Told { source, what } = told;
        let commands = match what {
            What::Begun { user, line, id, host, ip } => {
                let session = format!("{source}/{line}/{}", at.rfc3339());
                let open = Open { session: session.clone(), user: user.clone(), id };
                let login = Login {
                    user: Some(user),
                    session: Some(session),
                    ip,
                    client: client(&line),
                    source: Some(source.to_string()),
                    attributes: host_attribute(&host),
                    ..Login::default()
                };
                // Nobody wrote down when whoever was there before went.
                let before = self.put((source, line), open)?.map(|open| Command::Assume(target(open)));
                before.into_iter().chain([Command::Login(Box::new(login))]).collect()
            }
            What::Gone { line, id } => {
                let gone = self.take(source, line, id);
                self.closes_without_open += u64::from(gone.is_none());
                gone.map(|open| Command::Logout(target(open))).into_iter().collect()
            }
            What::Down => vec![self.down(&source)],
        };
        Ok(commands.into_iter().map(|command| Request::new(actor.clone(), command)).collect())
    }

    fn put(&mut self, place: Place, open: Open) -> Result<Option<Open>> {
        if self.open.len() >= OPEN_MAX {
            bail!("more than {OPEN_MAX} lines are open at once");
        }
        if !open.id.is_empty() {
            self.lines.insert((Arc::clone(&place.0), open.id.clone()), place.1.clone());
        }
        Ok(self.open.insert(place, open))
    }

    /// Takes out what is open on a line, or under the short name where no line is told.
    fn take(&mut self, source: Arc<str>, line: String, id: String) -> Option<Open> {
        let line = if line.is_empty() && !id.is_empty() {
            self.lines.get(&(Arc::clone(&source), id))?.clone()
        } else {
            line
        };
        let open = self.open.remove(&(Arc::clone(&source), line))?;
        self.lines.remove(&(source, open.id.clone()));
        Some(open)
    }

    /// Whatever is open of a system is over: it says that none is live.
    fn down(&mut self, source: &Arc<str>) -> Command {
        self.open.retain(|(of, _), _| of != source);
        self.lines.retain(|(of, _), _| of != source);
        Command::Reconcile(Reconcile {
            source: Some(source.to_string()),
            as_of: Some(Seq(u64::MAX)),
            live: Vec::new(),
        })
    }
}

fn target(open: Open) -> Target {
    Target { session: Some(open.session), user: Some(open.user), generation: None }
}

/// `pts` of `pts/3`, `tty` of `tty1`.
fn client(line: &str) -> Option<String> {
    let kind = line.trim_end_matches(|letter: char| letter.is_ascii_digit()).trim_end_matches('/');
    (!kind.is_empty()).then(|| sledger_wire::escape(kind).into_owned())
}

/// Names of hosts come from strangers: one with control characters must not keep its login out of the ledger.
fn host_attribute(host: &str) -> Vec<(String, String)> {
    let shown = sledger_wire::escape(host);
    let end = (0..=shown.len().min(256)).rev().find(|end| shown.is_char_boundary(*end)).unwrap_or(0);
    match shown.get(..end) {
        Some(host) if !host.is_empty() => vec![("host".to_owned(), host.to_owned())],
        _ => Vec::new(),
    }
}
