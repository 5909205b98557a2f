//! Ledgers on a disk that are not what they were: cut, flipped, with volumes gone, or written anew with hashes that
//! fit. Nothing panics, nothing is passed over in silence, and the place is named.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use sledger_core::command::{Actor, Command, Login, Request, Target};
use sledger_core::config::{Bounds, Quota, Settings};
use sledger_core::decide::{Applying, configuration, own_decision};
use sledger_core::decider::{Decider, Recorded};
use sledger_core::event::{Decision, Event, Judgement, Op, RULES_REVISION, Started};
use sledger_core::log::{Appended, Batch, Log};
use sledger_core::{Limit, Millis, Seq, Span};
use sledger_log::checkpoint::{Checkpoint, CheckpointKey, Stand};
use sledger_log::{
    Anchors, BlockStream, DamageKind, LogConfig, OpenError, Reader, SledLog, StreamError, VerifyReport,
};
use sledger_policy::{ENGINE_REVISION, Engine};
use sledger_replay::history::{Begin, beginning};
use sledger_replay::verify::{BlocksEnd, Kind, Report, Unable, Whole, blocks, ledger};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Where chance begins.
const SEED: u64 = 20;
/// Longer than sealing a small volume takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).unwrap()
    }
}

/// What a small ledger records: a start, settings, then logins, touches, logouts and what falls due.
fn history() -> Vec<Arc<Decision>> {
    let engine = Engine::new();
    let mut decider = Decider::new(beginning().unwrap(), engine, Bounds::default());
    let mut out: Vec<Recorded> = Vec::new();
    let at = Millis(1_000);
    let started = Event::LedgerStarted(Box::new(Started {
        version: "test".into(),
        epoch: 1,
        rules: RULES_REVISION,
        engine: ENGINE_REVISION.into(),
        last: Millis(0),
        gap: Span::ZERO,
        clean: true,
        wall: at,
        clock_accepted: false,
    }));
    decider.record_own(vec![own_decision(Actor::Local, at, Op::Ledger, vec![started])], &mut out);
    let quota = Quota { max_sessions: Limit::at_most(2).unwrap(), ..Quota::default_quota() };
    let mut settings = Settings { quotas: vec![Arc::new(quota)], ..Settings::default() };
    settings.sessions.idle = Span::seconds(40);
    settings.sessions.activity_resolution = Span::seconds(5);
    let state = decider.state().clone();
    let applying = Applying::of(&settings, &[]);
    let applied = configuration(&state, decider.policies(), applying, (Actor::File, at)).unwrap();
    drop(state);
    decider.record_own(applied, &mut out);
    let mut random = Random(SEED);
    for step in 0..350u64 {
        let at = Millis(2_000 + step * 900);
        let (user, session) = (random.below(5), random.below(4));
        let target = Target { session: Some(format!("u{user}-{session}")), ..Target::default() };
        let login = Login {
            user: Some(format!("u{user}")),
            session: target.session.clone(),
            ip: Some(format!("10.0.0.{}", random.below(200))),
            ..Login::default()
        };
        let command = match random.below(8) {
            0 => Command::Touch(target),
            1 => Command::Logout(target),
            _ => Command::Login(Box::new(login)),
        };
        decider.decide(&Request::new(Actor::Local, command), at, &mut out);
    }
    out.into_iter().map(|recorded| recorded.decision).collect()
}

/// Writes decisions as a ledger of some sealed volumes and one that is not.
fn write(dir: &Path, decisions: &[Arc<Decision>]) {
    let config = LogConfig { volume_bytes_max: 8 * 1024, free_bytes_min: 0, ..LogConfig::new(dir) };
    let mut log = SledLog::open(config).unwrap();
    for some in decisions.chunks(8) {
        let head = log.head();
        let batch = Batch { first: head.seq.next(), epoch: 1, decisions: some };
        assert!(matches!(log.append(batch, &head), Appended::Committed(_)));
    }
    let status = log.sealing().wait(PATIENCE);
    assert_eq!((status.running, status.last_error), (false, None));
    log.close().unwrap();
}

fn proved(dir: &Path) -> Result<Whole<VerifyReport>, String> {
    ledger(dir, &Anchors::default(), &mut |_| {}).map_err(|error| error.to_string())
}

/// Every file of a ledger that holds events.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir.join("volumes")).unwrap() {
        let path = entry.unwrap().path();
        // Made ahead: nothing is in it yet.
        if path.extension().is_some_and(|extension| extension == "new") {
            continue;
        }
        found.push(if path.is_dir() { path.join("db") } else { path });
    }
    found.retain(|path| path.is_file());
    found.sort();
    found
}

