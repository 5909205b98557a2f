//! The policy engine: rhai scripts that decide who stays when a quota is exhausted.
//!
//! Promise: equal questions to one revision get equal answers, with equal costs, on every machine and in
//! every build. A script sees what the question shows and nothing else, stops within its budget whatever it
//! does, and leaves nothing behind.
//!
//! Absent on purpose: clocks, files, randomness, floats, globals, modules, native shortcuts for the policies
//! that come with the program.

mod api;
mod check;
mod desk;
mod duration;
mod engine;
mod failure;
mod folder;
pub mod gate;
mod header;
mod library;
mod lint;
mod machine;
mod runtime;
pub mod suite;
mod trace;
mod words;

pub use check::{Lint, LintCode, Severity, check_source, is_linear, lint, lint_of, read_source};
pub use engine::Engine;
pub use folder::{
    FolderError, PolicyFile, level_of_tests, load_folder, load_folder_if_there, read_policy, scan_folder,
};
pub use header::{Header, ParamSpec, ParamType, UtcOffset, read_header};
pub use library::{BUILT_IN, built_in, built_in_tests};
pub use lint::definitions;
pub use machine::native_signatures;
pub use trace::{STEPS_MAX, Step, Trace};

/// Version of what scripts can call: part of every revision, so that a policy gets a new one when it changes.
pub const POLICY_API: u32 = 1;

/// Revision of the engine as it stands in the ledger: rhai's version and ours.
pub const ENGINE_REVISION: &str = "rhai-1.27.0/1";

/// Operations that one evaluation may take, all its askings together.
pub const OPERATIONS_MAX: u32 = 20_000;

/// Bytes of a policy's source.
pub const SOURCE_BYTES_MAX: usize = 32 * 1024;
