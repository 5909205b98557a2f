//! Commands back into lines of a recording.

use super::AtGiven;
use crate::config::json;
use serde_json::{Map, Value};
use sledger_core::command::{Adopt, Command, Configure, Ending, Login, Reconcile, Request, Target};

/// The line of a recording that reads back to `request`; `None` for what never was a command.
#[must_use]
pub fn line(at: &AtGiven, request: &Request) -> Option<String> {
    let mut out = Out(Map::new());
    out.0.insert("at".to_owned(), serde_json::to_value(at).ok()?);
    out.command(&request.command)?;
    out.text("command", request.command_id.as_ref());
    serde_json::to_string(&out.0).ok()
}

/// An object under construction: what is absent is left out.
struct Out(Map<String, Value>);

impl Out {
    fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }

    fn text(&mut self, key: &str, text: Option<impl ToString>) {
        if let Some(text) = text {
            self.put(key, text.to_string());
        }
    }

    fn texts(&mut self, key: &str, texts: &[String]) {
        if !texts.is_empty() {
            self.put(key, texts.to_vec());
        }
    }

    fn command(&mut self, command: &Command) -> Option<()> {
        match command {
            Command::Login(login) => {
                self.put("op", "login");
                self.login(login);
            }
            Command::Touch(target) => self.target("touch", target),
            Command::Logout(target) => self.target("logout", target),
            Command::Disconnect(target) => self.target("disconnect", target),
            Command::End { target, reason } => {
                self.target("end", target);
                self.text("reason", reason.as_ref());
            }
            Command::Clear { user, keep } => {
                self.put("op", "clear");
                self.text("user", user.as_ref());
                self.text("keep", keep.as_ref());
            }
            Command::Reconcile(reconcile) => self.reconcile(reconcile),
            Command::Adopt(adopt) => self.adopt(adopt),
            Command::Advance => self.put("op", "advance"),
            Command::Configure(configure) => self.configure(configure),
            Command::Policy { name, text } => {
                self.put("op", "policy");
                self.put("name", name.as_str());
                self.put("text", text.as_str());
            }
            Command::Assume(_)
            | Command::Change(_)
            | Command::Reload(_)
            | Command::Keep(_)
            | Command::Unreadable { .. } => return None,
        }
        Some(())
    }

    fn login(&mut self, login: &Login) {
        let texts = [
            ("user", &login.user),
            ("session", &login.session),
            ("ip", &login.ip),
            ("client", &login.client),
            ("source", &login.source),
        ];
        for (key, text) in texts {
            self.text(key, text.as_ref());
        }
        self.texts("groups", &login.groups);
        for (key, pairs) in [("attributes", &login.attributes), ("user_attributes", &login.user_attributes)] {
            if !pairs.is_empty() {
                let pairs = pairs.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
                self.put(key, pairs.collect::<Map<_, _>>());
            }
        }
        self.text("ttl", login.ttl);
        self.text("idle", login.idle);
        self.text("retention", login.retention);
        match &login.end {
            Ending::None => {}
            Ending::All => self.put("end", "all"),
            Ending::Others => self.put("end", "others"),
            Ending::Ids(ids) => self.texts("end", ids),
        }
        self.text("replaces", login.replaces.as_ref());
    }

    fn target(&mut self, op: &str, target: &Target) {
        self.put("op", op);
        self.text("user", target.user.as_ref());
        self.text("session", target.session.as_ref());
        if let Some(generation) = target.generation {
            self.put("generation", generation.0);
        }
    }

    fn reconcile(&mut self, reconcile: &Reconcile) {
        self.put("op", "reconcile");
        self.text("source", reconcile.source.as_ref());
        if let Some(as_of) = reconcile.as_of {
            self.put("as_of", as_of.0);
        }
        self.put("live", reconcile.live.clone());
    }

    fn adopt(&mut self, adopt: &Adopt) {
        self.put("op", "adopt");
        self.text("source", adopt.source.as_ref());
        let session = |one: &sledger_core::command::Adoptee| {
            let mut out = Self(Map::new());
            out.login(&one.login);
            for (key, at) in [("started", one.started), ("last_active", one.last_active)] {
                if let Some(at) = at {
                    out.put(key, at.0);
                }
            }
            Value::Object(out.0)
        };
        self.put("sessions", adopt.sessions.iter().map(session).collect::<Vec<_>>());
    }

    fn configure(&mut self, configure: &Configure) {
        self.put("op", "configure");
        self.put("config", json::sections(configure));
    }
}
