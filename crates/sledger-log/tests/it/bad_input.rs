//! Bits flipped at a thousand random places, volumes and exports cut anywhere: named, held against the last
//! checkpoint, and never read as something else.

use crate::common::{Place, config, decision, place, places, sealed, write};
use sledger_core::log::Log;
use sledger_core::{Millis, Seq};
use sledger_log::block::MAGIC;
use sledger_log::checkpoint::{Checkpoint, CheckpointKey, Stand};
use sledger_log::{Anchors, BlockStream, LogConfig, Reader, SledLog, verify, verify_against, verify_blocks};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Places, another run of them each time unless `SLEDGER_FLIP_SEED` names one.
struct Places {
    seed: u64,
    state: u64,
}

impl Places {
    fn new() -> Self {
        let given = std::env::var("SLEDGER_FLIP_SEED").ok().and_then(|seed| seed.parse().ok());
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let seed = given.unwrap_or_else(|| u64::from(now.subsec_nanos()) + 1);
        Self { seed, state: seed }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % bound
    }
}

/// The last checkpoint of the ledger in `dir`, as somebody else kept it.
fn kept(dir: &Path) -> Anchors {
    let report = verify(dir).unwrap();
    assert_eq!(report.problems, []);
    let (meta, head) = (report.meta, report.head);
    let (ledger, partition) = (meta.ledger, meta.partition);
    let stand = Stand { ledger, partition, seq: head.seq, head: head.hash, time: Millis(0) };
    let key = CheckpointKey::from_seed([1; 32]);
    let text = Checkpoint::sign(stand, &key).render().into_bytes();
    Anchors { checkpoints: vec![("last".to_owned(), text)], keys: vec![key.public()], is_required: true }
}

/// A ledger of sealed volumes and an active one, closed in good order or left as by a kill.
fn ledger(is_closed: bool) -> Place {
    let place = place();
    let mut log = SledLog::open(LogConfig { seal: true, ..config(&place.dir) }).unwrap();
    for _ in 0..9 {
        write(&mut log, 100);
        if log.head().seq.0.is_multiple_of(300) {
            log.seal_now().unwrap();
            sealed(&log);
        }
    }
    for _ in 0..5 {
        write(&mut log, 50);
    }
    if is_closed {
        log.close().unwrap();
    }
    drop(log);
    assert!(place.sealed(3).exists() && place.volume(4).exists());
    place
}

const LAST: Seq = Seq(1_150);

/// Reads as far as it goes, a bounded number of steps: whatever is given is what was written. Where it ended, if it did.
fn read(dir: &Path, told: &str) -> Option<Seq> {
    let mut seq = 0;
    let mut blocks = Reader::open(dir).ok()?.blocks(Seq(1));
    for _ in 0..=LAST.0 {
        let Some(block) = blocks.next() else { return Some(Seq(seq)) };
        for found in block.ok()?.decisions() {
            seq += 1;
            assert_eq!(found.unwrap(), *decision(seq), "{told}: something else was read");
        }
    }
    panic!("{told}: it is read without end");
}

#[test]
fn bits_flipped_at_a_thousand_random_places_are_named_with_their_volume() {
    let mut random = Places::new();
    let seed = random.seed;
    for (is_closed, rounds) in [(true, 200), (false, 800)] {
        let place = ledger(is_closed);
        let anchors = kept(&place.dir);
        let volumes = [(1, place.sealed(1)), (2, place.sealed(2)), (3, place.sealed(3)), (4, place.db(4))];
        for round in 0..rounds {
            let (no, path) = &volumes[usize::try_from(random.below(4)).unwrap()];
            let file = File::options().read(true).write(true).open(path).unwrap();
            let (at, bit) = (random.below(file.metadata().unwrap().len()), random.below(8));
            let told =
                format!("seed {seed} round {round} volume {no} byte {at} bit {bit} closed {is_closed}");
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).unwrap();
            file.write_all_at(&[byte[0] ^ (1 << bit)], at).unwrap();
            let problems = verify_against(&place.dir, &anchors).unwrap().problems;
            let is_named = problems.iter().any(|problem| problem.volume == *no);
            // What a kill left has bytes that no block needs.
            let is_spare = !is_closed && *no == 4 && problems.is_empty();
            assert!(is_named || is_spare, "{told}: {problems:?}");
            let end = read(&place.dir, &told);
            assert!(end.is_none_or(|end| end == LAST), "{told}: it ends at {end:?} without a word");
            assert!(!is_spare || end == Some(LAST), "{told}: nothing is told, and it is not whole");
            file.write_all_at(&byte, at).unwrap();
        }
        assert_eq!(verify_against(&place.dir, &anchors).unwrap().problems, []);
    }
}

