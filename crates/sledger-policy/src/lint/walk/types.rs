//! Values where they do not fit: arguments, conditions, comparisons.

use super::{Kind, LintCode, Walk};
use crate::api::sets::addresses;
use crate::duration;
use crate::lint::members::{Member, Takes};
use rhai::{Expr, Position};

impl<'a> Walk<'a, '_, '_> {
    /// What a name stands for, without a complaint.
    fn kind_of(&self, expr: &'a Expr) -> Kind {
        match expr {
            Expr::Variable(name, ..) => {
                let known = self.scope.iter().rev().find(|known| known.name == name.1.as_str());
                known.map_or_else(|| Kind::of_ambient(&name.1).unwrap_or(Kind::Unknown), |known| known.kind)
            }
            _ => Kind::Unknown,
        }
    }

    /// What the first of `a.b.c` yields.
    pub(super) fn root_kind(&self, expr: &'a Expr) -> Kind {
        match expr {
            Expr::Dot(sides, ..) => self.root_kind(&sides.lhs),
            other => self.kind_of(other),
        }
    }

    /// The param that `member` of `params` is.
    pub(super) fn param_named(of: Kind, member: &Expr) -> Option<String> {
        match member {
            Expr::Property(property, _) if of == Kind::Params => Some(property.2.to_string()),
            _ => None,
        }
    }

    /// The param that an expression is.
    fn is_param(&self, expr: &'a Expr) -> Option<String> {
        let Expr::Dot(sides, ..) = expr else { return None };
        Self::param_named(self.kind_of(&sides.lhs), &sides.rhs)
    }

    /// Complains of `expr`: as of a param, if it is one.
    fn misfit(&mut self, expr: &'a Expr, code: LintCode, position: Position, message: String) {
        match self.is_param(expr) {
            Some(param) => {
                let message = format!("the param `{param}` does not fit: {message}");
                self.error(LintCode::MistypedParam, position, message);
            }
            None => self.error(code, position, message),
        }
    }

    /// Arguments are of the types that are taken.
    pub(super) fn arguments(&mut self, of: &Member, arguments: &'a [Expr], kinds: &[Kind]) {
        let takes = of.takes.unwrap_or_default();
        for ((argument, kind), (_, takes)) in arguments.iter().zip(kinds).zip(takes) {
            let position = argument.start_position();
            if !takes.fits(*kind) {
                let message = format!("`{}` takes {}, not {}", of.name, takes.name(), kind.name());
                self.misfit(argument, LintCode::Mistyped, position, message);
            } else if let Some(wrong) = written_wrong(*takes, argument) {
                let message = format!("`{}` takes {}: {wrong}", of.name, takes.name());
                self.error(LintCode::Mistyped, position, message);
            }
        }
    }

    /// What an `if` or `while` asks is true or false.
    pub(super) fn condition(&mut self, expr: &'a Expr) {
        let kind = self.expr(expr);
        let is_other = !matches!(kind, Kind::Unknown | Kind::Bool);
        if is_other && !expr.is_unit() {
            let message = format!("a condition is true or false, not {}", kind.name());
            self.misfit(expr, LintCode::Mistyped, expr.start_position(), message);
        }
    }

    /// Two values that are compared must be of one type.
    pub(super) fn comparison(
        &mut self,
        (left, left_kind): (&'a Expr, Kind),
        (right, right_kind): (&'a Expr, Kind),
        position: Position,
    ) {
        self.compared(left);
        self.compared(right);
        let is_told = |kind| !matches!(kind, Kind::Unknown | Kind::Unit);
        if left_kind == right_kind || !is_told(left_kind) || !is_told(right_kind) {
            return;
        }
        let message = duration_text(left, right_kind)
            .or_else(|| duration_text(right, left_kind))
            .unwrap_or_else(|| never_equal(left_kind, right_kind));
        let param = if self.is_param(left).is_some() { left } else { right };
        self.misfit(param, LintCode::Comparison, position, message);
    }
}

fn duration_text(text: &Expr, other: Kind) -> Option<String> {
    match text {
        Expr::StringConstant(text, _) if other == Kind::Int && duration::seconds(text).is_some() => {
            Some(format!("a number never compares with text: write `seconds(\"{text}\")`"))
        }
        _ => None,
    }
}

fn never_equal(left: Kind, right: Kind) -> String {
    let advice = match (left, right) {
        (Kind::Sessions, Kind::Int) | (Kind::Int, Kind::Sessions) => ": write `.count`",
        (Kind::Session, Kind::Text) | (Kind::Text, Kind::Session) => ": write `.id`",
        (Kind::User, Kind::Text) | (Kind::Text, Kind::User) => ": write `user.id`",
        _ => "",
    };
    format!("{} never compares with {}{advice}", left.name(), right.name())
}

/// What is wrong with an argument that is written out.
fn written_wrong(takes: Takes, argument: &Expr) -> Option<String> {
    match (takes, argument) {
        (Takes::Duration, Expr::StringConstant(text, _)) if duration::seconds(text).is_none() => {
            Some(format!("`{}` is none, write \"30s\", \"5m\", \"2h\" or \"1d\"", text.escape_debug()))
        }
        (Takes::Network | Takes::MaybeNetwork, Expr::StringConstant(text, _)) => {
            let wrong = addresses([text.to_string()]).is_err();
            wrong.then(|| format!("`{}` is none", text.escape_debug()))
        }
        (Takes::Hour, Expr::IntegerConstant(hour, _)) if !(0..=24).contains(hour) => {
            Some("hours are 0 to 24".to_owned())
        }
        (Takes::Count, Expr::IntegerConstant(count, _)) if *count < 0 => {
            Some("fewer than no sessions cannot be picked".to_owned())
        }
        _ => None,
    }
}
