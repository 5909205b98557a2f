//! The projector against the core's own decider.

mod cost;
mod fared;
mod feed;
mod fold;
mod lists;
mod runtime;
mod world;
