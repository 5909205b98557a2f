//! Sealed files that are not what they were: named by place, never read as if they were whole.

use crate::common::{Place, cut, decision, everything, flip, place, read_all, sealed, sealing, write};
use sledger_core::Seq;
use sledger_core::log::Log;
use sledger_log::{DamageKind, OpenError, ReadError, Reader, SledLog, salvage, verify};
use std::fs;
use std::ops::Range;
use std::path::Path;

const HEADER: u64 = 72;
const ENDS: u64 = 288 + 16;

/// Where the parts of a sealed file lie.
struct Parts {
    frames: Range<usize>,
    index: Range<usize>,
    filter: Range<usize>,
    footer: Range<usize>,
    trailer: Range<usize>,
}

fn parts(path: &Path) -> Parts {
    let bytes = fs::read(path).unwrap();
    let at = |offset: u64| usize::try_from(offset).unwrap();
    let end = bytes.len() as u64;
    let number = |offset: usize| {
        let begin = at(end - ENDS) + offset;
        u64::from_le_bytes(bytes[begin..begin + 8].try_into().unwrap())
    };
    let index = HEADER + number(168);
    let filter = index + number(176);
    let footer = filter + number(184);
    assert_eq!(footer, end - ENDS);
    Parts {
        frames: at(HEADER)..at(index),
        index: at(index)..at(filter),
        filter: at(filter)..at(footer),
        footer: at(footer)..at(end - 16),
        trailer: at(end - 16)..at(end),
    }
}

/// Opening is refused, leaves every file as it was, and says this of volume 2.
fn refused(place: &Place, kind: DamageKind, says: &str) {
    let before = everything(&place.dir);
    let error = SledLog::open(sealing(&place.dir)).unwrap_err();
    assert!(everything(&place.dir) == before, "something was written: {error}");
    let OpenError::Damaged { volume: 2, kind: found, detail, .. } = &error else { panic!("{error}") };
    assert_eq!((*found, detail.as_str()), (kind, says));
    let problems = verify(&place.dir).unwrap().problems;
    let told = problems.iter().any(|problem| (problem.volume, problem.detail.as_str()) == (2, says));
    assert!(told, "{problems:?}");
}

#[test]
fn changed_header_footer_or_trailer_is_refused_at_open() {
    let place = Place::with_sealed();
    let (path, kind) = (place.sealed(2), DamageKind::SealedFile);
    let (whole, parts) = (fs::read(&path).unwrap(), parts(&path));
    let changes = [
        (0, "sealed file: its header is none of a sealed volume"),
        (8, "sealed file: sealed format `66` is not known to this program"),
        (12, "sealed file: the check of its header does not match"),
        (40, "sealed file: the check of its header does not match"),
        (parts.footer.start, "sealed file: the check of its footer does not match"),
        (parts.footer.start + 168, "sealed file: the check of its footer does not match"),
        (parts.trailer.start + 4, "sealed file: sealed format `66` is not known to this program"),
        (parts.trailer.start + 8, "sealed file: its trailer is none of a sealed volume"),
    ];
    for (at, says) in changes {
        flip(&path, at);
        refused(&place, kind, says);
        fs::write(&path, &whole).unwrap();
    }
    assert_eq!(read_all(&place.dir).seq, Seq(10_000));
}

#[test]
fn cut_file_is_refused_at_open() {
    let place = Place::with_sealed();
    let (path, kind) = (place.sealed(2), DamageKind::SealedFile);
    let length = fs::metadata(&path).unwrap().len();
    cut(&path, length - 1);
    refused(&place, kind, "sealed file: its trailer is none of a sealed volume");
    cut(&path, 100);
    refused(&place, kind, "sealed file: it is `100` bytes long, too short for a sealed volume");
    cut(&path, 0);
    refused(&place, kind, "sealed file: it is `0` bytes long, too short for a sealed volume");
}

#[test]
fn file_with_bytes_taken_out_of_its_middle_is_refused_at_open() {
    let place = Place::with_sealed();
    let mut bytes = fs::read(place.sealed(2)).unwrap();
    let length = bytes.len();
    bytes.drain(500..600);
    fs::write(place.sealed(2), bytes).unwrap();
    let says = format!("sealed file: its parts take `{length}` bytes, the file has `{}`", length - 100);
    refused(&place, DamageKind::SealedFile, &says);
}

