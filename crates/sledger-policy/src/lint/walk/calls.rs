//! Calls: functions, methods, operators, and the closures among their arguments.

use super::{Kind, LintCode, Severity, Walk};
use crate::api::sets::FIELDS;
use crate::lint::members::{Shape, function, functions, member, registered};
use crate::words::did_you_mean;
use rhai::{Expr, FnCallExpr, FnPtr, Position, Stmt, StmtBlock};
use sledger_core::config::Level;

impl<'a> Walk<'a, '_, '_> {
    pub(super) fn method(&mut self, of: Kind, call: &'a FnCallExpr, position: Position) -> Kind {
        let name = call.name.as_str();
        let param = self.of_param.take();
        let kinds: Vec<Kind> =
            call.args.iter().map(|argument| self.argument(name == "filter", argument)).collect();
        self.of_param = param;
        self.note_call(name);
        if name == "distinct" && of == Kind::Sessions {
            self.field(&call.args);
        }
        if name == "offer" && of == Kind::Decision {
            self.taken_whole(&call.args, &kinds);
        }
        match member(of, name, Shape::Method(call.args.len())) {
            Some(found) => {
                self.arguments(found, &call.args, &kinds);
                found.yields
            }
            None if self.is_function(name) => Kind::Unknown,
            None => self.unknown_member(of, name, Shape::Method(call.args.len()), position),
        }
    }

    /// What `distinct` counts, where it is written out.
    pub(super) fn field(&mut self, arguments: &[Expr]) {
        if let [Expr::StringConstant(field, position)] = arguments
            && !FIELDS.contains(&field.as_str())
            && !field.starts_with("attr:")
        {
            let guess = did_you_mean(field, FIELDS);
            let message =
                format!("`distinct` counts ip, client, user, source or attr:KEY, not `{field}`{guess}");
            self.error(LintCode::Unknown, *position, message);
        }
    }

    /// An argument: the one place for a closure is `filter`.
    pub(super) fn argument(&mut self, is_filter: bool, argument: &'a Expr) -> Kind {
        let found = match argument {
            Expr::Stmt(block) => closure_in(block),
            other => closure(other).map(|name| (name, 0)),
        };
        match found {
            Some((name, captured)) if is_filter => self.closure(&name, captured, argument.start_position()),
            Some(_) => self.misplaced_closure(argument.start_position()),
            None => return self.expr(argument),
        }
        Kind::Unknown
    }

    pub(super) fn closure(&mut self, name: &str, captured: usize, position: Position) {
        let functions = self.functions;
        let Some(function) = functions.first(name) else { return };
        let (outer, looked_at) = (self.scope.len(), self.looked_at.len());
        for param in function.params.iter().skip(captured) {
            self.declare(param, position, Kind::Session);
        }
        self.statements(&function.body);
        self.scope.truncate(outer);
        self.looked_at.truncate(looked_at);
    }

    pub(super) fn is_function(&self, name: &str) -> bool {
        self.functions.first(name).is_some()
    }

    pub(super) fn note_call(&mut self, name: &str) {
        self.calls.entry(self.inside.clone()).or_default().insert(name.to_owned());
    }

    pub(super) fn call(&mut self, call: &'a FnCallExpr, position: Position) -> Kind {
        let name = call.name.as_str();
        if call.is_operator_call() {
            return self.operator(call, position);
        }
        let kinds: Vec<Kind> =
            call.args.iter().map(|argument| self.argument(name == "filter", argument)).collect();
        self.note_call(name);
        if name == "allow" {
            self.allowed(position);
        }
        let ours = function(name).filter(|_| !self.is_function(name));
        match ours {
            Some(found) if found.shape() == Shape::Method(kinds.len()) => {
                self.arguments(found, &call.args, &kinds);
                if name == "evict" {
                    self.evicted(&call.args, &kinds);
                }
                return found.yields;
            }
            Some(_) => {
                let message = format!("`{name}` takes 1 argument, not {}", call.args.len());
                self.error(LintCode::Unknown, position, message);
            }
            None if !self.is_called_rightly(name, call.args.len()) && !registered().contains(name) => {
                self.unknown_function(name, position);
            }
            None => {}
        }
        Kind::Unknown
    }

