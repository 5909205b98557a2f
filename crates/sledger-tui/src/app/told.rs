//! What becomes of answers and events.

use super::{App, Effect, Link};
use crate::scene::{Scene, TAIL_MAX, TIMELINE_MAX};
use crate::source::{Failed, Fed, Found, Kind, Side, Told};

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
            Told::Sessions { sessions, is_whole } => {
                scene.found = Some((sessions, is_whole));
                self.show_opened(side);
            }
            Told::User(user) => {
                scene.user = Some(user);
                self.show_opened(side);
            }
            Told::Session(found) => {
                scene.session = Some(found);
                self.show_opened(side);
            }
            Told::Policies(page) => scene.policies = page.policies,
            Told::Policy(policy) => scene.policy = Some(policy),
            Told::Quotas(quotas) => scene.switched_off = quotas,
            Told::Timeline { user, events, is_whole } => {
                scene.timeline.begin(user, events, is_whole);
                self.show_opened(side);
            }
            Told::Why { about, why } => self.why = Some((about, Ok(why))),
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

    /// What was opened while the view is frozen is shown as it was when it was opened: there is nothing older.
    fn show_opened(&mut self, side: Side) {
        let Some(frozen) = self.frozen.as_mut().filter(|_| side == Side::Live) else { return };
        let (shown, live) = (&mut frozen.scene, &self.live);
        if shown.found.is_none() {
            shown.found.clone_from(&live.found);
        }
        let name = |scene: &Scene| scene.user.as_ref().map(|user| user.user.clone());
        if name(shown) != name(live) {
            shown.user.clone_from(&live.user);
        }
        if shown.timeline.user != live.timeline.user || !shown.timeline.is_told {
            shown.timeline.clone_from(&live.timeline);
        }
        if shown.session.as_deref().map(Found::number) != live.session.as_deref().map(Found::number) {
            shown.session.clone_from(&live.session);
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
        if kind == Kind::Why {
            self.why = self.why_wanted().map(|about| (about.to_owned(), Err(why)));
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
