//! One pass through every function: names, members, comparisons, closures, params, loops.

mod calls;
mod expressions;
mod held;
mod types;

use held::Held;

use super::functions::{Function, Functions};
use super::members::Kind;
use super::{Findings, LintCode, Severity, loops};
use crate::api::ambient::NAMES;
use crate::header::Header;
use rhai::{AST, ASTNode, BinaryExpr, Expr, FlowControl, Ident, Position, Stmt, StmtBlock};
use sledger_core::config::Level;
use std::collections::{BTreeMap, BTreeSet};

/// What is not known while a limit is asked for: where it is used, by function.
type Beyond = BTreeMap<String, Vec<(Position, String)>>;

/// A name in scope.
struct Known {
    name: String,
    kind: Kind,
    held: Held,
}

struct Walk<'a, 'f, 's> {
    functions: &'a Functions,
    header: &'a Header,
    level: Option<Level>,
    findings: &'f mut Findings<'s>,
    scope: Vec<Known>,
    /// Sets looked at on this way: whether somebody is in them is known.
    looked_at: Vec<String>,
    /// Names assigned somewhere after they are declared: their type is not told from the declaration.
    assigned: BTreeSet<String>,
    /// The function walked through, and what each calls.
    inside: String,
    calls: BTreeMap<String, BTreeSet<String>>,
    beyond: Beyond,
    params_read: BTreeSet<String>,
    /// The param whose member is looked at.
    of_param: Option<String>,
    /// `params` is used as a whole: any param may be read.
    params_whole: bool,
}

/// Walks through every function of a policy.
pub(super) fn look<'a>(
    (ast, functions): (&AST, &'a Functions),
    header: &'a Header,
    level: Option<Level>,
    findings: &mut Findings<'_>,
) {
    let mut walk = Walk {
        functions,
        header,
        level,
        findings,
        scope: Vec::new(),
        looked_at: Vec::new(),
        assigned: assigned(ast),
        inside: String::new(),
        calls: BTreeMap::new(),
        beyond: Beyond::new(),
        params_read: BTreeSet::new(),
        of_param: None,
        params_whole: false,
    };
    for function in functions.named() {
        walk.function(function);
    }
    walk.known_in_limit();
    walk.params_unread();
}

fn assigned(ast: &AST) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    ast.walk(&mut |path: &[ASTNode]| {
        if let Some(ASTNode::Stmt(Stmt::Assignment(parts))) = path.last()
            && let Expr::Variable(variable, ..) = &parts.1.lhs
        {
            names.insert(variable.1.to_string());
        }
        true
    });
    names
}

impl<'a> Walk<'a, '_, '_> {
    fn error(&mut self, code: LintCode, position: Position, message: String) {
        self.findings.add(code, Severity::Error, position, message);
    }

    fn function(&mut self, function: &'a Function) {
        self.scope.clear();
        self.looked_at.clear();
        self.inside.clone_from(&function.name);
        for param in &function.params {
            let position = self.findings.declaration(&function.name);
            self.declare(param, position, Kind::Unknown);
        }
        self.statements(&function.body);
    }

    /// A name comes into being; one that is always there must not.
    fn declare(&mut self, name: &str, position: Position, kind: Kind) {
        if NAMES.contains(&name) {
            let message = format!("`{name}` is always there and cannot be declared: take another name");
            self.error(LintCode::Shadow, position, message);
        }
        let kind = if self.assigned.contains(name) { Kind::Unknown } else { kind };
        self.scope.push(Known { name: name.to_owned(), kind, held: Held::default() });
    }

    /// What was declared last holds `held`.
    fn holds(&mut self, mut held: Held) {
        if let Some(last) = self.scope.last_mut().filter(|last| !self.assigned.contains(&last.name)) {
            if !held.unsure.is_empty() {
                held.unsure.push(last.name.clone());
            }
            last.held = held;
        }
    }

    fn declare_ident(&mut self, ident: &Ident, kind: Kind) {
        self.declare(&ident.name, ident.pos, kind);
    }

    fn block(&mut self, block: &'a StmtBlock) {
        self.statements(block.statements());
    }

