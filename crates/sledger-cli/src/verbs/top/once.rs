//! `top --once`: what a view of the monitor shows, printed. Asked and kept by the monitor's own reducer.

use super::{Top, monitor, told};
use crate::args::Global;
use crate::exit::{Exit, Usage};
use crate::output::Output;
use crate::whence::Whence;
use anyhow::{Result, anyhow};
use sledger_core::Millis;
use sledger_tui::app::{App, Effect, Msg, View};
use sledger_tui::source::{Ask, Failed, Found, Side, Source, Told};
use sledger_tui::twin;
use sledger_wire::escape::brief;
use sledger_wire::values::moment;
use std::path::Path;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

/// A view by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Shown {
    #[default]
    Overview,
    User(String),
    Session(String),
    Replay,
    Policies(Option<String>),
}

impl FromStr for Shown {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (word, rest) = text.split_once(':').unwrap_or((text, ""));
        match (word, rest) {
            ("overview", "") => Ok(Self::Overview),
            ("replay", "") => Ok(Self::Replay),
            ("policies", "") => Ok(Self::Policies(None)),
            ("policies", name) => Ok(Self::Policies(Some(name.to_owned()))),
            ("user", name) if !name.is_empty() => Ok(Self::User(name.to_owned())),
            ("session", id) if !id.is_empty() => Ok(Self::Session(id.to_owned())),
            _ => {
                Err("there is no such view: write overview, user:NAME, session:ID, session:ID@SEQ, replay, \
                      policies or policies:NAME"
                    .to_owned())
            }
        }
    }
}

impl Top {
    pub(super) fn print(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let whence = Whence::of(global)?;
        if matches!(&whence, Whence::Recording(file) if file == Path::new("-")) {
            return Err(Usage::error("the past is read more than once: give a file, not -"));
        }
        let near = monitor::configuration(&whence, global, out)?.near_percent;
        let mut sources = monitor::sources(&whence, global, near)?;
        let mut live = sources.live.take();
        let mut past = sources.past.take();
        let mut answer = |side: Side, ask: Ask| {
            let kind = ask.kind();
            let source: Option<&mut dyn Source> = match side {
                Side::Live => live.as_mut().map(|live| live as &mut dyn Source),
                Side::Past => past.as_mut().map(|past| past.as_mut() as &mut dyn Source),
            };
            let nobody = || Failed { kind, is_connection: false, why: "nobody can be asked".to_owned() };
            source.ok_or_else(nobody)?.answer(ask, &mut |_| ())
        };
        let app = self.settled(global, &whence, near, &mut answer)?;
        if out.is_json() {
            out.json(&twin::json(&app))?;
            return Ok(Exit::Ok);
        }
        for line in told::lines(&app, global.tz) {
            out.line(&line)?;
        }
        Ok(Exit::Ok)
    }

    /// The monitor after it was told all that the view needs.
    fn settled(&self, global: &Global, whence: &Whence, near: u8, answer: Answer<'_>) -> Result<App> {
        let mut app = App::new(monitor::setup(whence, global, near));
        // So many rows that all users of a page are wanted.
        app.size = (u16::MAX, u16::MAX);
        let mut effects = Vec::new();
        if let Some(when) = &self.at {
            let to = moment(when, global.tz.offset)
                .map_err(|reason| Usage::error(format!("--at {}: {}", brief(when), reason.0)))?;
            effects.extend(app.go_back_to(to));
        }
        if let Shown::Policies(Some(name)) = &self.view {
            app.policies.chosen = Some((name.clone(), String::new()));
        }
        effects.extend(app.update(Msg::Tick(now())));
        settle(&mut app, effects, answer)?;
        for view in self.views(&app, answer)? {
            let effects = app.go_to(view);
            settle(&mut app, effects, answer)?;
        }
        Ok(app)
    }

    /// The way to the view: that of a session leads by its user, whose events are its own.
    fn views(&self, app: &App, answer: Answer<'_>) -> Result<Vec<View>> {
        Ok(match &self.view {
            Shown::Overview => vec![View::Overview],
            Shown::User(name) => vec![View::User(name.clone())],
            Shown::Replay => vec![View::Replay],
            Shown::Policies(_) => vec![View::Policies],
            Shown::Session(id) => {
                let told =
                    answer(app.side, Ask::Session(id.clone())).map_err(|failed| anyhow!(failed.why))?;
                let (user, unique) = match told {
                    Told::Session(found) => named(*found)?,
                    other => return Err(anyhow!("asked about a session, it was told {:?}", other.kind())),
                };
                vec![View::User(user), View::Session(unique)]
            }
        })
    }
}

fn settle(app: &mut App, effects: Vec<Effect>, answer: Answer<'_>) -> Result<()> {
    twin::settle(app, effects, answer).map_err(|failed| anyhow!(failed.why))
}

/// The user of a session, and what no other session has.
fn named(found: Found) -> Result<(String, String)> {
    match found {
        Found::Live(live) => Ok((live.user, format!("{}@{}", live.session, live.number))),
        Found::Ended(ended) => Ok((ended.user, format!("{}@{}", ended.session, ended.number))),
        Found::Unknown(id) => Err(anyhow!("no session `{}` is live or remembered", brief(&id))),
    }
}

type Answer<'a> = &'a mut dyn FnMut(Side, Ask) -> Result<Told, Failed>;

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
