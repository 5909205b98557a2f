use super::*;
use crate::pack::{GROUP_BYTES_MAX, Stamp, pack};
use proptest::prelude::*;
use sledger_core::command::{Actor, Ending};
use sledger_core::config::{Param, Quota};
use sledger_core::event::{
    Cause, Code, CommandMark, Counted, Event, Judged, Judgement, LoginExtras, LoginOp, Op, Part, PolicyCode,
    PolicyFailure, PolicyRef, Started,
};
use sledger_core::log::Batch;
use sledger_core::{Facts, KeyNo, Limit, Personal, Span, Texts, UserNo};
use std::sync::Arc;

const STAMP: Stamp = Stamp { ledger: LedgerId([7; 16]), partition: 3 };

/// The block of format 1, as the first program wrote it: must be read as long as there is a sledger.
const FORMAT_1: &[u8] = include_bytes!("../../tests/fixtures/block-format-1.bin");

fn decision(at: u64, op: Op, events: Vec<Event>) -> Arc<Decision> {
    Arc::new(Decision {
        at: Millis(at),
        actor: Actor::Local,
        request_id: None,
        command: None,
        cause: None,
        op,
        judged: Vec::new(),
        events,
    })
}

fn facts() -> Arc<Facts> {
    let attributes = [("device".to_owned(), "mobile".to_owned())];
    let texts = Texts {
        user: "ann",
        session: "a-1",
        ip: "10.0.0.1",
        client: "app",
        source: "portal",
        groups: &["ops".to_owned(), "staff".to_owned()],
        attributes: &attributes,
        user_attributes: &[],
    };
    let mut facts = Facts::new(texts);
    (facts.started, facts.ttl) = (Millis(1_000), Span::seconds(60));
    Arc::new(facts)
}

fn judged() -> Judged {
    let policy = PolicyRef { name: "destroy_oldest".into(), revision: [0x9b, 0xe1, 0xc0, 0x44] };
    Judged {
        quota: 0,
        key: Personal::Sealed { key: 9, nonce: [5; 24], bytes: vec![1, 2, 3].into() },
        limit: Limit::at_most(2).unwrap(),
        active: 2,
        policy: Some(policy.clone()),
        answer: Judgement::Evict { victims: vec![Seq(2), Seq(300)] },
        reason: Some("oldest first".into()),
        told: None,
        notes: vec!["æøå ✓".into()],
        line: 3,
        column: 9,
        operations: 70_000,
        failure: Some(PolicyFailure { code: PolicyCode::Tripped, policy, line: 0, column: 0 }),
        enforced: true,
    }
}

fn login() -> Arc<Decision> {
    let extras = LoginExtras { end: Ending::Ids(vec!["old".to_owned()]), replaces: Some("older".into()) };
    let op = LoginOp {
        facts: Personal::Plain(facts()),
        extras: Some(Personal::Plain(extras)),
        ttl: Some(Span::NEVER),
        idle: None,
        retention: Some(Span::ZERO),
    };
    let counted = Counted { quota: 0, key: KeyNo(1), limit: Limit::Unlimited, count: 2 };
    let ended =
        Event::Ended { session: Seq(2), cause: Cause::Evicted, ended_at: Millis(2_000), judged: Some(0) };
    let admitted = Event::Admitted { user: UserNo(4), counted: [counted; 3].into_iter().collect() };
    Arc::new(Decision {
        actor: Actor::Token("gate".into()),
        request_id: Some("req-1".into()),
        command: Some(CommandMark { id: "cmd".into(), mark: [1, 2, 3, 4, 5, 6, 7, 8] }),
        cause: Some(Seq(70_000)),
        judged: vec![judged()],
        ..(*decision(2_000, Op::Login(Box::new(op)), vec![ended, admitted])).clone()
    })
}

fn started() -> Arc<Decision> {
    let started = Started {
        version: "0.1.0".into(),
        epoch: 1,
        rules: 1,
        engine: "rhai 1.27.0".into(),
        last: Millis(0),
        gap: Span::ZERO,
        clean: true,
        wall: Millis(1_000),
        clock_accepted: false,
    };
    decision(1_000, Op::Ledger, vec![Event::LedgerStarted(Box::new(started))])
}

