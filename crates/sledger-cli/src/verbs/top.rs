//! `top`: the live monitor; with `--once` the ledger in figures, for scripts.
//!
//! Of a ledger that is not served nothing is measured: rates and latencies are null, and what is there is durable.

mod history;
mod monitor;

use super::asking::Asking;
use crate::args::Global;
use crate::exit::Exit;
use crate::output::Output;
use crate::whence::Whence;
use crate::{configured, past, show};
use anyhow::Result;
use clap::Args;
use sledger_projector::Projection;
use sledger_wire::pages::{Quantiles, Top as Figures, TopRow, UserRow};

/// Users shown.
const TOP_MAX: usize = 20;

/// Watch a ledger: who is in, how full, how fast, what is wrong
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Top {
    /// Print the figures once
    #[arg(long)]
    once: bool,
    /// Let `:` commands change the server
    #[arg(long)]
    allow_actions: bool,
    /// auto, dark, light or mono [default: monitor.theme, auto]
    #[arg(long, value_name = "NAME", conflicts_with = "once")]
    theme: Option<String>,
    /// Draw with ASCII only; so where the locale is not UTF-8
    #[arg(long, conflicts_with = "once")]
    ascii: bool,
    /// Let the wheel move the choice; Shift-drag then selects text
    #[arg(long, conflicts_with = "once")]
    mouse: bool,
    /// Draw so many times a second at most
    #[arg(long, value_name = "N", default_value_t = 10, conflicts_with = "once")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=60))]
    fps: u32,
}

impl Top {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        if !self.once {
            return self.watch(global, out);
        }
        let figures = match Whence::of(global)? {
            Whence::Connect(url) => Asking::new(&url)?.top()?,
            whence => {
                let near =
                    configured::load(global, &configured::Flags::new(), out)?.config.monitor.near_percent;
                of_past(&past::projection(&whence, global, out)?, u32::from(near))
            }
        };
        if out.is_json() {
            out.json(&figures)?;
            return Ok(Exit::Ok);
        }
        for line in lines(&figures) {
            out.line(&line)?;
        }
        Ok(Exit::Ok)
    }
}

fn of_past(past: &Projection, near: u32) -> Figures {
    let totals = past.totals(near);
    let row = |row: &sledger_projector::UserRow| TopRow {
        user: row.user.to_string(),
        active: row.active,
        limit: row.limit.map(Into::into),
    };
    Figures {
        seq: totals.seq.0,
        sessions: totals.sessions as u64,
        users: totals.users as u64,
        at_limit: totals.at_limit as u64,
        near_limit: totals.near_limit as u64,
        durability: "durable".to_owned(),
        top: past.top(TOP_MAX).iter().map(row).collect(),
        ..Figures::default()
    }
}

/// The figures for people, and before all what is wrong.
fn lines(figures: &Figures) -> Vec<String> {
    let mut lines = Vec::new();
    if figures.poisoned {
        lines.push("POISONED: the ledger refuses to write and lets nobody in".to_owned());
    }
    if figures.durability == "relaxed" {
        lines.push("RELAXED: a failure of the machine loses the last answers".to_owned());
    }
    lines.push(format!(
        "seq {}: {} sessions of {} users, {} at their limit, {} near it or at it",
        figures.seq, figures.sessions, figures.users, figures.at_limit, figures.near_limit
    ));
    lines.push(format!("per second: {}", rates(figures)));
    lines.push(format!(
        "answered in {}; decided in {}",
        times(&figures.latency_us),
        times(&figures.decide_us)
    ));
    if let Some(sync) = &figures.sync_us {
        lines.push(format!("synced in {}", times(sync)));
    }
    for kind in &figures.logins {
        let text = |text: &Option<String>| sledger_wire::escape(text.as_deref().unwrap_or("-")).into_owned();
        let (quota, code) = (text(&kind.quota), text(&kind.code));
        lines.push(format!("since its start: {} {} by {quota}, {code}", kind.count, kind.outcome));
    }
    let row = |row: &TopRow| UserRow {
        user: row.user.clone(),
        active: row.active,
        limit: row.limit.clone(),
        quota: None,
    };
    lines.extend(show::users(&figures.top.iter().map(row).collect::<Vec<_>>()));
    lines
}

fn rates(figures: &Figures) -> String {
    let rates = &figures.rates;
    let named = [
        ("admitted", rates.admitted),
        ("denied", rates.denied),
        ("resumed", rates.resumed),
        ("evicted", rates.evicted),
        ("expired", rates.expired),
        ("ended", rates.ended),
    ];
    let told = named.map(|(name, rate)| match rate {
        Some(rate) => format!("{name} {rate:.1}"),
        None => format!("{name} -"),
    });
    told.join(", ")
}

fn times(quantiles: &Quantiles) -> String {
    match (quantiles.p50, quantiles.p99, quantiles.p999, quantiles.max) {
        (Some(p50), Some(p99), Some(p999), Some(max)) => {
            format!("{p50} µs (p99 {p99}, p99.9 {p999}, longest {max})")
        }
        _ => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_stands_first_and_names_are_escaped() {
        let top = vec![TopRow { user: "\u{1b}[2Jann".to_owned(), active: 2, limit: None }];
        let figures = Figures {
            poisoned: true,
            durability: "relaxed".to_owned(),
            sessions: 2,
            top,
            latency_us: Quantiles { p50: Some(1), p99: Some(2), p999: Some(3), max: Some(4) },
            ..Figures::default()
        };
        let shown = lines(&figures);
        assert!(shown[0].starts_with("POISONED") && shown[1].starts_with("RELAXED"), "{shown:?}");
        assert_eq!(shown[2], "seq 0: 2 sessions of 0 users, 0 at their limit, 0 near it or at it");
        assert!(shown[3].starts_with("per second: admitted -, denied -"), "{}", shown[3]);
        assert_eq!(shown[4], "answered in 1 µs (p99 2, p99.9 3, longest 4); decided in -");
        assert!(shown[6].starts_with("\\u{1b}[2Jann"), "{}", shown[6]);
    }
}
