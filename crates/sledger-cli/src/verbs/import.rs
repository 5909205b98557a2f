//! `import`: logs of the past, replayed into a ledger of their own.

use crate::args::Global;
use crate::configured::{self, Flags};
use crate::exit::{Exit, Usage};
use crate::import::{
    AssumeEnd, Feeder, How, Input, LogFormat, Merge, Pairing, Past, PastClock, Report, Said,
};
use crate::output::Output;
use crate::policies;
use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sledger::Ledger;
use sledger_core::Span;
use sledger_core::command::{Command, Configure};
use sledger_core::config::{Level, Quota};
use sledger_wire::config::Config;
use std::io::{IsTerminal as _, stderr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Replay logs of the past into a ledger of their own
///
/// Reads recordings, system logs, Windows Security logs, utmp and wtmp, and RADIUS accounting. Makes a new ledger
/// in --data DIR. Ledger time is the time of the lines; sessions live until they end, unless
/// the configuration gives ttl or idle; quotas only advise
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Files, merged by (time, file, line)
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Let quotas deny and evict, instead of noting what they would do
    #[arg(long)]
    enforce: bool,
    /// End sessions without a recorded end: 12h after their login, or with
    /// the last line (last)
    #[arg(long, value_name = "TIME|last")]
    assume_end: Option<AssumeEnd>,
    /// Year of the first line, where lines carry none
    #[arg(long, value_name = "Y", value_parser = clap::value_parser!(u16).range(1970..=9998))]
    year: Option<u16>,
    /// What the files are [default: told from how each begins]
    #[arg(long, value_enum, hide_possible_values = true)]
    #[arg(value_name = "recording|syslog|windows|utmp|radius")]
    format: Option<LogFormat>,
}

impl Import {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let Some(data) = &global.data else {
            return Err(Usage::error(
                "--data DIR is missing: an import makes a ledger of its own, in a new directory",
            ));
        };
        let config = configured::load(global, &Flags::new(), out)?.config;
        let ledger_config = self.ledger_config(&config, data)?;
        check_new(data)?;
        let mut merge = Merge::new(self.open(global, out)?)?;
        let mut report = Report::default();
        if let Some(first) = merge.peek() {
            let clock = Arc::new(PastClock::default());
            clock.set(first);
            let ledger = Ledger::open(sledger::Config { clock: Arc::clone(&clock) as _, ..ledger_config })?;
            report =
                self.feed(&mut merge, Feeder::new(ledger, clock, self.assume_end)).inspect_err(|_| {
                    let data = sledger_wire::escape(&data.display().to_string()).into_owned();
                    out.say(&format!("`{data}` holds only what came before: remove it, then import again"));
                })?;
        } else {
            out.say("nothing to import: no ledger was made");
        }
        report.data = data.display().to_string();
        merge.inputs().for_each(|input| report.count(&input.counts()));
        report.show(global.tz, out)?;
        Ok(Exit::Ok)
    }

    fn open(&self, global: &Global, out: &mut Output<'_>) -> Result<Vec<Input>> {
        let how = How { format: self.format, year: self.year, offset: global.tz.offset };
        let mut say = |text: &str| out.say(text);
        self.files.iter().map(|path| Input::open(path, how, &mut say)).collect()
    }

    fn feed(&self, merge: &mut Merge, mut feeder: Feeder) -> Result<Report> {
        let progress = progress(&self.files);
        let mut pairing = Pairing::default();
        let (mut first, mut last) = (None, None);
        while let Some((file, past)) = merge.next()? {
            first = first.or(Some(past.at));
            last = Some(past.at);
            let Some(input) = merge.input(file) else { break };
            let at = past.at;
            for request in pairing.requests(self.tamed(past), input.actor())? {
                feeder.feed(at, request)?;
            }
            progress.set_position(merge.inputs().map(Input::bytes_read).sum());
        }
        progress.finish_and_clear();
        let mut report = feeder.finish()?;
        pairing.report(&mut report);
        report.span(first, last);
        Ok(report)
    }

    fn ledger_config(&self, config: &Config, data: &Path) -> Result<sledger::Config> {
        let mut settings = config.settings.clone();
        if !config.is_given("sessions.ttl") {
            settings.sessions.ttl = Span::NEVER;
        }
        if !config.is_given("sessions.idle") {
            settings.sessions.idle = Span::NEVER;
        }
        if !self.enforce {
            settings.quotas = settings.quotas.iter().map(|quota| Arc::new(advisory(quota))).collect();
        }
        Ok(sledger::Config {
            installs: Some(policies::load(config)?),
            settings,
            bounds: config.limits.bounds,
            reserve_bytes: config.ledger.reserve_bytes,
            ..sledger::Config::new(data)
        })
    }

    /// A recording's own `configure` brings quotas, too: they advise as the others do.
    fn tamed(&self, mut past: Past) -> Past {
        if !self.enforce
            && let Said::Command(request) = &mut past.said
            && let Command::Configure(configure) = &mut request.command
            && let Configure { quotas: Some(quotas), .. } = &mut **configure
        {
            if quotas.is_empty() {
                quotas.push(Quota::default_quota());
            }
            for quota in quotas {
                *quota = advisory(quota);
            }
        }
        past
    }
}

fn advisory(quota: &Quota) -> Quota {
    Quota { level: Level::Advisory, ..quota.clone() }
}

/// The past goes into a ledger of its own.
fn check_new(data: &Path) -> Result<()> {
    let shown = data.display();
    match std::fs::read_dir(data).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) if data.join("ledger.toml").exists() => {
            bail!("`{shown}` holds a ledger already: an import makes one of its own, in a new directory")
        }
        Ok(false) => bail!("`{shown}` is not empty: an import makes a ledger of its own, in a new directory"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot read `{shown}`")),
    }
}

/// A bar over the bytes of all files; nothing where nobody looks.
fn progress(files: &[PathBuf]) -> ProgressBar {
    let bytes = files.iter().filter_map(|file| std::fs::metadata(file).ok()).map(|found| found.len()).sum();
    let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
    if !stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {eta}");
    style.map(|style| bar.clone().with_style(style)).unwrap_or(bar)
}
