//! What is told of a moment: the same as a served ledger tells of now.

use super::{History, Past, SAID_EVERY};
use crate::scene::TIMELINE_MAX;
use crate::source::{Ask, Found, Told};
use sledger_core::decider::Recorded;
use sledger_core::{Seq, State, refold};
use sledger_projector::{Projection, Sort, UserQuery, tell};
use sledger_replay::lines::event_line;
use sledger_wire::answer::{SessionObject, TombstoneObject};
use sledger_wire::events::EventLine;
use sledger_wire::pages::{Top, TopRow, UserDetail, UserRow, UsersPage};
use sledger_wire::policies::{Known, PoliciesPage, PolicyUse};
use sledger_wire::queries::{UsersQuery, page_size, share};
use std::collections::VecDeque;

/// Users among the figures.
const TOP_MAX: usize = 20;

impl<H: History> Past<H> {
    pub(super) fn asked(&mut self, ask: &Ask) -> Result<Told, String> {
        Ok(match ask {
            Ask::Top => Told::Top(Box::new(self.top()?)),
            Ask::Users(query) => Told::Users(self.users(query)?),
            Ask::User(name) => Told::User(Box::new(self.user(name)?)),
            Ask::Session(unique) => Told::Session(Box::new(self.session(unique)?)),
            Ask::Policies => {
                let policies = self.known(|known| known.all())?;
                Told::Policies(PoliciesPage { seq: self.state()?.seq().0, policies })
            }
            Ask::Policy(name) => {
                let policy = self.known(|known| known.one(name))?;
                Told::Policy(Box::new(policy.ok_or("this policy was not there then")?))
            }
            Ask::Ledger
            | Ask::Quotas
            | Ask::Do(_)
            | Ask::Timeline(_)
            | Ask::Sessions(_)
            | Ask::Why(_)
            | Ask::Move(_) => {
                return Err("the past has none of this".to_owned());
            }
        })
    }

    /// The views of the state, made where they are not.
    fn views(&mut self) -> Result<&Projection, String> {
        let views = match self.views.take() {
            Some(views) => views,
            None => Projection::of_state(self.state()?),
        };
        Ok(self.views.insert(views))
    }

    fn top(&mut self) -> Result<Top, String> {
        let rates = self.minute.rates(self.clock);
        let near = self.near;
        let views = self.views()?;
        let totals = views.totals(near);
        let row = |row: &sledger_projector::UserRow| TopRow {
            user: row.user.to_string(),
            active: row.active,
            limit: row.limit.map(Into::into),
            quota: row.quota.as_ref().map(ToString::to_string),
        };
        Ok(Top {
            seq: totals.seq.0,
            sessions: totals.sessions as u64,
            users: totals.users as u64,
            at_limit: totals.at_limit as u64,
            near_limit: totals.near_limit as u64,
            durability: "durable".to_owned(),
            top: views.top(TOP_MAX).iter().map(row).collect(),
            rates,
            ..Top::default()
        })
    }

    fn users(&mut self, asked: &UsersQuery) -> Result<UsersPage, String> {
        let sort =
            asked.sort.as_deref().unwrap_or("-used").parse::<Sort>().map_err(|error| error.to_string())?;
        let near = asked.near.as_deref().map(share).transpose().map_err(|reason| reason.0)?;
        let query = UserQuery {
            sort,
            near: near.map(u32::from),
            glob: asked.user.clone(),
            quota: asked.quota.clone(),
            cursor: asked.cursor.clone(),
            page_size: page_size(asked.page_size),
        };
        let page = self.views()?.users(&query).map_err(|error| error.to_string())?;
        let row = |row: &sledger_projector::UserRow| UserRow {
            user: row.user.to_string(),
            active: row.active,
            limit: row.limit.map(Into::into),
            quota: row.quota.as_ref().map(ToString::to_string),
        };
        Ok(UsersPage { seq: page.seq.0, users: page.users.iter().map(row).collect(), next: page.next })
    }

    fn user(&mut self, name: &str) -> Result<UserDetail, String> {
        let nobody = || UserDetail { user: name.to_owned(), active: 0, limit: None, sessions: Vec::new() };
        let found = self.views()?.user(name);
        Ok(found.map_or_else(nobody, |user| UserDetail {
            user: user.user.to_string(),
            active: user.active,
            limit: user.limit.map(Into::into),
            sessions: user.sessions.iter().map(SessionObject::from).collect(),
        }))
    }

    fn session(&mut self, unique: &str) -> Result<Found, String> {
        let number = unique.rsplit_once('@').and_then(|(_, number)| number.parse().ok()).map(Seq);
        let views = self.views()?;
        let live = number.map_or_else(|| views.session(unique), |number| views.session_numbered(number));
        if let Some(session) = live {
            return Ok(Found::Live(SessionObject::from(&session)));
        }
        let id = unique.rsplit_once('@').map_or(unique, |(id, _)| id);
        let ended = views.tombstone(id).filter(|ended| number.is_none_or(|number| ended.number == number));
        let ended = ended.map(|ended| {
            let by = ended.by_session.and_then(|by| views.session_numbered(by));
            TombstoneObject::from(&*ended).by(by.as_ref().map(|by| by.facts.session()))
        });
        Ok(ended.map_or_else(|| Found::Unknown(unique.to_owned()), Found::Ended))
    }

    fn known<T>(&self, tell: impl FnOnce(Known<'_>) -> T) -> Result<T, String> {
        let state = self.state()?;
        let fared = |_: &str, policy: &_| {
            let (failures, differences) = self.beside.fared.get(policy).copied().unwrap_or_default();
            PolicyUse { failures, differences, ..PolicyUse::default() }
        };
        let settings = &state.ready().settings;
        Ok(tell(Known { settings, bindings: state.bindings(), sources: state.sources(), fared: &fared }))
    }

    /// Everything that happened to a user, from the beginning to the end; of very much the newest.
    pub(super) fn timeline(&mut self, user: &str, meanwhile: &mut dyn FnMut(Told)) -> Result<Told, String> {
        let mut state: State = self.history.begin()?;
        let mut events: VecDeque<EventLine> = VecDeque::new();
        let mut dropped = 0;
        for (count, decision) in (1_u64..).zip(self.history.read(Seq(1))?) {
            let decision = decision?;
            let first = state.seq().next();
            let effects = refold(&mut state, first, &decision);
            let told = tell(&state, &Recorded { first, decision, effects });
            let theirs = told.iter().filter(|told| told.user() == Some(user));
            events.extend(theirs.map(event_line));
            let over = events.len().saturating_sub(TIMELINE_MAX);
            events.drain(..over);
            dropped += over;
            if count.is_multiple_of(SAID_EVERY) {
                meanwhile(Told::Reading { seq: state.seq().0 });
            }
        }
        let is_whole = dropped == 0;
        Ok(Told::Timeline { user: user.to_owned(), events: events.into(), is_whole })
    }
}