fn denied() -> Arc<Decision> {
    let denied = Event::Denied {
        code: Code::UserBanned,
        quota: Some(1),
        limit: Some(Limit::Banned),
        active: 0,
        judged: None,
        reason: "banned".into(),
    };
    let counted = Event::DenialsCounted {
        user: Personal::Plain("ann".into()),
        quota: None,
        policy: None,
        code: Code::ExcessTooLarge,
        first: Millis(1),
        last: Millis(2),
        count: u64::MAX,
    };
    decision(2_001, Op::Denials, vec![denied, counted])
}

fn configured() -> Arc<Decision> {
    let params = [("grace".to_owned(), Param::List(vec![Param::Int(-5), Param::Bool(true)]))];
    let quota = Quota { params: params.into(), ..Quota::default_quota() };
    let part = Event::ConfigPart { hash: [8; 32], part: Box::new(Part::Quota(Arc::new(quota))) };
    let difference = Event::ClockDiffers { wall: Millis(5), ledger: Millis(4), followed: true };
    decision(2_002, Op::Configure, vec![part, difference, Event::LedgerStopped])
}

fn small() -> Arc<Decision> {
    let op = Op::Clear { user: UserNo(4), keep: Some(Seq(3)) };
    let events = vec![
        Event::Resumed { session: Seq(3), retention: None },
        Event::Conflicted { session: Some(Seq(3)), quota: None, limit: None, reason: "hers".into() },
        Event::Touched { session: Seq(3), last_active: Millis(2_002) },
        Event::Disconnected { session: Seq(3) },
        Event::UserCleared { user: UserNo(4), keep: Some(Seq(3)), ended: 0 },
        Event::SourceReconciled { source: "portal".into(), ended: 1, retained: 2 },
        Event::OverrideChanged {
            quota: "per-user".into(),
            selector: Personal::Plain("a*".into()),
            limit: None,
            until: Some(Millis(9)),
            reason: None,
        },
        Event::TokenRevoked { name: "gate".into() },
        Event::LedgerRecovered { lost_from: Some(Seq(5)), lost_to: None, detail: "salvaged".into() },
        Event::UserErased { key: 7, reason: "asked".into() },
        Event::HistoryRead { what: "timeline".into(), about: Personal::Plain("ann".into()) },
    ];
    decision(2_003, op, events)
}

fn fixture_decisions() -> Vec<Arc<Decision>> {
    vec![started(), login(), denied(), configured(), small()]
}

fn packed(decisions: &[Arc<Decision>], head: &Head) -> Vec<Block> {
    let batch = Batch { first: head.seq.next(), epoch: 1, decisions };
    pack(STAMP, batch, head).unwrap()
}

fn touches(count: u64) -> Vec<Arc<Decision>> {
    let touched = |n| Event::Touched { session: Seq(n), last_active: Millis(n) };
    (0..count).map(|n| decision(n, Op::Touch { session: Seq(n) }, vec![touched(n)])).collect()
}

fn noted(length: usize) -> Arc<Decision> {
    let text = Personal::Plain("x".repeat(length).into());
    decision(1, Op::Ledger, vec![Event::NoteAdded { about: Personal::Plain("seq:1".into()), text }])
}

#[test]
fn fixture_of_format_1_is_decoded_and_encoded_to_the_same_bytes() {
    let decisions = fixture_decisions();
    let blocks = packed(&decisions, &Head::default());
    if let Some(path) = std::env::var_os("SLEDGER_NEW_FIXTURE") {
        std::fs::write(path, blocks[0].bytes()).unwrap();
        return;
    }
    let block = Block::parse(FORMAT_1.into()).unwrap();
    let decoded: Vec<_> = block.decisions().map(Result::unwrap).collect();
    assert_eq!(decoded.iter().collect::<Vec<_>>(), decisions.iter().map(Arc::as_ref).collect::<Vec<_>>());
    assert_eq!(blocks[0].bytes(), FORMAT_1, "today's encoder writes other bytes");
    assert_eq!((block.header().flags, block.header().events, block.header().decisions), (3, 19, 5));
}