#[test]
fn volumes_cut_at_any_byte_are_named_and_read_up_to_the_cut_at_most() {
    let mut random = Places::new();
    let seed = random.seed;
    let place = ledger(true);
    let anchors = kept(&place.dir);
    let ends: Vec<u64> = places(&place.db(4), &MAGIC).into_iter().map(|at| at as u64).collect();
    for (no, path) in [(2, place.sealed(2)), (4, place.db(4))] {
        let whole = std::fs::read(&path).unwrap();
        let length = whole.len() as u64;
        let near =
            ends.iter().flat_map(|end| [end.saturating_sub(1), *end, end + 1]).filter(|at| *at < length);
        let mut cuts: Vec<u64> = (0..40).map(|_| random.below(length)).chain(near).collect();
        cuts.extend([0, 1, length - 1]);
        let file = File::options().write(true).open(&path).unwrap();
        for cut in cuts {
            let told = format!("seed {seed} volume {no} cut at {cut}");
            file.set_len(cut).unwrap();
            let problems = verify_against(&place.dir, &anchors).unwrap().problems;
            assert!(problems.iter().any(|problem| problem.volume == no), "{told}: {problems:?}");
            read(&place.dir, &told);
            file.write_all_at(&whole[usize::try_from(cut).unwrap()..], cut).unwrap();
        }
    }
    assert_eq!(verify_against(&place.dir, &anchors).unwrap().problems, []);
}

#[test]
fn export_of_blocks_cut_or_changed_anywhere_is_named_and_what_comes_before_is_trusted() {
    let mut random = Places::new();
    let seed = random.seed;
    let place = ledger(true);
    let anchors = kept(&place.dir);
    let mut export = Vec::new();
    let mut ends = vec![0];
    for block in Reader::open(&place.dir).unwrap().blocks(Seq(1)) {
        export.extend_from_slice(block.unwrap().bytes());
        ends.push(export.len());
    }
    let report = verify_blocks(BlockStream::new(export.as_slice()), &anchors);
    assert_eq!((report.problems, report.head.seq), (vec![], LAST));
    let random_cuts: Vec<usize> =
        (0..500).map(|_| usize::try_from(random.below(export.len() as u64)).unwrap()).collect();
    for cut in ends.iter().take(ends.len() - 1).copied().chain(random_cuts) {
        let report = verify_blocks(BlockStream::new(&export[..cut]), &anchors);
        assert!(!report.problems.is_empty(), "seed {seed}: cut at {cut} is not named");
        let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
        assert_eq!(report.blocks, whole as u64, "seed {seed}: cut at {cut}");
    }
    for round in 0..1_000 {
        let at = usize::try_from(random.below(export.len() as u64)).unwrap();
        let bit = 1 << random.below(8);
        export[at] ^= bit;
        let report = verify_blocks(BlockStream::new(export.as_slice()), &anchors);
        let whole = ends.iter().filter(|end| **end <= at).count() - 1;
        assert!(!report.problems.is_empty(), "seed {seed} round {round}: byte {at}");
        assert_eq!(report.blocks, whole as u64, "seed {seed} round {round}: byte {at}");
        export[at] ^= bit;
    }
}
