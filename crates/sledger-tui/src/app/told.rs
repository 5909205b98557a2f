//! What becomes of answers and events.

use super::{App, Effect, Link, View};
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
            Told::Diff(diff) => scene.diff = Some(diff),
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

    /// What was opened while the view is frozen is shown as it was when it was opened: there is nothing older. What is
    /// shown already stays.
    fn show_opened(&mut self, side: Side) {
        let looked_at = match self.user_view() {
            View::User(name) => Some(name.clone()),
            _ => None,
        };
        let opened = match self.view() {
            View::Session(unique) => unique.rsplit('@').next().and_then(|number| number.parse().ok()),
            _ => None,
        };
        let Some(frozen) = self.frozen.as_mut().filter(|_| side == Side::Live) else { return };
        let (shown, live) = (&mut frozen.scene, &self.live);
        if shown.found.is_none() {
            shown.found.clone_from(&live.found);
        }
        if let Some(name) = looked_at {
            let is_his = |scene: &Scene| scene.user.as_ref().is_some_and(|user| user.user == name);
            if !is_his(shown) && is_his(live) {
                shown.user.clone_from(&live.user);
            }
            let is_told = |scene: &Scene| scene.timeline.user == name && scene.timeline.is_told;
            if !is_told(shown) && is_told(live) {
                shown.timeline.clone_from(&live.timeline);
            }
        }
        let number = |scene: &Scene| scene.session.as_deref().and_then(Found::number);
        if shown.session.is_none() || number(shown) != opened {
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
            self.why = self.why_wanted().map(|about| (about, Err(why)));
            return;
        }
        if side == Side::Past {
            self.walk.reading = None;
            self.walk.is_counting = false;
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
