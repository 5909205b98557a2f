//! Calls: functions, methods, operators, and the closures among their arguments.

use super::{Kind, LintCode, Walk};
use crate::api::sets::FIELDS;
use crate::duration;
use crate::lint::members::{FUNCTIONS, Shape, function, registered, yields};
use crate::words::did_you_mean;
use rhai::{Expr, FnCallExpr, FnPtr, Position, Stmt, StmtBlock};
use sledger_core::config::Level;

impl<'a> Walk<'a, '_, '_> {
    pub(super) fn method(&mut self, of: Kind, call: &'a FnCallExpr, position: Position) -> Kind {
        let name = call.name.as_str();
        for argument in &call.args {
            self.argument(name == "filter", argument);
        }
        self.note_call(name);
        if name == "distinct" && of == Kind::Sessions {
            self.field(&call.args);
        }
        match yields(of, name, Shape::Method(call.args.len())) {
            Some(kind) => kind,
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
    pub(super) fn argument(&mut self, is_filter: bool, argument: &'a Expr) {
        let found = match argument {
            Expr::Stmt(block) => closure_in(block),
            other => closure(other).map(|name| (name, 0)),
        };
        match found {
            Some((name, captured)) if is_filter => self.closure(&name, captured, argument.start_position()),
            Some(_) => self.misplaced_closure(argument.start_position()),
            None => {
                self.expr(argument);
            }
        }
    }

    pub(super) fn closure(&mut self, name: &str, captured: usize, position: Position) {
        let functions = self.functions;
        let Some(function) = functions.first(name) else { return };
        let outer = self.scope.len();
        for param in function.params.iter().skip(captured) {
            self.declare(param, position, Kind::Session);
        }
        self.statements(&function.body);
        self.scope.truncate(outer);
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
        call.args.iter().for_each(|argument| self.argument(name == "filter", argument));
        self.note_call(name);
        if name == "allow" && self.level == Some(Level::Hard) {
            let message = "`allow` does nothing under a hard quota: the login is denied".to_owned();
            self.error(LintCode::AllowUnderHard, position, message);
        }
        if let Some(kind) = function(name, call.args.len()) {
            return kind;
        }
        if FUNCTIONS.contains(&name) && !self.is_function(name) {
            let message = format!("`{name}` takes 1 argument, not {}", call.args.len());
            self.error(LintCode::Unknown, position, message);
        } else if !self.is_called_rightly(name, call.args.len()) && !registered().contains(name) {
            self.unknown_function(name, position);
        }
        Kind::Unknown
    }

    pub(super) fn is_called_rightly(&self, name: &str, arguments: usize) -> bool {
        self.functions.find(name, arguments).is_some() || self.scope.iter().any(|(known, _)| known == name)
    }

    pub(super) fn unknown_function(&mut self, name: &str, position: Position) {
        let message = if let Some(function) = self.functions.first(name) {
            format!("`{name}` takes {} arguments", function.params.len())
        } else {
            let known = self.functions.named().map(|function| function.name.as_str()).chain(FUNCTIONS);
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

    pub(super) fn comparison(&mut self, left: (&Expr, Kind), right: (&Expr, Kind), position: Position) {
        for ((text, _), (_, other)) in [(left, right), (right, left)] {
            if let Expr::StringConstant(text, _) = text
                && other == Kind::Int
                && duration::seconds(text).is_some()
            {
                let message = format!("a number never compares with text: write `seconds(\"{text}\")`");
                self.error(LintCode::Comparison, position, message);
            }
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
