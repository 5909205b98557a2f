//! `import`: logs of the past, replayed into a ledger of their own.

use crate::args::Global;
use crate::configured::{self, Flags};
use crate::exit::{Exit, Usage};
use crate::import::{AssumeEnd, Feeder, Input, LogFormat, Logons, Merge, PastClock, Report, Said, Tracker};
use crate::output::Output;
use crate::policies;
use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sledger::Ledger;
use sledger_core::Span;
use sledger_core::command::{Command, Configure, Request};
use sledger_core::config::{Level, Quota};
use sledger_wire::config::Config;
use std::io::{IsTerminal as _, stderr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Replay logs of the past into a ledger of their own
///
/// Makes a new ledger in --data DIR. Ledger time is the time of the lines; sessions live until they end, unless
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
    /// What the lines are
    #[arg(
        long,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "recording|syslog|windows"
    )]
    format: LogFormat,
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
        let mut merge = Merge::new(self.open(global)?)?;
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
        report.lines = merge.inputs().map(Input::read).sum();
        report.skipped = merge.inputs().map(Input::skipped).sum();
        report.system_accounts = merge.inputs().map(Input::of_system).sum();
        report.show(global.tz, out)?;
        Ok(Exit::Ok)
    }

    fn open(&self, global: &Global) -> Result<Vec<Input>> {
        let open = |path: &PathBuf| match self.format {
            LogFormat::Recording => Input::recording(path),
            LogFormat::Syslog => Input::syslog(path, self.year, global.tz.offset),
            LogFormat::Windows => Input::windows(path, global.tz.offset),
        };
        self.files.iter().map(open).collect()
    }

    fn feed(&self, merge: &mut Merge, mut feeder: Feeder) -> Result<Report> {
        let progress = progress(&self.files);
        let (mut tracker, mut logons) = (Tracker::default(), Logons::default());
        let (mut first, mut last) = (None, None);
        while let Some((file, past)) = merge.next()? {
            first = first.or(Some(past.at));
            last = Some(past.at);
            let Some(input) = merge.input(file) else { break };
            let request = match past.said {
                Said::Command(request) => Some(self.tamed(request)),
                Said::Session(told) => tracker.request(told, input.actor()),
                Said::Logon(logged) => logons.request(logged, input.actor()),
            };
            if let Some(request) = request {
                feeder.feed(past.at, Said::from_line(request, input.actor(), past.line))?;
            }
            progress.set_position(merge.inputs().map(Input::bytes_read).sum());
        }
        progress.finish_and_clear();
        let mut report = feeder.finish()?;
        report.reused_ids += tracker.reused + logons.reused;
        report.closes_without_open += tracker.closes_without_open + logons.closes_without_open;
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
    fn tamed(&self, mut request: Request) -> Request {
        if self.enforce {
            return request;
        }
        if let Command::Configure(configure) = &mut request.command {
            let Configure { quotas, .. } = &mut **configure;
            if let Some(quotas) = quotas {
                if quotas.is_empty() {
                    quotas.push(Quota::default_quota());
                }
                for quota in quotas {
                    *quota = advisory(quota);
                }
            }
        }
        request
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
