//! `users`: how many sessions everybody has, and may have.

use super::asking::Asking;
use crate::args::Global;
use crate::exit::{Exit, Usage};
use crate::output::Output;
use crate::whence::Whence;
use crate::{past, show};
use anyhow::Result;
use clap::Args;
use sledger_projector::{Projection, UserQuery};
use sledger_wire::pages::{UserRow, UsersPage};
use sledger_wire::queries::{PAGE_SIZE_MAX, UsersQuery, share};

/// Show users with live sessions, nearest to their limits first
#[derive(Debug, Args)]
pub(crate) struct Users {
    /// Only users that match, with * and ?
    #[arg(long, value_name = "GLOB")]
    user: Option<String>,
    /// Only users at or above this share of their limit, e.g. 80%
    #[arg(long, value_name = "SHARE")]
    near: Option<String>,
    /// By this quota instead of the one with the least room left
    #[arg(long, value_name = "NAME")]
    quota: Option<String>,
    /// user, active or used, with - before it for the reverse
    #[arg(long, default_value = "-used", allow_hyphen_values = true, value_name = "ORDER")]
    sort: String,
}

impl Users {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let near = self.near.as_deref().map(share).transpose();
        let near = near.map_err(|reason| Usage::error(format!("--near: {reason}")))?;
        let page = match Whence::of(global)? {
            Whence::Connect(url) => self.of_served(&Asking::new(&url)?)?,
            whence => self.of_past(&past::projection(&whence, global, out)?, near)?,
        };
        if out.is_json() {
            out.json(&page)?;
            return Ok(Exit::Ok);
        }
        for line in show::users(&page.users) {
            out.line(&line)?;
        }
        Ok(Exit::Ok)
    }

    fn of_served(&self, asking: &Asking) -> Result<UsersPage> {
        asking.users(UsersQuery {
            sort: Some(self.sort.clone()),
            near: self.near.clone(),
            user: self.user.clone(),
            quota: self.quota.clone(),
            cursor: None,
            page_size: Some(PAGE_SIZE_MAX),
        })
    }

    fn of_past(&self, past: &Projection, near: Option<u8>) -> Result<UsersPage> {
        let mut query = UserQuery {
            sort: self.sort.parse().map_err(|error| Usage::error(format!("--sort: {error}")))?,
            near: near.map(u32::from),
            glob: self.user.clone(),
            quota: self.quota.clone(),
            cursor: None,
            page_size: 0,
        };
        let mut whole = UsersPage { seq: past.seq().0, ..UsersPage::default() };
        loop {
            let page = past.users(&query).map_err(|error| Usage::error(error.to_string()))?;
            whole.users.extend(page.users.iter().map(|row| UserRow {
                user: row.user.to_string(),
                active: row.active,
                limit: row.limit.map(Into::into),
                quota: row.quota.as_ref().map(ToString::to_string),
            }));
            query.cursor = page.next;
            if query.cursor.is_none() {
                return Ok(whole);
            }
        }
    }
}
