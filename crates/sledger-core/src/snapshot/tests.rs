use super::{Encoder, FRAME_BYTES_MAX, Kind, LoadError, Loader, Rows, SNAPSHOT_REVISION, Slice, Taker};
use crate::command::Actor;
use crate::config::{Dimension, Param, Quota, Settings};
use crate::event::{Cause, CommandMark, Decision, Event, LoginOp, Op, Part, PolicyCode, PolicyFailure};
use crate::event::{Code, Counted, PolicyRef, Started};
use crate::quota::Ready;
use crate::{Facts, KeyNo, Limit, Millis, Personal, Seq, Span, State, Texts, UserNo, codec, refold};
use std::sync::Arc;

type Frame = (u8, Vec<u8>);

fn beginning() -> State {
    let mut by_ip = Quota::default_quota();
    (by_ip.name, by_ip.count_by) = ("per-ip".to_owned(), vec![Dimension::Ip]);
    let quotas = vec![Arc::new(Quota::default_quota()), Arc::new(by_ip)];
    let ready = Ready::new(Settings { quotas, ..Settings::default() }).unwrap();
    State::new(ready, Vec::new(), 3)
}

fn login_op(user: &str, session: &str, ip: &str) -> Op {
    let mut facts = Facts::new(Texts { user, session, ip, ..Texts::default() });
    (facts.started, facts.ttl, facts.idle) = (Millis(1_000), Span::seconds(3600), Span::seconds(60));
    let facts = Personal::Plain(Arc::new(facts));
    Op::Login(Box::new(LoginOp { facts, extras: None, ttl: None, idle: None, retention: None }))
}

fn counted(user_key: u64, ip_key: u64) -> Event {
    let key = |quota, key| Counted { quota, key: KeyNo(key), limit: Limit::Unlimited, count: 1 };
    Event::Admitted { user: UserNo(user_key), counted: [key(0, user_key), key(1, ip_key)].into() }
}

struct Story {
    state: State,
    at: u64,
}

impl Story {
    /// Two users with three sessions, one of them moved, one tombstone, a command id, a storm, a failing policy.
    fn told() -> Self {
        let mut story = Self { state: beginning(), at: 1_000 };
        let started = Started {
            version: "1".into(),
            epoch: 4,
            rules: 1,
            engine: "e".into(),
            last: Millis(0),
            gap: Span::ZERO,
            clean: true,
            wall: Millis(1_000),
            clock_accepted: false,
        };
        story.happens(Op::Ledger, Event::LedgerStarted(Box::new(started)));
        story.happens(login_op("ann", "a", "10.0.0.1"), counted(2, 3));
        story.happens(login_op("ann", "b", "10.0.0.2"), counted(2, 4));
        story.happens(login_op("bob", "c", "10.0.0.1"), counted(4, 3));
        story.happens(login_op("bob", "d", "10.0.0.2"), counted(4, 4));
        story.happens(login_op("ann", "a", "10.9.9.9"), Event::Resumed { session: Seq(2), retention: None });
        story.happens(Op::Disconnect { session: Seq(3) }, Event::Disconnected { session: Seq(3) });
        story.ends(4);
        story.denied("eve");
        let policy = PolicyRef { name: "p".into(), revision: [7; 4] };
        let failure = PolicyFailure { code: PolicyCode::Error, policy, line: 0, column: 0 };
        let failed = Event::PolicyFailed { quota: 1, judged: None, failure };
        story.happens(login_op("eve", "e", "10.0.0.3"), failed);
        let part = Part::Ignore(Vec::new());
        story.happens(Op::Configure, Event::ConfigPart { hash: [9; 32], part: Box::new(part) });
        story
    }

    fn happens(&mut self, op: Op, event: Event) {
        self.at += 10;
        let id = format!("command-{}", self.at);
        let decision = Decision {
            at: Millis(self.at),
            actor: Actor::Local,
            request_id: None,
            command: Some(CommandMark { id: id.into(), mark: [1; 8] }),
            cause: None,
            op,
            judged: Vec::new(),
            events: vec![event],
        };
        let first = self.state.seq().next();
        refold(&mut self.state, first, &decision);
    }

