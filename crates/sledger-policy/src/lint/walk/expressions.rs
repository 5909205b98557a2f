//! Expressions: what they yield, and what in them does not exist.

use super::calls::{closure, closure_in};
use super::{Kind, LintCode, Walk};
use crate::api::ambient::NAMES;
use crate::header::ParamType;
use crate::lint::members::{Shape, is_registered_for, member, names, shapes};
use crate::words::did_you_mean;
use rhai::{ASTFlags, BinaryExpr, Expr, Position, StmtBlock};

impl<'a> Walk<'a, '_, '_> {
    /// Looks at an expression; what it yields, as far as can be told.
    pub(super) fn expr(&mut self, expr: &'a Expr) -> Kind {
        match expr {
            Expr::IntegerConstant(..) => Kind::Int,
            Expr::StringConstant(..) => Kind::Text,
            Expr::BoolConstant(..) => Kind::Bool,
            Expr::Unit(..) => Kind::Unit,
            Expr::InterpolatedString(parts, _) => {
                self.all(parts);
                Kind::Text
            }
            Expr::Array(parts, _) => {
                self.all(parts);
                Kind::List
            }
            Expr::And(parts, _) | Expr::Or(parts, _) => {
                self.all(parts);
                Kind::Bool
            }
            Expr::Coalesce(parts, _) => {
                self.all(parts);
                Kind::Unknown
            }
            Expr::Variable(name, _, position) => self.variable(&name.1, *position),
            Expr::FnCall(call, position) => self.call(call, *position),
            Expr::Dot(sides, ..) => {
                let kind = self.dot(sides);
                let of = self.root_kind(expr);
                self.follow(expr, of);
                kind
            }
            Expr::Index(sides, flags, _) => self.index(sides, *flags),
            Expr::Stmt(block) => self.inner_block(block),
            Expr::DynamicConstant(_, position) if closure(expr).is_some() => {
                self.misplaced_closure(*position);
                Kind::Unknown
            }
            _ => Kind::Unknown,
        }
    }

    pub(super) fn all(&mut self, parts: &'a [Expr]) {
        for part in parts {
            self.expr(part);
        }
    }

    pub(super) fn inner_block(&mut self, block: &'a StmtBlock) -> Kind {
        if closure_in(block).is_some() {
            self.misplaced_closure(block.position());
        } else {
            self.block(block);
        }
        Kind::Unknown
    }

    pub(super) fn misplaced_closure(&mut self, position: Position) {
        let message = "a closure can stand only in `filter(|s| …)`: give it a name with `fn`".to_owned();
        self.error(LintCode::Closure, position, message);
    }

    pub(super) fn variable(&mut self, name: &str, position: Position) -> Kind {
        if let Some(known) = self.scope.iter().rev().find(|known| known.name == name) {
            return known.kind;
        }
        if let Some(kind) = Kind::of_ambient(name) {
            self.params_whole |= kind == Kind::Params;
            if kind == Kind::Sessions {
                self.not_in_limit(position, name.to_owned());
            }
            return kind;
        }
        if self.is_function(name) {
            return Kind::Unknown;
        }
        let known = self.scope.iter().map(|known| known.name.as_str()).chain(NAMES);
        let message = format!("there is no `{name}`{}", did_you_mean(name, known));
        self.error(LintCode::Unknown, position, message);
        Kind::Unknown
    }

    pub(super) fn not_in_limit(&mut self, position: Position, what: String) {
        self.beyond.entry(self.inside.clone()).or_default().push((position, what));
    }

    pub(super) fn index(&mut self, sides: &'a BinaryExpr, flags: ASTFlags) -> Kind {
        self.expr(&sides.lhs);
        match &sides.rhs {
            // `a[i].b`: the index, then what follows.
            Expr::Dot(inner, ..) | Expr::Index(inner, ..) if !flags.contains(ASTFlags::BREAK) => {
                self.expr(&inner.lhs);
                self.member(Kind::Unknown, &inner.rhs)
            }
            index => {
                self.expr(index);
                Kind::Unknown
            }
        }
    }

    pub(super) fn dot(&mut self, sides: &'a BinaryExpr) -> Kind {
        let whole = self.params_whole;
        let of = self.expr(&sides.lhs);
        if of == Kind::Params {
            self.params_whole = whole;
        }
        self.member(of, &sides.rhs)
    }

    /// What stands after a dot.
    pub(super) fn member(&mut self, of: Kind, member: &'a Expr) -> Kind {
        match member {
            Expr::Property(property, position) => self.property(of, &property.2, *position),
            Expr::MethodCall(call, position) => self.method(of, call, *position),
            Expr::Dot(sides, ..) => {
                let param = Self::param_named(of, &sides.lhs);
                let of = self.member(of, &sides.lhs);
                self.of_param = param;
                let kind = self.member(of, &sides.rhs);
                self.of_param = None;
                kind
            }
            Expr::Index(sides, flags, _) => {
                self.member(of, &sides.lhs);
                match &sides.rhs {
                    Expr::Dot(inner, ..) if !flags.contains(ASTFlags::BREAK) => {
                        self.expr(&inner.lhs);
                        self.member(Kind::Unknown, &inner.rhs)
                    }
                    index => self.expr(index),
                };
                Kind::Unknown
            }
            other => self.expr(other),
        }
    }

    pub(super) fn property(&mut self, of: Kind, name: &str, position: Position) -> Kind {
        if of == Kind::Params {
            return self.param(name, position);
        }
        if of == Kind::Quota && (name == "used" || name == "excess") {
            self.not_in_limit(position, format!("quota.{name}"));
        }
        match member(of, name, Shape::Property) {
            Some(found) => found.yields,
            None => self.unknown_member(of, name, Shape::Property, position),
        }
    }

    pub(super) fn param(&mut self, name: &str, position: Position) -> Kind {
        self.params_read.insert(name.to_owned());
        match self.header.params.get(name).map(|spec| spec.kind) {
            Some(ParamType::Int | ParamType::Duration) => Kind::Int,
            Some(ParamType::Text) => Kind::Text,
            Some(ParamType::Bool) => Kind::Bool,
            Some(ParamType::List) => Kind::List,
            None => {
                let known = self.header.params.keys().map(String::as_str);
                let message = format!("the header has no param `{name}`{}", did_you_mean(name, known));
                self.error(LintCode::UnknownParam, position, message);
                Kind::Unknown
            }
        }
    }

    pub(super) fn unknown_member(&mut self, of: Kind, name: &str, shape: Shape, position: Position) -> Kind {
        let is_of_any = of == Kind::Unknown && names(of).any(|known| known == name);
        if !of.is_ours() && (is_of_any || is_registered_for(of, name)) {
            return Kind::Unknown;
        }
        let other = if of.is_ours() { shapes(of, name).next() } else { None };
        let message = match (other, shape) {
            (Some(Shape::Property), Shape::Method(_)) => {
                format!("`{name}` of {} is written without parentheses", of.name())
            }
            (Some(Shape::Method(_)), Shape::Property) => {
                format!("`{name}` of {} is called with parentheses", of.name())
            }
            (Some(Shape::Method(takes)), Shape::Method(given)) => {
                format!("`{name}` of {} takes {takes} arguments, not {given}", of.name())
            }
            _ => format!("{} has no `{name}`{}", of.name(), did_you_mean(name, names(of))),
        };
        match self.of_param.take() {
            Some(param) => {
                let message = format!("the param `{param}` is {}: {message}", of.name());
                self.error(LintCode::MistypedParam, position, message);
            }
            None => self.error(LintCode::Unknown, position, message),
        }
        Kind::Unknown
    }
}
