//! `simulate`: a recording decided in virtual time and in memory, by the decider that decides real logins.

use sledger_core::answer::Answer;
use sledger_core::command::{Actor, Request};
use sledger_core::config::Settings;
use sledger_core::decide::Install;
use sledger_core::decider::{Decider, GenesisError, Recorded};
use sledger_core::event::PolicySource;
use sledger_core::{Millis, State};
use sledger_policy::{Engine, FolderError, load_folder_if_there};
use sledger_wire::answer::AnswerLine;
use sledger_wire::config::Config;
use sledger_wire::events::{Begin, PolicyText};
use sledger_wire::recording::{Line, Malformed, Reading, parse};
use std::path::Path;
use std::sync::Arc;

/// Keys the hash tables; nothing that is decided depends on it.
const SEED: u64 = 0;

/// A ledger in memory that a recording is played to.
pub struct Simulation {
    decider: Decider<Engine>,
    reading: Reading,
    before: Millis,
    recorded: Vec<Recorded>,
    begin: Begin,
}

/// Why a simulation cannot begin: the configuration or a policy.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The policies folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A setting, or a policy that is missing or cannot be used.
    #[error(transparent)]
    Settings(#[from] GenesisError),
}

/// The policies of a folder, as they are installed at a start. A folder that is not there holds none.
///
/// # Errors
/// Names the file that cannot be used.
pub fn installs(folder: &Path) -> Result<Vec<Install>, FolderError> {
    let found = load_folder_if_there(folder)?;
    let install = |(name, text): (String, String)| Install {
        name: Arc::from(name),
        text: Arc::from(text),
        from: PolicySource::Folder,
    };
    Ok(found.into_iter().map(install).collect())
}

impl Simulation {
    /// An empty ledger under `config`. Activity is recorded at once unless the file sets `activity_resolution`.
    ///
    /// # Errors
    /// Names the setting, file or policy that cannot be used.
    pub fn new(config: Config) -> Result<Self, SimulateError> {
        let bounds = config.limits.bounds;
        let settings = config.settings_simulated();
        let folder = config.policies.folder;
        let installs = installs(&folder)?;
        let reading = Reading::simulated(Actor::Cli);
        let begin = begin(&settings, &installs);
        let decider = Decider::genesis(settings, &installs, Engine::new(), (bounds, SEED))?;
        Ok(Self { decider, reading, before: Millis(0), recorded: Vec::new(), begin })
    }

    /// Plays one line; `line_no` counts from 1.
    ///
    /// # Errors
    /// Where the line is malformed or its time runs back: a recording stops there.
    pub fn play(&mut self, line_no: u64, text: &[u8]) -> Result<AnswerLine, Malformed> {
        let Line { at, echo, request } = parse(text, &self.reading)?;
        if at.at < self.before {
            return Err(Malformed::RunsBack { given: at.at.0, before: self.before.0 });
        }
        self.before = at.at;
        self.recorded.clear();
        let answer = self.decider.decide(&request, at.at, &mut self.recorded);
        Ok(AnswerLine::simulated(line_no, &at.given, &echo, &answer))
    }

    /// Plays one line and gives the answer as JSON.
    ///
    /// # Errors
    /// As [`Simulation::play`].
    pub fn line(&mut self, line_no: u64, text: &str) -> Result<serde_json::Value, Malformed> {
        let answer = self.play(line_no, text.as_bytes())?;
        // INVARIANT: what is written as JSON is JSON.
        Ok(serde_json::from_str(&answer.to_json()).unwrap_or(serde_json::Value::Null))
    }

    /// Decides what a recording has no word for, at the time of the last line.
    pub fn ask(&mut self, request: &Request) -> Answer {
        self.recorded.clear();
        self.decider.decide(request, self.before, &mut self.recorded)
    }

    /// How it began: settings and policies that no event records.
    #[must_use]
    pub const fn begin(&self) -> &Begin {
        &self.begin
    }

    /// The state after the lines played so far.
    #[must_use]
    pub fn state(&self) -> &State {
        self.decider.state()
    }

    /// What the last line recorded, in order.
    #[must_use]
    pub fn recorded(&self) -> &[Recorded] {
        &self.recorded
    }
}

fn begin(settings: &Settings, installs: &[Install]) -> Begin {
    let text = |one: &Install| PolicyText { name: Arc::clone(&one.name), text: Arc::clone(&one.text) };
    let policies = installs.iter().map(text).collect();
    Begin { ledger: None, settings: Some(settings.clone()), policies, base: None }
}

impl std::fmt::Debug for Simulation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulation").field("before", &self.before).finish_non_exhaustive()
    }
}
