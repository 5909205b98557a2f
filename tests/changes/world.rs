//! A decider in virtual time; after each change it is compared with what a restart would fold.

use sledger_core::answer::{Answer, Outcome};
use sledger_core::command::{Actor, Change, Changing, Command, Expect, Login, Refusal, Reload, Request};
use sledger_core::config::{Bounds, Origin, Override, Quota, Selector, Settings};
use sledger_core::decide::Install;
use sledger_core::decider::{Decider, Recorded};
use sledger_core::event::{Decision, Event, PolicySource};
use sledger_core::{Limit, Millis, State, codec, refold};
use sledger_policy::Engine;
use std::sync::Arc;

pub(crate) struct World {
    decider: Decider<Engine>,
    folded: State,
    read: usize,
    recorded: Vec<Recorded>,
    logins: u32,
    pub(crate) at: Millis,
}

pub(crate) fn at_most(limit: u32) -> Limit {
    Limit::at_most(limit).unwrap()
}

pub(crate) fn quota(name: &str, limit: u32) -> Quota {
    Quota {
        name: name.to_owned(),
        max_sessions: at_most(limit),
        on_exhausted: "deny_access".to_owned(),
        origin: Origin::File,
        ..Quota::default_quota()
    }
}

pub(crate) fn file(quotas: Vec<Quota>) -> Settings {
    Settings { quotas: quotas.into_iter().map(Arc::new).collect(), ..Settings::default() }
}

pub(crate) fn fixed(user: &str, limit: Limit) -> Override {
    Override { selector: Selector::User(user.to_owned()), limit, until: None, set_at: None, reason: None }
}

pub(crate) fn limit_of(quota: &str, whom: &str) -> Changing {
    let selector = sledger_wire::config::selector(whom).unwrap_or(Selector::User(String::new()));
    Changing::Override { quota: quota.to_owned(), selector, limit: Some(at_most(1)), until: None }
}

pub(crate) fn change(what: Changing, expect: Option<Expect>) -> Command {
    Command::Change(Box::new(Change { what, expect, reason: None }))
}

impl World {
    pub(crate) fn new(settings: Settings) -> Self {
        let decider = Decider::genesis(settings, &[], Engine::new(), (Bounds::default(), 1)).unwrap();
        let folded = decider.state().clone();
        Self { decider, folded, read: 0, recorded: Vec::new(), logins: 0, at: Millis(1_000) }
    }

    pub(crate) fn ask(&mut self, command: Command) -> Answer {
        self.request(&Request::new(Actor::Local, command))
    }

    pub(crate) fn ask_as(&mut self, id: &str, what: Changing) -> Answer {
        let request = Request::new(Actor::Local, change(what, None));
        self.request(&Request { command_id: Some(id.to_owned()), ..request })
    }

    fn request(&mut self, request: &Request) -> Answer {
        let answer = self.decider.decide(request, self.at, &mut self.recorded);
        for recorded in self.recorded.iter().skip(self.read) {
            let decision = codec::decode(&codec::encode(&*recorded.decision)).unwrap();
            refold(&mut self.folded, recorded.first, &decision);
        }
        self.read = self.recorded.len();
        let (folded, decided) = (self.folded.ready(), self.decider.state().ready());
        assert_eq!(folded.settings, decided.settings, "a restart finds other settings");
        answer
    }

    /// That a restart finds the state as it is.
    pub(crate) fn assert_folded(&self) {
        assert_eq!(self.folded.digest(), self.decider.state().digest(), "a restart finds another state");
    }

    pub(crate) fn done(&mut self, what: Changing) {
        self.done_if(what, None);
    }

    pub(crate) fn done_if(&mut self, what: Changing, expect: Option<Expect>) {
        let answer = self.ask(change(what, expect));
        assert_eq!(answer.outcome, Outcome::Configured, "{answer:?}");
        assert_eq!(self.folded.digest(), self.decider.state().digest(), "a restart finds another state");
    }

    pub(crate) fn refused(&mut self, what: Changing) -> (Option<Refusal>, String) {
        self.refused_if(what, None)
    }

