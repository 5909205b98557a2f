//! The client against a real server, over connections that break at chosen places.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod commands;
mod feed;
mod proxy;
mod served;
