//! A client of a served ledger: HTTP in, types of the contract out.
//!
//! Promise: a command is sent again only under the same command id, so that it is decided once; a feed that broke
//! off goes on exactly behind the last event that was given out. How often and how long is tried is bounded
//! ([`Retries`]); reads and batches are asked once.
//!
//! ```no_run
//! # fn main() -> Result<(), sledger_client::ClientError> {
//! use sledger_client::{Client, ClientError};
//! use sledger_core::command::Login;
//!
//! let client = Client::new("http://127.0.0.1:7070")?;
//! let login = Login { user: Some("ann".into()), session: Some("a".into()), ..Login::default() };
//! match client.login(&login, None) {
//!     Ok(answer) => println!("{} as {:?}", answer.outcome, answer.session),
//!     Err(ClientError::Refused(problem)) => println!("{}", problem.message.unwrap_or(problem.detail)),
//!     Err(other) => return Err(other),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Blocks. Absent on purpose: TLS, proxies of the environment, credentials.
#![forbid(unsafe_code)]

mod batch;
mod blocks;
mod client;
mod error;
mod events;
mod feed;
mod keeping;
mod login;
mod past;
mod policies;
mod retries;
mod settings;

pub use batch::{Answers, batch_line};
pub use blocks::RawBlocks;
pub use client::Client;
pub use error::ClientError;
pub use events::Events;
pub use past::RawJson;
pub use retries::Retries;
pub use settings::Changing;
pub use sledger_wire::pages::{Erasure, LedgerStats, Readiness, ReadinessReason};