#[test]
fn file_of_another_volume_or_ledger_is_refused_at_open() {
    let (place, other) = (Place::with_sealed(), Place::with_sealed());
    fs::copy(place.sealed(1), place.sealed(2)).unwrap();
    refused(&place, DamageKind::SealedFile, "sealed file: it is volume `1` of partition `0`");
    fs::copy(other.sealed(2), place.sealed(2)).unwrap();
    let ledger = Reader::open(&other.dir).unwrap().meta().ledger;
    refused(&place, DamageKind::Foreign, &format!("sealed file: it belongs to ledger `{ledger}`"));
}

#[test]
fn file_that_does_not_follow_from_the_one_before_is_refused_at_open() {
    let place = place();
    let build = |extra: u64| {
        let config =
            sledger_log::LogConfig { ledger: Some(sledger_log::LedgerId([4; 16])), ..sealing(&place.dir) };
        let mut log = SledLog::open(config).unwrap();
        for count in [100 + extra, 100 - extra, 100] {
            write(&mut log, 50);
            write(&mut log, count - 50);
            log.seal_now().unwrap();
        }
        sealed(&log);
        log.close().unwrap();
    };
    build(0);
    let kept = fs::read(place.sealed(2)).unwrap();
    assert_eq!(Reader::open(&place.dir).unwrap().volumes().nth(1).unwrap().first, Seq(101));
    fs::remove_dir_all(&place.dir).unwrap();
    build(1);
    fs::write(place.sealed(2), kept).unwrap();
    let says = "chain broken: the sealed file does not follow from the volume before";
    let error = SledLog::open(sealing(&place.dir)).unwrap_err();
    assert!(error.to_string().contains(says), "{error}");
}

#[test]
fn missing_sealed_file_is_named() {
    let place = Place::with_sealed();
    fs::remove_file(place.sealed(2)).unwrap();
    let error = SledLog::open(sealing(&place.dir)).unwrap_err();
    assert!(matches!(error, OpenError::VolumeMissing { volume: 2, .. }), "{error}");
    let says = format!("volume `2` of ledger `{}` is missing", place.dir.display());
    assert_eq!(error.to_string(), says);
}

#[test]
fn changed_frame_is_named_by_reading_and_the_rest_is_still_checked() {
    let place = Place::with_sealed();
    let parts = parts(&place.sealed(2));
    let info = Reader::open(&place.dir).unwrap().volumes().nth(1).unwrap();
    flip(&place.sealed(2), parts.frames.start + 200);
    let error = Reader::open(&place.dir).unwrap().blocks(Seq(1)).find_map(Result::err).unwrap();
    let ReadError::Damaged { volume: 2, seq, kind: DamageKind::SealedFile, detail } = error else {
        panic!("{error}")
    };
    assert_eq!(seq, info.first);
    assert_eq!(detail, "sealed file: the check of the frame at byte `72` does not match");
    let report = verify(&place.dir).unwrap();
    assert_eq!(report.events, 10_000 - info.sealed.unwrap().events, "all the others were read");
    let last = info.end.unwrap().seq;
    let kinds: Vec<_> = report.problems.iter().map(|problem| (problem.volume, problem.kind)).collect();
    assert_eq!(kinds, [(2, DamageKind::SealedFile), (2, DamageKind::Lost { to: last })]);
}

