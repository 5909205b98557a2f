//! Questions, answered over HTTP.

use super::Live;
use crate::scene::{SESSIONS_MAX, TIMELINE_MAX};
use crate::source::{Ask, Deed, Failed, Found, Source, SwitchedOff, Told};
use serde_json::{Value, json};
use sledger_client::{Changing, Client, ClientError};
use sledger_wire::events::EventLine;
use sledger_wire::queries::{ClearQuery, SessionsQuery, TargetQuery, TimelineQuery, UsersQuery};
use std::sync::atomic::Ordering;

/// Why operators ended something, as it is recorded.
const REASON: &str = "monitor";
/// Pages of a user's past that are asked for: each is a look at the history of the server.
const PAGES_MAX: u32 = 4;
/// Pages of sessions that are asked for.
const SESSION_PAGES_MAX: u32 = 16;

impl Source for Live {
    fn answer(&mut self, ask: Ask, _: &mut dyn FnMut(Told)) -> Result<Told, Failed> {
        let kind = ask.kind();
        let target = match &ask {
            Ask::Do(deed) => Some(deed.target().to_owned()),
            _ => None,
        };
        let told = self.asked(ask);
        told.map_err(|error| Failed {
            kind,
            is_connection: error.is_connection() || matches!(error, ClientError::NotALedger { .. }),
            // What was refused is said with what it was about.
            why: target.map_or_else(|| error.to_string(), |target| format!("{target}: {error}")),
        })
    }
}

impl Live {
    fn asked(&self, ask: Ask) -> Result<Told, ClientError> {
        let client = self.client();
        Ok(match ask {
            Ask::Top => {
                let top = client.top()?;
                self.head.store(top.seq, Ordering::Relaxed);
                self.busy.store(super::is_busy(&top.rates), Ordering::Relaxed);
                Told::Top(Box::new(top))
            }
            Ask::Ledger => Told::Ledger(Box::new(client.ledger()?)),
            Ask::Users(query) => Told::Users(client.users(&query)?),
            Ask::Sessions(query) => sessions(client, query)?,
            Ask::User(name) => Told::User(Box::new(client.user(&name)?)),
            Ask::Session(id) => Told::Session(Box::new(found(client, id)?)),
            Ask::Policies => Told::Policies(client.policies()?),
            Ask::Policy(name) => Told::Policy(Box::new(client.policy(&name)?)),
            Ask::Quotas => Told::Quotas(switched_off(client)?),
            Ask::Do(deed) => Told::Done(done(client, deed)?),
            Ask::Timeline(user) => timeline(client, user)?,
            Ask::Why(about) => {
                let why = Box::new(client.why(&about)?);
                Told::Why { about, why }
            }
            // The past is walked by its own source.
            Ask::Diff(_) | Ask::Move(_) => Told::Reading { seq: 0 },
        })
    }
}

fn found(client: &Client, id: String) -> Result<Found, ClientError> {
    match client.session(&id) {
        Ok(session) => Ok(Found::Live(session)),
        Err(error) => match error.problem() {
            Some(problem) if problem.status == 404 => Ok(Found::Unknown(id)),
            Some(problem) => match &problem.tombstone {
                Some(tombstone) => Ok(Found::Ended(tombstone.clone())),
                None => Err(error),
            },
            None => Err(error),
        },
    }
}

/// Sessions as far as they can be had: the server looks at some 65,000 for a page, and finds few or many among them.
fn sessions(client: &Client, mut query: SessionsQuery) -> Result<Told, ClientError> {
    query.page_size = Some(sledger_wire::queries::PAGE_SIZE_MAX);
    let mut sessions = Vec::new();
    for _ in 0..SESSION_PAGES_MAX {
        let page = client.sessions(&query)?;
        sessions.extend(page.sessions);
        query.cursor = page.next;
        if query.cursor.is_none() || sessions.len() >= SESSIONS_MAX {
            break;
        }
    }
    sessions.truncate(SESSIONS_MAX);
    Ok(Told::Sessions { sessions, is_whole: query.cursor.is_none() })
}

