//! Volumes that have ended become plain files, and nothing is lost on the way.

use crate::child;
use crate::common::{
    PATIENCE, Place, config, everything, flip, is_half_written, names, place, probed, read_all, sealed,
    sealing, small, write,
};
use sledger_core::Seq;
use sledger_core::log::Log;
use sledger_log::{LogConfig, OpenError, Probe, Reader, SealedVolume, SledLog, verify};
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

/// The bytes of every block.
fn blocks(place: &Place) -> Vec<Vec<u8>> {
    let blocks = Reader::open(&place.dir).unwrap().blocks(Seq(1));
    blocks.map(|block| block.unwrap().bytes().to_vec()).collect()
}

#[test]
fn volumes_that_have_ended_are_sealed_and_told_of() {
    let place = place();
    let mut log = SledLog::open(sealing(&place.dir)).unwrap();
    for _ in 0..40 {
        write(&mut log, 250);
    }
    let status = sealed(&log);
    let told = log.take_sealed();
    assert_eq!(told.len() as u64, status.sealed);
    assert!(told.len() >= 4 && log.take_sealed().is_empty());
    let mut next = Seq(1);
    for SealedVolume { volume, first, last, bytes, head: _ } in &told {
        assert_eq!(*first, next);
        assert_eq!(fs::metadata(place.sealed(*volume)).unwrap().len(), *bytes);
        assert!(!place.volume(*volume).exists());
        next = last.next();
    }
    assert_eq!(read_all(&place.dir), log.head());
    log.close().unwrap();
    let report = verify(&place.dir).unwrap();
    assert_eq!((report.problems.as_slice(), report.events), ([].as_slice(), 10_000));
    let reader = Reader::open(&place.dir).unwrap();
    let infos: Vec<_> = reader.volumes().collect();
    assert_eq!(infos.iter().filter(|info| info.sealed.is_some()).count(), told.len());
    let head = infos[0].end.unwrap();
    assert_eq!((head.seq, head.hash), (told[0].last, told[0].head));
}

#[test]
fn folders_left_by_a_program_that_did_not_seal_are_sealed_at_open_block_by_block_the_same() {
    let place = place();
    let mut log = SledLog::open(small(&place.dir)).unwrap();
    for _ in 0..40 {
        write(&mut log, 250);
    }
    drop(log);
    let before = blocks(&place);
    let mut log = SledLog::open(sealing(&place.dir)).unwrap();
    assert!(sealed(&log).sealed >= 4);
    log.close().unwrap();
    assert!(names(&place)[..4].iter().all(|name| name.ends_with(".sealed")), "{:?}", names(&place));
    assert!(blocks(&place) == before);
}

#[test]
fn reading_from_a_late_seq_takes_only_the_frames_from_there_on() {
    let place = place();
    let mut log = SledLog::open(LogConfig { seal: true, ..config(&place.dir) }).unwrap();
    for _ in 0..20 {
        write(&mut log, 1_000);
    }
    log.seal_now().unwrap();
    sealed(&log);
    write(&mut log, 100);
    log.close().unwrap();
    assert_eq!(read_all(&place.dir).seq, Seq(20_100));
    for from in (1..=20_100).step_by(1_111) {
        let mut blocks = Reader::open(&place.dir).unwrap().blocks(Seq(from));
        let header = *blocks.next().unwrap().unwrap().header();
        assert!(header.first.0 <= from && from <= header.last().0, "{from}: {header:?}");
        assert_eq!(blocks.last().unwrap().unwrap().header().last(), Seq(20_100));
    }
    flip(&place.sealed(1), 1_000);
    let read = |from| Reader::open(&place.dir).unwrap().blocks(Seq(from)).find_map(Result::err);
    assert!(read(1).is_some() && read(19_000).is_none(), "the first frame is not looked at");
}

