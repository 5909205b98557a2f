//! What is kept of a ledger and how: volumes that go, archives, backups, holds, upgrades.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod archiving;
mod backups;
mod dropping;
mod kills;
mod story;
mod upgrades;
