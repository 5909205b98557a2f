//! From when to when sessions were in.

use crate::backtest::Window;
use sledger_core::{Millis, Seq};
use sledger_wire::events::EventLine;
use std::collections::BTreeMap;

/// Lives kept.
pub const LIVES_MAX: usize = 60;

/// One session's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// Its id.
    pub session: String,
    /// Its number.
    pub number: u64,
    /// Its user.
    pub user: String,
    /// When it came in.
    pub from: Millis,
    /// When it was over; `None` while it is in.
    pub to: Option<Millis>,
    /// Why it ended.
    pub cause: Option<String>,
}

/// Lives as they come and go.
#[derive(Debug, Default)]
pub(super) struct Lives {
    live: BTreeMap<u64, Life>,
    over: Vec<Life>,
    more: u64,
}

impl Lives {
    pub(super) fn see(&mut self, line: &EventLine, at: Millis, window: &Window) {
        let Some(number) = line.number else { return };
        match &*line.kind {
            "login.admitted" | "session.adopted" => {
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                let (session, user) = (text(&line.session), text(&line.user));
                let life = Life { session, number, user, from: at, to: None, cause: None };
                self.live.insert(number, life);
            }
            "session.ended" | "session.evicted" => {
                let Some(life) = self.live.remove(&number) else { return };
                let ended = line.ended_at.as_deref().and_then(|at| sledger_wire::values::time(at).ok());
                let life = Life { to: Some(ended.unwrap_or(at)), cause: line.cause.clone(), ..life };
                if is_within(&life, window) {
                    self.over.push(life);
                    self.forget();
                }
            }
            _ => {}
        }
    }

    /// The latest are kept, twice as many as are shown.
    fn forget(&mut self) {
        if self.over.len() >= LIVES_MAX * 4 {
            let gone = self.over.len() - LIVES_MAX * 2;
            self.over.drain(..gone);
            self.more += gone as u64;
        }
    }

    /// Those within the window, in the order in which they came, and how many were left out.
    pub(super) fn finish(self, window: &Window) -> (Vec<Life>, u64) {
        let mut lives: Vec<Life> = self.over.into_iter().chain(self.live.into_values()).collect();
        lives.retain(|life| is_within(life, window));
        lives.sort_by_key(|life| life.number);
        let more = lives.len().saturating_sub(LIVES_MAX);
        (lives.split_off(more), self.more + more as u64)
    }
}

/// Whether some of the life lies within the window.
fn is_within(life: &Life, window: &Window) -> bool {
    window.since.is_none_or(|since| life.to.is_none_or(|to| to >= since))
        && window.after.is_none_or(|after| life.to.is_none() || Seq(life.number) > after)
        && window.until.is_none_or(|until| life.from < until)
        && window.upto.is_none_or(|upto| Seq(life.number) <= upto)
}