#[test]
fn active_volume_is_sealed_on_request_and_an_empty_one_is_left() {
    let place = place();
    let mut log = SledLog::open(sealing(&place.dir)).unwrap();
    write(&mut log, 10);
    log.seal_now().unwrap();
    assert_eq!(sealed(&log).sealed, 1);
    log.seal_now().unwrap();
    assert_eq!(sealed(&log).sealed, 1);
    assert_eq!(names(&place), ["000001.sealed", "000002"]);
    let other = log.sealing();
    write(&mut log, 10);
    other.ask();
    write(&mut log, 10);
    sealed(&log);
    let told = other.take_sealed();
    assert_eq!((told.len(), told[1].first, told[1].last), (2, Seq(11), Seq(20)));
    log.close().unwrap();
    assert!(log.seal_now().is_err());
    assert_eq!(read_all(&place.dir).seq, Seq(30));
}

#[test]
fn ledger_that_ends_in_a_sealed_volume_goes_on_in_the_next() {
    let place = Place::with_sealed();
    let last = names(&place).pop().unwrap().parse().unwrap();
    let first = Reader::open(&place.dir).unwrap().volumes().last().unwrap().first;
    fs::remove_dir_all(place.volume(last)).unwrap();
    fs::remove_file(place.dir.join("clean")).unwrap();
    fs::remove_file(place.dir.join("head")).unwrap();
    let mut log = SledLog::open(sealing(&place.dir)).unwrap();
    assert_eq!(log.head().seq.next(), first);
    write(&mut log, 10);
    drop(log);
    assert_eq!(read_all(&place.dir).seq, first.plus(9));
}

#[test]
fn empty_volume_that_has_ended_is_sealed_so_that_no_number_is_missing() {
    let place = place();
    let mut log = SledLog::open(sealing(&place.dir)).unwrap();
    let head = write(&mut log, 10);
    log.seal_now().unwrap();
    sealed(&log);
    let ledger = log.meta().ledger;
    log.close().unwrap();
    let lines = format!(
        "ledger = \"{ledger}\"\nvolume = \"2\"\nfirst = \"11\"\nlast = \"10\"\nat = \"{}\"\nepoch = \"1\"\nhash = \"{}\"\n",
        head.at.0,
        blake3::Hash::from_bytes(head.hash).to_hex()
    );
    let check = blake3::hash(lines.as_bytes()).to_hex();
    fs::write(place.volume(2).join("end"), format!("{lines}check = \"{check}\"\n")).unwrap();
    fs::remove_file(place.dir.join("clean")).unwrap();
    let mut log = SledLog::open(sealing(&place.dir)).unwrap();
    assert_eq!(sealed(&log).sealed, 1);
    write(&mut log, 10);
    log.close().unwrap();
    assert_eq!(names(&place), ["000001.sealed", "000002.sealed", "000003"]);
    assert_eq!(read_all(&place.dir).seq, Seq(20));
    assert_eq!(verify(&place.dir).unwrap().problems, []);
}