    fn ends(&mut self, session: u64) {
        let (session, ended_at) = (Seq(session), Millis(self.at));
        let ended = Event::Ended { session, cause: Cause::Logout, ended_at, judged: None };
        self.happens(Op::Logout { session }, ended);
    }

    fn denied(&mut self, user: &str) {
        let event = Event::Denied {
            code: Code::UserBanned,
            quota: Some(0),
            limit: Some(Limit::Banned),
            active: 0,
            judged: None,
            reason: "banned".into(),
        };
        self.happens(login_op(user, "x", ""), event);
    }
}

/// All frames of a snapshot; `between` happens before each slice of a single row.
fn frames(story: &mut Story, mut between: impl FnMut(&mut Story)) -> Option<Vec<Frame>> {
    let mut frames: Vec<Frame> = Vec::new();
    let mut give = |kind: u8, body: &[u8]| -> Result<(), ()> {
        frames.push((kind, body.to_vec()));
        Ok(())
    };
    let mut encoder = Encoder::default();
    let beginning = Taker::on(&mut story.state).begin();
    encoder.beginning(&beginning, &mut give).unwrap();
    loop {
        between(story);
        let slice: Slice = Taker::on(&mut story.state).slice(1)?;
        encoder.slice(&slice, &mut give).unwrap();
        if slice.last {
            break;
        }
    }
    encoder.end(&mut give).unwrap();
    Some(frames)
}

fn load(frames: &[Frame]) -> Result<State, LoadError> {
    let mut loader = Loader::new(8, 1 << 20);
    for (kind, body) in frames {
        loader.take(Rows::decode(*kind, body)?)?;
    }
    loader.finish()
}

#[test]
fn a_snapshot_is_loaded_as_the_state_it_was_taken_of() {
    let mut story = Story::told();
    let digest = story.state.digest();
    let loaded = load(&frames(&mut story, |_| ()).unwrap()).unwrap();
    assert_eq!(loaded.digest(), digest);
    assert_eq!(loaded.key_counts(), story.state.key_counts());
    assert_eq!(loaded.next_deadline(), story.state.next_deadline());
    assert_eq!(loaded.tombstone("c"), story.state.tombstone("c"));
    let answers = |state: &State| -> Vec<_> {
        let all = state.tables().commands.recorded(state.at());
        all.map(|(id, found)| (id.to_owned(), found.mark, found.answer.clone())).collect()
    };
    assert_eq!(answers(&loaded), answers(&story.state), "[14]");
    assert_eq!(answers(&loaded).len(), 11);
    assert!(story.state.tables().taking.is_none(), "nothing is left behind");
}

#[test]
fn what_changes_while_it_is_taken_is_as_it_was_at_the_beginning() {
    let mut story = Story::told();
    let digest = story.state.digest();
    let mut step = 0;
    let frames = frames(&mut story, |story| {
        step += 1;
        match step {
            1 => {
                story.denied("eve");
                let touched = Event::Touched { session: Seq(2), last_active: Millis(9_000) };
                story.happens(Op::Touch { session: Seq(2) }, touched);
                // Into a slot that was free already.
                story.happens(login_op("zoe", "y", "10.0.0.1"), counted(20, 3));
            }
            2 => story.ends(5),
            // Into the slot that has just become free.
            3 => story.happens(login_op("zoe", "z", "10.0.0.1"), counted(20, 3)),
            4 => story.ends(3),
            _ => {}
        }
    });
    assert!(step >= 4, "{step} slices are enough for all of it");
    assert_ne!(story.state.digest(), digest);
    assert_eq!(load(&frames.unwrap()).unwrap().digest(), digest);
}

#[test]
fn a_snapshot_is_given_up_when_settings_change() {
    let mut story = Story::told();
    let mut first = true;
    let frames = frames(&mut story, |story| {
        if std::mem::take(&mut first) {
            let (parts, bindings) = (vec![[9; 32]], Vec::new());
            let applied = Event::ConfigApplied { parts, bindings, file: None, rules: 1, engine: "e".into() };
            story.happens(Op::Configure, applied);
        }
    });
    assert_eq!(frames, None);
    assert!(!Taker::on(&mut story.state).is_taking());
}

