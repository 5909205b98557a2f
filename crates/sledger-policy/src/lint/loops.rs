//! Loops over sessions that a member of the set does in one operation each.

use super::members::Kind;
use rhai::{Expr, FlowControl, Stmt};

/// What does it better, where the loop is one of the usual ones.
pub(super) fn better(item: &str, over: Kind, flow: &FlowControl) -> Option<&'static str> {
    if over != Kind::Sessions {
        return None;
    }
    match flow.body.statements() {
        [Stmt::Assignment(_)] if counts(flow.body.statements()) => Some("`.count`"),
        [Stmt::If(inner, _)] if inner.branch.is_empty() && counts(inner.body.statements()) => {
            Some("a narrowing member or `filter`, then `.count`")
        }
        [Stmt::If(inner, _)] if inner.branch.is_empty() && keeps_best(item, inner) => {
            Some("`oldest`, `newest`, `next_expiring`, `least_time_left`, `most_idle` or `least_idle`")
        }
        _ => None,
    }
}

/// `n += 1` and nothing else.
fn counts(statements: &[Stmt]) -> bool {
    match statements {
        [Stmt::Assignment(parts)] => {
            let adds = parts.0.get_op_assignment_info().is_some_and(|info| info.3 == "+=");
            adds && matches!(parts.1.rhs, Expr::IntegerConstant(1, _))
        }
        _ => false,
    }
}

/// `if best == () || s.idle > best.idle { best = s }` and the like.
fn keeps_best(item: &str, flow: &FlowControl) -> bool {
    let [Stmt::Assignment(parts)] = flow.body.statements() else { return false };
    let Expr::Variable(best, ..) = &parts.1.lhs else { return false };
    let keeps = is_variable(&parts.1.rhs, item) && !parts.0.is_op_assignment();
    keeps && compares_order(item, &best.1, &flow.expr)
}

fn compares_order(item: &str, best: &str, expr: &Expr) -> bool {
    match expr {
        Expr::And(parts, _) | Expr::Or(parts, _) => parts.iter().any(|part| compares_order(item, best, part)),
        Expr::FnCall(call, _) if matches!(call.name.as_str(), "<" | ">" | "<=" | ">=") => {
            [item, best].iter().all(|of| call.args.iter().any(|side| is_order_of(of, side)))
        }
        _ => false,
    }
}

fn is_order_of(item: &str, expr: &Expr) -> bool {
    let Expr::Dot(parts, ..) = expr else { return false };
    let Expr::Property(property, _) = &parts.rhs else { return false };
    let orders = ["started", "age", "expires", "last_active", "idle"];
    is_variable(&parts.lhs, item) && orders.contains(&property.2.as_str())
}

fn is_variable(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Variable(variable, ..) if variable.1 == name)
}
