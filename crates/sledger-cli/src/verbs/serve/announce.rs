//! What a server says once it listens: where it listens, where its data is, what to try next.

use crate::output::Output;
use anyhow::Result;
use serde_json::json;
use sledger_wire::escape;
use std::path::Path;

const CONNECT_DEFAULT: &str = "http://127.0.0.1:7070";

/// What is said, and where.
pub(super) struct Announced<'a> {
    /// The data directory.
    pub(super) data: &'a Path,
    /// Standard output belongs to an audit sink: it is said beside it.
    pub(super) is_taken: bool,
}

/// Tells it; as JSON in one line.
pub(super) fn tell(url: &str, announced: &Announced<'_>, out: &mut Output<'_>) -> Result<()> {
    let data = announced.data;
    if announced.is_taken {
        out.say(&format!("listening on {url}"));
        return Ok(());
    }
    let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    if out.is_json() {
        out.json(&json!({"url": url, "data": data.display().to_string(), "pid": std::process::id()}))?;
        return out.flush();
    }
    let connect = if url == CONNECT_DEFAULT { String::new() } else { format!(" --connect {url}") };
    out.line(&format!("listening on {url}"))?;
    out.line(&format!("data in {}", escape(&data.display().to_string())))?;
    out.line("try, in another terminal:")?;
    out.line(&format!("  sledger login ann laptop{connect}"))?;
    out.line(&format!("  sledger sessions{connect}"))?;
    out.line(&format!("  sledger events --follow{connect}"))?;
    out.flush()
}
