//! A figure with its peer and its target, as text and as JSON.

use crate::stats::Spread;
use serde_json::{Value, json};
use std::fmt;

/// What is held against a bound.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// The ratio is at least this.
    RatioAtLeast(f64),
    /// The ratio is at most this.
    RatioAtMost(f64),
    /// The value is at most this, in its unit.
    ValueAtMost(f64),
    /// The value is at least this, in its unit.
    ValueAtLeast(f64),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RatioAtLeast(bound) => write!(f, "ratio >= {bound}"),
            Self::RatioAtMost(bound) => write!(f, "ratio <= {bound}"),
            Self::ValueAtMost(bound) => write!(f, "value <= {bound}"),
            Self::ValueAtLeast(bound) => write!(f, "value >= {bound}"),
        }
    }
}

/// One line of a measurement.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    name: String,
    value: Spread,
    unit: &'static str,
    peer: Option<String>,
    peer_value: Option<Spread>,
    ratio: Option<Spread>,
    target: Option<Target>,
}

impl Figure {
    /// A figure without a peer. `None` when nothing was measured.
    pub(crate) fn new(name: impl Into<String>, measured: &[f64], unit: &'static str) -> Option<Self> {
        let value = Spread::of(measured)?;
        let name = name.into();
        Some(Self { name, value, unit, peer: None, peer_value: None, ratio: None, target: None })
    }

    /// Beside a peer measured in turns with it; nothing measured leaves the ratio out.
    pub(crate) fn beside(mut self, peer: impl Into<String>, ours: &[f64], theirs: &[f64]) -> Self {
        self.peer = Some(peer.into());
        self.peer_value = Spread::of(theirs);
        self.ratio = Spread::of_ratios(ours, theirs);
        self
    }

    /// Held against `target`.
    pub(crate) fn held_to(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// What it is called: the measurement, a colon, what was measured.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What it is held against.
    pub(crate) const fn target(&self) -> Option<Target> {
        self.target
    }

    /// What counts there: the ratio, unless its peer was not measured, or the value.
    pub(crate) fn counted(&self) -> Option<f64> {
        match self.target? {
            Target::RatioAtLeast(_) | Target::RatioAtMost(_) => self.ratio.map(|ratio| ratio.median),
            Target::ValueAtMost(_) | Target::ValueAtLeast(_) => Some(self.value.median),
        }
    }

    /// Whether the target is met; `None` without one, or without a ratio to hold against it.
    pub(crate) fn met(&self) -> Option<bool> {
        let counted = self.counted()?;
        Some(match self.target? {
            Target::RatioAtLeast(bound) | Target::ValueAtLeast(bound) => counted >= bound,
            Target::RatioAtMost(bound) | Target::ValueAtMost(bound) => counted <= bound,
        })
    }

    /// As programs read it.
    pub(crate) fn json(&self) -> Value {
        let ends = |spread: Spread| [spread.min, spread.max];
        json!({
            "name": self.name,
            "value": self.value.median,
            "unit": self.unit,
            "peer": self.peer,
            "peer_value": self.peer_value.map(|spread| spread.median),
            "ratio": self.ratio.map(|spread| spread.median),
            "target": self.target.map(|target| target.to_string()),
            "met": self.met(),
            "spread": ends(self.value),
            "peer_spread": self.peer_value.map(ends),
            "ratio_spread": self.ratio.map(ends),
        })
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<60} {} {}", self.name, Shown(self.value), self.unit)?;
        if let Some(peer) = &self.peer {
            match self.peer_value {
                Some(value) => write!(f, " | {peer} {}", Shown(value))?,
                None => write!(f, " | {peer}: not measured")?,
            }
        }
        if let Some(ratio) = self.ratio {
            write!(f, " | ratio {}", Shown(ratio))?;
        }
        let Some(target) = self.target else { return Ok(()) };
        let met = match self.met() {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "unknown",
        };
        write!(f, " | {target}: {met}")
    }
}

/// A spread with as many digits as tell something.
struct Shown(Spread);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Spread { median, min, max } = self.0;
        let digits = if median < 20.0 { 2 } else { 0 };
        write!(f, "{median:.digits$} ({min:.digits$} to {max:.digits$})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn half() -> Figure {
        Figure::new("half", &[1.0], "x").unwrap().beside("whole", &[1.0], &[2.0])
    }

    #[test]
    fn target_is_held_against_the_ratio_or_the_value() {
        assert_eq!(half().held_to(Target::RatioAtLeast(0.5)).met(), Some(true));
        assert_eq!(half().held_to(Target::RatioAtLeast(0.6)).met(), Some(false));
        assert_eq!(half().held_to(Target::RatioAtMost(0.4)).met(), Some(false));
        assert_eq!(half().held_to(Target::ValueAtMost(1.0)).met(), Some(true));
        assert_eq!(half().held_to(Target::ValueAtLeast(1.5)).met(), Some(false));
        assert_eq!(half().met(), None);
    }

    #[test]
    fn target_without_a_measured_peer_is_neither_met_nor_missed() {
        let alone = Figure::new("alone", &[1.0], "x").unwrap().beside("nobody", &[1.0], &[]);
        let alone = alone.held_to(Target::RatioAtLeast(10.0));
        assert_eq!(alone.met(), None);
        assert_eq!(alone.json().get("met"), Some(&Value::Null));
        assert!(alone.to_string().contains("nobody: not measured"), "{alone}");
    }
}