struct FailAt(&'static str);

impl Probe for FailAt {
    fn at(&self, _: &'static str) {}
    fn fail(&self, point: &'static str) -> Option<String> {
        (point == self.0).then(|| "no space left on device".to_owned())
    }
}

#[test]
fn failure_at_any_step_of_sealing_is_told_and_the_log_goes_on() {
    let steps = ["begin", "written", "synced", "renamed", "verified", "folder_gone", "removed"];
    for (step, point) in
        steps.iter().zip(sledger_log::POINTS.iter().filter(|point| point.starts_with("seal.")))
    {
        assert_eq!(format!("seal.{step}"), *point);
        let place = place();
        let mut log = SledLog::open(probed(&place.dir, FailAt(point))).unwrap();
        for _ in 0..20 {
            write(&mut log, 250);
        }
        let error = log.sealing().wait(PATIENCE).last_error.unwrap();
        assert!(error.contains("was not sealed: no space left on device"), "{point}: {error}");
        assert_eq!(log.poisoned(), None);
        assert_eq!(read_all(&place.dir).seq, Seq(5_000), "{point}");
        log.close().unwrap();
        assert!(!is_half_written(&place), "{point}: {:?}", names(&place));
        let mut log = SledLog::open(sealing(&place.dir)).unwrap();
        sealed(&log);
        write(&mut log, 250);
        log.close().unwrap();
        assert_eq!(names(&place).iter().filter(|name| !name.ends_with(".sealed")).count(), 1, "{point}");
        assert_eq!(read_all(&place.dir).seq, Seq(5_250), "{point}");
        assert_eq!(verify(&place.dir).unwrap().problems, [], "{point}");
    }
}

/// Changes a byte of the sealed file as soon as it has its name.
struct Spoil(PathBuf);

impl Probe for Spoil {
    fn at(&self, point: &'static str) {
        if point == "seal.renamed" {
            flip(&self.0, 300);
        }
    }
}

#[test]
fn folder_stays_when_its_sealed_file_is_not_read_back_as_it_was_written() {
    let place = place();
    let mut log = SledLog::open(probed(&place.dir, Spoil(place.sealed(1)))).unwrap();
    write(&mut log, 250);
    log.seal_now().unwrap();
    let error = log.sealing().wait(PATIENCE).last_error.unwrap();
    let says = "volume `1` was not sealed: read back from the disk: the check of the frame at byte `72` does not match";
    assert_eq!(error, says);
    assert!(place.volume(1).join("end").exists() && !place.sealed(1).exists());
    log.close().unwrap();
    assert_eq!(read_all(&place.dir).seq, Seq(250));
}

/// Stops at a point until it is told to go on.
struct HoldAt {
    point: &'static str,
    reached: Sender<()>,
    go_on: Mutex<Receiver<()>>,
}

impl Probe for HoldAt {
    fn at(&self, point: &'static str) {
        if point == self.point {
            let _ = self.reached.send(());
            let _ = self.go_on.lock().unwrap().recv();
        }
    }
}

fn held(place: &Place) -> (SledLog, Receiver<()>, Sender<()>) {
    let (reached, is_reached) = channel();
    let (go_on, may_go_on) = channel();
    let probe = HoldAt { point: "seal.written", reached, go_on: Mutex::new(may_go_on) };
    let mut log = SledLog::open(probed(&place.dir, probe)).unwrap();
    for _ in 0..3 {
        write(&mut log, 250);
    }
    log.seal_now().unwrap();
    is_reached.recv_timeout(PATIENCE).unwrap();
    (log, is_reached, go_on)
}

#[test]
fn directory_stays_locked_as_long_as_a_volume_is_being_sealed() {
    let place = place();
    let (log, _reached, go_on) = held(&place);
    let watch = log.sealing();
    drop(log);
    let error = SledLog::open(sealing(&place.dir)).unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
    assert_eq!(read_all(&place.dir).seq, Seq(750), "reading needs no lock");
    drop(go_on);
    assert!(!watch.wait(PATIENCE).running);
    let log = SledLog::open(sealing(&place.dir)).unwrap();
    sealed(&log);
    assert_eq!(log.head().seq, Seq(750));
}

#[test]
fn appends_go_on_while_a_volume_is_being_sealed() {
    let place = place();
    let (mut log, _reached, go_on) = held(&place);
    for _ in 0..20 {
        write(&mut log, 250);
    }
    assert!(log.sealing().status().running && log.take_sealed().is_empty());
    drop(go_on);
    assert!(sealed(&log).sealed >= 2, "those that ended meanwhile are sealed too");
    log.close().unwrap();
    assert_eq!(read_all(&place.dir).seq, Seq(5_750));
}

#[test]
fn second_process_is_refused_while_the_first_seals() {
    let place = place();
    let (mut log, _reached, go_on) = held(&place);
    assert!(!child::run("append", &place.dir).success());
    assert!(!place.dir.join("opened").exists());
    drop(go_on);
    log.close().unwrap();
    assert!(child::run("append", &place.dir).success());
    assert_eq!(read_all(&place.dir).seq, Seq(850));
}

#[test]
fn readers_beside_a_writer_that_seals_see_a_whole_chain_every_time() {
    let place = place();
    let mut log = SledLog::open(sealing(&place.dir)).unwrap();
    write(&mut log, 1);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut last = Seq(0);
            while last < Seq(12_501) {
                let head = read_all(&place.dir);
                assert!(head.seq >= last);
                last = head.seq;
            }
        });
        for _ in 0..50 {
            write(&mut log, 250);
        }
        reading.join().unwrap();
    });
    sealed(&log);
}

