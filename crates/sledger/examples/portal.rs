//! A web portal that keeps its sessions in a ledger of its own: log in, rotate the id, step up, log out, and ask why.
//!
//! Run it with `cargo run -p sledger --example portal`.
#![expect(clippy::print_stdout, reason = "what it prints is what it shows")]

use sledger::core::Limit;
use sledger::core::command::{Ending, Target};
use sledger::core::config::{Quota, Settings};
use sledger::{Actor, Answer, Command, Config, Failure, Ledger, Login, Outcome, Request};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> Result<(), Box<dyn Error>> {
    let ledger = Ledger::in_memory(Config { settings: settings()?, ..Config::new("unused") })?;
    let show = |what: &str, answer: &Answer| println!("{what}: {}", told(answer));

    show("first page", &*ledger.login(login("web-1"))?);
    // After the password was checked the id changes, against ids that were planted before. The start stays.
    show("rotated", &*ledger.login(Login { replaces: Some("web-1".into()), ..login("web-2") })?);
    show("phone", &*ledger.login(login("phone"))?);
    show("a third", &*ledger.login(login("tablet"))?);
    // The person chose to end the others: that and the login are one decision.
    show("a third, the others out", &*ledger.login(Login { end: Ending::Others, ..login("tablet") })?);
    show("the phone asks again", &*touch(&ledger, "phone")?);
    ledger.close();
    Ok(())
}

/// Two sessions a user; a third is refused, and the person is told how to go on.
fn settings() -> Result<Settings, Box<dyn Error>> {
    let mut quota = Quota {
        name: "two-devices".to_owned(),
        max_sessions: Limit::at_most(2).ok_or("a limit is at least 1")?,
        on_exhausted: "deny_access".to_owned(),
        ..Quota::default_quota()
    };
    quota.messages.denied = Some("Two devices are signed in. End the others?".to_owned());
    Ok(Settings { quotas: vec![Arc::new(quota)], ..Settings::default() })
}

fn login(session: &str) -> Login {
    Login { user: Some("ann".into()), session: Some(session.into()), ..Login::default() }
}

fn touch(ledger: &Ledger, session: &str) -> Result<Box<Answer>, Failure> {
    let target = Target { session: Some(session.into()), ..Target::default() };
    ledger.submit(Request::new(Actor::Local, Command::Touch(target)))?.wait_for(PATIENCE)
}

/// What a portal would do with it: let in, show the message, or show the log-in page.
fn told(answer: &Answer) -> String {
    match (answer.outcome, &answer.tombstone) {
        (Outcome::Admitted | Outcome::Resumed, _) => {
            let ended: Vec<&str> = answer.ended.iter().map(|facts| facts.session()).collect();
            format!("in, {} active, ended {ended:?}", answer.active.unwrap_or_default())
        }
        (Outcome::Denied, _) => format!("refused: {}", answer.message.as_deref().unwrap_or_default()),
        (_, Some(tombstone)) => format!("{}: {:?}", answer.outcome.as_str(), tombstone.cause),
        (outcome, None) => outcome.as_str().to_owned(),
    }
}
