//! Ways through a function that end without a decision.

use super::functions::Functions;
use super::members::{Kind, Shape, function};
use super::{Findings, LintCode, Severity};
use rhai::{ASTFlags, Expr, FlowControl, Position, Stmt};
use std::collections::BTreeSet;

/// How a stretch of statements ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// It returns, throws, or goes round for ever.
    Leaves,
    /// Its last statement's value is its value.
    Value,
}

/// Looks for ways through `on_exhausted`, and the functions whose value it passes on, that end in nothing.
pub(super) fn look(functions: &Functions, findings: &mut Findings<'_>) {
    let mut flow = Flow { functions, seen: BTreeSet::new(), findings };
    flow.function("on_exhausted", 0);
}

struct Flow<'a, 'f, 's> {
    functions: &'a Functions,
    seen: BTreeSet<String>,
    findings: &'f mut Findings<'s>,
}

impl<'a> Flow<'a, '_, '_> {
    fn function(&mut self, name: &str, arguments: usize) {
        let functions = self.functions;
        let Some(found) = functions.find(name, arguments) else { return };
        if self.seen.insert(name.to_owned()) {
            self.returns(&found.body);
            self.block(&found.body, found.end);
        }
    }

    fn missing(&mut self, position: Position, what: &str) {
        let message = format!("{what}: each way through must end in allow, deny or evict");
        self.findings.add(LintCode::NoDecision, Severity::Error, position, message);
    }

    /// The value of a block must be a decision, unless it leaves before its end.
    fn block(&mut self, statements: &'a [Stmt], end: Position) {
        if statements.iter().any(|statement| ends(statement) == End::Leaves) {
            return;
        }
        match statements.last() {
            Some(last) => self.statement(last),
            None => self.missing(end, "this way ends without a decision"),
        }
    }

    fn statement(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::If(flow, position) => self.branches(flow, *position),
            Stmt::Block(block) => self.block(block.statements(), block.end_position()),
            Stmt::Switch(switch, position) => {
                let cases = &switch.1;
                let listed = cases.cases.values().flat_map(|list| list.blocks.iter().copied());
                let ranged = cases.ranges.iter().map(rhai::RangeCase::index);
                let all: BTreeSet<usize> = listed.chain(ranged).chain(cases.def_case).collect();
                for case in all.iter().filter_map(|&index| cases.expressions.get(index)) {
                    self.value(&case.rhs);
                }
                if cases.def_case.is_none() {
                    self.missing(*position, "this switch has no `_` case");
                }
            }
            Stmt::FnCall(call, position) => self.call(&call.name, call.args.len(), *position),
            Stmt::Expr(value) => self.value(value),
            // `loop` yields what `break` gives it; what that is cannot be told here.
            Stmt::While(flow, _) if flow.expr.is_unit() => {}
            other => self.missing(other.position(), "this way ends without a decision"),
        }
    }

    fn branches(&mut self, flow: &'a FlowControl, position: Position) {
        self.block(flow.body.statements(), flow.body.end_position());
        if flow.branch.is_empty() {
            self.missing(position, "this `if` has no `else`");
        } else {
            self.block(flow.branch.statements(), flow.branch.end_position());
        }
    }

    fn value(&mut self, value: &'a Expr) {
        match value {
            Expr::Stmt(block) => self.block(block.statements(), block.end_position()),
            Expr::FnCall(call, position) => self.call(&call.name, call.args.len(), *position),
            Expr::Unit(position) => self.missing(*position, "this is nothing"),
            constant if constant.is_constant() => {
                self.missing(constant.position(), "this is no decision");
            }
            _ => {}
        }
    }

    fn call(&mut self, name: &str, arguments: usize, position: Position) {
        let yields = function(name).filter(|ours| ours.shape() == Shape::Method(arguments));
        match yields.map(|ours| ours.yields) {
            Some(Kind::Decision) => {}
            Some(_) => self.missing(position, &format!("`{name}` is no decision")),
            None => self.function(name, arguments),
        }
    }

    /// Every `return` in a function, wherever it stands.
    fn returns(&mut self, statements: &'a [Stmt]) {
        for statement in statements {
            match statement {
                Stmt::Return(value, flags, position) if !flags.contains(ASTFlags::BREAK) => match value {
                    Some(value) => self.value(value),
                    None => self.missing(*position, "this `return` gives nothing"),
                },
                Stmt::If(flow, _) | Stmt::While(flow, _) | Stmt::Do(flow, ..) => {
                    self.returns(flow.body.statements());
                    self.returns(flow.branch.statements());
                }
                Stmt::For(parts, _) => self.returns(parts.2.body.statements()),
                Stmt::Block(block) => self.returns(block.statements()),
                _ => {}
            }
        }
    }
}

/// Whether a statement never lets the next one run.
fn ends(statement: &Stmt) -> End {
    let block = |statements: &[Stmt]| statements.iter().any(|statement| ends(statement) == End::Leaves);
    let leaves = match statement {
        Stmt::Return(..) => true,
        Stmt::Block(inner) => block(inner.statements()),
        Stmt::If(flow, _) => block(flow.body.statements()) && block(flow.branch.statements()),
        _ => false,
    };
    if leaves { End::Leaves } else { End::Value }
}