/// What happened to a user, as far as it can be had at a reasonable price.
fn timeline(client: &Client, user: String) -> Result<Told, ClientError> {
    let mut query = TimelineQuery {
        who: Some(format!("user:{user}")),
        page_size: Some(sledger_wire::queries::PAGE_SIZE_MAX),
        ..TimelineQuery::default()
    };
    let mut events: Vec<EventLine> = Vec::new();
    for _ in 0..PAGES_MAX {
        let page = match client.replay_timeline(&query) {
            Ok(page) => page,
            // A ledger in memory keeps no history.
            Err(error) if error.problem().is_some_and(|problem| problem.status == 404) => break,
            Err(error) => return Err(error),
        };
        events.extend(page.events);
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    let over = events.len().saturating_sub(TIMELINE_MAX);
    events.drain(..over);
    Ok(Told::Timeline { user, events, is_whole: over == 0 && query.after.is_none() })
}

fn switched_off(client: &Client) -> Result<Vec<SwitchedOff>, ClientError> {
    let page = client.quotas()?;
    // Switched off at run time: one that the file leaves out is nobody's slip.
    let is_off = |quota: &&Value| {
        quota.pointer("/switched/enabled").and_then(Value::as_bool) == Some(false)
            && quota.get("enabled").and_then(Value::as_bool) == Some(false)
    };
    let text = |quota: &Value, at: &str| quota.pointer(at).and_then(Value::as_str).map(str::to_owned);
    let off = page.quotas.iter().filter(is_off).map(|quota| SwitchedOff {
        quota: text(quota, "/name").unwrap_or_default(),
        until: text(quota, "/switched/until").and_then(|until| crate::figure::read(&until)),
    });
    Ok(off.collect())
}

/// The quota with the least room left for a user, whose limit is shown beside his name.
fn quota_of(client: &Client, user: &str) -> Result<String, ClientError> {
    let query = UsersQuery { user: Some(user.to_owned()), page_size: Some(1), ..UsersQuery::default() };
    let row = client.users(&query)?.users.into_iter().find(|row| row.user == user);
    if let Some(quota) = row.and_then(|row| row.quota) {
        return Ok(quota);
    }
    // Without sessions: the first that counts by user.
    let quotas = client.quotas()?.quotas;
    let by_user = |quota: &&Value| quota.get("count_by") == Some(&json!(["user"]));
    let quota = quotas.iter().find(by_user).or(quotas.first());
    let name = quota.and_then(|quota| quota.get("name")).and_then(Value::as_str);
    Ok(name.unwrap_or("per-user").to_owned())
}

fn done(client: &Client, deed: Deed) -> Result<String, ClientError> {
    let how = Changing { reason: Some(REASON.to_owned()), ..Changing::default() };
    Ok(match deed {
        Deed::End(id) => {
            client.end(&id, &TargetQuery::default(), Some(REASON))?;
            format!("ended {id}")
        }
        Deed::Clear(user) => {
            let ended = client.clear(&user, &ClearQuery::default())?;
            format!("ended {} sessions of {user}", ended.ended.len())
        }
        Deed::Limit { user, limit } => {
            let quota = quota_of(client, &user)?;
            client.set_override(
                (&quota, &user),
                &limit.parse::<u32>().map_or_else(|_| Value::from(limit.clone()), Value::from),
                None,
                &how,
            )?;
            format!("{user} may have {limit} sessions by quota {quota}")
        }
        Deed::Disable { quota, lasting } => {
            client.switch_quota(&quota, false, Some(&lasting), &how)?;
            format!("quota {quota} is switched off for {lasting}")
        }
        Deed::Promote(name) => {
            client.policy_deed(&name, "promote", &json!({ "reason": REASON }))?;
            format!("{name} decides")
        }
        Deed::Rollback(name) => {
            client.policy_deed(&name, "rollback", &json!({ "reason": REASON }))?;
            format!("{name} was taken back")
        }
    })
}
