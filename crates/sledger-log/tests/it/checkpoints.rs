//! What a verification names when it holds a ledger against the last checkpoint that was kept outside.

use crate::common::{Place, cut, everything, flip, place, places, sealed, sealing, small, write};
use sledger_core::log::Log;
use sledger_core::{Millis, Seq};
use sledger_log::block::MAGIC;
use sledger_log::checkpoint::{Checkpoint, CheckpointKey, PublicKey, Shelf, Stand};
use sledger_log::{
    Anchors, DamageKind, LedgerId, LogConfig, Problem, Reader, SledLog, VerifyReport, verify, verify_against,
};
use std::fs;
use std::path::Path;

const LEDGER: LedgerId = LedgerId([8; 16]);

fn key() -> CheckpointKey {
    CheckpointKey::from_seed([1; 32])
}

/// Signs where the ledger in `dir` stands.
fn signed_by(dir: &Path, key: &CheckpointKey) -> Checkpoint {
    let report = verify(dir).unwrap();
    assert_eq!(report.problems, []);
    let (meta, head) = (report.meta, report.head);
    let (ledger, partition) = (meta.ledger, meta.partition);
    Checkpoint::sign(Stand { ledger, partition, seq: head.seq, head: head.hash, time: Millis(0) }, key)
}

fn signed(dir: &Path) -> Checkpoint {
    signed_by(dir, &key())
}

fn anchors(checkpoints: &[&Checkpoint]) -> Anchors {
    let name = |checkpoint: &Checkpoint| format!("{}.checkpoint", checkpoint.stand().seq);
    let text = |checkpoint: &Checkpoint| checkpoint.render().into_bytes();
    let checkpoints = checkpoints.iter().map(|held| (name(held), text(held))).collect();
    Anchors { checkpoints, keys: vec![key().public()], is_required: true }
}

fn against(place: &Place, checkpoints: &[&Checkpoint]) -> VerifyReport {
    verify_against(&place.dir, &anchors(checkpoints)).unwrap()
}

fn only(report: &VerifyReport) -> &Problem {
    let [problem] = report.problems.as_slice() else { panic!("{:?}", report.problems) };
    problem
}

/// A ledger with this id, of so many events an append, closed in good order.
fn written(place: &Place, appends: &[u64], config: fn(&Path) -> LogConfig) {
    let mut log = SledLog::open(LogConfig { ledger: Some(LEDGER), ..config(&place.dir) }).unwrap();
    for count in appends {
        write(&mut log, *count);
        sealed(&log);
    }
    log.close().unwrap();
}

#[test]
fn ledger_that_passes_its_checkpoint_is_anchored_and_what_comes_after_it_is_said() {
    let place = Place::closed_with(500);
    let checkpoint = signed(&place.dir);
    let report = against(&place, &[&checkpoint]);
    assert_eq!(report.problems, []);
    let anchor = report.anchor.clone().unwrap();
    assert_eq!((anchor.seq, anchor.key, anchor.is_key_given), (Seq(500), key().public(), true));
    assert_eq!(report.cannot_tell(), ["nobody can tell whether events after 500 were cut off"]);
    let mut log = place.open();
    write(&mut log, 20);
    log.close().unwrap();
    let report = against(&place, &[&checkpoint]);
    assert_eq!(report.problems, []);
    let untold = report.cannot_tell().join("\n");
    assert!(untold.starts_with("events 501 to 520 come after the checkpoint"), "{untold}");
}

#[test]
fn without_a_checkpoint_it_is_said_what_cannot_be_told_and_requiring_one_fails() {
    let place = Place::closed_with(100);
    let report = verify(&place.dir).unwrap();
    assert_eq!((report.anchored_to(), report.problems.len()), (None, 0));
    let untold = report.cannot_tell().join("\n");
    assert!(untold.contains("cut off at the end") && untold.contains("written anew"), "{untold}");
    let required = Anchors { is_required: true, ..Anchors::default() };
    let report = verify_against(&place.dir, &required).unwrap();
    assert_eq!(only(&report).kind, DamageKind::NotAnchored);
}