/// When each file was changed last.
fn times(place: &Place) -> Vec<std::time::SystemTime> {
    let time = |path: &std::path::Path| fs::metadata(path).unwrap().modified().unwrap();
    let mut times: Vec<_> = everything(&place.dir).iter().map(|(path, _)| time(path)).collect();
    times.extend([time(&place.dir), time(&place.dir.join("volumes"))]);
    times
}

#[test]
fn reading_and_checking_write_nothing_and_need_no_lock() {
    let place = Place::with_sealed();
    fs::remove_file(place.dir.join("lock")).unwrap();
    let (before, then) = (everything(&place.dir), times(&place));
    assert_eq!(read_all(&place.dir).seq, Seq(10_000));
    assert_eq!(verify(&place.dir).unwrap().problems, []);
    let reader = Reader::open(&place.dir).unwrap();
    assert!(!reader.may_mention(1, &[sledger_log::Mention::Name("ann")]).unwrap());
    assert!(everything(&place.dir) == before && times(&place) == then);
    assert!(!place.dir.join("lock").exists());
}

#[test]
fn volume_tells_for_certain_whom_it_does_not_mention() {
    use sledger_log::Mention::{Name, Session, User};
    let place = Place::with_sealed();
    let reader = Reader::open(&place.dir).unwrap();
    for volume in reader.volumes() {
        let Some(end) = volume.end else {
            assert!(reader.may_mention(volume.no, &[Name("ann")]).unwrap(), "not sealed: who knows");
            continue;
        };
        for seq in volume.first.0..=end.seq.0 {
            assert!(reader.may_mention(volume.no, &[Session(Seq(seq))]).unwrap(), "{seq}");
        }
        let others =
            (1..=200).filter(|n| reader.may_mention(volume.no, &[Session(end.seq.plus(*n))]).unwrap());
        assert!(others.count() < 20);
        assert!(!reader.may_mention(volume.no, &[Name("ann"), User(sledger_core::UserNo(1))]).unwrap());
        let seqs = reader.blocks_in(volume.no).map(|block| block.unwrap().header().first);
        assert_eq!(seqs.min(), Some(volume.first));
    }
    assert_eq!(reader.blocks_in(99).count(), 0);
}

#[test]
fn whoever_asks_for_one_session_unpacks_few_frames_and_misses_no_block() {
    use sledger_log::Mention::{Session, Settings};
    let place = crate::common::place();
    let config = LogConfig { volume_bytes_max: 4 << 20, ..sealing(&place.dir) };
    let mut log = SledLog::open(config).unwrap();
    for _ in 0..200 {
        write(&mut log, 250);
    }
    sealed(&log);
    log.close().unwrap();
    let reader = Reader::open(&place.dir).unwrap();
    let ended = reader.volumes().filter_map(|volume| volume.sealed.and(volume.end)).last().unwrap();
    for seq in [1, 17, ended.seq.0 / 2, ended.seq.0, ended.seq.0 + 1, 50_000] {
        let mut sift = reader.sift();
        let mut found = 0;
        while let Some(block) = sift.step(Some(&[Session(Seq(seq)), Settings])).unwrap() {
            let header = block.header();
            found += usize::from((header.first..=header.last()).contains(&Seq(seq)));
        }
        assert_eq!(found, 1, "seq {seq}");
        let sifted = sift.sifted();
        assert!(sifted.frames_left >= 7 && sifted.frames_read <= 2, "seq {seq}: {sifted:?}");
    }
    let mut sift = reader.sift();
    let mut seqs = Vec::new();
    // What is wanted may change on the way.
    while let Some(block) = sift.step(Some(&[Session(Seq(seqs.len() as u64 + 1))])).unwrap() {
        seqs.push(block.header().first);
    }
    assert!(seqs.is_sorted(), "{seqs:?}");
}
