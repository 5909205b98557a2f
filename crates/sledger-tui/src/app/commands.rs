//! `:` commands: what changes a server, and what is said in words.
//!
//! Invariants: a change is not sent before its target was shown and `yes` typed; none is where actions are not allowed
//! or the past is shown. A session is sent by `id@SEQ`, which no other session ever has.

use super::{App, Effect, Popup, View};
use crate::keys::{Code, Key};
use crate::source::{Ask, Deed, Move, Side};
use crate::theme::ThemeName;
use sledger_wire::escape::brief;
use sledger_wire::values::moment;

/// Every command: how it is written, and what it does.
pub const COMMANDS: &[(&str, &str)] = &[
    (":end SESSION", "end a session"),
    (":clear USER", "end all sessions of a user"),
    (":limit USER N", "another limit for a user: a number, unlimited, banned"),
    (":disable QUOTA 30m", "switch a quota off for a while"),
    (":promote NAME", "let a policy on trial decide"),
    (":rollback NAME", "take the policy that decided before"),
    (":goto WHEN", "a moment of the past: -2h, 2026-11-20 12:04, seq:N"),
    (":live", "back to the present"),
    (":theme NAME", "dark, light or mono"),
    (":keys", "the keys in force"),
    (":q", "quit"),
];

/// A change to be confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirm {
    /// What will be done, with its target.
    pub what: String,
    /// The change.
    pub deed: Deed,
    /// What was typed.
    pub typed: String,
}

impl App {
    pub(super) fn command(&mut self, text: &str, effects: &mut Vec<Effect>) {
        let text = text.trim();
        let (word, rest) = text.split_once(' ').map_or((text, ""), |(word, rest)| (word, rest.trim()));
        match word {
            "" => {}
            "q" | "quit" => effects.push(Effect::Quit),
            "keys" | "help" => self.popup = Some(Popup::Help(0)),
            "theme" => match ThemeName::read(rest) {
                Some(theme) => self.theme = theme,
                None => self.say("write :theme dark, :theme light or :theme mono"),
            },
            "live" if self.setup.has_live => self.return_to_the_present(effects),
            "live" => self.say("this ledger is at rest: there is no present"),
            "goto" => self.goto(rest, effects),
            "end" | "clear" | "limit" | "disable" | "promote" | "rollback" => self.deed(word, rest),
            other => self.say(format!("there is no :{}; `?` lists the commands", brief(other))),
        }
    }

    fn goto(&mut self, when: &str, effects: &mut Vec<Effect>) {
        let offset = self.setup.offset;
        match moment(when, offset) {
            Ok(to) => self.travel(Move::To(to), effects),
            Err(reason) => self.say(format!(":goto {}: {}", brief(when), reason.0)),
        }
    }

    fn deed(&mut self, word: &str, rest: &str) {
        if self.side == Side::Past {
            let way = if self.setup.has_live { "; :live goes back to the present" } else { "" };
            self.say(format!("the past cannot be changed{way}"));
            return;
        }
        if !self.setup.allow_actions {
            self.say("read-only: start with --allow-actions to change anything");
            return;
        }
        match self.read_deed(word, rest) {
            Ok((what, deed)) => {
                self.popup = Some(Popup::Confirm(Confirm { what, deed, typed: String::new() }));
            }
            Err(why) => self.say(why),
        }
    }

    fn read_deed(&self, word: &str, rest: &str) -> Result<(String, Deed), String> {
        let words: Vec<&str> = rest.split_whitespace().collect();
        let target = || self.named(word, rest);
        Ok(match (word, words.as_slice()) {
            ("end", _) => {
                let id = target()?;
                (format!("end the session {}", brief(&id)), Deed::End(id))
            }
            ("clear", _) => {
                let user = target()?;
                let active = self.user_rows().iter().find(|row| row.user == user).map(|row| row.active);
                let count = active.map_or_else(String::new, |active| format!(", {active} now"));
                (format!("end all sessions of {}{count}", brief(&user)), Deed::Clear(user))
            }
            ("limit", [.., limit]) if words.len() >= 2 => {
                let user = rest.strip_suffix(limit).unwrap_or(rest).trim().to_owned();
                let what = format!("let {} have {} sessions", brief(&user), brief(limit));
                (what, Deed::Limit { user, limit: (*limit).to_owned() })
            }
            ("limit", [limit]) => {
                let user = self.named(word, "")?;
                let what = format!("let {} have {} sessions", brief(&user), brief(limit));
                (what, Deed::Limit { user, limit: (*limit).to_owned() })
            }
            ("disable", [quota, lasting]) => {
                let what = format!("switch the quota {} off for {}", brief(quota), brief(lasting));
                (what, Deed::Disable { quota: (*quota).to_owned(), lasting: (*lasting).to_owned() })
            }
            ("promote", _) => {
                let name = target()?;
                (format!("let the policy {} decide", brief(&name)), Deed::Promote(name))
            }
            ("rollback", _) => {
                let name = target()?;
                (format!("take back the policy {}", brief(&name)), Deed::Rollback(name))
            }
            _ => return Err(usage(word)),
        })
    }

    /// What is named, or what is chosen where nothing is.
    fn named(&self, word: &str, rest: &str) -> Result<String, String> {
        if !rest.is_empty() {
            return Ok(match word {
                "end" => self.with_number(rest),
                _ => rest.to_owned(),
            });
        }
        let chosen = match (word, self.view()) {
            ("end", View::Session(unique)) => Some(unique.clone()),
            ("end", _) => self.chosen_session().map(|row| row.unique()),
            ("clear" | "limit", _) => match self.user_view() {
                View::User(name) => Some(name.clone()),
                _ => self.users.chosen.clone(),
            },
            ("promote" | "rollback", _) => self.policies.chosen.as_ref().map(|(name, _)| name.clone()),
            _ => None,
        };
        chosen.ok_or_else(|| usage(word))
    }

    /// The id with its number where it is on the screen: another session may have the id by the time it is sent.
    fn with_number(&self, id: &str) -> String {
        let row = self.session_rows().into_iter().find(|row| row.session == id && row.ended.is_none());
        row.map_or_else(|| id.to_owned(), |row| row.unique())
    }

    pub(super) fn confirm_key(&mut self, key: Key, effects: &mut Vec<Effect>) {
        let Some(Popup::Confirm(confirm)) = &mut self.popup else { return };
        match key.code {
            Code::Char(letter) if !key.ctrl && confirm.typed.len() < 3 => confirm.typed.push(letter),
            Code::Backspace => drop(confirm.typed.pop()),
            Code::Enter if confirm.typed == "yes" => {
                let deed = confirm.deed.clone();
                self.popup = None;
                self.say("sent");
                self.ask(Side::Live, Ask::Do(deed), effects);
            }
            Code::Enter => self.say("nothing is done before `yes` is typed; Esc leaves it"),
            Code::Esc => {
                self.popup = None;
                self.say("nothing was done");
            }
            Code::Char('c') if key.ctrl => self.popup = None,
            _ => {}
        }
    }
}

fn usage(word: &str) -> String {
    let is_it = |(text, _): &&(&str, &str)| text.trim_start_matches(':').split(' ').next() == Some(word);
    let text = COMMANDS.iter().find(is_it).map_or(word, |(text, _)| text);
    format!("write {text}")
}