#[test]
fn checkpoint_beside_the_ledger_is_looked_at_and_anchors_nothing() {
    let place = Place::closed_with(100);
    let path = Shelf::of(&place.dir).keep(&signed(&place.dir)).unwrap();
    let report = verify(&place.dir).unwrap();
    assert_eq!((report.checkpoints_inside, report.anchor, report.problems), (1, None, vec![]));
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("seq: 100", "seq: 101")).unwrap();
    let report = verify(&place.dir).unwrap();
    assert_eq!(only(&report).kind, DamageKind::Checkpoint);
    assert_eq!(only(&report).detail, "checkpoint `000000000100.checkpoint`: it is damaged");
}

#[test]
fn tail_cut_at_a_block_end_with_every_mark_adjusted_is_named_by_the_checkpoint_alone() {
    let place = place();
    written(&place, &[100, 100, 100], small);
    let checkpoint = signed(&place.dir);
    // The same ledger as if its last append had never been: a whole one, closed in good order.
    fs::remove_dir_all(&place.dir).unwrap();
    written(&place, &[100, 100], small);
    assert_eq!(verify(&place.dir).unwrap().problems, []);
    let report = against(&place, &[&checkpoint]);
    let cut = &report.problems[0];
    assert_eq!((cut.kind, cut.seq, cut.volume), (DamageKind::Lost { to: Seq(300) }, Seq(201), 1));
    assert!(cut.detail.contains("its tail is cut, events `201` to `300` are lost"), "{}", cut.detail);
    assert_eq!(report.problems[1].kind, DamageKind::NotAnchored);
}

#[test]
fn ledger_written_anew_as_a_whole_is_named_from_the_last_checkpoint_that_holds() {
    let place = place();
    written(&place, &[100], small);
    let early = signed(&place.dir);
    fs::remove_dir_all(&place.dir).unwrap();
    written(&place, &[100, 100, 100], small);
    let late = signed(&place.dir);
    assert_eq!(against(&place, &[&late, &early]).problems, []);
    fs::remove_dir_all(&place.dir).unwrap();
    // The same events in other blocks: hashes and numbers fit, no block ends at 300.
    written(&place, &[100, 50, 100, 70], small);
    assert_eq!(verify(&place.dir).unwrap().problems, []);
    let report = against(&place, &[&late, &early]);
    let rewritten = only(&report);
    assert_eq!(rewritten.kind, DamageKind::Rewritten { from: Seq(101) });
    assert!(rewritten.detail.contains("no block ends there"), "{}", rewritten.detail);
    assert_eq!(report.anchor.unwrap().seq, Seq(100));
    fs::remove_dir_all(&place.dir).unwrap();
    // And in blocks that end where they did.
    written(&place, &[100, 50, 150], small);
    let rewritten = against(&place, &[&late]).problems.remove(0);
    assert_eq!((rewritten.kind, rewritten.seq), (DamageKind::Rewritten { from: Seq(1) }, Seq(1)));
    assert!(rewritten.detail.contains("the block that ends there has another hash"), "{}", rewritten.detail);
}

