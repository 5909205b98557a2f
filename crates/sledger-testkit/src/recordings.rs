//! Random recordings that stay in the corners: few users, few ids, small limits,
//! short lives, equal times, deadlines hit exactly.
//!
//! A recording is made line by line, each answered at once, so that later lines
//! can aim at what is live. A generation is written as the line that gave it
//! (`"@7"`), and put in when the recording is played: every ledger has its own.
//! The same seed gives the same recording.

mod configs;
mod lines;
mod rng;
mod shrink;

pub use rng::Rng;
pub use shrink::shrink;

use crate::model::{DENY_ABOVE_TWO, Model};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// What answers the lines of a recording.
pub trait Oracle {
    /// The answer to one line.
    ///
    /// # Errors
    /// When the line ends the recording.
    fn line(&mut self, line_no: u64, text: &str) -> Result<Value, String>;
}

impl Oracle for Model {
    fn line(&mut self, line_no: u64, text: &str) -> Result<Value, String> {
        Self::line(self, line_no, text).map_err(|stop| stop.to_string())
    }
}

/// One line, with a name that stays when others are dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What `"@TAG"` in a later line refers to.
    pub tag: usize,
    /// The object; generations may be references.
    pub value: Value,
}

/// A configuration and the lines played under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// What it was made from.
    pub seed: u64,
    /// The sections, as `configure` takes them.
    pub config: Value,
    /// The lines.
    pub lines: Vec<Line>,
}

impl Recording {
    /// A recording of `count` lines, answered by the model while it is made.
    ///
    /// # Errors
    /// When the model refuses the configuration or a line: a fault of the generator.
    pub fn random(seed: u64, count: usize) -> Result<Self, String> {
        let mut rng = Rng::new(seed);
        let config = configs::config(&mut rng);
        let mut model = Model::new(&config).map_err(|stop| stop.to_string())?;
        let mut maker = lines::Maker::new(rng, &config);
        let mut player = Player::new(&mut model);
        let mut lines = Vec::new();
        for tag in 0..count {
            let line = Line { tag, value: maker.next(tag) };
            let answer = player.play(&line)?;
            maker.heard(&line, &answer);
            lines.push(line);
        }
        Ok(Self { seed, config, lines })
    }

    /// Whether a script in it sets limits of its own.
    #[must_use]
    pub fn sets_limits(&self) -> bool {
        self.lines.iter().any(|line| line.value.get("text").and_then(Value::as_str) == Some(DENY_ABOVE_TWO))
    }

    /// The answers of `oracle`, up to the line that ends the recording if one does.
    ///
    /// # Errors
    /// Never: a line that ends it stands last among the answers.
    pub fn play(&self, oracle: &mut dyn Oracle) -> Vec<Result<Value, String>> {
        let mut player = Player::new(oracle);
        let mut answers = Vec::new();
        for line in &self.lines {
            answers.push(player.play(line));
            if answers.last().is_some_and(Result::is_err) {
                break;
            }
        }
        answers
    }
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}\nconfig {}", self.seed, self.config)?;
        self.lines.iter().try_for_each(|line| writeln!(f, "@{} {}", line.tag, line.value))
    }
}

/// Sets one field of an object.
fn set(object: &mut Value, field: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}

/// Plays lines, putting in the generations that the oracle gave.
struct Player<'a> {
    oracle: &'a mut dyn Oracle,
    played: u64,
    generations: BTreeMap<usize, u64>,
}

impl<'a> Player<'a> {
    fn new(oracle: &'a mut dyn Oracle) -> Self {
        Self { oracle, played: 0, generations: BTreeMap::new() }
    }

    fn play(&mut self, line: &Line) -> Result<Value, String> {
        self.played += 1;
        let text = self.resolved(&line.value).to_string();
        let answer = self.oracle.line(self.played, &text)?;
        if let Some(generation) = answer.get("generation").and_then(Value::as_u64) {
            self.generations.insert(line.tag, generation);
        }
        Ok(answer)
    }

    /// References replaced; one to a line that is gone or gave nothing is left out.
    fn resolved(&self, line: &Value) -> Value {
        let mut line = line.clone();
        for field in ["generation", "as_of"] {
            let reference = line.get(field).and_then(Value::as_str).and_then(|text| text.strip_prefix('@'));
            let Some(Ok(tag)) = reference.map(str::parse::<usize>) else { continue };
            let Some(object) = line.as_object_mut() else { continue };
            match self.generations.get(&tag) {
                Some(generation) => object.insert(field.to_owned(), Value::from(*generation)),
                None => object.remove(field),
            };
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_recording() {
        assert_eq!(Recording::random(7, 60), Recording::random(7, 60));
        assert_ne!(Recording::random(7, 60), Recording::random(8, 60));
    }

    #[test]
    fn every_outcome_code_and_policy_comes_up() {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for seed in 0..300 {
            let recording = Recording::random(seed, 60).expect("the generator stays within the model");
            let mut model = Model::new(&recording.config).expect("a configuration that was played once");
            for answer in recording.play(&mut model).into_iter().flatten() {
                let some = |field: &str| answer[field].as_array().is_some_and(|list| !list.is_empty());
                for both in [["evicted", "ended"], ["evicted", "advisory"], ["evicted", "expired"]] {
                    *seen.entry(both.join("+")).or_default() +=
                        usize::from(both.iter().all(|field| some(field)));
                }
                for field in ["outcome", "code", "policy"] {
                    if let Some(text) = answer.get(field).and_then(Value::as_str) {
                        *seen.entry(text.to_owned()).or_default() += 1;
                    }
                }
            }
        }
        println!("{seen:?}");
        let outcomes = "admitted denied resumed conflict ignored rejected touched stale ended unknown logged_out \
            retained disconnected cleared reconciled adopted advanced configured";
        let codes = "SESSION_QUOTA_EXCEEDED USER_BANNED SESSION_CONFLICT EVICTED_RECENTLY";
        let policies = "deny_access destroy_next_expiring destroy_oldest destroy_least_time_left destroy_most_idle \
            destroy_all_others own evicted+ended evicted+advisory evicted+expired";
        for word in [outcomes, codes, policies].join(" ").split_whitespace() {
            assert!(seen.get(word).is_some_and(|count| *count >= 20), "{word} is rare: {seen:?}");
        }
    }
}
