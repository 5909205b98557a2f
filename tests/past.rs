//! The past of a ledger on disk, in sealed volumes and with snapshots, looked at by shortcuts and without any.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use sledger::core::config::{Dimension, Level, Quota, Settings};
use sledger::core::decider::Recorded;
use sledger::core::{Limit, Millis, Seq, Span, State};
use sledger::{Actor, Command, Config, Ledger, Login, Request};
use sledger_core::command::Target;
use sledger_log::Reader;
use sledger_projector::{Told, tell};
use sledger_replay::at::{At, Begin, Found, When, of_ledger, stopped_never};
use sledger_replay::history::{HistoryError, fold};
use sledger_replay::lines::event_line;
use sledger_replay::timeline::{Asked, LastSession, SparseError, Subject, last_session, of_ledger as sparse};
use sledger_testkit::recordings::Rng;
use sledger_testkit::sim_clock::SimClock;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const SEED: u64 = 11;
const USERS: u64 = 400;
const BEGUN: u64 = 1_795_000_000_000;
const PATIENCE: Duration = Duration::from_secs(60);

fn below(rng: &mut Rng, bound: u64) -> u64 {
    rng.below(usize::try_from(bound).unwrap()) as u64
}

fn settings(most: u32) -> Settings {
    let quota = |name: &str, count_by: Dimension, most: u32| Quota {
        name: name.to_owned(),
        count_by: vec![count_by],
        max_sessions: Limit::at_most(most).unwrap(),
        on_exhausted: "destroy_oldest".to_owned(),
        ..Quota::default_quota()
    };
    let shared = Quota { evict_others: true, ..quota("shared", Dimension::Ip, 3) };
    let advisory = Quota { level: Level::Advisory, ..quota("advisory", Dimension::Client, 2) };
    let quotas = vec![quota("per-user", Dimension::User, most), shared, advisory];
    Settings { quotas: quotas.into_iter().map(Arc::new).collect(), ..Settings::default() }
}

fn config(data: &Path, run: u64, clock: &Arc<SimClock>) -> Config {
    Config {
        settings: settings(if run == 1 { 2 } else { 4 }),
        file: Some([u8::try_from(run).unwrap(); 32]),
        clock: Arc::<SimClock>::clone(clock),
        volume_bytes_max: 1 << 20,
        snapshot_events: 1_500,
        reserve_bytes: 0,
        ..Config::new(data)
    }
}

fn request(rng: &mut Rng, step: u64) -> Request {
    let user = format!("u{}", below(rng, USERS));
    let session = format!("s{}", below(rng, USERS * 2));
    let target = Target { session: Some(session), ..Target::default() };
    let command = match below(rng, 20) {
        0 => Command::Clear { user: Some(user), keep: None },
        1..=3 => Command::Touch(target),
        4..=5 => Command::Logout(target),
        6..=7 => Command::Disconnect(target),
        8 => {
            Command::Login(Box::new(Login { session: target.session, user: Some(user), ..Login::default() }))
        }
        _ => Command::Login(Box::new(Login {
            // Ids come again, for the same and for other users; so do addresses.
            session: Some(format!("s{}", below(rng, USERS * 2))),
            user: Some(user),
            ip: Some(format!("10.0.{}.1", below(rng, 250))),
            client: (below(rng, 40) == 0).then(|| format!("c{}", step % 3)),
            retention: (below(rng, 3) == 0).then(|| Span::seconds(600)),
            idle: (below(rng, 4) == 0).then(|| Span::seconds(900)),
            ..Login::default()
        })),
    };
    Request::new(Actor::Token("web-1".into()), command)
}

/// The ledger that all look at; it goes with the process.
fn made() -> &'static Path {
    static MADE: OnceLock<tempfile::TempDir> = OnceLock::new();
    MADE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path());
        dir
    })
    .path()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, to).unwrap();
        }
    }
}

/// A ledger of three runs with pauses between, under two configurations.
fn make(data: &Path) {
    let mut rng = Rng::new(SEED);
    let clock = Arc::new(SimClock::at(Millis(BEGUN)));
    for run in 0..3 {
        let ledger = Ledger::open(config(data, run, &clock)).unwrap();
        let mut asked = Vec::new();
        for step in 0..7_000 {
            if below(&mut rng, 4) == 0 {
                clock.pass(below(&mut rng, 4_000));
            }
            asked.push(ledger.submit(request(&mut rng, step)).unwrap());
            if asked.len() == 128 {
                asked.drain(..).for_each(|ticket| drop(ticket.wait_for(PATIENCE).unwrap()));
            }
        }
        asked.drain(..).for_each(|ticket| drop(ticket.wait_for(PATIENCE).unwrap()));
        ledger.close();
        clock.pass(3_600_000);
    }
}

