//! Commands under pseudonyms.
//!
//! Exact users, addresses and values in settings are replaced as in logins, so that they still match. Patterns of
//! users and networks are kept; they match nobody any more.

use super::Pseudonyms;
use sledger_core::command::{Command, Configure, Ending, Login, Request, Target};
use sledger_core::config::{Condition, Fact, Quota, Selector, When};

impl Pseudonyms {
    /// Puts pseudonyms into a command.
    pub fn request(&self, request: &mut Request) {
        request.command_id = request.command_id.take().map(|id| self.of("command", &id));
        request.request_id = request.request_id.take().map(|id| self.of("request", &id));
        match &mut request.command {
            Command::Login(login) => self.login(login),
            Command::Touch(target)
            | Command::Logout(target)
            | Command::Disconnect(target)
            | Command::Assume(target) => self.target(target),
            Command::End { target, reason } => {
                self.target(target);
                replace(reason, |text| if text == "assumed" { text.to_owned() } else { self.text(text) });
            }
            Command::Clear { user, keep } => {
                replace(user, |name| self.user(name));
                replace(keep, |id| self.session(id));
            }
            Command::Reconcile(command) => each(&mut command.live, |id| self.session(id)),
            Command::Adopt(command) => command.sessions.iter_mut().for_each(|one| self.login(&mut one.login)),
            Command::Configure(configure) => self.configure(configure),
            // A change or reload is never in a recording: what it changes stands there as `configure`. Nor is what
            // tells of the ledger's own keeping.
            Command::Change(_)
            | Command::Reload(_)
            | Command::Keep(_)
            | Command::Advance
            | Command::Policy { .. }
            | Command::Unreadable { .. } => {}
        }
    }

    fn login(&self, login: &mut Login) {
        replace(&mut login.user, |name| self.user(name));
        replace(&mut login.session, |id| self.session(id));
        replace(&mut login.ip, |ip| self.ip(ip));
        replace(&mut login.replaces, |id| self.session(id));
        for (_, value) in login.attributes.iter_mut().chain(&mut login.user_attributes) {
            *value = self.attribute(value);
        }
        if let Ending::Ids(ids) = &mut login.end {
            each(ids, |id| self.session(id));
        }
    }

    fn target(&self, target: &mut Target) {
        replace(&mut target.session, |id| self.session(id));
        replace(&mut target.user, |name| self.user(name));
    }

    fn configure(&self, configure: &mut Configure) {
        for group in configure.groups.iter_mut().flatten() {
            each(&mut group.users, |user| self.selector(user));
        }
        configure.ignore.iter_mut().flatten().for_each(|when| self.when(when));
        configure.quotas.iter_mut().flatten().for_each(|quota| self.quota(quota));
    }

    fn quota(&self, quota: &mut Quota) {
        self.when(&mut quota.when);
        for one in &mut quota.overrides {
            if let Selector::User(user) = &mut one.selector {
                *user = self.user(user);
            }
            replace(&mut one.reason, |text| self.text(text));
        }
    }

    fn when(&self, when: &mut When) {
        when.all_of.iter_mut().chain(&mut when.not).for_each(|condition| self.condition(condition));
    }

    fn condition(&self, condition: &mut Condition) {
        match &condition.fact {
            Fact::User => each(&mut condition.any_of, |user| self.selector(user)),
            Fact::Ip => {
                each(&mut condition.any_of, |ip| if ip.contains('/') { ip.to_owned() } else { self.ip(ip) });
            }
            Fact::Attribute(_) => each(&mut condition.any_of, |value| self.attribute(value)),
            Fact::Group | Fact::Client | Fact::Source => {}
        }
    }
}

fn replace(text: &mut Option<String>, with: impl Fn(&str) -> String) {
    *text = text.take().map(|text| with(&text));
}

fn each(texts: &mut [String], with: impl Fn(&str) -> String) {
    for text in texts {
        *text = with(text);
    }
}