    fn statements(&mut self, statements: &'a [Stmt]) {
        let (outer, looked_at) = (self.scope.len(), self.looked_at.len());
        for statement in statements {
            self.statement(statement);
        }
        self.scope.truncate(outer);
        self.looked_at.truncate(looked_at);
    }

    fn statement(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::If(flow, _) | Stmt::While(flow, _) | Stmt::Do(flow, ..) => {
                self.condition(&flow.expr);
                self.block(&flow.body);
                self.block(&flow.branch);
            }
            Stmt::For(parts, position) => {
                let (item, counter, flow) = &**parts;
                self.for_loop(item, counter.as_ref(), flow, *position);
            }
            Stmt::Switch(parts, _) => {
                self.expr(&parts.0);
                for case in &parts.1.expressions {
                    self.expr(&case.lhs);
                    self.expr(&case.rhs);
                }
            }
            Stmt::Var(parts, ..) => {
                let (ident, value, _) = &**parts;
                let kind = self.expr(value);
                let held = self.held(value);
                self.declare_ident(ident, kind);
                self.holds(held);
            }
            Stmt::Assignment(parts) => self.assignment(&parts.1),
            Stmt::FnCall(call, position) => {
                self.call(call, *position);
            }
            Stmt::Block(block) => self.block(block),
            Stmt::Expr(value) | Stmt::BreakLoop(Some(value), ..) | Stmt::Return(Some(value), ..) => {
                self.expr(value);
            }
            _ => {}
        }
    }

    fn for_loop(
        &mut self,
        item: &'a Ident,
        counter: Option<&'a Ident>,
        flow: &'a FlowControl,
        position: Position,
    ) {
        let over = self.expr(&flow.expr);
        if let Some(better) = loops::better(&item.name, over, flow) {
            let message = format!("this loop is done in one step by {better}");
            self.findings.add(LintCode::Loop, Severity::Warning, position, message);
        }
        if over == Kind::Sessions && !self.held(&flow.expr).is_bounded {
            self.works_on_all(position, "for");
        }
        let outer = self.scope.len();
        self.declare_ident(item, if over == Kind::Sessions { Kind::Session } else { Kind::Unknown });
        if let Some(counter) = counter {
            self.declare_ident(counter, Kind::Int);
        }
        self.block(&flow.body);
        self.scope.truncate(outer);
    }

    fn assignment(&mut self, sides: &'a BinaryExpr) {
        self.expr(&sides.rhs);
        match &sides.lhs {
            Expr::Variable(name, _, position) if NAMES.contains(&name.1.as_str()) => {
                let message = format!("`{}` cannot be changed", name.1);
                self.error(LintCode::Shadow, *position, message);
            }
            Expr::Dot(..) | Expr::Index(..) => {
                let message = "nothing can be assigned into a value: make a new one, or `push`".to_owned();
                self.error(LintCode::Closure, sides.lhs.start_position(), message);
            }
            other => {
                self.expr(other);
            }
        }
    }

    /// What `limit()` reaches must do without what is known only of an exhausted key.
    fn known_in_limit(&mut self) {
        let mut reached: BTreeSet<String> = BTreeSet::new();
        let mut next = vec!["limit".to_owned()];
        while let Some(name) = next.pop() {
            if reached.insert(name.clone()) {
                next.extend(self.calls.get(&name).into_iter().flatten().cloned());
            }
        }
        for name in reached {
            for (position, what) in self.beyond.remove(&name).unwrap_or_default() {
                let message = format!("`{what}` is not known while a limit is asked for");
                self.error(LintCode::Unknown, position, message);
            }
        }
    }

    fn params_unread(&mut self) {
        if self.params_whole {
            return;
        }
        let unread = self.header.params.keys().filter(|key| !self.params_read.contains(*key));
        for key in unread.cloned().collect::<Vec<_>>() {
            let (line, column) = crate::header::place_of(self.findings.source, &key);
            let message = format!("nothing reads the param `{key}`");
            let lint = crate::check::Lint {
                line,
                column,
                severity: Severity::Warning,
                code: LintCode::UnusedParam,
                message,
            };
            self.findings.lints.push(lint);
        }
    }
}
