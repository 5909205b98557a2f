//! What is told of a moment: the same as a served ledger tells of now.

use super::rows::{self, Row};
use super::{History, Past};
use crate::scene::SESSIONS_MAX;
use crate::source::{Ask, Told};
use sledger_core::event::PolicyRef;
use sledger_core::state::Session;
use sledger_projector::{SessionMatch, SessionQuery};
use sledger_wire::answer::SessionObject;
use sledger_wire::pages::{Top, UserDetail};
use sledger_wire::policies::{Known, PoliciesPage, PolicyUse};
use sledger_wire::queries::SessionsQuery;

/// Users among the figures.
const TOP_MAX: usize = 20;

impl<H: History> Past<H> {
    pub(super) fn asked(&mut self, ask: &Ask, meanwhile: &mut dyn FnMut(Told)) -> Result<Told, String> {
        Ok(match ask {
            Ask::Top => Told::Top(Box::new(self.top()?)),
            Ask::Users(query) => Told::Users(rows::page(self.show()?, query)?),
            Ask::Sessions(query) => self.sessions(query)?,
            Ask::User(name) => Told::User(Box::new(self.user(name)?)),
            Ask::Session(unique) => Told::Session(Box::new(self.session(unique, meanwhile)?)),
            Ask::Policies => {
                let policies = self.known(|known| known.all())?;
                Told::Policies(PoliciesPage { seq: self.here()?.state.seq().0, policies })
            }
            Ask::Policy(name) => {
                let policy = self.known(|known| known.one(name))?;
                Told::Policy(Box::new(policy.ok_or("this policy was not there then")?))
            }
            Ask::Ledger
            | Ask::Quotas
            | Ask::Do(_)
            | Ask::Timeline(_)
            | Ask::Diff(_)
            | Ask::Why(_)
            | Ask::Move(_) => {
                return Err("the past has none of this".to_owned());
            }
        })
    }

    fn top(&mut self) -> Result<Top, String> {
        let rates = self.here()?.minute.rates(self.moment()?);
        let near = self.near;
        let shown = self.show()?;
        let seq = shown.at.seq().0;
        let all = shown.rows();
        let count = |is_it: &dyn Fn(&Row) -> bool| all.iter().filter(|row| is_it(row)).count() as u64;
        Ok(Top {
            seq,
            sessions: all.iter().map(|row| u64::from(row.active())).sum(),
            users: all.len() as u64,
            at_limit: count(&Row::is_at_limit),
            near_limit: count(&|row| row.is_near(near)),
            durability: "durable".to_owned(),
            top: rows::top(all, TOP_MAX),
            rates,
            ..Top::default()
        })
    }

    /// Sessions that are looked for, oldest first.
    fn sessions(&mut self, query: &SessionsQuery) -> Result<Told, String> {
        let SessionsQuery { user, client, source, ip, .. } = query.clone();
        let query = SessionQuery { user, client, source, ip, ..SessionQuery::default() };
        let wanted = SessionMatch::of(&query);
        let at = &self.show()?.at;
        let there = at.state().sessions().into_iter().filter(|session| at.is_in(session));
        let mut found = there.map(Session::view).filter(|view| wanted.wants_view(view));
        let sessions = found.by_ref().take(SESSIONS_MAX).map(|view| SessionObject::from(&view)).collect();
        Ok(Told::Sessions { sessions, is_whole: found.next().is_none() })
    }

    fn user(&mut self, name: &str) -> Result<UserDetail, String> {
        let user = self.show()?.at.user(name);
        let sessions = user.sessions.iter().take(SESSIONS_MAX);
        Ok(UserDetail {
            user: name.to_owned(),
            active: u32::try_from(user.sessions.len()).unwrap_or(u32::MAX),
            limit: user.limit.map(Into::into),
            sessions: sessions.map(|session| SessionObject::from(&session.view())).collect(),
        })
    }

    fn known<T>(&self, tell: impl FnOnce(Known<'_>) -> T) -> Result<T, String> {
        let state = &self.here()?.state;
        let counts = self.counting.index().fared(state.seq());
        // What policies answered is not counted in the past, nor how long they took: the view leaves it out.
        let fared = |_: &str, policy: &PolicyRef| {
            let (failures, differences) = counts.get(policy).copied().unwrap_or_default();
            PolicyUse { failures, differences, ..PolicyUse::default() }
        };
        let settings = &state.ready().settings;
        Ok(tell(Known { settings, bindings: state.bindings(), sources: state.sources(), fared: &fared }))
    }
}