/// All that happened, in order, as a fold of everything tells it.
fn everything(data: &Path) -> (Vec<(Seq, Vec<Told>)>, State) {
    let mut all = Vec::new();
    let state = fold(data, |folded| {
        let recorded = Recorded {
            first: folded.first,
            decision: Arc::clone(folded.decision),
            effects: folded.effects.iter().cloned().collect(),
        };
        all.push((folded.first, tell(folded.state, &recorded)));
    });
    (all, state.unwrap())
}

const BEGIN: Begin<'static> = Begin { snapshots: true, upto: None, is_stopped: &stopped_never };

/// What a fold of what may matter tells; `None` where everything must be folded.
fn told(reader: &Reader, asked: &Asked) -> Option<(Vec<String>, u64, u64)> {
    let mut lines = Vec::new();
    let read = sparse(reader, asked, BEGIN, |told, _| {
        lines.extend(told.iter().filter(|one| asked.wants(one)).map(|one| event_line(one).to_json()));
        Ok::<bool, SparseError>(true)
    });
    match read {
        Ok(read) => Some((lines, read.sifted.frames_read, read.sifted.frames_left)),
        Err(SparseError::TooForeign) => None,
        Err(error) => panic!("{asked:?}: {error}"),
    }
}

#[test]
fn a_fold_of_what_may_matter_tells_what_a_fold_of_everything_tells() {
    println!("seed {SEED}");
    let dir = made();
    let (all, _) = everything(dir);
    let reader = Reader::open(dir).unwrap();
    assert!(
        reader.volumes().filter(|volume| volume.sealed.is_some()).count() >= 2,
        "{:?}",
        reader.volumes().count()
    );
    let numbers = all.iter().flat_map(|(_, told)| told).filter(|one| one.event_is_admission());
    let numbers: Vec<Seq> = numbers.map(|one| one.seq).step_by(700).collect();
    let mut subjects =
        vec![Subject::Everybody, Subject::User("nobody".to_owned()), Subject::Id("nothing".to_owned())];
    subjects.extend((0..USERS).step_by(37).map(|user| Subject::User(format!("u{user}"))));
    subjects.extend(numbers.into_iter().map(Subject::Number));
    subjects.extend([7, 99].map(|ip| Subject::Ip(format!("10.0.{ip}.1"))));
    let (mut shown, mut evicted, mut open) = (0, 0, 0);
    for subject in subjects {
        for changes in [false, true] {
            let asked = Asked { subject: subject.clone(), changes };
            let wanted = all.iter().flat_map(|(_, told)| told).filter(|one| asked.wants(one));
            let wanted: Vec<String> = wanted.map(|one| event_line(one).to_json()).collect();
            let Some((found, _, _)) = told(&reader, &asked) else {
                open += 1;
                continue;
            };
            for (found, wanted) in found.iter().zip(&wanted) {
                assert_eq!(found, wanted, "{asked:?}");
            }
            assert_eq!(found.len(), wanted.len(), "{asked:?}");
            shown += found.len();
            evicted += found.iter().filter(|line| line.contains("session.evicted")).count();
        }
    }
    assert!(shown > 2_000 && evicted > 50 && open <= 2, "{shown} lines, {evicted} evictions, {open} open");
}

/// Whether an event lets a session in.
trait Admission {
    fn event_is_admission(&self) -> bool;
}

impl Admission for Told {
    fn event_is_admission(&self) -> bool {
        matches!(self.event(), sledger_core::event::Event::Admitted { .. })
    }
}

#[test]
fn the_session_that_bore_an_id_last_is_found_without_folding() {
    println!("seed {SEED}");
    let dir = made();
    let (all, _) = everything(dir);
    let reader = Reader::open(dir).unwrap();
    for id in ["s1", "s77", "s799", "s8000"] {
        let mut last = LastSession::default();
        for (first, told) in &all {
            told.first().iter().for_each(|one| last.note(id, *first, &one.decision));
        }
        assert_eq!(last_session(&reader, id, BEGIN).unwrap(), last, "{id}");
        assert_eq!(last.number.is_some(), id != "s8000");
    }
}

/// The snapshots there are, by their names.
fn snapshots(dir: &Path) -> Vec<Seq> {
    let names = std::fs::read_dir(dir.join("snapshots")).unwrap().map(|entry| entry.unwrap().path());
    let seq = |path: std::path::PathBuf| path.file_stem()?.to_str()?.parse().ok().map(Seq);
    names.filter_map(seq).collect()
}

