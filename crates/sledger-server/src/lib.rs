//! HTTP over a ledger: every call of `/v1`, the durable feed, health, metrics.
//!
//! Promise: what a caller is told was durable before it was told, and what was
//! acknowledged is seen by every request that begins afterwards; a ledger opened
//! with relaxed durability promises neither, and says so. Errors are
//! `application/problem+json`; a request that a browser could have been tricked
//! into is refused before anybody looks at it.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use sledger::{Config as LedgerConfig, Ledger};
//! use sledger_server::{Config, Server};
//!
//! let ledger = Ledger::open(LedgerConfig::new("sledger-data"))?;
//! let server = Server::bind(Config::default(), ledger.clone()).await?;
//! let stop = std::future::pending::<()>();
//! server.run(stop).await?;
//! ledger.close();
//! # Ok(())
//! # }
//! ```
//!
//! Invariants: no request waits on a lock of ours before it is decided; every
//! body, line, query, queue and wait has a bound.
//! Absent on purpose: deciding, files of configuration, signals, TLS.
#![forbid(unsafe_code)]

mod app;
mod ask;
pub mod audit;
mod batch;
mod blocks;
mod config;
mod docs;
mod erase;
mod error;
mod events;
mod evidence;
mod extract;
mod groups;
mod guard;
mod health;
mod introspect;
mod key;
mod ledger;
mod limits;
mod metrics;
mod notes;
mod openapi;
mod policies;
mod quotas;
mod reload;
mod replay;
mod reply;
mod server;
mod sessions;
mod stall;
mod stats;
mod users;
mod why;

pub use config::Config;
pub use error::ServeError;
pub use reload::{Fresh, ReloadError, Reloader, Source};
pub use server::{Server, serve};
