//! OpenAM, PingFederate, AWX, Avi Vantage and EMQX: each of their features, had from the ready configuration of that system.
//!
//! A ledger is served under `policies/NAME.toml` itself, asked and operated twice: through the HTTP calls of the contract, and
//! by the program's verbs. The tables of the README name these tests, and one test holds the two together.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails right there"
)]

#[path = "systems/avi.rs"]
mod avi;
#[path = "systems/awx.rs"]
mod awx;
#[path = "users/command.rs"]
mod command;
#[path = "systems/emqx.rs"]
mod emqx;
#[path = "systems/every.rs"]
mod every;
#[path = "users/http.rs"]
mod http;
#[path = "systems/levers.rs"]
mod levers;
#[path = "systems/openam.rs"]
mod openam;
#[path = "systems/pingfederate.rs"]
mod pingfederate;
#[path = "systems/readme.rs"]
mod readme;
#[path = "systems/served.rs"]
mod served;