#[test]
fn lost_volume_is_named_wherever_it_stood() {
    let build = || {
        let place = place();
        written(&place, &[250; 30], sealing);
        place
    };
    let place = build();
    let checkpoint = signed(&place.dir);
    let volumes: Vec<(u32, Seq, Seq)> = Reader::open(&place.dir)
        .unwrap()
        .volumes()
        .filter_map(|volume| Some((volume.no, volume.first, volume.end?.seq)))
        .collect();
    assert!(volumes.len() > 3, "{volumes:?}");
    for (no, first, last) in [volumes[0], volumes[1], volumes[volumes.len() - 1]] {
        let place = build();
        fs::remove_file(place.sealed(no)).unwrap();
        let report = against(&place, &[&checkpoint]);
        let lost = report.problems.iter().find(|problem| problem.volume == no);
        let lost = lost.unwrap_or_else(|| panic!("{no}: {:?}", report.problems));
        assert_eq!((lost.kind, lost.seq), (DamageKind::Lost { to: last }, first), "{:?}", report.problems);
        assert!(lost.detail.starts_with("it is missing"), "{}", lost.detail);
        assert_eq!(report.anchor.map(|anchor| anchor.seq), Some(Seq(7_500)), "what follows is anchored");
    }
    // The newest, with every mark that names it.
    let place = build();
    let newest = (1..1_000).filter(|no| place.volume(*no).exists()).max();
    fs::remove_dir_all(place.volume(newest.unwrap())).unwrap();
    fs::remove_file(place.dir.join("head")).unwrap();
    fs::remove_file(place.dir.join("clean")).unwrap();
    assert_eq!(verify(&place.dir).unwrap().problems, []);
    let report = against(&place, &[&checkpoint]);
    assert!(report.problems[0].detail.contains("its tail is cut"), "{:?}", report.problems);
}

#[test]
fn removed_and_swapped_blocks_are_named_by_seq() {
    let place = Place::left_with(3_000);
    let checkpoint = signed(&place.dir);
    let whole = fs::read(place.db(1)).unwrap();
    let copies = |seq: u64| {
        let is_first = |at: &usize| whole[at + 44..at + 52] == seq.to_le_bytes();
        places(&place.db(1), &MAGIC).into_iter().filter(is_first).collect::<Vec<usize>>()
    };
    let length =
        |at: usize| 112 + 32 + u32::from_le_bytes(whole[at + 108..at + 112].try_into().unwrap()) as usize;
    let (one, other) = (copies(1_101), copies(1_301));
    let mut removed = whole.clone();
    for at in &one {
        removed[*at..at + length(*at)].fill(0);
    }
    fs::write(place.db(1), removed).unwrap();
    let report = against(&place, &[&checkpoint]);
    let lost = only(&report);
    assert_eq!((lost.volume, lost.seq, lost.kind), (1, Seq(1_101), DamageKind::Lost { to: Seq(1_200) }));
    assert!(report.anchor.is_some(), "what follows is still what was signed");
    // Each in the place of the other: their numbers tell where they belong, so nothing is lost.
    let mut swapped = whole.clone();
    let (a, b) = (whole[one[0]..one[0] + length(one[0])].to_vec(), length(other[0]));
    assert_eq!(a.len(), b, "decisions vary in size with a period of 40");
    for (at, from) in one.iter().map(|at| (*at, other[0])).chain(other.iter().map(|at| (*at, one[0]))) {
        swapped[at..at + b].copy_from_slice(&whole[from..from + b]);
    }
    fs::write(place.db(1), &swapped).unwrap();
    assert_eq!(against(&place, &[&checkpoint]).problems, []);
    // With its number changed to the other's, it is no block any more.
    let mut renumbered = whole.clone();
    for at in &one {
        renumbered[at + 44..at + 52].copy_from_slice(&1_301_u64.to_le_bytes());
    }
    fs::write(place.db(1), renumbered).unwrap();
    assert_eq!(only(&against(&place, &[&checkpoint])).seq, Seq(1_101));
}

#[test]
fn block_of_another_chain_in_the_place_of_one_is_named() {
    let (place, other) = (place(), crate::common::place());
    written(&place, &[100, 100, 100], small);
    written(&other, &[100, 50, 50, 100], small);
    let checkpoint = signed(&place.dir);
    // The other's folder with this one's marks: whole blocks, chained, but not those that were acknowledged.
    fs::remove_dir_all(place.volume(1)).unwrap();
    copy(&other.volume(1), &place.volume(1));
    let report = against(&place, &[&checkpoint]);
    assert_eq!(report.problems[0].kind, DamageKind::Rewritten { from: Seq(1) }, "{:?}", report.problems);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let there = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &there);
        } else {
            fs::copy(&path, &there).unwrap();
        }
    }
}

