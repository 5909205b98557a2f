//! `sessions`: who is in.

use super::asking::Asking;
use crate::args::Global;
use crate::exit::{Exit, Usage};
use crate::output::Output;
use crate::whence::Whence;
use crate::{past, show};
use anyhow::Result;
use clap::Args;
use sledger_core::decide::edge::user_key;
use sledger_projector::{Projection, SessionQuery};
use sledger_wire::answer::SessionObject;
use sledger_wire::pages::SessionsPage;
use sledger_wire::queries::{PAGE_SIZE_MAX, SessionsQuery};

/// Show live sessions, in the order in which they came
#[derive(Debug, Args)]
pub(crate) struct Sessions {
    /// Only of this user
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only with this client
    #[arg(long, value_name = "CLIENT")]
    client: Option<String>,
    /// Only of this source
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
    /// Only from this address
    #[arg(long, value_name = "IP")]
    ip: Option<String>,
}

impl Sessions {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let page = match Whence::of(global)? {
            Whence::Connect(url) => self.of_served(&Asking::new(&url)?)?,
            whence => self.of_past(&past::projection(&whence, global, out)?, global, out)?,
        };
        if out.is_json() {
            out.json(&page)?;
            return Ok(Exit::Ok);
        }
        for line in show::sessions(&page.sessions, global.tz) {
            out.line(&line)?;
        }
        Ok(Exit::Ok)
    }

    fn of_served(&self, asking: &Asking) -> Result<SessionsPage> {
        asking.sessions(SessionsQuery {
            user: self.user.clone(),
            client: self.client.clone(),
            source: self.source.clone(),
            ip: self.ip.clone(),
            cursor: None,
            page_size: Some(PAGE_SIZE_MAX),
        })
    }

    fn of_past(&self, past: &Projection, global: &Global, out: &mut Output<'_>) -> Result<SessionsPage> {
        let user = self.user.as_deref().map(|user| user_key(user, &past.ready().settings.users)).transpose();
        let user = user.map_err(|rejection| Usage::error(format!("--user {}", rejection.reason)))?;
        if !out.is_json() && past.seq().0 > 0 {
            out.say(&format!("as of {}, seq {}", global.tz.shown(past.at()), past.seq()));
        }
        let mut query = SessionQuery {
            user,
            client: self.client.clone(),
            source: self.source.clone(),
            ip: self.ip.clone(),
            cursor: None,
            page_size: 0,
        };
        let mut whole = SessionsPage { seq: past.seq().0, ..SessionsPage::default() };
        loop {
            let page = past.sessions(&query);
            whole.sessions.extend(page.sessions.iter().map(SessionObject::from));
            query.cursor = page.next;
            if query.cursor.is_none() {
                return Ok(whole);
            }
        }
    }
}