#[test]
fn holds_come_back_and_a_snapshot_that_lost_them_is_none() {
    let mut story = Story::told();
    story.happens(Op::Ledger, Event::HoldSet { name: "case".into(), reason: "why".into() });
    let mut frames = frames(&mut story, |_| {}).unwrap();
    let loaded = load(&frames).unwrap();
    assert_eq!(loaded.digest(), story.state.digest());
    assert_eq!(&*loaded.holds()["case"].reason, "why");
    let holds = frames.iter_mut().find(|(kind, _)| *kind == Kind::Hold.number()).unwrap();
    holds.1.clear();
    assert_eq!(load(&frames).unwrap_err(), LoadError::Order);
}

#[test]
fn settings_sources_and_bindings_come_back() {
    let mut story = Story::told();
    let text: Arc<str> = Arc::from("fn on_exhausted() {}");
    let from = crate::event::PolicySource::Sent;
    let installed = Event::PolicyInstalled { name: "p".into(), text: Arc::clone(&text), from, reason: None };
    story.happens(Op::Policy, installed);
    let loaded = load(&frames(&mut story, |_| ()).unwrap()).unwrap();
    assert_eq!(loaded.ready().settings, story.state.ready().settings);
    assert_eq!(loaded.policy_source("p"), Some(&text));
    assert_eq!((loaded.seq(), loaded.at(), loaded.epoch()), (story.state.seq(), story.state.at(), 4));
}

/// Whoever changes what is written must raise the revision, and this hash with it.
#[test]
fn rows_of_revision_2_are_written_as_ever() {
    let mut hash = blake3::Hasher::new();
    for (kind, body) in frames(&mut Story::told(), |_| ()).unwrap() {
        hash.update(&[kind]).update(&body);
    }
    assert_eq!(SNAPSHOT_REVISION, 2);
    assert_eq!(hash.finalize().to_hex().as_str(), GOLDEN);
}

const GOLDEN: &str = "ae99789bf1c602d653daa160550a382e852cc9615873e62ea5dd39d27b1f6707";

#[test]
fn any_changed_byte_and_any_cut_is_a_state_or_a_reason() {
    let frames = frames(&mut Story::told(), |_| ()).unwrap();
    let mut refused = 0;
    for (index, (_, body)) in frames.iter().enumerate() {
        for at in 0..body.len() {
            for flip in [1, 0x80, 0xFF] {
                let mut bad = frames.clone();
                bad[index].1[at] ^= flip;
                refused += usize::from(load(&bad).map(|state| state.digest()).is_err());
            }
            let mut cut = frames.clone();
            cut[index].1.truncate(at);
            assert!(load(&cut).is_err(), "frame {index} cut at {at}");
        }
        let mut without = frames.clone();
        without.remove(index);
        assert!(load(&without).is_err(), "without frame {index}");
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn rows_that_cannot_be_are_refused_by_name() {
    let frames = frames(&mut Story::told(), |_| ()).unwrap();
    let with = |kind: Kind| frames.iter().position(|(number, _)| *number == kind.number()).unwrap();
    let twice = |kind: Kind| {
        let mut bad = frames.clone();
        bad.insert(with(kind), frames[with(kind)].clone());
        load(&bad).unwrap_err().to_string()
    };
    assert_eq!(twice(Kind::Session), "session `2` is in it twice");
    assert_eq!(twice(Kind::Tombstone), "it has `2` tombstones where `1` are said");
    assert_eq!(twice(Kind::Head), "its frames are not in order");
    assert_eq!(Rows::decode(77, &[]).unwrap_err().to_string(), "rows of kind `77` are not known");
}

#[test]
fn values_nested_without_end_do_not_run_off_the_stack() {
    let mut quota = Quota::default_quota();
    quota.params.insert("p".to_owned(), Param::List(vec![Param::Int(77)]));
    let plain = codec::encode(&Part::Quota(Arc::new(quota)));
    // A list of one list of one list …
    let list = plain.windows(3).position(|bytes| bytes == [3, 1, 0]).unwrap();
    let mut bytes = plain[..list].to_vec();
    bytes.extend([3, 1].repeat(1 << 20));
    assert!(bytes.len() < FRAME_BYTES_MAX);
    let refused = Rows::decode(Kind::Setting.number(), &bytes).unwrap_err();
    assert_eq!(refused.to_string(), "a row cannot be read: nested too deeply");
}
