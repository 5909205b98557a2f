use super::*;
use crate::block::LedgerId;
use sledger_core::Millis;
use sledger_core::log::Head;
use std::sync::Mutex;

const LEDGER: LedgerId = LedgerId([3; 16]);

fn meta(ledger: LedgerId) -> Meta {
    Meta { ledger, partition: 0, created: Millis(0), seal_personal: false, program: "test".to_owned() }
}

fn about(seq: u64) -> SnapshotAbout {
    SnapshotAbout { revision: 1, rules: 2, ledger: LEDGER, partition: 0, seq: Seq(seq), at: Millis(77) }
}

fn end(seq: u64) -> SnapshotEnd {
    let head = Head { seq: Seq(seq), hash: [5; 32], at: Millis(78), token: 0 };
    SnapshotEnd { head, through: Seq(seq + 4) }
}

/// A snapshot of `seq` with two frames.
fn write(snapshots: &Snapshots, seq: u64) -> io::Result<PathBuf> {
    let mut writer = snapshots.begin(about(seq))?;
    writer.frame(1, b"first")?;
    writer.frame(9, b"the second frame")?;
    snapshots.publish(writer, &end(seq))
}

fn read(snapshots: &Snapshots, seq: u64) -> Result<Vec<(u8, Vec<u8>)>, SnapshotError> {
    let mut reader = snapshots.open(Seq(seq))?;
    let mut frames = Vec::new();
    while let Some(frame) = reader.frame()? {
        frames.push(frame);
    }
    Ok(frames)
}

fn names(dir: &Path) -> Vec<String> {
    let all = files::entries(&dir.join("snapshots")).unwrap();
    all.iter().map(|path| files::name(path).to_owned()).collect()
}

#[test]
fn a_snapshot_is_read_back_as_written_and_the_newest_two_are_kept() {
    let place = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::new(place.path(), &meta(LEDGER), None);
    assert_eq!(snapshots.list().unwrap(), []);
    for seq in [7, 1_000_000_000_000, 8] {
        write(&snapshots, seq).unwrap();
    }
    assert_eq!(names(place.path()), ["000000000008.snap", "1000000000000.snap"]);
    assert_eq!(snapshots.list().unwrap(), [Seq(1_000_000_000_000), Seq(8)]);
    let reader = snapshots.open(Seq(8)).unwrap();
    assert_eq!((*reader.about(), *reader.end()), (about(8), end(8)));
    let frames = vec![(1, b"first".to_vec()), (9, b"the second frame".to_vec())];
    assert_eq!(read(&snapshots, 8).unwrap(), frames);
}

#[test]
fn every_changed_byte_and_every_cut_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::new(place.path(), &meta(LEDGER), None);
    let path = write(&snapshots, 8).unwrap();
    let good = fs::read(&path).unwrap();
    for at in 0..good.len() {
        for flip in [1, 0x80, 0xFF] {
            let mut bad = good.clone();
            bad[at] ^= flip;
            fs::write(&path, &bad).unwrap();
            assert!(read(&snapshots, 8).is_err(), "byte {at} ^ {flip}");
        }
        fs::write(&path, &good[..at]).unwrap();
        assert!(read(&snapshots, 8).is_err(), "cut at {at}");
    }
    fs::write(&path, [&good[..], b"x"].concat()).unwrap();
    assert!(read(&snapshots, 8).is_err(), "a byte more");
}

#[test]
fn frames_that_were_taken_out_or_changed_places_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::new(place.path(), &meta(LEDGER), None);
    let path = write(&snapshots, 8).unwrap();
    let good = fs::read(&path).unwrap();
    let (from, first, to) = (86, 86 + 37 + 5, good.len() - 128);
    let said = "it was changed: the check of its frames does not match";
    for frames in [[&good[first..to], &good[from..first]].concat(), good[from..first].to_vec()] {
        fs::write(&path, [&good[..from], &frames[..], &good[to..]].concat()).unwrap();
        assert_eq!(read(&snapshots, 8).unwrap_err().to_string(), said);
    }
}

#[test]
fn what_a_snapshot_is_not_is_said() {
    let place = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::new(place.path(), &meta(LEDGER), None);
    let path = write(&snapshots, 8).unwrap();
    let foreign = Snapshots::new(place.path(), &meta(LedgerId([4; 16])), None);
    let said = |snapshots: &Snapshots, seq: u64| read(snapshots, seq).unwrap_err().to_string();
    assert_eq!(said(&foreign, 8), format!("it belongs to ledger `{LEDGER}`"));
    fs::copy(&path, snapshots.path(Seq(9))).unwrap();
    assert_eq!(said(&snapshots, 9), "it is of seq `8`, its name says otherwise");
    let mut newer = fs::read(&path).unwrap();
    newer[8] = 2;
    fs::write(&path, &newer).unwrap();
    assert_eq!(said(&snapshots, 8), "its format `2` is not known to this program");
    fs::write(&path, vec![b' '; 300]).unwrap();
    assert_eq!(said(&snapshots, 8), "it is no snapshot");
    fs::write(&path, b"short").unwrap();
    assert_eq!(said(&snapshots, 8), "it was cut");
}

/// Fails at one point, and notes the points reached.
#[derive(Default)]
struct FailsAt(&'static str, Mutex<Vec<&'static str>>);

impl Probe for FailsAt {
    fn at(&self, point: &'static str) {
        self.1.lock().unwrap().push(point);
    }

    fn fail(&self, point: &'static str) -> Option<String> {
        (point == self.0).then(|| "no room".to_owned())
    }
}

#[test]
fn whatever_step_fails_what_was_there_stays_and_nothing_half_done_does() {
    for point in SNAPSHOT_POINTS {
        let place = tempfile::tempdir().unwrap();
        let plain = Snapshots::new(place.path(), &meta(LEDGER), None);
        write(&plain, 7).unwrap();
        write(&plain, 8).unwrap();
        let probe = Arc::new(FailsAt(point, Mutex::default()));
        let snapshots = Snapshots::new(place.path(), &meta(LEDGER), Some(probe.clone()));
        assert_eq!(write(&snapshots, 9).unwrap_err().to_string(), "no room", "{point}");
        assert_eq!(probe.1.lock().unwrap().last(), Some(&point));
        assert!(read(&plain, 8).is_ok(), "{point}");
        assert!(names(place.path()).iter().all(|name| !name.contains("tmp")), "{point}");
        for seq in plain.list().unwrap() {
            assert!(read(&plain, seq.0).is_ok(), "{point}");
        }
        write(&plain, 10).unwrap();
        assert_eq!(plain.list().unwrap().len(), 2, "{point}");
    }
}

#[test]
fn what_a_kill_left_unfinished_is_removed_before_the_next_one() {
    let place = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::new(place.path(), &meta(LEDGER), None);
    fs::create_dir(place.path().join("snapshots")).unwrap();
    fs::write(place.path().join("snapshots/000000000005.tmp"), b"half").unwrap();
    write(&snapshots, 8).unwrap();
    assert_eq!(names(place.path()), ["000000000008.snap"]);
    drop(snapshots.begin(about(9)).unwrap());
    assert_eq!(names(place.path()), ["000000000008.snap"], "given up, it is gone");
}

#[test]
fn every_point_is_reached_in_order() {
    let place = tempfile::tempdir().unwrap();
    let probe = Arc::new(FailsAt::default());
    write(&Snapshots::new(place.path(), &meta(LEDGER), Some(probe.clone())), 8).unwrap();
    assert_eq!(*probe.1.lock().unwrap(), SNAPSHOT_POINTS);
}
