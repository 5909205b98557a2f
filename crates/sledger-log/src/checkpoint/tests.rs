use super::*;
use std::fs;
use std::path::Path;

const DAY_MS: u64 = 86_400_000;

fn key() -> CheckpointKey {
    CheckpointKey::from_seed([7; 32])
}

fn stand(seq: u64, time: u64) -> Stand {
    Stand { ledger: LedgerId([3; 16]), partition: 0, seq: Seq(seq), head: [9; 32], time: Millis(time) }
}

#[test]
fn checkpoint_is_read_back_and_any_changed_byte_or_cut_is_refused() {
    let checkpoint = Checkpoint::sign(stand(1_204_880, 1_763_640_271_207), &key());
    let text = checkpoint.render();
    assert_eq!(Checkpoint::parse(text.as_bytes()), Ok(checkpoint));
    for at in 0..text.len() {
        for bit in [1, 0x20] {
            let mut bad = text.clone().into_bytes();
            bad[at] ^= bit;
            assert!(Checkpoint::parse(&bad).is_err(), "byte {at}");
        }
        assert!(Checkpoint::parse(&text.as_bytes()[..at]).is_err(), "cut at {at}");
    }
    assert!(Checkpoint::parse(format!("{text}\n").as_bytes()).is_err());
    assert!(Checkpoint::parse(&[b'x'; CHECKPOINT_BYTES_MAX + 1]).is_err());
}

#[test]
fn text_says_what_it_is_line_by_line() {
    let text = Checkpoint::sign(stand(7, 1_763_640_271_207), &key()).render();
    let lines: Vec<&str> = text.lines().take(6).collect();
    assert_eq!(
        lines,
        [
            "sledger-checkpoint: 1",
            "ledger: 03030303030303030303030303030303",
            "partition: 0",
            "seq: 7",
            "head: 0909090909090909090909090909090909090909090909090909090909090909",
            "time: 2025-11-20T12:04:31.207Z",
        ]
    );
}

#[test]
fn what_is_wrong_is_named_by_line() {
    let text = Checkpoint::sign(stand(7, 0), &key()).render();
    let error = |text: String| Checkpoint::parse(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(error(text.replace("seq: 7\n", "")), "line `4` must be `seq: …`");
    assert_eq!(error(text.replace("seq: 7", "seq: x")), "the value of `seq` is not as it must be written");
    assert_eq!(
        error(text.replace("seq: 7", "seq: 07")),
        "the value of `a line` is not as it must be written"
    );
    assert_eq!(
        error(text.replace("point: 1", "point: 2")),
        "checkpoints of version `2` are not known to this program"
    );
    assert_eq!(
        error(text.replace("seq: 7", "seq: 8")),
        "its signature does not match: it was changed, or another key signed it"
    );
}

#[test]
fn key_is_made_once_for_its_owner_alone_and_read_back() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = key_path(dir.path());
    let made = CheckpointKey::read_or_make(&path, || Ok([5; 32])).unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = CheckpointKey::read_or_make(&path, || panic!("it is there")).unwrap();
    assert_eq!(again.public(), made.public());
    fs::write(&path, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
    let error = CheckpointKey::read_or_make(&path, || Ok([5; 32])).unwrap_err().to_string();
    assert!(error.ends_with("holds no Ed25519 private key in PEM"), "{error}");
    fs::write(&path, vec![b'-'; 1 << 20]).unwrap();
    assert!(matches!(CheckpointKey::read(&path), Err(KeyError::NoKey { .. })));
}

fn kept(dir: &Path) -> usize {
    Shelf::of(dir).all().unwrap().len()
}

#[test]
fn shelf_keeps_the_newest_one_a_day_of_a_year_and_one_a_month_before() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = Shelf::of(dir.path());
    assert_eq!((shelf.newest().unwrap(), shelf.thin().unwrap()), (None, 0));
    // Four a day over 800 days, thinned now and then.
    for n in 0..3_200 {
        let path = shelf.keep(&Checkpoint::sign(stand(n + 1, n * DAY_MS / 4), &key()));
        path.unwrap();
        if n % 400 == 399 {
            shelf.thin().unwrap();
        }
    }
    let left = kept(dir.path());
    assert!((100 + 340..100 + 366 + 20).contains(&left), "{left}");
    assert_eq!(shelf.newest().unwrap().unwrap().stand().seq, Seq(3_200));
    assert_eq!(shelf.thin().unwrap(), 0, "what is kept stays");
}

#[test]
fn what_is_shipped_is_never_written_anew_and_caught_up_later() {
    let (dir, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (shelf, there) = (Shelf::of(dir.path()), to.path().join("outside"));
    for seq in 1..=3 {
        shelf.keep(&Checkpoint::sign(stand(seq, 0), &key())).unwrap();
    }
    assert_eq!(shelf.ship(&there).unwrap(), 3);
    assert_eq!(shelf.ship(&there).unwrap(), 0);
    let first = there.join("03030303030303030303030303030303-000000000001.checkpoint");
    fs::write(&first, "kept by somebody else").unwrap();
    shelf.keep(&Checkpoint::sign(stand(4, 0), &key())).unwrap();
    assert_eq!(shelf.ship(&there).unwrap(), 1);
    assert_eq!(fs::read_to_string(&first).unwrap(), "kept by somebody else");
    let pem = fs::read_dir(&there).unwrap().filter(|entry| {
        entry.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "pem")
    });
    assert_eq!(pem.count(), 1);
}

#[test]
fn damaged_file_is_passed_over_for_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = Shelf::of(dir.path());
    shelf.keep(&Checkpoint::sign(stand(1, 0), &key())).unwrap();
    let last = shelf.keep(&Checkpoint::sign(stand(2, 0), &key())).unwrap();
    fs::write(last, "sledger-checkpoint: 1\n").unwrap();
    assert_eq!(shelf.newest().unwrap().unwrap().stand().seq, Seq(1));
}
