//! What the configuration's quotas say about a policy: levels and params.

use super::complaint::Complaint;
use super::sources::Source;
use crate::exit::Usage;
use anyhow::Result;
use sledger_core::config::{Level, Quota};
use sledger_policy::{Header, Lint, built_in, level_of_tests, lint, lint_of, read_header};
use sledger_wire::Place;
use sledger_wire::config::Config;
use std::collections::BTreeSet;

/// The quotas that are looked at.
pub(super) struct Quotas<'c> {
    config: &'c Config,
    /// With their places among all of them.
    all: Vec<(usize, &'c Quota)>,
    /// Whether one was named.
    is_named: bool,
}

impl<'c> Quotas<'c> {
    /// Those of a configuration, or the one called `name`.
    pub(super) fn of(config: &'c Config, name: Option<&str>) -> Result<Self> {
        let quotas = config.settings.quotas.iter();
        let all: Vec<(usize, &Quota)> = quotas
            .map(|quota| &**quota)
            .enumerate()
            .filter(|(_, q)| name.is_none_or(|n| *q.name == *n))
            .collect();
        if let (Some(name), true) = (name, all.is_empty()) {
            let known: Vec<&str> = config.settings.quotas.iter().map(|quota| &*quota.name).collect();
            let known = known.join(" ");
            return Err(Usage::error(format!("there is no quota `{name}`; the quotas: {known}")));
        }
        Ok(Self { config, all, is_named: name.is_some() })
    }

    /// Every complaint about one policy; `is_alone`: it is the only one that is checked.
    pub(super) fn check(&self, source: &Source, is_alone: bool) -> Vec<Complaint> {
        let text = match &source.text {
            Ok(text) => text,
            Err(lint) => return vec![Complaint { file: source.file.clone(), lint: lint.clone() }],
        };
        let mut lints = BTreeSet::new();
        for level in self.levels(source) {
            lints.extend(match &source.name {
                Some(name) => lint_of(name, text, level),
                None => lint(text, level),
            });
        }
        let told = |lint| Complaint { file: source.file.clone(), lint };
        let mut found: Vec<Complaint> = lints.into_iter().map(told).collect();
        let name = source.name.as_deref().unwrap_or_default();
        if let Ok(header) = read_header(name, text) {
            let on_it = |quota: &Quota| quota.on_exhausted == name || (self.is_named && is_alone);
            found.extend(self.params(&header, on_it));
        }
        found
    }

    /// Params given to built-in policies that no file takes the place of.
    pub(super) fn check_built_in(&self, sources: &[Source]) -> Vec<Complaint> {
        let is_file = |name: &str| sources.iter().any(|source| source.name.as_deref() == Some(name));
        let named: BTreeSet<&str> = self.all.iter().map(|(_, quota)| quota.on_exhausted.as_str()).collect();
        let built_in = named.into_iter().filter(|name| !is_file(name)).filter_map(|name| {
            let header = read_header(name, built_in(name)?).ok()?;
            Some(self.params(&header, move |quota| quota.on_exhausted == name))
        });
        built_in.flatten().collect()
    }

    /// The levels a policy is used at, else the one its tests are written for, else an unknown one.
    fn levels(&self, source: &Source) -> Vec<Option<Level>> {
        let is_on = |quota: &Quota| self.is_named || Some(&quota.on_exhausted) == source.name.as_ref();
        let on = self.all.iter().filter(|(_, quota)| is_on(quota));
        let mut levels: Vec<Option<Level>> = on.map(|(_, quota)| Some(quota.level)).collect();
        levels.dedup();
        if levels.is_empty() {
            levels.push(source.tests().as_deref().and_then(level_of_tests));
        }
        levels
    }

    fn params(&self, header: &Header, is_on: impl Fn(&Quota) -> bool) -> Vec<Complaint> {
        let on = self.all.iter().filter(|(_, quota)| is_on(quota));
        let found = on.flat_map(|(index, quota)| {
            header.complaints(&quota.params).into_iter().map(move |(key, code, message)| {
                let lint = |(line, column)| {
                    let message = format!("quota `{}`: `{}` {message}", quota.name, quota.on_exhausted);
                    Lint::new(code, line, column, message)
                };
                self.complaint(&format!("quota[{index}].params"), &key, lint)
            })
        });
        found.collect()
    }

    /// A complaint about what a setting says, with the file where it was written.
    fn complaint(&self, table: &str, key: &str, lint: impl Fn((u32, u32)) -> Lint) -> Complaint {
        let place =
            [format!("{table}.{key}"), table.to_owned()].into_iter().find_map(|key| self.config.place(&key));
        let file = self.config.file.as_ref().map(|file| file.display().to_string());
        let (file, line) = match place {
            Some(Place::Line(line)) => (file, *line),
            Some(Place::Environment(variable)) => (Some(variable.to_string()), 0),
            _ => (file, 0),
        };
        Complaint {
            file: file.unwrap_or_else(|| "configuration".to_owned()),
            lint: lint((line, line.min(1))),
        }
    }
}
