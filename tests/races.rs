//! Sixty-four threads at once: never more live sessions than the limit, at any prefix of the log.
//!
//! The counts recorded are folded by [`sledger_replay::quotas::QuotaFold`] while the log is read; the limits are
//! checked here once more, by session ids alone.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails right there"
)]

#[path = "races/http.rs"]
mod http;
#[path = "races/in_process.rs"]
mod in_process;
#[path = "races/twice.rs"]
mod twice;

use sledger::core::config::{Dimension, Origin, Quota};
use sledger::core::event::{Decision, Event, Op};
use sledger::core::{Limit, Seq, Span};
use sledger::{Config, Login};
use sledger_replay::history;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Askers at once.
const THREADS: usize = 64;
/// Longer than anything takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A quota of its own name: so many, by this, and then that policy.
fn quota(by: Dimension, max: u32, policy: &str) -> Arc<Quota> {
    Arc::new(Quota {
        name: format!("{by:?}").to_lowercase(),
        count_by: vec![by],
        max_sessions: Limit::at_most(max).unwrap(),
        on_exhausted: policy.to_owned(),
        evict_others: true,
        origin: Origin::File,
        ..Quota::default_quota()
    })
}

fn config(dir: &Path, quotas: Vec<Arc<Quota>>) -> Config {
    let mut config = Config::new(dir);
    config.settings.quotas = quotas;
    config.settings.sessions.activity_resolution = Span::ZERO;
    config.reserve_bytes = 0;
    config
}

fn login(user: &str, session: &str, ip: &str) -> Login {
    Login {
        user: Some(user.to_owned()),
        session: Some(session.to_owned()),
        ip: Some(ip.to_owned()),
        ..Login::default()
    }
}

/// How full the fullest user and address ever were, and how many were admitted, by the log alone.
#[derive(Debug, Default)]
struct Seen {
    live: BTreeMap<Seq, (String, String)>,
    user_max: usize,
    ip_max: usize,
    admitted: usize,
}

impl Seen {
    /// Folds the log in `dir`; fails where quota safety does not hold at any prefix.
    fn read(dir: &Path) -> Self {
        let mut seen = Self::default();
        let folded = history::fold(dir, |folded| seen.decision(folded.first, folded.decision));
        let state = folded.unwrap();
        assert_eq!(state.session_count(), seen.live.len());
        let report = sledger_log::verify(dir).unwrap();
        assert_eq!(report.problems, Vec::new());
        seen
    }

    fn decision(&mut self, first: Seq, decision: &Decision) {
        for (event, seq) in decision.events.iter().zip(first.0..) {
            match (event, &decision.op) {
                (Event::Admitted { .. }, Op::Login(op)) => {
                    let facts = op.facts.plain().unwrap();
                    let who = (facts.user().to_owned(), facts.ip().unwrap_or_default().to_owned());
                    self.live.insert(Seq(seq), who);
                    self.admitted += 1;
                    self.count();
                }
                (Event::Ended { session, .. }, _) => {
                    self.live.remove(session).expect("only live sessions end");
                }
                _ => {}
            }
        }
    }

    /// After every single admission.
    fn count(&mut self) {
        let most = |of: fn(&(String, String)) -> &str| {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            self.live.values().for_each(|who| *counts.entry(of(who)).or_default() += 1);
            counts.into_values().max().unwrap_or(0)
        };
        let (users, ips) = (most(|who| &who.0), most(|who| &who.1));
        self.user_max = self.user_max.max(users);
        self.ip_max = self.ip_max.max(ips);
    }
}
