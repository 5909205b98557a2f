//! The monitor without a terminal: what it draws, and what becomes of keys and answers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod given;
mod matrix;
mod moments;
mod reducing;
mod screens;
mod walking;
