//! What is known of a set: whether it was narrowed, so that nobody may be in it, and whether it is bounded.
//!
//! Nothing is told of values assigned later, passed to functions or kept in lists: what is not known is no
//! complaint.

use super::Walk;
use crate::lint::members::Kind;
use rhai::{Expr, FnCallExpr, Position};

/// Members that leave some out: each costs 1 per session looked at.
const NARROWING: [&str; 10] = [
    "from_ip",
    "of_client",
    "of_user",
    "with_attr",
    "retained",
    "connected",
    "idle_for",
    "older_than",
    "except",
    "filter",
];

const PICKS: [&str; 6] = ["oldest", "newest", "next_expiring", "least_time_left", "most_idle", "least_idle"];

/// Members that tell whether somebody is in a set.
const TELLING: [&str; 5] = ["count", "len", "is_empty", "distinct", "contains"];

/// What is known of an expression that is a set, or a session picked out of one.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    /// What to look at before it is sure that somebody is in it; empty where nothing was narrowed.
    pub(super) unsure: Vec<String>,
    /// It was picked by number, so it does not grow with the sessions of the key.
    pub(super) is_bounded: bool,
    /// The member that picked one session.
    pub(super) single: Option<&'static str>,
}

/// One link of `root.link.link`.
type Links<'a> = (&'a Expr, Vec<&'a Expr>);

/// An expression as a root and what is asked of it, one after the other.
fn links(expr: &Expr) -> Links<'_> {
    let Expr::Dot(sides, ..) = expr else { return (expr, Vec::new()) };
    let (root, mut all) = links(&sides.lhs);
    let (first, rest) = links(&sides.rhs);
    all.push(first);
    all.extend(rest);
    (root, all)
}

impl Held {
    /// After `member`, which makes `text` out of what was `before`.
    fn then(mut self, member: &Expr, (before, text): (&str, &str)) -> Self {
        let Expr::MethodCall(call, _) = member else { return Self::default() };
        let name = call.name.as_str();
        let pick = PICKS.into_iter().find(|pick| *pick == name);
        if NARROWING.contains(&name) {
            // Whoever looked at the whole knows whether others than some are left.
            let whole = if name == "except" { vec![before.to_owned()] } else { Vec::new() };
            self.unsure = whole;
        } else if pick.is_none() {
            return Self::default();
        } else if self.unsure.is_empty() {
            return Self { unsure: Vec::new(), ..self.picked(pick, call) };
        } else {
            self = self.picked(pick, call);
        }
        self.unsure.push(text.to_owned());
        self
    }

    fn picked(self, pick: Option<&'static str>, call: &FnCallExpr) -> Self {
        let single = pick.filter(|_| call.args.is_empty());
        Self { single, is_bounded: true, ..self }
    }
}

impl<'a> Walk<'a, '_, '_> {
    /// What is known of the set, or session, that `expr` is.
    pub(super) fn held(&self, expr: &'a Expr) -> Held {
        let (root, all) = links(expr);
        let mut held = self.held_by(root);
        let mut text = text_of(root);
        for member in all {
            let before = text.clone();
            text = format!("{before}.{}", text_of(member));
            held = held.then(member, (&before, &text));
        }
        held
    }

    fn held_by(&self, root: &Expr) -> Held {
        let Expr::Variable(name, ..) = root else { return Held::default() };
        let known = self.scope.iter().rev().find(|known| known.name == name.1.as_str());
        known.map(|known| known.held.clone()).unwrap_or_default()
    }

    /// Walks along `a.b().c`: what is looked at, and what costs 1 per session.
    pub(super) fn follow(&mut self, expr: &'a Expr, of: Kind) {
        let (root, all) = links(expr);
        let mut held = self.held_by(root);
        let mut text = text_of(root);
        let may_be_set = matches!(of, Kind::Sessions | Kind::Unknown);
        for member in all {
            let (name, position) = match member {
                Expr::MethodCall(call, position) => (call.name.as_str(), *position),
                Expr::Property(property, position) => (property.2.as_str(), *position),
                _ => return,
            };
            if TELLING.contains(&name) {
                self.looked_at.push(text.clone());
            }
            let is_work = NARROWING.contains(&name) || name == "distinct";
            if may_be_set && is_work && !held.is_bounded && matches!(member, Expr::MethodCall(..)) {
                self.works_on_all(position, name);
            }
            let before = text.clone();
            text = format!("{before}.{}", text_of(member));
            held = held.then(member, (&before, &text));
        }
    }

    /// Notes work that grows with the sessions of a key.
    pub(super) fn works_on_all(&mut self, position: Position, what: &str) {
        self.findings.linear.push((position, what.to_owned()));
    }

    /// `text_of` was compared with something, so whether it is there was looked at.
    pub(super) fn compared(&mut self, expr: &Expr) {
        self.looked_at.push(text_of(expr));
    }

    /// Whether somebody may be missing in a set, and nobody looked.
    pub(super) fn is_unsure(&self, held: &Held) -> bool {
        !held.unsure.is_empty() && !held.unsure.iter().any(|text| self.looked_at.contains(text))
    }
}

/// An expression as text: equal texts are equal expressions.
pub(super) fn text_of(expr: &Expr) -> String {
    let arguments = |call: &FnCallExpr| {
        let arguments: Vec<String> = call.args.iter().map(text_of).collect();
        format!("{}({})", call.name, arguments.join(", "))
    };
    match expr {
        Expr::Variable(name, ..) => name.1.to_string(),
        Expr::IntegerConstant(number, _) => number.to_string(),
        Expr::StringConstant(text, _) => format!("{text:?}"),
        Expr::Property(property, _) => property.2.to_string(),
        Expr::MethodCall(call, _) | Expr::FnCall(call, _) => arguments(call),
        Expr::Dot(..) => {
            let (root, all) = links(expr);
            let parts: Vec<String> = std::iter::once(root).chain(all).map(text_of).collect();
            parts.join(".")
        }
        other => format!("@{:?}", other.position()),
    }
}
