//! What there is to watch in a policy: its statements, the names they read and set, the calls within them.

use super::line_of;
use super::shown::{bounded, quoted};
use crate::api::ambient::NAMES;
use rhai::{AST, ASTNode, Expr, FnCallExpr, Position, Stmt};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem::{Discriminant, discriminant};

/// Bytes of an expression as it is shown.
const LABEL_BYTES_MAX: usize = 60;

/// Everything that can be watched in one policy.
#[derive(Default)]
pub(crate) struct Plan {
    statements: Vec<Statement>,
    /// Where statements are met. An expression that is a statement is told from what it begins with by its kind.
    spots: HashMap<Spot, usize>,
    /// Where the conditions of loops are met.
    loops: HashMap<Spot, usize>,
    /// Calls and members by place: the statement they belong to, and how they are written.
    labels: BTreeMap<Position, (usize, String)>,
}

type Spot = (Position, Option<Discriminant<Expr>>);

#[derive(Default)]
struct Statement {
    line: u32,
    function: String,
    reads: Vec<String>,
    sets: Option<String>,
    /// The statement that this one stands in.
    outer: Option<usize>,
}

impl Plan {
    /// The plan of a policy.
    pub(crate) fn of(ast: &AST) -> Self {
        let mut plan = Self::default();
        for def in ast.iter_fn_def() {
            let mut alone = ast.clone_functions_only();
            let wanted = (def.name.as_str(), def.params.len());
            alone.retain_functions(|_, _, name, params| (name, params) == wanted);
            let function = if def.name.starts_with("anon$") { "closure" } else { &def.name };
            let mut owners = Vec::new();
            alone.walk(&mut |path: &[ASTNode]| {
                owners.truncate(path.len().saturating_sub(1));
                let outer = owners.last().copied().flatten();
                owners.push(plan.node(path, outer, function));
                true
            });
        }
        plan
    }

