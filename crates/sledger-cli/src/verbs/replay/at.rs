//! `replay at`: who was in at a moment.
//!
//! Promise: everybody is written as soon as he is known; nothing is copied but the user at hand.

use super::{moment, served};
use crate::args::Global;
use crate::exit::{Exit, Usage};
use crate::output::Output;
use crate::show;
use crate::whence::Whence;
use crate::zone::Zone;
use anyhow::Result;
use clap::Args;
use sledger_core::decide::edge::user_key;
use sledger_replay::at::{At as Past, Standing};
use sledger_wire::answer::SessionObject;
use sledger_wire::pages::UserDetail;
use sledger_wire::past::{AT_END, at_begin, at_header, at_rows, at_user};
use sledger_wire::queries::AtQuery;

/// Rows that tell how wide the columns of a table are.
const MEASURED_ROWS: usize = 256;

/// Show who was in at a moment, with counts and limits as they were
#[derive(Debug, Args)]
pub(crate) struct At {
    /// A time, -2h, now, seq:N (right after that event) or ms:N
    #[arg(value_name = "WHEN", allow_hyphen_values = true)]
    when: String,
    /// Only this user
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// A table for programs, one row a session
    #[arg(long)]
    csv: bool,
    /// Fold everything: snapshots are no evidence
    #[arg(long)]
    no_snapshots: bool,
}

impl At {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        if self.csv && out.is_json() {
            return Err(Usage::error("give only one of --csv, --output json"));
        }
        let whence = Whence::of(global)?;
        let when = moment::when(&self.when, global.tz, &whence)?;
        if let Whence::Connect(url) = &whence {
            let (user, no_snapshots) = (self.user.clone(), self.no_snapshots);
            let query = AtQuery { when: Some(moment::text(when)), user, no_snapshots };
            let show = |at, out: &mut Output<'_>| Shown::begin(self.csv, at, global.tz, out);
            served::at(url, &query, show, out)?;
            return Ok(Exit::Ok);
        }
        let at = moment::at(when, !self.no_snapshots, (&whence, global), out)?;
        let mut shown = Shown::begin(self.csv, (at.seq().0, at.at().rfc3339()), global.tz, out)?;
        match self.key(&at)? {
            Some(key) => {
                let one = at.user(&key);
                shown.user(detail(&one, &key), out)?;
            }
            None => {
                for one in at.users() {
                    let name = one.user().unwrap_or_default().to_owned();
                    shown.user(detail(&one, &name), out)?;
                }
            }
        }
        shown.end(out)?;
        Ok(Exit::Ok)
    }

    /// The user asked for, as the ledger counted it then.
    fn key(&self, at: &Past) -> Result<Option<String>> {
        let settings = &at.state().ready().settings.users;
        let key = self.user.as_deref().map(|user| user_key(user, settings)).transpose();
        key.map_err(|rejection| Usage::error(format!("--user {}", rejection.reason)))
    }
}

fn detail(one: &Standing<'_>, user: &str) -> UserDetail {
    UserDetail {
        user: user.to_owned(),
        active: u32::try_from(one.sessions.len()).unwrap_or(u32::MAX),
        limit: one.limit.map(Into::into),
        sessions: one.sessions.iter().map(|session| SessionObject::from(&session.view())).collect(),
    }
}

/// An answer on its way out.
pub(super) enum Shown {
    /// One JSON object; whether a user stands in it already.
    Json(bool),
    Csv,
    Text(Box<Table>),
}

/// A table whose first rows are held until it is known how wide its columns are.
pub(super) struct Table {
    zone: Zone,
    rows: Vec<Vec<String>>,
    widths: Option<Vec<usize>>,
    users: u64,
    sessions: u64,
    at: (u64, String),
}

impl Shown {
    /// Begins to show what was after the event, at the time given.
    pub(super) fn begin(csv: bool, at: (u64, String), zone: Zone, out: &mut Output<'_>) -> Result<Self> {
        if out.is_json() {
            out.text(&at_begin(at.0, &at.1))?;
            return Ok(Self::Json(false));
        }
        if csv {
            out.text(&at_header())?;
            return Ok(Self::Csv);
        }
        let rows = vec![show::AT_HEADER.map(str::to_owned).to_vec()];
        let table = Table { zone, rows, widths: None, users: 0, sessions: 0, at };
        Ok(Self::Text(Box::new(table)))
    }

    /// Shows the next user.
    #[expect(clippy::needless_pass_by_value, reason = "a user is shown once")]
    pub(super) fn user(&mut self, user: UserDetail, out: &mut Output<'_>) -> Result<()> {
        match self {
            Self::Json(any) => out.text(&at_user(&user, !std::mem::replace(any, true))),
            Self::Csv => out.text(&at_rows(&user)),
            Self::Text(table) => table.user(&user, out),
        }
    }

    /// Shows what is left.
    pub(super) fn end(self, out: &mut Output<'_>) -> Result<()> {
        match self {
            Self::Json(_) => out.line(AT_END),
            Self::Csv => Ok(()),
            Self::Text(mut table) => {
                table.flush(out)?;
                let (seq, at) = (table.at.0, table.zone.reshown(&table.at.1));
                out.say(&format!(
                    "{} users, {} sessions after seq {seq}, at {at}",
                    table.users, table.sessions
                ));
                Ok(())
            }
        }
    }
}

impl Table {
    fn user(&mut self, user: &UserDetail, out: &mut Output<'_>) -> Result<()> {
        self.users += u64::from(user.active > 0);
        self.sessions += u64::from(user.active);
        self.rows.extend(show::standing(user, self.zone));
        if self.widths.is_some() || self.rows.len() >= MEASURED_ROWS { self.flush(out) } else { Ok(()) }
    }

    fn flush(&mut self, out: &mut Output<'_>) -> Result<()> {
        let rows = std::mem::take(&mut self.rows);
        let widths = self.widths.get_or_insert_with(|| show::widths(&rows));
        rows.iter().try_for_each(|row| out.line(&show::row(row, widths)))
    }
}