    fn allowed(&mut self, position: Position) {
        match self.level {
            Some(Level::Hard) => {
                let message = "`allow` does nothing under a hard quota: the login is denied".to_owned();
                self.error(LintCode::AllowUnderHard, position, message);
            }
            Some(_) => {}
            None => {
                let message = "`allow` passes a soft quota; under a hard one it is a failure".to_owned();
                self.findings.add(LintCode::AllowUnderHard, Severity::Hint, position, message);
            }
        }
    }

    /// Who is evicted: surely somebody, and as many as must go.
    fn evicted(&mut self, arguments: &'a [Expr], kinds: &[Kind]) {
        let [victims] = arguments else { return };
        let held = self.held(victims);
        let position = victims.start_position();
        if self.is_unsure(&held) {
            let message =
                "nobody may be in this, and evicting nobody is a failure: look at its `.count` first";
            self.findings.add(LintCode::EmptyPick, Severity::Warning, position, message.to_owned());
        }
        if let Some(pick) = held.single {
            let message = format!(
                "one session: where several must go this is asked again for each; \
                 `{pick}(quota.excess)` ends them in one step"
            );
            self.findings.add(LintCode::SinglePick, Severity::Hint, position, message);
        }
        self.taken_whole(arguments, kinds);
    }

    /// A whole set that is ended or offered costs 1 per session.
    fn taken_whole(&mut self, arguments: &'a [Expr], kinds: &[Kind]) {
        if let ([set], [Kind::Sessions]) = (arguments, kinds)
            && !self.held(set).is_bounded
        {
            self.works_on_all(set.start_position(), "a whole set");
        }
    }

    pub(super) fn is_called_rightly(&self, name: &str, arguments: usize) -> bool {
        self.functions.find(name, arguments).is_some() || self.scope.iter().any(|known| known.name == name)
    }

    pub(super) fn unknown_function(&mut self, name: &str, position: Position) {
        let message = if let Some(function) = self.functions.first(name) {
            format!("`{name}` takes {} arguments", function.params.len())
        } else {
            let own = self.functions.named().map(|function| function.name.as_str());
            let known = own.chain(functions().map(|name| -> &str { name }));
            format!("there is no function `{name}`{}", did_you_mean(name, known))
        };
        self.error(LintCode::Unknown, position, message);
    }

    pub(super) fn operator(&mut self, call: &'a FnCallExpr, position: Position) -> Kind {
        let kinds: Vec<Kind> = call.args.iter().map(|argument| self.expr(argument)).collect();
        match (call.name.as_str(), call.args.as_slice(), kinds.as_slice()) {
            ("==" | "!=" | "<" | ">" | "<=" | ">=", [left, right], [left_kind, right_kind]) => {
                self.comparison((left, *left_kind), (right, *right_kind), position);
                Kind::Bool
            }
            ("!" | "in", ..) => Kind::Bool,
            ("+" | "-" | "*" | "/" | "%", _, kinds) if kinds.iter().all(|kind| *kind == Kind::Int) => {
                Kind::Int
            }
            _ => Kind::Unknown,
        }
    }
}

/// The name of the function behind a closure that captures nothing.
pub(super) fn closure(expr: &Expr) -> Option<String> {
    let Expr::DynamicConstant(value, _) = expr else { return None };
    let pointer = value.clone().try_cast::<FnPtr>()?;
    pointer.is_anonymous().then(|| pointer.fn_name().to_owned())
}

/// The same for one that captures, which rhai writes as `{ share …; curry(closure, …) }`; and how many it captures.
pub(super) fn closure_in(block: &StmtBlock) -> Option<(String, usize)> {
    let [Stmt::Share(_), Stmt::Expr(curried)] = block.statements() else { return None };
    let Expr::FnCall(call, _) = &**curried else { return None };
    let (first, captured) = call.args.split_first()?;
    closure(first).map(|name| (name, captured.len()))
}