    /// Takes in the last node of `path`; gives the statement it belongs to.
    fn node(&mut self, path: &[ASTNode<'_>], outer: Option<usize>, function: &str) -> Option<usize> {
        match *path.last()? {
            // What stands in a text's `${…}` is a part of the statement with the text.
            ASTNode::Stmt(_) if path.iter().any(is_interpolated) => outer,
            ASTNode::Stmt(statement) => self.statement(statement, function, outer).or(outer),
            ASTNode::Expr(expr) => {
                let owner = outer?;
                let is_member = matches!(path.iter().rev().nth(1), Some(ASTNode::Expr(Expr::Dot(..))));
                self.expression(owner, expr, is_member);
                Some(owner)
            }
            _ => outer,
        }
    }

    fn statement(&mut self, statement: &Stmt, function: &str, outer: Option<usize>) -> Option<usize> {
        let spot = match statement {
            Stmt::Noop(_) | Stmt::Block(_) | Stmt::Share(_) => return None,
            Stmt::Expr(expr) => match &**expr {
                Expr::Stmt(_) => return None,
                expr => spot_of(expr),
            },
            _ => (statement.position(), None),
        };
        let index = self.statements.len();
        self.spots.insert(spot, index);
        self.statements.push(Statement {
            line: line_of(start(statement)),
            function: function.to_owned(),
            reads: Vec::new(),
            sets: set_by(statement),
            outer,
        });
        if let Stmt::While(flow, _) | Stmt::Do(flow, ..) = statement {
            self.loops.insert(spot_of(&flow.expr), index);
        }
        if let Stmt::FnCall(call, position) = statement {
            self.labels.insert(*position, (index, bounded(&call_text(call), LABEL_BYTES_MAX)));
        }
        Some(index)
    }

    fn expression(&mut self, owner: usize, expr: &Expr, is_member: bool) {
        match expr {
            Expr::Variable(variable, ..) => {
                let name = variable.1.as_str();
                let statement = self.statements.get_mut(owner);
                if let Some(statement) = statement.filter(|_| !NAMES.contains(&name))
                    && !statement.reads.iter().any(|known| known == name)
                {
                    statement.reads.push(name.to_owned());
                }
            }
            Expr::FnCall(call, position) => {
                self.labels.insert(*position, (owner, bounded(&call_text(call), LABEL_BYTES_MAX)));
            }
            Expr::Dot(chain, _, position) if !is_member || !self.labels.contains_key(position) => {
                self.members(owner, &text(&chain.lhs), (&chain.rhs, *position));
            }
            _ => {}
        }
    }

    /// Labels along a chain of members, each with what stands before it.
    fn members(&mut self, owner: usize, before: &str, (rest, dot): (&Expr, Position)) {
        let (member, further) = match rest {
            Expr::Dot(chain, _, next) => (&chain.lhs, Some((&chain.rhs, *next))),
            Expr::Index(chain, ..) => (&chain.lhs, None),
            single => (single, None),
        };
        let whole = format!("{before}.{}", text(member));
        // A param is met at its dot, other members at themselves.
        for position in [dot, member.position()] {
            self.labels.insert(position, (owner, bounded(&whole, LABEL_BYTES_MAX)));
        }
        if let Some(further) = further {
            self.members(owner, &whole, further);
        }
    }

    /// The statement that begins with this node.
    pub(super) fn statement_at(&self, node: ASTNode<'_>) -> Option<usize> {
        let spot = match node {
            ASTNode::Stmt(statement) => (statement.position(), None),
            ASTNode::Expr(expr) => spot_of(expr),
            _ => return None,
        };
        self.spots.get(&spot).copied()
    }

    /// The loop whose condition this is.
    pub(super) fn loop_at(&self, node: ASTNode<'_>) -> Option<usize> {
        let ASTNode::Expr(expr) = node else { return None };
        self.loops.get(&spot_of(expr)).copied()
    }

    /// The call or member at this place.
    pub(super) fn label_at(&self, position: Position) -> Option<(usize, &str)> {
        self.labels.get(&position).map(|(statement, label)| (*statement, label.as_str()))
    }

    pub(super) fn reads(&self, statement: usize) -> impl Iterator<Item = &str> {
        self.statements.get(statement).into_iter().flat_map(|statement| &statement.reads).map(String::as_str)
    }

    pub(super) fn sets(&self, statement: usize) -> Option<&str> {
        self.statements.get(statement)?.sets.as_deref()
    }

    /// Whether a statement stands within another.
    pub(super) fn is_within(&self, statement: usize, other: usize) -> bool {
        let outer = |index: &usize| self.statements.get(*index).and_then(|found| found.outer);
        std::iter::successors(outer(&statement), outer).any(|index| index == other)
    }

    /// Line and function of a statement.
    pub(super) fn place(&self, statement: usize) -> (u32, &str) {
        self.statements.get(statement).map_or((0, ""), |found| (found.line, found.function.as_str()))
    }

    /// The lines that can run: those on which a statement begins.
    pub(crate) fn lines(&self) -> BTreeSet<u32> {
        self.statements.iter().map(|statement| statement.line).collect()
    }

    /// The lines with a statement that is not among `ran`.
    pub(crate) fn missed(&self, ran: &BTreeSet<usize>) -> BTreeSet<u32> {
        let all = self.statements.iter().enumerate();
        all.filter(|(index, _)| !ran.contains(index)).map(|(_, statement)| statement.line).collect()
    }
}

fn spot_of(expr: &Expr) -> Spot {
    (expr.position(), Some(discriminant(expr)))
}

fn is_interpolated(node: &ASTNode<'_>) -> bool {
    matches!(node, ASTNode::Expr(Expr::InterpolatedString(..)))
}

/// Where a statement begins in the text.
fn start(statement: &Stmt) -> Position {
    match statement {
        Stmt::Expr(expr) => leftmost(expr),
        Stmt::Assignment(parts) => leftmost(&parts.1.lhs),
        other => other.position(),
    }
}

/// Where an expression begins: the position of an operation is its sign's.
fn leftmost(expr: &Expr) -> Position {
    match expr {
        Expr::FnCall(call, position) => match call.args.first() {
            Some(first) if call.is_operator_call() && call.args.len() > 1 => leftmost(first),
            _ => *position,
        },
        Expr::And(parts, position) | Expr::Or(parts, position) | Expr::Coalesce(parts, position) => {
            parts.first().map_or(*position, leftmost)
        }
        Expr::Dot(chain, ..) | Expr::Index(chain, ..) => leftmost(&chain.lhs),
        other => other.position(),
    }
}

fn set_by(statement: &Stmt) -> Option<String> {
    match statement {
        Stmt::Var(parts, ..) => Some(parts.0.name.to_string()),
        Stmt::Assignment(parts) => match &parts.1.lhs {
            Expr::Variable(variable, ..) => Some(variable.1.to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// An expression as it was written, what is long left out.
fn text(expr: &Expr) -> String {
    match expr {
        Expr::Variable(variable, ..) => variable.1.to_string(),
        Expr::IntegerConstant(int, _) => int.to_string(),
        Expr::BoolConstant(is_true, _) => is_true.to_string(),
        Expr::StringConstant(string, _) => quoted(string),
        Expr::Unit(_) => "()".to_owned(),
        Expr::Property(name, _) => name.2.to_string(),
        Expr::FnCall(call, _) | Expr::MethodCall(call, _) => call_text(call),
        Expr::Dot(chain, ..) => format!("{}.{}", text(&chain.lhs), text(&chain.rhs)),
        Expr::Index(chain, ..) => format!("{}[{}]", text(&chain.lhs), text(&chain.rhs)),
        _ => "…".to_owned(),
    }
}

fn call_text(call: &FnCallExpr) -> String {
    let args: Vec<String> = call.args.iter().map(text).collect();
    match args.as_slice() {
        [only] if call.is_operator_call() => format!("{}{only}", call.name),
        [left, right] if call.is_operator_call() => format!("{left} {} {right}", call.name),
        all => format!("{}({})", call.name, all.join(", ")),
    }
}
