//! Logins: asked again under the same command id until it is known what came of them.

use crate::client::{Client, json};
use crate::error::ClientError;
use serde_json::{Map, Value};
use sledger_core::command::{Actor, Command, Login, Request};
use sledger_wire::answer::AnswerLine;
use sledger_wire::recording::{AtGiven, write_line};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// How often a login is sent at most.
const TRIES_MAX: u32 = 5;
/// Half of the wait before the second try; doubled for each further one.
const PAUSE: Duration = Duration::from_millis(100);

impl Client {
    /// Asks for one login. Without `command` it gets a command id of its own, so that it is decided once even if it
    /// has to be sent again.
    ///
    /// # Errors
    /// Refused: 403 denied, 409 conflict, 410 the id has ended, 422 rejected, 503 not now. The connection's, once
    /// several tries have failed.
    pub fn login(&self, login: &Login, command: Option<&str>) -> Result<AnswerLine, ClientError> {
        let body = body(login, command);
        let url = self.path(&["v1", "sessions"])?;
        let mut tries = 1;
        loop {
            let answered = self.read(json(self.quick().post(url.clone()), body.as_str()));
            match &answered {
                Err(error) if tries < TRIES_MAX && is_open(error, tries) => {}
                _ => return answered,
            }
            std::thread::sleep(PAUSE * (1 << tries));
            tries += 1;
        }
    }
}

/// Whether it is open what came of the login, or nothing did: then it is asked again.
fn is_open(error: &ClientError, tries: u32) -> bool {
    match error {
        // Nobody was there to begin with; later it may be a restart.
        ClientError::Connect { .. } => tries > 1,
        ClientError::Refused(_) => matches!(error.code(), Some("OUTCOME_UNKNOWN" | "LEDGER_BUSY")),
        other => other.is_connection(),
    }
}

fn body(login: &Login, command: Option<&str>) -> String {
    let command_id = Some(command.map_or_else(fresh, str::to_owned));
    let command = Command::Login(Box::new(login.clone()));
    let request = Request { command_id, ..Request::new(Actor::Local, command) };
    let mut fields = fields(&request).unwrap_or_default();
    fields.remove("op");
    Value::Object(fields).to_string()
}

/// The fields of a command, without the time that only recordings have.
pub(crate) fn fields(request: &Request) -> Option<Map<String, Value>> {
    let line = write_line(&AtGiven::Millis(0), request)?;
    let mut fields: Map<String, Value> = serde_json::from_str(&line).ok()?;
    fields.remove("at");
    Some(fields)
}

/// A command id that nobody else uses: 128 bits keyed by the system's randomness.
fn fresh() -> String {
    let random = RandomState::new();
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!("{:016x}{:016x}", random.hash_one((since, 0u8)), random.hash_one((since, 1u8)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_sent_with_its_fields_and_a_command_id() {
        let login = Login { user: Some("ann".to_owned()), ..Login::default() };
        let sent: Value = serde_json::from_str(&body(&login, Some("c"))).unwrap();
        assert_eq!(sent, serde_json::json!({"user": "ann", "command": "c"}));
        let own: Value = serde_json::from_str(&body(&login, None)).unwrap();
        assert_eq!(own["command"].as_str().map(str::len), Some(32));
        assert_ne!(body(&login, None), body(&login, None));
    }
}