#[test]
fn checkpoint_of_another_ledger_with_another_key_or_damaged_proves_nothing_and_is_named() {
    let (place, other) = (Place::closed_with(100), Place::closed_with(100));
    let told = |text: Vec<u8>, keys: Vec<PublicKey>| {
        let checkpoints = vec![("last".to_owned(), text)];
        let report = verify_against(&place.dir, &Anchors { checkpoints, keys, is_required: false }).unwrap();
        assert_eq!((report.anchor.as_ref(), only(&report).kind), (None, DamageKind::Checkpoint));
        only(&report).detail.clone()
    };
    let good = signed(&place.dir).render();
    let foreign = signed(&other.dir).render().into_bytes();
    let ledger = Reader::open(&other.dir).unwrap().meta().ledger;
    assert_eq!(told(foreign, vec![]), format!("checkpoint `last`: it is of another ledger, `{ledger}`"));
    let theirs = CheckpointKey::from_seed([2; 32]);
    assert_eq!(
        told(good.clone().into_bytes(), vec![theirs.public()]),
        format!("checkpoint `last`: it was signed with another key, `{}`", key().public())
    );
    assert_eq!(told(good.as_bytes()[..99].to_vec(), vec![]), "checkpoint `last`: line `5` must be `head: …`");
    assert_eq!(
        told(good.replace("seq: 100", "seq: 99").into_bytes(), vec![]),
        "checkpoint `last`: its signature does not match: it was changed, or another key signed it"
    );
}

#[test]
fn changed_byte_in_a_sealed_volume_is_named_and_what_follows_stays_anchored() {
    let place = Place::with_sealed();
    let checkpoint = signed(&place.dir);
    let before = everything(&place.dir);
    flip(&place.sealed(2), 300);
    let report = against(&place, &[&checkpoint]);
    assert!(report.problems.iter().all(|problem| problem.volume == 2), "{:?}", report.problems);
    assert!(!report.problems.is_empty());
    assert!(report.anchor.is_some());
    flip(&place.sealed(2), 300);
    assert!(everything(&place.dir) == before, "verify wrote something");
    assert_eq!(against(&place, &[&checkpoint]).problems, []);
}

#[test]
fn cut_tail_of_the_active_volume_is_named_with_marks_removed() {
    let place = Place::left_with(1_000);
    let checkpoint = signed(&place.dir);
    fs::remove_file(place.dir.join("head")).unwrap();
    let whole = fs::read(place.db(1)).unwrap();
    let is_last = |at: &usize| whole[at + 44..at + 52] == 901_u64.to_le_bytes();
    let last = places(&place.db(1), &MAGIC).into_iter().find(is_last).unwrap();
    cut(&place.db(1), last as u64);
    assert_eq!(verify(&place.dir).unwrap().problems, [], "nothing in the folder tells of it");
    let report = against(&place, &[&checkpoint]);
    assert_eq!(
        (report.problems[0].seq, report.problems[0].kind),
        (Seq(901), DamageKind::Lost { to: Seq(1_000) })
    );
}

#[test]
fn any_changed_byte_of_what_a_clean_close_left_is_named() {
    let place = Place::closed_with(500);
    let checkpoint = signed(&place.dir);
    let whole = fs::read(place.db(1)).unwrap();
    let seed = 0x9E37_79B9_u64;
    for round in 0..20_u64 {
        let at = usize::try_from(round.wrapping_mul(seed) % whole.len() as u64).unwrap();
        flip(&place.db(1), at);
        let report = against(&place, &[&checkpoint]);
        assert!(report.problems.iter().any(|problem| problem.volume == 1), "seed {seed} byte {at}");
        fs::write(place.db(1), &whole).unwrap();
    }
    for mark in ["head", "clean"] {
        flip(&place.dir.join(mark), 30);
        let report = against(&place, &[&checkpoint]);
        assert_eq!(only(&report).kind, DamageKind::EndMark);
        assert!(only(&report).detail.starts_with(&format!("mark `{mark}`: ")), "{:?}", report.problems);
        flip(&place.dir.join(mark), 30);
    }
    assert_eq!(against(&place, &[&checkpoint]).problems, []);
}
