//! `top` without `--once`: what flags, environment and configuration say, handed to the monitor.

use super::Top;
use super::history::Walked;
use crate::args::Global;
use crate::configured;
use crate::exit::{Exit, Usage};
use crate::output::Output;
use crate::verbs::asking;
use crate::verbs::ledger::not_served;
use crate::whence::Whence;
use anyhow::{Context as _, Result, bail};
use sledger_client::ClientError;
use sledger_tui::app::Setup;
use sledger_tui::keys::Keymap;
use sledger_tui::live::Live;
use sledger_tui::past::Past;
use sledger_tui::source::Source;
use sledger_tui::theme::ThemeName;
use sledger_tui::{Ends, Sources, run};
use sledger_wire::config::Monitor;
use std::env::var;

impl Top {
    pub(super) fn watch(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let whence = Whence::of(global)?;
        let monitor = configuration(&whence, global, out)?;
        let sources = sources(&whence, global, monitor.near_percent)?;
        let setup = Setup {
            allow_actions: self.allow_actions,
            keys: Keymap::new(&monitor.keys).map_err(|error| Usage::error(error.to_string()))?,
            theme: self.theme(&monitor)?,
            ascii: self.ascii || !is_utf8(),
            ..setup(&whence, global, monitor.near_percent)
        };
        match run(setup, sources, self.fps, self.mouse).context("the monitor failed")? {
            Ends::Asked => Ok(Exit::Ok),
            Ends::Signal(signal) => bail!("ended by signal {signal}"),
        }
    }

    fn theme(&self, monitor: &Monitor) -> Result<ThemeName> {
        let name = self.theme.as_deref().unwrap_or(&monitor.theme);
        // Whoever wants no colours wants none, whatever a file says; a flag says more than the environment.
        if self.theme.is_none() && var("NO_COLOR").is_ok_and(|value| !value.is_empty()) {
            return Ok(ThemeName::Mono);
        }
        if name == "auto" {
            return Ok(guessed());
        }
        let wrong =
            || Usage::error(format!("the theme `{}` is none of auto, dark, light, mono", brief(name)));
        ThemeName::read(name).ok_or_else(wrong)
    }
}

/// What the configuration says of monitors. Who watches a served ledger may be looking for what is wrong with the
/// file: unless that is about monitors, it hinders nobody.
pub(super) fn configuration(whence: &Whence, global: &Global, out: &mut Output<'_>) -> Result<Monitor> {
    match configured::load(global, &configured::Flags::new(), out) {
        Ok(loaded) => Ok(loaded.config.monitor),
        Err(error) => {
            let said = format!("{error:#}");
            if !matches!(whence, Whence::Connect(_)) || said.contains("`monitor") {
                return Err(error);
            }
            out.say(&format!("warning: {said}; the monitor takes its defaults"));
            Ok(Monitor::default())
        }
    }
}

/// What a monitor of this ledger is, but for keys and looks.
pub(super) fn setup(whence: &Whence, global: &Global, near: u8) -> Setup {
    Setup {
        target: target(whence),
        allow_actions: false,
        near: u64::from(near),
        keys: Keymap::default(),
        theme: ThemeName::Mono,
        ascii: true,
        zone_minutes: global.tz.minutes(),
        offset: global.tz.offset,
        has_live: matches!(whence, Whence::Connect(_)),
        has_past: true,
    }
}

fn brief(text: &str) -> String {
    sledger_wire::escape::brief(text)
}

/// By what some terminals say of their background; dark where nothing is said.
fn guessed() -> ThemeName {
    let said = var("COLORFGBG").unwrap_or_default();
    match said.rsplit(';').next() {
        Some("7" | "15") => ThemeName::Light,
        _ => ThemeName::Dark,
    }
}

fn is_utf8() -> bool {
    let said = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(|name| var(name).ok());
    let locale = said.into_iter().find(|value| !value.is_empty()).unwrap_or_default().to_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

fn target(whence: &Whence) -> String {
    match whence {
        Whence::Connect(url) => url.trim_start_matches("http://").trim_end_matches('/').to_owned(),
        Whence::Data(path) | Whence::Recording(path) => path.display().to_string(),
    }
}

/// Who can be asked about it.
pub(super) fn sources(whence: &Whence, global: &Global, near: u8) -> Result<Sources> {
    let past = || Some(Box::new(Past::new(Walked::new(whence, global), u32::from(near))) as Box<dyn Source>);
    let url = match whence {
        Whence::Connect(url) => url,
        Whence::Data(dir) => {
            not_served(dir)?;
            return Ok(Sources { live: None, past: past() });
        }
        Whence::Recording(_) => return Ok(Sources { live: None, past: past() }),
    };
    let live = Live::new(url).map_err(asking::told)?;
    // Whoever names no ledger may not know that there is more than one way to start.
    let is_named = global.connect.is_some() || var("SLEDGER_CONNECT").is_ok_and(|url| !url.is_empty());
    if !is_named && let Err(error @ ClientError::Connect { .. }) = live.client().top() {
        bail!(
            "{error}\nstart it as one of:\n  sledger top --connect URL      a served ledger\n  \
             sledger top --data DIR         a ledger at rest\n  sledger top --recording FILE   a recording or export"
        );
    }
    Ok(Sources { live: Some(live), past: past() })
}
