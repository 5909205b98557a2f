//! `login`: over a served ledger.

use super::asking::Line;
use crate::args::Global;
use crate::exit::Exit;
use crate::output::Output;
use anyhow::Result;
use clap::Args;
use serde_json::{Map, Value};

/// Records a login of a user: for tests and scripts
#[derive(Debug, Args)]
pub(crate) struct Login {
    /// Who logs in
    #[arg(value_name = "USER")]
    user: String,
    /// The id of the session
    #[arg(value_name = "SESSION")]
    session: String,
    /// Its network address
    #[arg(long, value_name = "IP")]
    ip: Option<String>,
    /// What it comes with, e.g. web
    #[arg(long, value_name = "CLIENT")]
    client: Option<String>,
    /// The system that reports it
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
    /// A group of the user; may be given again
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// An attribute of the login; may be given again
    #[arg(long = "attribute", value_name = "KEY=VALUE", value_parser = pair)]
    attributes: Vec<(String, String)>,
    /// An attribute of the user; may be given again
    #[arg(long = "user-attribute", value_name = "KEY=VALUE", value_parser = pair)]
    user_attributes: Vec<(String, String)>,
    /// Its longest life, e.g. 8h
    #[arg(long, value_name = "TIME")]
    ttl: Option<String>,
    /// Its life without activity, e.g. 30m
    #[arg(long, value_name = "TIME")]
    idle: Option<String>,
    /// How long it is kept after a disconnect
    #[arg(long, value_name = "TIME")]
    retention: Option<String>,
    /// Sessions of the user to end with it: all, others, or an id; may be
    /// given again with ids
    #[arg(long, value_name = "all|others|SESSION")]
    end: Vec<String>,
    /// The session whose place it takes
    #[arg(long, value_name = "SESSION")]
    replaces: Option<String>,
    /// Ask what would become of it, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// A repeat of this id within 10 minutes gets the first answer
    #[arg(long, value_name = "ID")]
    command: Option<String>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| "write KEY=VALUE".to_owned())?;
    Ok((key.to_owned(), value.to_owned()))
}

impl Login {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let line = Line::new("login").with("user", Some(self.user.as_str()));
        let line = line.with("session", Some(self.session.as_str())).with("ip", self.ip.clone());
        let line = line.with("client", self.client.clone()).with("source", self.source.clone());
        let line = line.with("groups", Some(self.groups.clone()).filter(|groups| !groups.is_empty()));
        let line = line.with("attributes", table(&self.attributes));
        let line = line.with("user_attributes", table(&self.user_attributes));
        let line = line.with("ttl", self.ttl.clone()).with("idle", self.idle.clone());
        let line = line.with("retention", self.retention.clone()).with("end", self.ending());
        let line = line.with("replaces", self.replaces.clone()).with("command", self.command.clone());
        line.only_asked(self.dry_run).ask(global, out)
    }

    /// One word stands alone; ids are a list.
    fn ending(&self) -> Option<Value> {
        match self.end.as_slice() {
            [] => None,
            [word] if word == "all" || word == "others" => Some(word.as_str().into()),
            ids => Some(ids.to_vec().into()),
        }
    }
}

fn table(pairs: &[(String, String)]) -> Option<Map<String, Value>> {
    let table = pairs.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str())));
    (!pairs.is_empty()).then(|| table.collect())
}
