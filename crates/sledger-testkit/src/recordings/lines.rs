//! Random lines, aimed at what is live.

use super::{Line, Rng, configs, set};
use crate::model;
use serde_json::{Value, json};

/// Makes one line after the other.
pub(super) struct Maker {
    rng: Rng,
    now: u64,
    /// Lines that gave a generation, with user and session.
    given: Vec<(usize, String, String)>,
    /// Lines with a command id, to be sent again.
    marked: Vec<Value>,
    /// Ids that were evicted.
    evicted: Vec<String>,
    own_policy: bool,
    recorded: bool,
    users: Value,
}

impl Maker {
    pub(super) fn new(rng: Rng, config: &Value) -> Self {
        let users = config.get("users").cloned().unwrap_or_else(|| json!({}));
        Self {
            rng,
            now: 0,
            given: Vec::new(),
            marked: Vec::new(),
            evicted: Vec::new(),
            own_policy: false,
            recorded: false,
            users,
        }
    }

    /// Takes note of what a line led to.
    pub(super) fn heard(&mut self, line: &Line, answer: &Value) {
        let text = |field: &str| line.value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        if answer.get("generation").is_some_and(Value::is_u64) {
            self.given.push((line.tag, text("user"), text("session")));
            self.recorded = true;
        }
        if line.value.get("command").is_some() {
            self.marked.push(line.value.clone());
        }
        let evicted = answer.get("evicted").and_then(Value::as_array).into_iter().flatten();
        self.evicted.extend(evicted.filter_map(Value::as_str).map(str::to_owned));
        let installed = text("op") == "policy" && text("name") == "own";
        self.own_policy |= installed && answer.get("outcome") == Some(&json!("configured"));
    }

    /// The next line; times are equal, or steps that meet the deadlines there are.
    pub(super) fn next(&mut self, tag: usize) -> Value {
        const STEPS: [u64; 16] = [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 500, 500, 999, 1000, 1000, 2000];
        if tag > 0 {
            self.now += self.rng.pick(&STEPS);
            self.now +=
                if self.rng.chance(2) { self.rng.pick(&[59_000, 60_000, 61_000, 700_000]) } else { 0 };
        }
        let mut line = self.operation(tag);
        if self.rng.chance(3) {
            self.spoil(&mut line);
        }
        set(&mut line, "at", json!(self.now));
        line
    }

    fn operation(&mut self, tag: usize) -> Value {
        if tag == 0 && self.rng.chance(10) {
            return json!({ "op": "configure", "config": { "users": configs::users(&mut self.rng) } });
        }
        if !self.marked.is_empty() && self.rng.chance(4) {
            return self.rng.pick(&self.marked);
        }
        match self.rng.below(100) {
            0..=57 => self.login(),
            58..=64 => self.target("touch"),
            65..=69 => self.target("logout"),
            70..=76 => self.target("disconnect"),
            77..=78 => self.target("end"),
            79..=81 => self.clear(),
            82..=84 => self.reconcile(),
            85..=88 => self.adopt(),
            89..=90 => json!({ "op": "advance" }),
            91..=94 => self.configure(),
            _ => self.policy(),
        }
    }

    fn user(&mut self) -> String {
        const NAMES: [&str; 14] = [
            "ann",
            "ann",
            "ann",
            "ann",
            "ann",
            "bob",
            "bob",
            "bob",
            "bob",
            "cy",
            "Ann",
            "corp\\ann",
            "BOB@Corp",
            "e\u{301}va",
        ];
        self.rng.pick(&NAMES).to_owned()
    }

    /// Mostly an id of the user's own, now and then one that all of them use.
    fn session(&mut self, user: &str) -> String {
        let initial = user.chars().rev().find(char::is_ascii_alphabetic).unwrap_or('n').to_ascii_lowercase();
        match self.rng.below(10) {
            0 => self.rng.pick(&["x", "y"]).to_owned(),
            1 if !self.evicted.is_empty() => self.rng.pick(&self.evicted),
            _ => format!("{initial}{}", self.rng.below(9)),
        }
    }

    fn login(&mut self) -> Value {
        let user = self.user();
        let mut line = self.facts(&user);
        set(&mut line, "op", json!("login"));
        if self.rng.chance(12) {
            set(&mut line, "end", self.ending(&user));
        }
        if self.rng.chance(12) {
            set(&mut line, "replaces", json!(self.own(&user)));
        }
        self.with_command(line)
    }

    fn ending(&mut self, user: &str) -> Value {
        match self.rng.below(4) {
            0 => json!("all"),
            1 => json!("others"),
            _ => json!([self.own(user), self.session(user)]),
        }
    }

    /// A session of this user that was let in lately, else any id.
    fn own(&mut self, user: &str) -> String {
        let sessions = self.given.iter().rev().filter(|(_, of, _)| of == user).take(4);
        let sessions: Vec<String> = sessions.map(|(_, _, session)| session.clone()).collect();
        if sessions.is_empty() || self.rng.chance(25) { self.session(user) } else { self.rng.pick(&sessions) }
    }

