//! Logins, and any other command as a line.

use crate::client::{Client, json};
use crate::error::ClientError;
use crate::retries::{Failed, fresh};
use serde_json::{Map, Value};
use sledger_core::command::{Actor, Command, Login, Request};
use sledger_wire::answer::{AnswerLine, Problem};
use sledger_wire::recording::{AtGiven, write_line};

impl Client {
    /// Asks for one login. Without `command` it gets a command id of its own, so that it is decided once even if it
    /// has to be sent again.
    ///
    /// # Errors
    /// Refused: 403 denied, 409 conflict, 410 the id has ended, 422 rejected, 503 not now. The connection's, once
    /// all tries have failed.
    pub fn login(&self, login: &Login, command: Option<&str>) -> Result<AnswerLine, ClientError> {
        let command = command.map_or_else(fresh, str::to_owned);
        self.ask_login(login, Some(command), &[])
    }

    /// Asks what would become of a login: nothing of it is recorded.
    ///
    /// # Errors
    /// As [`Client::login`].
    pub fn foresee(&self, login: &Login) -> Result<AnswerLine, ClientError> {
        self.ask_login(login, None, &[("dry_run", "true")])
    }

    fn ask_login(
        &self,
        login: &Login,
        command_id: Option<String>,
        query: &[(&str, &str)],
    ) -> Result<AnswerLine, ClientError> {
        let body = body(login, command_id);
        let url = self.path(&["v1", "sessions"])?;
        self.certain(|| self.read(json(self.quick().post(url.clone()).query(query), body.as_str())))
    }

    /// Asks for one command of any kind, e.g. an adoption. Without a command id it gets one of its own, so that it is
    /// decided once even if it has to be sent again.
    ///
    /// # Errors
    /// [`ClientError::NoCommand`] for what never was a command. The connection's, once all tries have failed, or
    /// `OUTCOME_UNKNOWN`. What the ledger refuses is told by the answer.
    pub fn command(&self, request: &Request) -> Result<AnswerLine, ClientError> {
        self.ask_line(fields(request).ok_or(ClientError::NoCommand)?)
    }

    /// As [`Client::command`], of a line of a batch: one JSON object.
    ///
    /// # Errors
    /// As [`Client::command`]; [`ClientError::NoCommand`] where the line is no object.
    pub fn line(&self, line: &str) -> Result<AnswerLine, ClientError> {
        self.ask_line(serde_json::from_str(line).map_err(|_| ClientError::NoCommand)?)
    }

    fn ask_line(&self, mut line: Map<String, Value>) -> Result<AnswerLine, ClientError> {
        let is_done = line.get("dry_run").and_then(Value::as_bool) != Some(true);
        if is_done && line.get("command").is_none_or(Value::is_null) {
            line.insert("command".to_owned(), Value::from(fresh()));
        }
        let line = Value::Object(line).to_string();
        let url = self.path(&["v1", "batch"])?;
        self.certain(|| {
            let request = self.quick().post(url.clone()).header("content-type", "application/x-ndjson");
            let answer: AnswerLine = self.read(request.body(line.clone()))?;
            if answer.code.as_deref() == Some("OUTCOME_UNKNOWN") {
                return Err(unknown(answer));
            }
            Ok(answer)
        })
    }
}

/// The answer to a line of which the ledger does not know what came, as the problem that it is.
fn unknown(answer: AnswerLine) -> Failed {
    let detail = answer.reason.unwrap_or_else(|| "the outcome is unknown".to_owned());
    ClientError::Refused(Box::new(Problem::new(503, answer.code.as_deref(), detail))).into()
}

fn body(login: &Login, command_id: Option<String>) -> String {
    let command = Command::Login(Box::new(login.clone()));
    let request = Request { command_id, ..Request::new(Actor::Local, command) };
    let mut fields = fields(&request).unwrap_or_default();
    fields.remove("op");
    Value::Object(fields).to_string()
}

/// The fields of a command, without the time that only recordings have. Times in it are written out, as a served
/// ledger wants them.
pub(crate) fn fields(request: &Request) -> Option<Map<String, Value>> {
    let line = write_line(&AtGiven::Millis(0), request)?;
    let mut fields: Map<String, Value> = serde_json::from_str(&line).ok()?;
    fields.remove("at");
    if let (Command::Adopt(adopt), Some(Value::Array(sessions))) =
        (&request.command, fields.get_mut("sessions"))
    {
        for (adoptee, session) in adopt.sessions.iter().zip(sessions) {
            for (key, at) in [("started", adoptee.started), ("last_active", adoptee.last_active)] {
                if let (Some(at), Some(fields)) = (at, session.as_object_mut()) {
                    fields.insert(key.to_owned(), Value::from(at.rfc3339()));
                }
            }
        }
    }
    if request.dry_run {
        fields.insert("dry_run".to_owned(), Value::Bool(true));
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sledger_core::Millis;
    use sledger_core::command::{Adopt, Adoptee};

    #[test]
    fn a_login_is_sent_with_its_fields_and_a_command_id() {
        let login = Login { user: Some("ann".to_owned()), ..Login::default() };
        let sent: Value = serde_json::from_str(&body(&login, Some("c".to_owned()))).unwrap();
        assert_eq!(sent, serde_json::json!({"user": "ann", "command": "c"}));
    }

    #[test]
    fn times_of_an_adoption_are_sent_as_a_served_ledger_wants_them() {
        let login = Login { user: Some("ann".to_owned()), ..Login::default() };
        let adoptee = Adoptee { login, started: Some(Millis(1_000)), last_active: None };
        let command = Command::Adopt(Adopt { source: None, sessions: vec![adoptee] });
        let request = Request { dry_run: true, ..Request::new(Actor::Local, command) };
        let sent = Value::Object(fields(&request).unwrap());
        let sessions = serde_json::json!([{"user": "ann", "started": "1970-01-01T00:00:01.000Z"}]);
        assert_eq!(sent, serde_json::json!({"op": "adopt", "sessions": sessions, "dry_run": true}));
    }
}
