//! Words for the person affected: templates with `{limit} {active} {quota} {at} {by_client}`.

use crate::{Limit, Millis};
use std::sync::Arc;

/// What a template can be filled with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blanks<'a> {
    pub(crate) limit: Option<Limit>,
    pub(crate) active: u32,
    pub(crate) quota: &'a str,
    pub(crate) at: Millis,
    pub(crate) by_client: Option<&'a str>,
}

/// Fills a template; an unknown `{word}` stays as it is.
pub(crate) fn fill(template: &str, blanks: Blanks<'_>) -> Arc<str> {
    let mut text = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let filled = after.split_once('}').and_then(|(word, rest)| Some((value(word, blanks)?, rest)));
        let (text_of_blank, after) = filled.unwrap_or_else(|| ("{".to_owned(), after));
        text.push_str(&text_of_blank);
        rest = after;
    }
    text.push_str(rest);
    Arc::from(text)
}

fn value(word: &str, blanks: Blanks<'_>) -> Option<String> {
    Some(match word {
        "limit" => blanks.limit.map_or_else(|| "no".to_owned(), |limit| limit.to_string()),
        "active" => blanks.active.to_string(),
        "quota" => blanks.quota.to_owned(),
        "at" => blanks.at.rfc3339(),
        "by_client" => blanks.by_client.unwrap_or("another client").to_owned(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_are_filled_and_unknown_words_stay() {
        let blanks = Blanks {
            limit: Limit::at_most(5),
            active: 6,
            quota: "per-user",
            at: Millis(0),
            by_client: Some("web {limit}"),
        };
        let text = fill("{active} of {limit} in {quota}, {by_client} {nobody} {", blanks);
        assert_eq!(&*text, "6 of 5 in per-user, web {limit} {nobody} {");
    }
}