    pub(crate) fn refused_if(&mut self, what: Changing, expect: Option<Expect>) -> (Option<Refusal>, String) {
        let before = self.recorded();
        let answer = self.ask(change(what, expect));
        assert_eq!(answer.outcome, Outcome::Rejected, "{answer:?}");
        assert_eq!(self.recorded(), before, "nothing is recorded of a refusal");
        (answer.refusal, answer.field.unwrap_or_default())
    }

    pub(crate) fn done_because(&mut self, what: Changing, reason: &str) {
        let change = Change { what, expect: None, reason: Some(reason.to_owned()) };
        let answer = self.ask(Command::Change(Box::new(change)));
        assert_eq!(answer.outcome, Outcome::Configured, "{answer:?}");
    }

    /// The field that was refused, if one was.
    pub(crate) fn reload(&mut self, settings: &Settings) -> Result<(), String> {
        self.reload_with(settings, &[])
    }

    /// As [`World::reload`], with policies of the folder.
    pub(crate) fn reload_with(&mut self, settings: &Settings, folder: &[(&str, &str)]) -> Result<(), String> {
        match self.reload_answer(settings, folder).field {
            None => Ok(()),
            Some(field) => Err(field),
        }
    }

    /// What comes of a reload.
    pub(crate) fn reload_answer(&mut self, settings: &Settings, folder: &[(&str, &str)]) -> Answer {
        let install = |(name, text): &(&str, &str)| Install {
            name: Arc::from(*name),
            text: Arc::from(*text),
            from: PolicySource::Folder,
        };
        let reload = Reload {
            settings: settings.clone(),
            installs: folder.iter().map(install).collect(),
            bounds: Bounds::default(),
            file: None,
        };
        self.ask(Command::Reload(Box::new(reload)))
    }

    /// One login, whatever comes of it.
    pub(crate) fn login(&mut self, user: &str, session: &str) -> Answer {
        let (user, session) = (Some(user.to_owned()), Some(session.to_owned()));
        self.ask(Command::Login(Box::new(Login { user, session, ..Login::default() })))
    }

    /// So many logins of `user`, each of which comes to `outcome`.
    pub(crate) fn logins(&mut self, user: &str, count: u32, outcome: Outcome) {
        for _ in 0..count {
            self.logins += 1;
            let login = Login {
                user: Some(user.to_owned()),
                session: Some(format!("s{}", self.logins)),
                ..Login::default()
            };
            let answer = self.ask(Command::Login(Box::new(login)));
            assert_eq!(answer.outcome, outcome, "{answer:?}");
        }
    }

    /// A limit of quota `office`.
    pub(crate) fn limit(whom: &str, limit: Option<Limit>, until: Option<Millis>) -> Changing {
        let Changing::Override { quota, selector, .. } = limit_of("office", whom) else { unreachable!() };
        Changing::Override { quota, selector, limit, until }
    }

    pub(crate) fn pass(&mut self, ms: u64) {
        self.at = Millis(self.at.0 + ms);
    }

    pub(crate) fn next_due(&self) -> Option<Millis> {
        self.decider.next_due()
    }

    pub(crate) fn next_due_setting(&self) -> Option<Millis> {
        self.decider.state().ready().next_end
    }

    pub(crate) fn state(&self) -> &State {
        self.decider.state()
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.decider.state().ready().settings
    }

    pub(crate) fn quota(&self, name: &str) -> &Quota {
        self.settings().quota(name).unwrap()
    }

    pub(crate) fn origin(&self, name: &str) -> Option<Origin> {
        self.settings().quota(name).map(|quota| quota.origin)
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.settings().quotas.iter().map(|quota| &*quota.name).collect()
    }

    /// Every key with its number.
    pub(crate) fn keys(&self) -> Vec<(sledger_core::KeyNo, u16, u32)> {
        self.decider.state().key_counts()
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        self.decider.state().digest()
    }

    /// How many events are recorded.
    pub(crate) fn recorded(&self) -> usize {
        self.events().count()
    }

    pub(crate) fn decisions(&self) -> impl Iterator<Item = &Decision> {
        self.recorded.iter().map(|recorded| &*recorded.decision)
    }

    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        self.decisions().flat_map(|decision| &decision.events)
    }
}