    /// User, session and a random choice of everything else.
    fn facts(&mut self, user: &str) -> Value {
        let mut facts = json!({ "user": user, "session": self.session(user) });
        let fields: [(&str, [Value; 4]); 7] = [
            ("ip", [json!("10.0.0.1"), json!("10.0.0.2"), json!("2001:DB8::0:1"), json!("")]),
            ("client", [json!("web"), json!("mobile"), json!("tv"), json!("web")]),
            ("source", [json!("portal"), json!("broker"), json!("portal"), json!("broker")]),
            ("groups", [json!(["staff"]), json!(["vip", "staff", "vip"]), json!([]), json!(["vip"])]),
            (
                "attributes",
                [json!({"device": "phone"}), json!({"device": "desk"}), json!({"device": ""}), json!({})],
            ),
            ("ttl", [json!(5), json!("4s"), json!("1m"), json!("never")]),
            ("idle", [json!(2), json!("3s"), json!("1m"), json!("never")]),
        ];
        for (field, values) in fields {
            let percent = if ["ttl", "idle"].contains(&field) { 12 } else { 75 };
            if self.rng.chance(percent) {
                set(&mut facts, field, self.rng.pick(&values));
            }
        }
        if self.rng.chance(20) {
            set(&mut facts, "retention", self.rng.pick(&[json!(0), json!("2s"), json!("5s")]));
        }
        facts
    }

    fn with_command(&mut self, mut line: Value) -> Value {
        if self.rng.chance(8) {
            set(
                &mut line,
                "command",
                json!(self.rng.pick(&["c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"])),
            );
        }
        line
    }

    /// A session that was given a generation, or any.
    fn target(&mut self, op: &str) -> Value {
        let any = || (usize::MAX, String::new(), String::new());
        let recent = self.given.len().saturating_sub(8);
        let known = self.given.get(recent..).unwrap_or_default().to_vec();
        let (tag, mut user, mut session) = if known.is_empty() { any() } else { self.rng.pick(&known) };
        if tag == usize::MAX || self.rng.chance(15) {
            user = self.user();
            session = self.session(&user);
        }
        let mut line = json!({ "op": op, "user": user, "session": session });
        if tag != usize::MAX && self.rng.chance(40) {
            set(&mut line, "generation", json!(format!("@{tag}")));
        }
        if let Some(fields) = line.as_object_mut().filter(|_| self.rng.chance(5)) {
            fields.remove("user");
        }
        if op == "end" && self.rng.chance(50) {
            set(&mut line, "reason", json!("by hand"));
        }
        self.with_command(line)
    }

    fn clear(&mut self) -> Value {
        let user = self.user();
        let mut line = json!({ "op": "clear", "user": user });
        if self.rng.chance(50) {
            set(&mut line, "keep", json!(self.own(&user)));
        }
        self.with_command(line)
    }

    fn reconcile(&mut self) -> Value {
        let mut listed: Vec<String> = ["a0", "n0", "n1", "b0", "b1", "x"].map(str::to_owned).to_vec();
        listed.retain(|_| self.rng.chance(40));
        let source = self.rng.pick(&["portal", "broker"]);
        let mut line = json!({ "op": "reconcile", "source": source, "live": listed });
        let tags: Vec<usize> = self.given.iter().map(|(tag, _, _)| *tag).collect();
        if !tags.is_empty() && self.rng.chance(80) {
            set(&mut line, "as_of", json!(format!("@{}", self.rng.pick(&tags))));
        }
        line
    }

    fn adopt(&mut self) -> Value {
        let sessions: Vec<Value> = (0..=self.rng.below(2)).map(|_| self.adoptee()).collect();
        json!({ "op": "adopt", "source": "broker", "sessions": sessions })
    }

    fn adoptee(&mut self) -> Value {
        let user = self.user();
        let mut one = self.facts(&user);
        let started = (self.now + 1000).saturating_sub(self.rng.pick(&[0, 1000, 2000, 4000, 9000]));
        set(&mut one, "started", json!(started));
        if self.rng.chance(50) {
            set(&mut one, "last_active", json!(started + self.rng.pick(&[0, 500, 2000])));
        }
        one
    }

    fn configure(&mut self) -> Value {
        let config = match self.rng.below(8) {
            0 => configs::bad_change(&mut self.rng),
            1 if self.recorded => json!({ "users": self.users }),
            _ => configs::change(&mut self.rng, self.own_policy),
        };
        json!({ "op": "configure", "config": config })
    }

    fn policy(&mut self) -> Value {
        let texts = [
            model::OLDEST_ONE_BY_ONE,
            model::NEWEST_ONE_BY_ONE,
            model::OLDEST_WHILE_MANY,
            model::OLDEST_WHILE_MANY,
            model::ALLOW_ALWAYS,
            model::DENY_ABOVE_TWO,
            model::BROKEN,
        ];
        let name = if self.rng.chance(80) { "own" } else { "destroy_all_others" };
        json!({ "op": "policy", "name": name, "text": self.rng.pick(&texts) })
    }

    /// Makes a line one that is refused.
    fn spoil(&mut self, line: &mut Value) {
        let long = "z".repeat(257);
        match self.rng.below(8) {
            0 => set(line, "sesion", json!("a")),
            1 => set(line, "user", json!(7)),
            2 => set(line, "session", json!("a\u{7}b")),
            3 => set(line, "session", json!(long)),
            4 => set(line, "ttl", json!(0)),
            5 => set(line, "groups", json!("staff")),
            6 => set(line, "attributes", json!({ "k": "a\nb" })),
            _ if line.get("op") == Some(&json!("login")) => set(line, "user", json!("")),
            _ => set(line, "generation", json!("latest")),
        }
    }
}
