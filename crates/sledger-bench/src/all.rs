//! Every measurement with its own defaults, and the list of numbers to reach.
//!
//! One that fails is told of and does not stop the others.

use crate::figure::Figure;
use crate::stats::Spread;
use crate::{
    Common, Measured, admit, answers, backtest, batch, disk, http, log, memory, open, policy, refold, show,
    verify,
};
use clap::{Args, Command, FromArgMatches};
use std::fmt;
use std::io::{self, Write};

/// The numbers to reach: what they are called, and how figures of theirs begin. The longest beginning counts.
const NUMBERS: [(&str, &str); 14] = [
    ("durable admissions in process, 10 % exhausted", "admit: 10 % exhausted"),
    ("durable admissions in process, every login exhausted", "admit: all exhausted"),
    ("append and barrier beside a plain file", "log:"),
    ("one login an HTTP request beside an empty handler", "http:"),
    ("the batch endpoint beside Redis", "batch:"),
    ("one evaluation of a core policy", "policy:"),
    ("picks off an order, 1,000 sessions beside 5", "policy: pick"),
    ("memory for each live session", "memory:"),
    ("ready to serve after a kill", "open:"),
    ("full refold", "refold:"),
    ("a policy tried on history, where no script runs", "backtest: no script"),
    ("a past proved, every decision decided again", "verify:"),
    ("disk for each event after sealing", "disk:"),
    ("slowest of a thousand answers during a snapshot", "admit: during a snapshot"),
];

/// A measurement, by name.
type Step<'a> = (&'static str, Box<dyn Fn() -> anyhow::Result<Measured> + 'a>);

/// Measures everything. Names of what failed, if something did.
pub(crate) fn measure(common: &Common) -> anyhow::Result<(Measured, Vec<&'static str>)> {
    let (mut all, mut failed) = (Measured::default(), Vec::new());
    for (name, step) in steps(common) {
        match step() {
            Ok(measured) => {
                if !common.json {
                    show(&measured.figures, false)?;
                }
                all.figures.extend(measured.figures);
                all.series.extend(measured.series);
            }
            Err(error) => {
                writeln!(io::stderr(), "{name} failed: {error:#}")?;
                failed.push(name);
            }
        }
    }
    if !common.json {
        table(&all.figures, &mut io::stdout().lock())?;
    }
    Ok((all, failed))
}

/// Measures what is drawn.
pub(crate) fn curves(common: &Common) -> anyhow::Result<Measured> {
    let mut all = memory::measure(common, &defaults()?)?;
    for measured in [open::measure(common, &defaults()?)?, answers::measure(common, &defaults()?)?] {
        all.figures.extend(measured.figures);
        all.series.extend(measured.series);
    }
    Ok(all)
}

fn steps(common: &Common) -> Vec<Step<'_>> {
    vec![
        ("log", Box::new(|| log::measure(common))),
        ("admit", Box::new(|| admit::measure(common, &defaults()?))),
        (
            "admit --snapshot",
            Box::new(|| admit::measure(common, &defaults::<admit::Options>()?.with_snapshot())),
        ),
        ("policy", Box::new(|| policy::measure(common))),
        ("http", Box::new(|| http::measure(common, &defaults()?))),
        ("batch", Box::new(|| batch::measure(common, &defaults()?))),
        ("memory", Box::new(|| memory::measure(common, &defaults()?))),
        ("refold", Box::new(|| refold::measure(common, &defaults()?))),
        ("backtest", Box::new(|| backtest::measure(common, &defaults()?))),
        ("verify", Box::new(|| verify::measure(common, &defaults()?))),
        ("open", Box::new(|| open::measure(common, &defaults()?))),
        ("disk", Box::new(|| disk::measure(common, &defaults()?))),
        ("answers", Box::new(|| answers::measure(common, &defaults()?))),
    ]
}

/// What a measurement takes when nothing is said.
fn defaults<T: Args + FromArgMatches>() -> Result<T, clap::Error> {
    let command = T::augment_args(Command::new("defaults"));
    T::from_arg_matches(&command.try_get_matches_from(["defaults"])?)
}

/// The numbers to reach, each with what was found.
fn table(figures: &[Figure], out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\nnumbers to reach")?;
    for (what, beginning) in NUMBERS {
        let of_it = figures.iter().filter(|figure| number(figure) == Some(beginning));
        let held: Vec<&Figure> = of_it.filter(|figure| figure.target().is_some()).collect();
        for target in targets(&held) {
            let alike = held.iter().filter(|figure| shown(figure) == target);
            writeln!(out, "{what:<54} {target:<18} {}", Row::of(alike.copied()))?;
        }
    }
    Ok(())
}

/// How the figures of the number to which this one belongs begin.
fn number(figure: &Figure) -> Option<&'static str> {
    let beginnings = NUMBERS.iter().map(|(_, beginning)| *beginning);
    beginnings
        .filter(|beginning| figure.name().starts_with(beginning))
        .max_by_key(|beginning| beginning.len())
}

fn shown(figure: &Figure) -> String {
    figure.target().map_or_else(String::new, |target| target.to_string())
}

/// Each target once, in order.
fn targets(held: &[&Figure]) -> Vec<String> {
    let mut once: Vec<String> = Vec::new();
    for target in held.iter().map(|figure| shown(figure)) {
        if !once.contains(&target) {
            once.push(target);
        }
    }
    once
}

/// Figures held against one target.
struct Row {
    found: Option<Spread>,
    met: usize,
    missed: usize,
    unknown: usize,
}

impl Row {
    fn of<'a>(figures: impl Iterator<Item = &'a Figure>) -> Self {
        let (mut counted, mut row) = (Vec::new(), Self { found: None, met: 0, missed: 0, unknown: 0 });
        for figure in figures {
            counted.extend(figure.counted());
            match figure.met() {
                Some(true) => row.met += 1,
                Some(false) => row.missed += 1,
                None => row.unknown += 1,
            }
        }
        Self { found: Spread::of(&counted), ..row }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.found {
            Some(Spread { min, max, .. }) if min < max => write!(f, "{min:.2} to {max:.2}: ")?,
            Some(Spread { min, .. }) => write!(f, "{min:.2}: ")?,
            None => {}
        }
        match self {
            Self { missed: 0, unknown: 0, .. } => f.write_str("met"),
            Self { missed: 0, .. } => f.write_str("unknown"),
            Self { met: 0, .. } => f.write_str("MISSED"),
            Self { met, missed, .. } => write!(f, "met by {met}, MISSED by {missed}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Target;

    #[test]
    fn figure_belongs_to_the_number_with_the_longest_beginning() {
        let named = |name: &str| Figure::new(name, &[1.0], "x").unwrap();
        assert_eq!(number(&named("policy: pick by start")), Some("policy: pick"));
        assert_eq!(number(&named("policy: destroy_oldest at 5")), Some("policy:"));
        assert_eq!(number(&named("else")), None);
    }

    #[test]
    fn table_says_how_many_figures_miss_a_target() {
        let held =
            |value| Figure::new("policy: x", &[value], "us").unwrap().held_to(Target::ValueAtMost(3.0));
        let mut out = Vec::new();
        table(&[held(1.0), held(4.0)], &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("one evaluation of a core policy"), "{out}");
        assert!(out.contains("1.00 to 4.00: met by 1, MISSED by 1"), "{out}");
    }
}