#[test]
fn changed_index_or_filter_hinders_those_who_need_them_and_is_told_by_verify() {
    let place = Place::with_sealed();
    let (path, parts) = (place.sealed(2), parts(&place.sealed(2)));
    let whole = fs::read(&path).unwrap();
    let info = Reader::open(&place.dir).unwrap().volumes().nth(1).unwrap();
    flip(&path, parts.index.start + 3);
    let says = "sealed file: the check of its index does not match";
    assert_eq!(verify(&place.dir).unwrap().problems[0].detail, says);
    let error = Reader::open(&place.dir).unwrap().blocks(info.first.plus(50)).find_map(Result::err).unwrap();
    assert!(error.to_string().ends_with(says), "{error}");
    assert_eq!(read_all(&place.dir).seq, Seq(10_000), "in order it is read without the index");
    fs::write(&path, &whole).unwrap();
    flip(&path, parts.filter.start + 9);
    let says = "sealed file: the check of its filter does not match";
    assert_eq!(verify(&place.dir).unwrap().problems[0].detail, says);
    let error = Reader::open(&place.dir).unwrap().may_mention(2, &[sledger_log::Mention::Name("ann")]);
    assert!(error.unwrap_err().to_string().ends_with(says));
}

/// What reading gives before it ends or fails; every decision must be the one that was written.
fn read_some(dir: &Path) -> Option<u64> {
    let mut seq = 0;
    for block in Reader::open(dir).ok()?.blocks(Seq(1)) {
        for found in block.ok()?.decisions() {
            seq += 1;
            assert_eq!(found.unwrap(), *decision(seq));
        }
    }
    Some(seq)
}

#[test]
fn any_changed_byte_is_found_and_none_makes_reading_give_something_else() {
    let place = place();
    let mut log = SledLog::open(sealing(&place.dir)).unwrap();
    write(&mut log, 60);
    log.seal_now().unwrap();
    sealed(&log);
    log.close().unwrap();
    let path = place.sealed(1);
    let (whole, parts) = (fs::read(&path).unwrap(), parts(&path));
    let packed = parts.frames.start + 64..parts.frames.end;
    let sparse = packed.step_by(13);
    let others = (0..parts.frames.start + 64).chain(parts.index.start..whole.len());
    for at in others.chain(sparse) {
        flip(&path, at);
        let problems = verify(&place.dir).unwrap().problems;
        assert!(!problems.is_empty(), "byte {at} of {}", whole.len());
        assert!(matches!(read_some(&place.dir), None | Some(60)), "byte {at}");
        fs::write(&path, &whole).unwrap();
    }
    for length in (0..whole.len()).step_by(7) {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(!verify(&place.dir).unwrap().problems.is_empty(), "cut at {length}");
        assert_eq!(read_some(&place.dir), None, "cut at {length}");
    }
}

#[test]
fn sealed_file_beside_its_folder_counts_only_when_it_is_whole() {
    let place = place();
    let mut log = SledLog::open(crate::common::small(&place.dir)).unwrap();
    for _ in 0..10 {
        write(&mut log, 250);
    }
    log.close().unwrap();
    fs::write(place.sealed(1), "half").unwrap();
    assert_eq!(read_all(&place.dir).seq, Seq(2_500), "the folder counts");
    let mut log = SledLog::open(sealing(&place.dir)).unwrap();
    sealed(&log);
    log.close().unwrap();
    let aside = place.dir.join("volumes/000001.sealed.damaged");
    assert_eq!(fs::read_to_string(aside).unwrap(), "half", "kept, and out of the way");
    assert!(place.sealed(1).exists() && !place.volume(1).exists());
    assert_eq!(read_all(&place.dir).seq, Seq(2_500));
}

/// A ledger whose first volume is sealed, with its folder still there under the name `.gone`.
fn with_gone() -> Place {
    let place = place();
    let mut log = SledLog::open(crate::common::small(&place.dir)).unwrap();
    for _ in 0..10 {
        write(&mut log, 250);
    }
    log.close().unwrap();
    drop(log);
    let kept = place.dir.with_extension("kept");
    fs::create_dir(&kept).unwrap();
    for file in ["db", "conf", "end", "ready"] {
        fs::copy(place.volume(1).join(file), kept.join(file)).unwrap();
    }
    let mut log = SledLog::open(sealing(&place.dir)).unwrap();
    sealed(&log);
    log.close().unwrap();
    fs::rename(kept, place.dir.join("volumes/000001.gone")).unwrap();
    place
}