fn at(dir: &Path, when: When, snapshots: bool) -> Found {
    of_ledger(&Reader::open(dir).unwrap(), dir, when, Begin { snapshots, ..BEGIN }).unwrap()
}

fn shown(at: &At) -> Vec<String> {
    let users = at.users().map(|one| {
        let views: Vec<_> = one.sessions.iter().map(|session| session.view()).collect();
        format!("{:?} {:?} {views:?}", one.user(), one.limit)
    });
    let head = format!("{} {:?} {:?} {}", at.seq(), at.at(), at.recorded(), at.is_down());
    std::iter::once(head).chain(users).collect()
}

#[test]
fn the_state_at_any_time_is_the_same_from_a_snapshot_and_from_the_first_event() {
    println!("seed {SEED}");
    let dir = made();
    let (all, state) = everything(dir);
    let mut rng = Rng::new(SEED);
    // Where they lie hangs on how busy the machine was when the ledger was made.
    let oldest = snapshots(dir).into_iter().min().unwrap();
    let mut from_snapshot = 0;
    let (begun, over) = (BEGUN - 1_000, state.at().0 + 100_000);
    let times = (0..9).map(|_| When::At(Millis(begun + below(&mut rng, over - begun)))).collect::<Vec<_>>();
    let seqs = (0..9).map(|_| When::After(Seq(1 + below(&mut rng, state.seq().0)))).collect::<Vec<_>>();
    let late = (0..3_000).step_by(500).map(|back| When::After(Seq(state.seq().0 - back)));
    let last = all.last().and_then(|(_, told)| Some(told.last()?.at())).unwrap();
    let ends = [When::At(last), When::At(Millis(last.0 + 60_000)), When::At(Millis(0)), When::After(Seq(0))];
    for when in times.into_iter().chain(seqs).chain(late).chain(ends) {
        let (quick, slow) = (at(dir, when, true), at(dir, when, false));
        assert_eq!(quick.passed, [], "{when:?}");
        assert_eq!(slow.snapshot, None);
        from_snapshot += usize::from(quick.snapshot.is_some());
        if let When::After(seq) = when {
            assert_eq!(quick.snapshot.is_some(), seq >= oldest, "{when:?}, the oldest is {oldest}");
        }
        assert_eq!(shown(&quick.at), shown(&slow.at), "{when:?} from {:?}", quick.snapshot);
    }
    assert!(from_snapshot > 0, "none of them from a snapshot");
}

#[test]
fn a_snapshot_that_the_log_does_not_vouch_for_is_passed_over_and_said_so() {
    println!("seed {SEED}");
    let dir = tempfile::tempdir().unwrap();
    copy(made(), dir.path());
    let snapshots = dir.path().join("snapshots");
    let paths: Vec<_> = std::fs::read_dir(&snapshots).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(paths.len(), 2);
    let newest = When::At(Millis(u64::MAX / 4));
    let wanted = shown(&at(dir.path(), newest, false).at);
    for path in &paths {
        let mut bytes = std::fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        *bytes.get_mut(middle).unwrap() ^= 1;
        std::fs::write(path, bytes).unwrap();
    }
    let found = at(dir.path(), newest, true);
    assert_eq!((found.snapshot, found.passed.len()), (None, 2));
    assert!(found.passed.iter().all(|one| one.reason.contains("was changed")), "{:?}", found.passed);
    assert_eq!(shown(&found.at), wanted);
    // Of another ledger, it names a block that this log does not have.
    let other = tempfile::tempdir().unwrap();
    make(other.path());
    for path in &paths {
        std::fs::remove_file(path).unwrap();
    }
    for entry in std::fs::read_dir(other.path().join("snapshots")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, snapshots.join(path.file_name().unwrap())).unwrap();
    }
    let found = at(dir.path(), newest, true);
    assert_eq!((found.snapshot, found.passed.len()), (None, 2));
    assert_eq!(shown(&found.at), wanted);
}

#[test]
fn whoever_waits_no_more_gets_no_answer_and_stops_the_reading() {
    println!("seed {SEED}");
    let dir = made();
    let reader = Reader::open(dir).unwrap();
    let begin = Begin { is_stopped: &|| true, snapshots: false, ..BEGIN };
    let found = of_ledger(&reader, dir, When::After(Seq(20_000)), begin);
    assert!(matches!(found, Err(HistoryError::Stopped)), "{found:?}");
    let asked = Asked { subject: Subject::User("u1".to_owned()), changes: false };
    let found = sparse(&reader, &asked, begin, |_, _| Ok::<bool, SparseError>(true));
    assert!(matches!(found, Err(SparseError::History(HistoryError::Stopped))), "{found:?}");
}
