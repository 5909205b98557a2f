//! The past of a served ledger, asked for over HTTP: nothing big is folded here.

use super::at::Shown;
use super::timeline::{Next, say};
use crate::output::Output;
use crate::verbs::asking::{Asking, told};
use anyhow::{Context, Result};
use sledger_wire::events::EventLine;
use sledger_wire::pages::ReplayAt;
use sledger_wire::past::ReplayDiff;
use sledger_wire::queries::{AtQuery, DiffQuery, TimelineQuery};
use std::io::Read;

/// Bytes handed on at once.
const CHUNK: usize = 64 << 10;

/// Hands on JSON as it comes.
fn hand_on(mut body: impl Read, out: &mut Output<'_>) -> Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = body.read(&mut chunk).context("the answer broke off")?;
        if count == 0 {
            return out.line("");
        }
        out.bytes(chunk.get(..count).unwrap_or_default())?;
    }
}

/// Who was in.
pub(super) fn at(
    url: &str,
    query: &AtQuery,
    show: impl FnOnce((u64, String), &mut Output<'_>) -> Result<Shown>,
    out: &mut Output<'_>,
) -> Result<()> {
    let body = Asking::new(url)?.client().replay_at(query).map_err(told)?;
    if out.is_json() {
        return hand_on(body, out);
    }
    let at: ReplayAt = serde_json::from_reader(body).context("the answer cannot be read")?;
    let mut shown = show((at.seq, at.at), out)?;
    at.users.into_iter().try_for_each(|user| shown.user(user, out))?;
    shown.end(out)
}

/// What differs, as JSON; or to be shown as text.
pub(super) fn diff(url: &str, query: &DiffQuery, out: &mut Output<'_>) -> Result<Option<ReplayDiff>> {
    let body = Asking::new(url)?.client().replay_diff(query).map_err(told)?;
    if out.is_json() {
        return hand_on(body, out).map(|()| None);
    }
    Ok(Some(serde_json::from_reader(body).context("the answer cannot be read")?))
}

/// Events about somebody, page by page.
pub(super) fn timeline(
    url: &str,
    mut query: TimelineQuery,
    see: &mut dyn FnMut(&EventLine) -> Result<Next>,
    out: &mut Output<'_>,
) -> Result<()> {
    let asking = Asking::new(url)?;
    let (mut said, mut found) = (None, 0);
    loop {
        let page = asking.client().replay_timeline(&query).map_err(told)?;
        said = said.or(page.note);
        found += page.events.len() as u64;
        for line in &page.events {
            match see(line)? {
                Next::Text(text) => out.text(&text)?,
                Next::Skip => {}
                Next::Over => break,
            }
        }
        query.after = page.next;
        if query.after.is_none() {
            say(said.as_deref(), found, out);
            return Ok(());
        }
    }
}