#[test]
fn any_changed_or_missing_byte_is_refused() {
    for index in 0..FORMAT_1.len() {
        let mut bytes = FORMAT_1.to_vec();
        bytes[index] ^= 0x10;
        assert!(Block::parse(bytes.into()).is_err(), "byte {index}");
        assert!(Block::parse(FORMAT_1[..index].into()).is_err(), "cut at {index}");
    }
    let mut longer = FORMAT_1.to_vec();
    longer.push(0);
    assert_eq!(
        Block::parse(longer.into()),
        Err(BlockError::Length { said: FORMAT_1.len(), found: FORMAT_1.len() + 1 })
    );
}

#[test]
fn other_format_and_codec_are_named() {
    let mut bytes = FORMAT_1.to_vec();
    bytes[8] = 2;
    assert_eq!(
        Block::parse(bytes.into()).unwrap_err().to_string(),
        "block format `2` is not known to this program"
    );
    assert_eq!(codec::upcast(1, 9, &[]), Err(CodecError::Codec { codec: 9 }));
    assert_eq!(codec::upcast(2, 1, &[]), Err(CodecError::Format { format: 2 }));
}

#[test]
fn bytes_after_a_decision_are_refused() {
    let mut bytes = Vec::new();
    codec::encode(&login(), &mut bytes).unwrap();
    assert_eq!(codec::decode(&bytes).as_ref(), Ok(&*login()));
    bytes.push(0);
    assert_eq!(codec::decode(&bytes), Err(CodecError::Trailing { bytes: 1 }));
    assert_eq!(codec::decode(&vec![0; 70_000]), Err(CodecError::TooLong { bytes: 70_000 }));
}

#[test]
fn values_nested_without_end_are_refused_and_do_not_exhaust_the_stack() {
    let quota = Quota {
        params: [("p".to_owned(), Param::List(vec![Param::Text("nest".to_owned())]))].into(),
        ..Quota::default_quota()
    };
    let part = Event::ConfigPart { hash: [8; 32], part: Box::new(Part::Quota(Arc::new(quota))) };
    let mut bytes = Vec::new();
    codec::encode(&decision(1, Op::Configure, vec![part]), &mut bytes).unwrap();
    let at = bytes.windows(8).position(|window| window == b"\x03\x01\x01\x04nest").unwrap();
    let nested = |levels: usize| [&bytes[..at], &[3, 1].repeat(levels), &bytes[at..]].concat();
    assert!(codec::decode(&nested(10)).is_ok());
    let refused = codec::decode(&nested(30_000)).unwrap_err();
    assert_eq!(refused.to_string(), "cannot decode a decision: Other(\"nested too deeply\")");
}

#[test]
fn one_decision_can_be_checked_with_the_others_as_hashes() {
    let block = Block::parse(FORMAT_1.into()).unwrap();
    let mut hashes: Vec<_> = block.decision_hashes().collect();
    let mut shown = Vec::new();
    codec::encode(&login(), &mut shown).unwrap();
    hashes[1] = DecisionHash::of(&shown);
    assert_eq!(chain_hash(&FORMAT_1[..HEADER_BYTES], &hashes), block.hash());
}

#[test]
fn blocks_are_chained_gapless_and_at_most_64_kib_and_begin_a_group_each_mebibyte() {
    let decisions = touches(100_000);
    let blocks = packed(&decisions, &Head::default());
    let mut head = Head::default();
    let mut group = 0;
    for block in &blocks {
        assert!(block.bytes().len() <= BLOCK_BYTES_MAX);
        assert_eq!((block.header().first, block.header().prev), (head.seq.next(), head.hash));
        group = if block.header().after_barrier() { 0 } else { group } + block.bytes().len();
        assert!(group <= GROUP_BYTES_MAX);
        head = block.head();
    }
    assert_eq!(head.seq, Seq(100_000));
    assert!(blocks[0].header().after_barrier());
    assert!(blocks.iter().filter(|block| block.header().after_barrier()).count() > 1);
    assert!(
        blocks
            .iter()
            .flat_map(Block::decisions)
            .map(Result::unwrap)
            .eq(decisions.iter().map(|decision| (**decision).clone()))
    );
}

