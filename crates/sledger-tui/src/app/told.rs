//! What becomes of answers and events.

use super::{App, Effect, Link};
use crate::scene::{TAIL_MAX, TIMELINE_MAX};
use crate::source::{Failed, Fed, Kind, Side, Told};

impl App {
    pub(super) fn told(&mut self, side: Side, told: Told, effects: &mut Vec<Effect>) {
        self.dirty = true;
        let lag = told.kind().map_or(0, |kind| self.note(side, kind));
        if side == Side::Live {
            self.link = Link::Up;
        }
        let now = self.now;
        let scene = match side {
            Side::Live => &mut self.live,
            Side::Past => &mut self.past,
        };
        match told {
            Told::Top(top) => scene.figures(top, now, lag),
            Told::Ledger(ledger) => scene.ledger = Some(ledger),
            Told::Users(page) => {
                scene.more_users = page.next.is_some();
                scene.users = Some(page.users);
            }
            Told::User(user) => {
                // Opened while it is frozen: there is nothing older to show.
                if let Some(frozen) = self.frozen.as_mut().filter(|_| side == Side::Live) {
                    let known = frozen.scene.user.as_ref().is_some_and(|known| known.user == user.user);
                    if !known {
                        frozen.scene.user = Some(user.clone());
                    }
                }
                scene.user = Some(user);
            }
            Told::Session(found) => scene.session = Some(found),
            Told::Policies(page) => scene.policies = page.policies,
            Told::Policy(policy) => scene.policy = Some(policy),
            Told::Quotas(quotas) => scene.switched_off = quotas,
            Told::Timeline { user, events, is_whole } => scene.timeline.begin(user, events, is_whole),
            Told::Why { about, why } => scene.why = Some((about, why)),
            Told::Reading { seq } => self.walk.reading = Some(seq),
            Told::At(position) => self.arrived(position, effects),
            Told::Done(what) => {
                self.say(what);
                for kind in [Kind::Users, Kind::User, Kind::Session, Kind::Policies, Kind::Quotas] {
                    self.forget(Side::Live, kind);
                }
            }
        }
    }

    pub(super) fn failed(&mut self, side: Side, failed: Failed) {
        self.dirty = true;
        self.note(side, failed.kind);
        let Failed { kind, is_connection, why } = failed;
        if side == Side::Live && is_connection && kind != Kind::Do {
            if !matches!(self.link, Link::Lost { .. }) {
                self.link = Link::Lost { since: self.now, why };
            }
            return;
        }
        if side == Side::Past {
            self.walk.reading = None;
            self.walk.playing = None;
            self.walk.steps.clear();
            if kind == Kind::Move {
                self.walk.failed = Some(why.clone());
            }
        }
        self.say(why);
    }

    pub(super) fn fed(&mut self, user: Option<&str>, fed: Fed) {
        self.dirty = true;
        match (user, fed) {
            (None, Fed::Events { events, skipped }) => {
                self.watch(&events);
                self.live.tail.add(events, skipped, TAIL_MAX);
            }
            (Some(user), Fed::Events { events, skipped }) => {
                if self.live.timeline.user == user {
                    self.live.timeline.tail.add(events, skipped, TIMELINE_MAX);
                }
            }
            (None, Fed::Flows) => self.feed_broken = None,
            (None, Fed::Broken(why)) => self.feed_broken = Some(why),
            (Some(_), Fed::Flows | Fed::Broken(_)) => {}
        }
    }
}
