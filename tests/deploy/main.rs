//! A served ledger among its neighbours: the service manager, the log's reader, the package manager, Prometheus.
//!
//! What a neighbour would say of itself is asked of the neighbour: `systemd-analyze`, `dpkg`, `lintian`, `prometheus`.
//! Where one is not installed, the test is passed over by name; with CI=true that is a failure.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails right there"
)]

mod logs;
mod manager;
mod package;
mod pages;
mod prometheus;
mod support;
mod unit;
