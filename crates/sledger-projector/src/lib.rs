//! Views of the ledger: who is in, how full, how fast, and the durable feed.
//!
//! Promise: what was acknowledged is seen. A query waits until the projection
//! has folded all that was durable when it arrived; the feed shows whole
//! decisions in the order of the ledger, and only durable ones.
//!
//! Invariants: [`Projection`] equals the core's state after each decision; the
//! feed has no gaps, and who cannot be served without one is told what is lost;
//! no reader, however slow, holds up the projector.
//!
//! Absent on purpose: JSON, clocks, disk. What is no longer in memory is read
//! from the log and told by the same [`tell`].

mod feed;
mod fullness;
mod index;
mod latency;
mod projection;
mod rates;
mod runtime;
mod told;
mod tombs;

pub use feed::{Delivery, Lost, Next, SubscribeError, Subscription};
pub use fullness::Fullness;
pub use latency::{Latencies, Latency, Quantiles};
pub use projection::{
    Fared, Fares, LastFailure, PAGE_MAX, Policies, Projection, QueryError, QuotaTotals, SessionMatch,
    SessionQuery, SessionsPage, Sort, SortBy, Totals, UserDetail, UserQuery, UserRow, UsersPage,
};
pub use rates::{RATE_SECONDS, Rate, Rates, Tally};
pub use runtime::{Config, Gone, Projector, ProjectorInput, StartError, ViewError, Views};
pub use told::{Counts, Names, Told, tell};

#[cfg(test)]
mod tests;