#[test]
fn decisions_of_48_kib_are_never_split_and_too_long_ones_are_refused() {
    let blocks = packed(&[noted(48 * 1024), noted(48 * 1024)], &Head::default());
    assert_eq!(blocks.len(), 2);
    let batch = Batch { first: Seq(1), epoch: 1, decisions: &[noted(65_500)] };
    assert!(
        pack(STAMP, batch, &Head::default()).unwrap_err().to_string().contains("more than a block holds")
    );
}

#[test]
fn batch_that_does_not_follow_the_head_is_refused() {
    let batch = Batch { first: Seq(3), epoch: 1, decisions: &touches(1) };
    assert!(pack(STAMP, batch, &Head::default()).is_err());
}

#[test]
fn no_magic_can_stand_in_text() {
    let anywhere = [b"text ".as_slice(), &MAGIC, b" text"].concat();
    assert!(String::from_utf8(anywhere).is_err());
}

prop_compose! {
    fn any_decision()(at in any::<u64>(), kind in 0..4_u8, text in ".{0,40}", numbers in prop::collection::vec(any::<u64>(), 1..20))
        -> Arc<Decision> {
        let events = numbers.iter().map(|n| match kind {
            0 => Event::Touched { session: Seq(*n), last_active: Millis(n / 2) },
            1 => Event::Ended { session: Seq(*n), cause: Cause::Ttl, ended_at: Millis(*n), judged: None },
            2 => Event::HoldSet { name: text.as_str().into(), reason: "".into() },
            _ => Event::Denied { code: Code::SessionConflict, quota: None, limit: None, active: 7, judged: Some(1), reason: text.as_str().into() },
        }).collect();
        decision(at, Op::Expire, events)
    }
}

proptest! {
    #[test]
    fn decoding_what_was_encoded_gives_it_back(decisions in prop::collection::vec(any_decision(), 1..30), seq in 0..u64::MAX / 2) {
        let head = Head { seq: Seq(seq), hash: [9; 32], at: Millis(0), token: 0 };
        let blocks = packed(&decisions, &head);
        let read: Vec<_> = blocks.iter().map(|block| Block::parse(block.bytes().into()).unwrap()).collect();
        prop_assert_eq!(&read, &blocks);
        let decoded: Vec<_> = read.iter().flat_map(Block::decisions).map(|one| Arc::new(one.unwrap())).collect();
        prop_assert_eq!(decoded, decisions);
    }

    #[test]
    fn decoding_random_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = codec::decode(&bytes);
        let _ = Header::parse(&bytes);
        let _ = Block::parse(bytes.into());
    }

    #[test]
    fn decoding_a_changed_decision_never_panics(at in 0..4_000_usize, byte in any::<u8>(), cut in 0..4_000_usize) {
        for decision in fixture_decisions() {
            let mut bytes = Vec::new();
            codec::encode(&decision, &mut bytes).unwrap();
            let (at, cut) = (at % bytes.len(), cut % bytes.len());
            bytes[at] = byte;
            let _ = codec::decode(&bytes);
            let _ = codec::decode(&bytes[..cut]);
        }
    }

    #[test]
    fn random_bytes_behind_a_good_header_never_panic(body in prop::collection::vec(any::<u8>(), 8..2_000)) {
        let header = Header { body_bytes: u32::try_from(body.len()).unwrap(), decisions: 1, events: 1, ..*Block::parse(FORMAT_1.into()).unwrap().header() };
        let bytes: Vec<u8> = header.to_bytes().into_iter().chain(body).chain([0; 32]).collect();
        prop_assert!(Block::parse(bytes.into()).is_err());
    }
}