/// Where the bytes of a file end that say anything.
fn said(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

/// Whatever is wrong is told, and what is told of as whole is as it was.
fn told(found: Result<Whole<VerifyReport>, String>, whole: &Report, said: &str) -> bool {
    let Ok(found) = found else { return true };
    let report = &found.report;
    assert!(report.problems.iter().all(|one| one.kind != Kind::Diverged), "{said}: {:?}", report.problems);
    if found.storage.problems.is_empty() {
        assert_eq!(report, whole, "{said}: less than there was, and nothing is said of it");
        return false;
    }
    assert!(report.events <= whole.events, "{said}");
    let named = found.storage.problems.iter().all(|problem| !problem.detail.is_empty());
    assert!(named, "{said}: {:?}", found.storage.problems);
    true
}

struct Place {
    _temp: tempfile::TempDir,
    dir: PathBuf,
    whole: Report,
}

fn place() -> Place {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("ledger");
    write(&dir, &history());
    let found = proved(&dir).unwrap();
    assert_eq!((found.storage.problems.len(), &found.report.problems[..]), (0, &[][..]));
    assert!(found.storage.volumes >= 4, "{} volumes", found.storage.volumes);
    let counts: BTreeMap<_, _> = found.report.not_rederivable.clone();
    assert_eq!(counts, BTreeMap::from([(Unable::Ledger, 1)]), "all but the start is decided again");
    Place { _temp: temp, dir, whole: found.report }
}

#[test]
fn a_bit_flipped_anywhere_is_told_or_changes_nothing() {
    println!("seed {SEED}");
    let place = place();
    let (files, mut random) = (files(&place.dir), Random(SEED));
    let whole: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    let (mut found, places) = (0, 1000);
    for _ in 0..places {
        let no = random.below(files.len());
        let (at, bit) = (random.below(said(&whole[no])), random.below(8));
        let mut bytes = whole[no].clone();
        bytes[at] ^= 1 << bit;
        fs::write(&files[no], &bytes).unwrap();
        let said = format!("seed {SEED}: {} byte {at}, bit {bit}", files[no].display());
        found += usize::from(told(proved(&place.dir), &place.whole, &said));
        fs::write(&files[no], &whole[no]).unwrap();
    }
    assert!(found > places / 2, "{found} of {places} were told");
}

#[test]
fn a_volume_cut_at_any_byte_is_told() {
    println!("seed {SEED}");
    let place = place();
    let mut random = Random(SEED);
    for file in files(&place.dir) {
        let whole = fs::read(&file).unwrap();
        for _ in 0..40 {
            let at = random.below(said(&whole));
            fs::write(&file, &whole[..at]).unwrap();
            let said = format!("seed {SEED}: {} cut at byte {at}", file.display());
            told(proved(&place.dir), &place.whole, &said);
        }
        fs::write(&file, &whole).unwrap();
    }
}

#[test]
fn a_volume_that_is_gone_is_told_and_what_follows_is_counted_apart() {
    let place = place();
    for file in files(&place.dir).into_iter().filter(|file| file.is_file()) {
        let whole = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        let found = proved(&place.dir);
        assert!(told(found, &place.whole, &file.display().to_string()), "{}", file.display());
        fs::write(&file, &whole).unwrap();
    }
}

/// The blocks of a ledger, one behind the other.
fn exported(dir: &Path) -> Vec<u8> {
    let blocks = Reader::open(dir).unwrap().blocks(Seq(1));
    blocks.flat_map(|block| block.unwrap().bytes().to_vec()).collect()
}

fn streamed(bytes: Vec<u8>, anchors: Anchors) -> Whole<Option<BlocksEnd<StreamError>>> {
    blocks(&Begin::default(), BlockStream::new(std::io::Cursor::new(bytes)), anchors, &mut |_| {}).unwrap()
}

#[test]
fn an_export_cut_anywhere_or_flipped_is_trusted_up_to_there_and_no_further() {
    println!("seed {SEED}");
    let place = place();
    let (whole, mut random) = (exported(&place.dir), Random(SEED));
    for at in (0..whole.len()).step_by(197) {
        let found = streamed(whole[..at].to_vec(), Anchors::default());
        assert_eq!(found.report.problems, [], "cut at byte {at}");
        assert_eq!(found.held.head.seq.0, found.report.events, "what was read is decided again");
        let mut flipped = whole.clone();
        let bit = random.below(8);
        flipped[at] ^= 1 << bit;
        let found = streamed(flipped, Anchors::default());
        assert!(found.storage.is_some(), "byte {at}, bit {bit} is not told");
        assert!(found.report.problems.is_empty() && found.report.events < place.whole.events);
    }
}

/// A ledger written anew with hashes that fit, but for one decision.
fn forged(forge: impl Fn(&mut Decision) -> bool) -> (Seq, Whole<VerifyReport>) {
    let mut decisions = history();
    let (mut seq, mut changed) = (Seq(1), None);
    for decision in &mut decisions {
        let mut copy = Decision::clone(decision);
        // Not among the first: what stands before can be trusted.
        if seq.0 > 150 && changed.is_none() && forge(&mut copy) {
            changed = Some(seq);
            *decision = Arc::new(copy);
        }
        seq = seq.plus(decision.events.len() as u64);
    }
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("ledger");
    write(&dir, &decisions);
    (changed.unwrap(), proved(&dir).unwrap())
}

#[test]
fn one_decision_forged_under_hashes_that_fit_is_named() {
    type Forgery = fn(&mut Decision) -> bool;
    let line: Forgery = |one| one.judged.first_mut().map(|judged| judged.line += 1).is_some();
    let count: Forgery = |one| match one.events.last_mut() {
        Some(Event::Admitted { counted, .. }) => counted.first_mut().map(|one| one.count += 1).is_some(),
        _ => false,
    };
    let victim: Forgery = |one| {
        let Some(judged) = one.judged.first_mut() else { return false };
        let Judgement::Evict { victims } = &mut judged.answer else { return false };
        victims[0] = Seq(victims[0].0 - 1);
        true
    };
    let later: Forgery = |one| {
        one.at.0 += 1;
        matches!(one.op, Op::Login(_))
    };
    for (name, forgery) in [("line", line), ("count", count), ("victim", victim), ("time", later)] {
        let (seq, found) = forged(forgery);
        assert_eq!(found.storage.problems, [], "{name}: the hashes fit");
        let first = found.report.problems.first().unwrap();
        assert_eq!((first.seq, first.kind), (seq, Kind::Diverged), "{name}: {first:?}");
        assert!(first.volume.is_some() && first.detail.contains("decided again"), "{name}: {first:?}");
    }
}

#[test]
fn only_an_anchor_tells_a_cut_tail_or_a_ledger_written_anew() {
    let place = place();
    let whole = exported(&place.dir);
    let heads: Vec<_> = Reader::open(&place.dir)
        .unwrap()
        .blocks(Seq(1))
        .map(|block| block.unwrap())
        .map(|block| (block.head(), block.bytes().len()))
        .collect();
    let (last, length) = heads[heads.len() - 1];
    let ledger = Reader::open(&place.dir).unwrap().meta().ledger;
    let anchor = |seq, head| {
        let stand = Stand { ledger, partition: 0, seq, head, time: Millis(0) };
        let text = Checkpoint::sign(stand, &CheckpointKey::from_seed([3; 32])).render();
        let checkpoints = vec![("the last that was shipped".to_owned(), text.into_bytes())];
        Anchors { checkpoints, ..Anchors::default() }
    };
    let told = |found: &Whole<Option<BlocksEnd<StreamError>>>| {
        found.held.problems.iter().map(|problem| problem.kind).collect::<Vec<_>>()
    };
    let found = streamed(whole.clone(), anchor(last.seq, last.hash));
    assert_eq!(told(&found), []);
    assert!(found.held.anchor.is_some_and(|held| held.seq == last.seq));
    let cut = whole[..whole.len() - length].to_vec();
    let found = streamed(cut.clone(), Anchors::default());
    assert!(found.storage.is_none() && told(&found).is_empty(), "without it nothing is amiss");
    let found = streamed(cut, anchor(last.seq, last.hash));
    assert!(matches!(told(&found)[..], [DamageKind::Lost { .. }]), "{:?}", told(&found));
    for (seq, hash) in [(last.seq, [7; 32]), (Seq(last.seq.0 - 1), last.hash)] {
        let found = streamed(whole.clone(), anchor(seq, hash));
        assert!(found.held.anchor.is_none(), "{seq}");
        assert!(matches!(told(&found)[..], [DamageKind::Rewritten { .. }]), "{:?}", told(&found));
    }
}

#[test]
fn a_folder_that_is_no_ledger_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let found = proved(temp.path());
    assert!(found.is_err_and(|said| said.contains("ledger")), "named");
    assert!(matches!(Reader::open(temp.path()), Err(OpenError::Missing { .. })));
}
