//! `group …`: who is in which group.

use super::asking::{Asking, told};
use crate::args::Global;
use crate::exit::Exit;
use crate::output::Output;
use crate::past::Past;
use crate::whence::Whence;
use anyhow::Result;
use clap::{Args, Subcommand};
use sledger_client::Changing;
use sledger_wire::escape;
use sledger_wire::quotas::{GroupObject, GroupsPage};

/// `group …`
#[derive(Debug, Subcommand)]
pub(crate) enum Group {
    /// List the groups with who is in them
    List,
    /// Put a user into a group
    Add(Member),
    /// Take a user out of a group
    Remove(Member),
}

/// A user of a group.
#[derive(Debug, Args)]
pub(crate) struct Member {
    /// The group
    #[arg(value_name = "GROUP")]
    group: String,
    /// The user
    #[arg(value_name = "USER")]
    user: String,
}

impl Group {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        match self {
            Self::List => list(global, out),
            Self::Add(member) => member.set(true, global, out),
            Self::Remove(member) => member.set(false, global, out),
        }
    }
}

impl Member {
    fn set(&self, member: bool, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let asking = Asking::new(&Whence::url(global)?)?;
        let done = asking
            .client()
            .set_member(&self.group, &self.user, member, &Changing::default())
            .map_err(told)?;
        if out.is_json() {
            out.json(&done)?;
        } else {
            if !done.changed {
                out.say("nothing changed");
            }
            out.line(&line(&done.group))?;
        }
        Ok(Exit::Ok)
    }
}

fn list(global: &Global, out: &mut Output<'_>) -> Result<Exit> {
    let page = match Whence::of(global)? {
        Whence::Connect(url) => Asking::new(&url)?.client().groups().map_err(told)?,
        whence => {
            let state = Past::open(&whence, global, out)?.read(&mut |_, _| Ok(()))?;
            GroupsPage { seq: state.seq().0, groups: sledger_wire::quotas::groups(&state.ready().settings) }
        }
    };
    if out.is_json() {
        out.json(&page)?;
        return Ok(Exit::Ok);
    }
    for group in &page.groups {
        out.line(&line(group))?;
    }
    Ok(Exit::Ok)
}

/// `ops: ann bridge-* +joe -eve`
fn line(group: &GroupObject) -> String {
    let with = |sign: &str, users: &[String]| -> Vec<String> {
        users.iter().map(|user| format!("{sign}{}", escape(user))).collect()
    };
    let all = [with("", &group.users), with("+", &group.added), with("-", &group.removed)].concat();
    let all = if all.is_empty() { "nobody".to_owned() } else { all.join(" ") };
    format!("{}: {all}", escape(&group.name))
}
