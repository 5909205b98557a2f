//! Messages for the person: bounded text with known placeholders.

use crate::escape::brief;
use crate::readers::filled;
use crate::suggest::nearest;
use crate::tree::Node;
use crate::values::Reason;
use sledger_core::config::REASON_BYTES_MAX;

/// What is filled in.
const PLACEHOLDERS: [&str; 5] = ["limit", "active", "quota", "at", "by_client"];

/// Reads a message.
pub(super) fn message(node: &Node) -> Result<String, Reason> {
    let text = filled(node)?;
    if text.len() > REASON_BYTES_MAX {
        return Err(format!("is {} bytes long: at most {REASON_BYTES_MAX}", text.len()).into());
    }
    match text
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .find(|(name, _)| !PLACEHOLDERS.contains(name))
    {
        None => Ok(text),
        Some((name, _)) => {
            let hint = nearest(name, PLACEHOLDERS).map(|meant| format!("; did you mean `{{{meant}}}`?"));
            let known = "known are `{limit}`, `{active}`, `{quota}`, `{at}`, `{by_client}`";
            Err(format!(
                "has the unknown placeholder `{{{}}}`: {known}{}",
                brief(name),
                hint.unwrap_or_default()
            )
            .into())
        }
    }
}
