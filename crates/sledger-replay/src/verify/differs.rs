//! The first difference of two decisions, field by field, in words.

mod events;
mod show;

use self::show::{Show, plain, quoted, said};
use sledger_core::event::{Decision, Judged, Judgement, LoginOp, Op};
use sledger_core::{Facts, Seq, State};
use sledger_wire::escape;

/// The first field in which what was recorded is not what is decided again.
pub(super) fn differs(recorded: &Decision, again: &Decision, state: &State) -> String {
    let words = Words { state };
    frame(recorded, again)
        .or_else(|| op(&recorded.op, &again.op))
        .or_else(|| words.judged(&recorded.judged, &again.judged))
        .or_else(|| words.events(&recorded.events, &again.events))
        .unwrap_or_else(|| "recorded and decided again are not the same".to_owned())
}

/// Knows the names of sessions.
struct Words<'s> {
    state: &'s State,
}

/// Compares fields of one name, and tells the first that differs by one of the ways to show it.
macro_rules! first_of {
    ($what:expr, $one:expr, $other:expr; $($field:ident => $show:expr),+ $(,)?) => {
        None$(.or_else(|| {
            let what = format!("{}{}", $what, stringify!($field));
            ($one.$field != $other.$field)
                .then(|| said(&what, &$show(&$one.$field), &$show(&$other.$field)))
        }))+
    };
}

fn frame(one: &Decision, other: &Decision) -> Option<String> {
    first_of!(
        "", one, other;
        at => Show::show, actor => Show::show, cause => plain, request_id => plain, command => plain
    )
}

fn op(one: &Op, other: &Op) -> Option<String> {
    match (one, other) {
        (Op::Login(one), Op::Login(other)) => login(one, other),
        _ => (one != other).then(|| said("command", &plain(one), &plain(other))),
    }
}

fn login(one: &LoginOp, other: &LoginOp) -> Option<String> {
    let facts = match (one.facts.plain(), other.facts.plain()) {
        (Some(one), Some(other)) => facts(one, other),
        _ => None,
    };
    let asked = || {
        first_of!(
            "login, asked ", one, other;
            ttl => Show::show, idle => Show::show, retention => Show::show, extras => plain
        )
    };
    facts.or_else(asked)
}

fn facts(one: &Facts, other: &Facts) -> Option<String> {
    let texts = |facts: &Facts| {
        [facts.user(), facts.session()].map(quoted).into_iter().chain(
            [facts.ip(), facts.client(), facts.source()].map(|text| text.map_or("none".to_owned(), quoted)),
        )
    };
    let names = ["user", "session", "ip", "client", "source"];
    let mut pairs = names.into_iter().zip(texts(one).zip(texts(other)));
    let text = pairs.find(|(_, (one, other))| one != other);
    let text = text.map(|(name, (one, other))| said(&format!("login, {name}"), &one, &other));
    let lives = || {
        first_of!(
            "login, ", one, other;
            started => Show::show, ttl => Show::show, idle => Show::show, retention => Show::show
        )
    };
    let groups = |facts: &Facts| plain(&facts.groups().collect::<Vec<_>>());
    text.or_else(lives)
        .or_else(|| {
            (groups(one) != groups(other)).then(|| said("login, groups", &groups(one), &groups(other)))
        })
        .or_else(|| (one != other).then(|| "login: its attributes are not those decided again".to_owned()))
}

impl Words<'_> {
    fn judged(&self, one: &[Judged], other: &[Judged]) -> Option<String> {
        let answer = |answer: &Judgement| self.answer(answer);
        let mut pairs = one.iter().zip(other).enumerate();
        let first = pairs.find(|(_, (one, other))| one != other).and_then(|(index, (one, other))| {
            let what = format!("answer {} of policies, ", index + 1);
            first_of!(
                what, one, other;
                quota => plain, key => Show::show, limit => plain, active => plain, policy => Show::show,
                answer => answer, reason => Show::show, told => Show::show, line => plain, column => plain,
                failure => plain, notes => plain, operations => plain, enforced => plain
            )
        });
        let (count, again) = (one.len(), other.len());
        let counts = || said("answers of policies", &count.to_string(), &again.to_string());
        first.or_else(|| (count != again).then(counts))
    }

    fn answer(&self, answer: &Judgement) -> String {
        match answer {
            Judgement::Allow => "allow".to_owned(),
            Judgement::Deny { offer } if offer.is_empty() => "deny".to_owned(),
            Judgement::Deny { offer } => format!("deny, offering {}", self.sessions(offer)),
            Judgement::Evict { victims } => format!("evict {}", self.sessions(victims)),
        }
    }

    /// Some sessions, each with its id where it is live.
    fn sessions(&self, numbers: &[Seq]) -> String {
        const SHOWN_MAX: usize = 8;
        let shown = numbers.iter().take(SHOWN_MAX).map(|number| self.session(*number));
        let more = numbers.len().saturating_sub(SHOWN_MAX);
        let more = (more > 0).then(|| format!("{more} more"));
        let shown: Vec<String> = shown.chain(more).collect();
        if shown.is_empty() { "nobody".to_owned() } else { shown.join(" ") }
    }

    fn session(&self, number: Seq) -> String {
        match self.state.session_numbered(number) {
            Some(session) => format!("{}@{number}", escape::brief(session.facts.session())),
            None => format!("@{number}"),
        }
    }
}
