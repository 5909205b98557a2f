//! The rhai engine as policies get it: few packages, every limit set, nothing that reaches outside.
//!
//! Limits are set one by one because rhai's defaults differ between debug and release builds.

use crate::api;
use crate::desk::Desk;
use crate::failure::{Stop, token};
use rhai::packages::{
    ArithmeticPackage, BasicFnPackage, BasicIteratorPackage, BasicStringPackage, LogicPackage,
    MoreStringPackage, Package,
};
use rhai::{Engine, OptimizationLevel};
use std::rc::Rc;

/// Calls within calls.
const CALL_LEVELS_MAX: usize = 12;
/// Expressions and blocks within each other.
const DEPTH_MAX: usize = 32;
/// Bytes of a string.
const STRING_BYTES_MAX: usize = 1024;
/// Values in a list, those in lists within it included.
const LIST_VALUES_MAX: usize = 256;
/// Variables at one time.
const VARIABLES_MAX: usize = 64;
/// Functions of a policy. There are no modules at all: rhai is built without them.
const FUNCTIONS_MAX: usize = 64;

/// What scripts cannot write: running text, functions by name, printing, maps (which grow past their limit),
/// catching errors (whose texts differ from process to process).
const DISABLED: [&str; 11] =
    ["eval", "Fn", "curry", "print", "debug", "import", "export", "#{", "is_shared", "try", "catch"];

/// An engine for scripts that see what lies on `desk`.
pub(crate) fn build(desk: &Rc<Desk>) -> Engine {
    let mut engine = Engine::new_raw();
    set_limits(&mut engine);
    ArithmeticPackage::new().register_into_engine(&mut engine);
    LogicPackage::new().register_into_engine(&mut engine);
    BasicStringPackage::new().register_into_engine(&mut engine);
    MoreStringPackage::new().register_into_engine(&mut engine);
    BasicIteratorPackage::new().register_into_engine(&mut engine);
    BasicFnPackage::new().register_into_engine(&mut engine);
    for symbol in DISABLED {
        engine.disable_symbol(symbol);
    }
    let meter = Rc::clone(desk);
    engine.on_progress(move |_| if meter.step() { None } else { Some(token(Stop::OverBudget)) });
    api::register(&mut engine, desk);
    engine
}

fn set_limits(engine: &mut Engine) {
    engine.set_optimization_level(OptimizationLevel::None);
    engine.set_max_call_levels(CALL_LEVELS_MAX);
    engine.set_max_expr_depths(DEPTH_MAX, DEPTH_MAX);
    engine.set_max_string_size(STRING_BYTES_MAX);
    engine.set_max_array_size(LIST_VALUES_MAX);
    engine.set_max_map_size(1);
    engine.set_max_variables(VARIABLES_MAX);
    engine.set_max_functions(FUNCTIONS_MAX);
    // Counted by the desk instead: rhai's own count begins anew in closures called from native code.
    engine.set_max_operations(0);
    engine.set_allow_shadowing(true);
    engine.set_strict_variables(false);
    engine.set_fail_on_invalid_map_property(true);
}

/// Everything that scripts can call besides rhai's own packages, as rhai writes signatures, sorted.
///
/// A property is the call of its getter, `get$NAME`.
#[must_use]
pub fn native_signatures() -> Vec<String> {
    let mut signatures = crate::runtime::with_engine(|engine| engine.gen_fn_signatures(false));
    signatures.sort();
    signatures
}

/// Whether `name` can be written as `params.NAME`.
pub(crate) fn can_be_property(name: &str) -> bool {
    Engine::new_raw().compile_expression(format!("params.{name}")).is_ok()
}