#[test]
fn folder_under_removal_goes_when_its_sealed_file_is_whole_and_comes_back_when_it_is_not() {
    for is_whole in [true, false] {
        let place = with_gone();
        if !is_whole {
            let parts = parts(&place.sealed(1));
            flip(&place.sealed(1), parts.frames.start + 100);
        }
        let mut log = SledLog::open(crate::common::small(&place.dir)).unwrap();
        assert_eq!(log.head().seq, Seq(2_500));
        log.close().unwrap();
        assert!(!place.dir.join("volumes/000001.gone").exists());
        assert_eq!(place.volume(1).exists(), !is_whole);
        assert_eq!(place.dir.join("volumes/000001.sealed.damaged").exists(), !is_whole);
        assert_eq!(read_all(&place.dir).seq, Seq(2_500));
    }
}

#[test]
fn salvage_leaves_whole_sealed_volumes_as_they_are() {
    let place = Place::with_sealed();
    let report = salvage(&place.dir).unwrap();
    assert_eq!((report.head.seq, report.rebuilt, report.lost_from), (Seq(10_000), None, None));
    assert!(report.aside.is_empty() && place.sealed(4).exists());
    let mut log = SledLog::open(sealing(&place.dir)).unwrap();
    assert_eq!(log.head().seq, Seq(10_000));
    log.close().unwrap();
}

#[test]
fn salvage_keeps_every_whole_block_of_a_file_that_only_lost_its_end() {
    let place = Place::with_sealed();
    let length = fs::metadata(place.sealed(2)).unwrap().len();
    cut(&place.sealed(2), length - 200);
    let report = salvage(&place.dir).unwrap();
    assert_eq!((report.head.seq, report.rebuilt), (Seq(10_000), Some(2)));
    assert_eq!(report.aside, [place.dir.join("volumes/000002.sealed.damaged")]);
    assert_eq!(read_all(&place.dir).seq, Seq(10_000));
    let mut log = SledLog::open(sealing(&place.dir)).unwrap();
    sealed(&log);
    log.close().unwrap();
    assert!(place.sealed(2).exists());
    assert_eq!(verify(&place.dir).unwrap().problems, []);
}

#[test]
fn salvage_tells_what_a_changed_frame_has_cost() {
    let place = Place::with_sealed();
    let first = Reader::open(&place.dir).unwrap().volumes().nth(1).unwrap().first;
    let parts = parts(&place.sealed(2));
    flip(&place.sealed(2), parts.frames.start + 200);
    let report = salvage(&place.dir).unwrap();
    assert_eq!(
        (report.head.seq.next(), report.lost_from, report.lost_to),
        (first, Some(first), Some(Seq(10_000)))
    );
    assert_eq!(read_all(&place.dir).seq.next(), first);
    let mut log = SledLog::open(sealing(&place.dir)).unwrap();
    write(&mut log, 10);
    log.close().unwrap();
    assert_eq!(verify(&place.dir).unwrap().problems, []);
}

#[test]
fn missing_end_mark_of_a_folder_is_refused_and_a_missing_ready_mark_hinders_nobody() {
    let place = place();
    let mut log = SledLog::open(crate::common::small(&place.dir)).unwrap();
    for _ in 0..10 {
        write(&mut log, 250);
    }
    log.close().unwrap();
    drop(log);
    fs::remove_file(place.volume(1).join("ready")).unwrap();
    drop(SledLog::open(crate::common::small(&place.dir)).unwrap());
    fs::remove_file(place.volume(1).join("end")).unwrap();
    let error = SledLog::open(sealing(&place.dir)).unwrap_err();
    assert_eq!(error.to_string(), "volume `1` is damaged at seq `1`: end mark: it is missing");
}

#[test]
fn missing_ledger_file_is_refused() {
    let place = Place::with_sealed();
    fs::remove_file(place.dir.join("ledger.toml")).unwrap();
    let before = everything(&place.dir);
    let error = SledLog::open(sealing(&place.dir)).unwrap_err();
    assert_eq!(error.to_string(), format!("`{}` is not empty and holds no ledger", place.dir.display()));
    let error = Reader::open(&place.dir).unwrap_err();
    assert_eq!(error.to_string(), format!("no ledger in `{}`", place.dir.display()));
    assert!(everything(&place.dir) == before);
}
