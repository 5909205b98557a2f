use super::*;
use crate::pack::{Stamp, pack};
use sledger_core::Millis;
use sledger_core::command::Actor;
use sledger_core::event::{Decision, Event, Op};
use sledger_core::log::Batch;
use std::sync::Arc;

const STAMP: Stamp = Stamp { ledger: LedgerId([7; 16]), partition: 0 };

/// So many blocks of one event each, after `head`.
fn blocks(stamp: Stamp, count: u64, head: Head) -> Vec<Block> {
    let mut head = head;
    let one = |n: u64| {
        let seq = head.seq.next();
        let touched = Event::Touched { session: Seq(n), last_active: Millis(n) };
        let decision = Decision {
            at: Millis(n),
            actor: Actor::Local,
            request_id: None,
            command: None,
            cause: None,
            op: Op::Touch { session: Seq(n) },
            judged: Vec::new(),
            events: vec![touched],
        };
        let decisions = [Arc::new(decision)];
        let block =
            pack(stamp, Batch { first: seq, epoch: 1, decisions: &decisions }, &head).unwrap().remove(0);
        head = block.head();
        block
    };
    (0..count).map(one).collect()
}

fn bytes(blocks: &[Block]) -> Vec<u8> {
    blocks.iter().flat_map(|block| block.bytes().iter().copied()).collect()
}

/// The seqs that are read, and what stopped the reading.
fn read(bytes: &[u8]) -> (Vec<u64>, Option<String>) {
    let mut seqs = Vec::new();
    for block in BlockStream::new(bytes) {
        match block {
            Ok(block) => seqs.push(block.header().first.0),
            Err(error) => return (seqs, Some(error.to_string())),
        }
    }
    (seqs, None)
}

#[test]
fn blocks_one_behind_the_other_are_read_back_bit_by_bit() {
    let written = blocks(STAMP, 3, Head::default());
    let mut stream = BlockStream::new(io::Cursor::new(bytes(&written)));
    let found: Vec<Block> = stream.by_ref().map(Result::unwrap).collect();
    assert_eq!(found, written);
    assert_eq!(stream.head(), written[2].head());
    assert_eq!(stream.ledger(), Some(STAMP.ledger));
    assert_eq!(read(&[]), (Vec::new(), None));
}

#[test]
fn a_cut_is_named_by_byte_and_seq_wherever_it_is() {
    let written = blocks(STAMP, 2, Head::default());
    let (all, first) = (bytes(&written), written[0].bytes().len());
    for end in 1..all.len() {
        let (seqs, stopped) = read(&all[..end]);
        if end == first {
            assert_eq!((seqs, stopped), (vec![1], None), "a cut between blocks leaves no trace");
            continue;
        }
        let (offset, seq) = if end < first { (0, 1) } else { (first, 2) };
        let stopped = stopped.unwrap();
        assert!(stopped.starts_with(&format!("byte {offset}, seq {seq}: cut off: ")), "{end}: {stopped}");
    }
}

#[test]
fn any_changed_byte_is_refused_at_its_block() {
    let written = blocks(STAMP, 2, Head::default());
    let (all, first) = (bytes(&written), written[0].bytes().len());
    for index in 0..all.len() {
        let mut changed = all.clone();
        changed[index] ^= 0x10;
        let (seqs, stopped) = read(&changed);
        let (seqs_good, offset) = if index < first { (vec![], 0) } else { (vec![1], first) };
        assert_eq!(seqs, seqs_good, "byte {index}");
        assert!(stopped.unwrap().starts_with(&format!("byte {offset}, ")), "byte {index}");
    }
}

#[test]
fn what_does_not_follow_is_refused_by_what_is_wrong() {
    let written = blocks(STAMP, 3, Head::default());
    let length = written[0].bytes().len();
    let other = Stamp { ledger: LedgerId([8; 16]), partition: 0 };
    let foreign = blocks(other, 1, written[0].head());
    let forged = blocks(STAMP, 1, Head { hash: [1; 32], ..written[0].head() });
    let cases = [
        (vec![&written[0], &written[2]], format!("byte {length}, seq 2: the block begins with seq `3`")),
        (vec![&written[1]], "byte 0, seq 1: the block begins with seq `2`".to_owned()),
        (
            vec![&written[0], &foreign[0]],
            format!(
                "byte {length}, seq 2: the block belongs to ledger `{}`, not to `{}`",
                other.ledger, STAMP.ledger
            ),
        ),
        (
            vec![&written[0], &forged[0]],
            format!("byte {length}, seq 2: chain broken: the block does not follow from the one before"),
        ),
    ];
    for (given, reason) in cases {
        let given: Vec<Block> = given.into_iter().cloned().collect();
        assert_eq!(read(&bytes(&given)).1, Some(reason));
    }
    assert_eq!(
        read(b"{\"seq\":1}").1.unwrap(),
        "byte 0, seq 1: cut off: the block is `112` bytes long, `9` are there"
    );
    assert_eq!(read(&[b'x'; 200]).1.unwrap(), "byte 0, seq 1: no block begins here");
}

#[test]
fn a_stream_that_fails_is_told_apart_from_one_that_ends() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("line is down"))
        }
    }
    let all = bytes(&blocks(STAMP, 1, Head::default()));
    let length = all.len();
    let mut stream = BlockStream::new(io::Cursor::new(all).chain(Failing));
    assert!(stream.next().unwrap().is_ok());
    let stopped = stream.next().unwrap().unwrap_err().to_string();
    assert_eq!(stopped, format!("byte {length}: cannot be read: line is down"));
    assert!(stream.next().is_none());
}
