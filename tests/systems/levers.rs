//! The operator's levers, by the words of the command line: as a verb, or as the call that stands for it.

use crate::command;
use crate::served::{Door, Served};
use serde_json::Value;
use sledger_client::{Changing, Client, ClientError};

impl Served {
    /// Pulls a lever, which must work.
    pub(crate) fn pull(&self, words: &[&str]) -> Value {
        match &self.door {
            Door::Http => by_call(&self.client(), words).unwrap_or_else(|error| panic!("{words:?}: {error}")),
            Door::Command(_) => {
                let (code, said) = self.by_verb(&[words, &["--output", "json"]].concat());
                assert_eq!(code, 0, "{words:?}: {said}");
                serde_json::from_str(&said).unwrap()
            }
        }
    }

    /// Pulls a lever, which must be refused; by `status` over HTTP, by `code` of the command. What is said.
    pub(crate) fn refused(&self, words: &[&str], (status, code): (u16, i32)) -> String {
        match &self.door {
            Door::Http => {
                let error = by_call(&self.client(), words).unwrap_err();
                let problem = error.problem().unwrap_or_else(|| panic!("{words:?}: {error}"));
                assert_eq!(problem.status, status, "{words:?}: {problem:?}");
                problem.detail.clone()
            }
            Door::Command(_) => {
                let (found, said) = self.by_verb(words);
                assert_eq!(found, code, "{words:?}: {said}");
                said
            }
        }
    }

    fn by_verb(&self, words: &[&str]) -> (i32, String) {
        let Door::Command(program) = &self.door else { panic!("no program at this door") };
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        command::run(program, &self.address, &words, "")
    }

    /// A quota as it is in force.
    pub(crate) fn quota(&self, name: &str) -> Value {
        self.client().quota(name).unwrap()
    }

    /// A quota without what tells when it was changed.
    pub(crate) fn settings(&self, name: &str) -> Value {
        let mut quota = self.quota(name);
        let left_out = ["etag", "switched", "enabled"];
        quota.as_object_mut().unwrap().retain(|key, _| !left_out.contains(&key.as_str()));
        quota
    }
}

/// The call of the contract that does what these words do.
fn by_call(client: &Client, words: &[&str]) -> Result<Value, ClientError> {
    let how = |reason: Option<&&str>| Changing {
        reason: reason.map(|reason| (*reason).to_owned()),
        ..Changing::default()
    };
    let plain = Changing::default();
    let changed = match words {
        ["config", "reload"] => return client.reload().map(value),
        ["group", "add", group, user] => return client.set_member(group, user, true, &plain).map(value),
        ["group", "remove", group, user] => return client.set_member(group, user, false, &plain).map(value),
        ["quota", word @ ("enable" | "disable"), name, rest @ ..] => {
            let lasting = after("--for", rest).copied();
            client.switch_quota(name, *word == "enable", lasting, &how(after("--reason", rest)))
        }
        ["quota", "delete", name, "--yes"] => client.delete_quota(name, &plain),
        ["quota", "reset", name] => client.reset_quota(name, &plain),
        ["limit", whom, "--unset"] => client.unset_override(&only_quota(client)?, whom, &plain),
        ["limit", whom, limit, rest @ ..] => {
            let limit = limit.parse::<u64>().map_or_else(|_| Value::from(*limit), Value::from);
            client.set_override((&only_quota(client)?, whom), &limit, None, &how(after("--reason", rest)))
        }
        _ => panic!("no call is known for {words:?}"),
    };
    changed.map(value)
}

fn value(answer: impl serde::Serialize) -> Value {
    serde_json::to_value(answer).unwrap()
}

fn after<'a, 'w>(flag: &str, words: &'a [&'w str]) -> Option<&'a &'w str> {
    words.iter().position(|word| *word == flag).and_then(|at| words.get(at + 1))
}

/// The quota that is meant where none is named.
fn only_quota(client: &Client) -> Result<String, ClientError> {
    Ok(client.quotas()?.quotas[0]["name"].as_str().unwrap().to_owned())
}
