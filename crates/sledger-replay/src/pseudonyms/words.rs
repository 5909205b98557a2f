//! Words that a script said, against the words of its source.

use std::collections::{BTreeMap, BTreeSet};

/// Longer numbers may be somebody's.
const DIGITS_MAX: usize = 4;

/// The words that may be said, and those that are said otherwise.
#[derive(Debug)]
pub(super) struct Words<'a> {
    source: BTreeSet<&'a str>,
    known: BTreeMap<String, String>,
}

impl<'a> Words<'a> {
    /// Words of a script's source.
    pub(super) fn new(source: &'a str) -> Self {
        Self { source: words(source).collect(), known: BTreeMap::new() }
    }

    /// `value` is said as `pseudonym`.
    pub(super) fn know(&mut self, value: &str, pseudonym: String) {
        if !value.is_empty() {
            self.known.insert(value.to_owned(), pseudonym);
        }
    }

    /// The text with everything known replaced; `None` where a word remains that is not the script's.
    pub(super) fn replaced(&self, text: &str) -> Option<String> {
        let mut said = String::new();
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            let longest = self.known.iter().filter(|(value, _)| begins_with_word(rest, value));
            if let Some((value, pseudonym)) = longest.max_by_key(|(value, _)| value.len()) {
                said.push_str(pseudonym);
                rest = rest.get(value.len()..).unwrap_or_default();
                continue;
            }
            let length = if is_of_word(letter) { word_length(rest) } else { letter.len_utf8() };
            let (word, after) = rest.split_at(length);
            if is_of_word(letter) && !self.may_say(word) {
                return None;
            }
            said.push_str(word);
            rest = after;
        }
        Some(said)
    }

    fn may_say(&self, word: &str) -> bool {
        let word = trimmed(word);
        let is_number = word.len() <= DIGITS_MAX && word.chars().all(|digit| digit.is_ascii_digit());
        word.is_empty() || is_number || self.source.contains(word)
    }
}

/// Whether `text` begins with `value`, and a word ends there.
fn begins_with_word(text: &str, value: &str) -> bool {
    text.strip_prefix(value).is_some_and(|rest| !rest.chars().next().is_some_and(char::is_alphanumeric))
}

/// Addresses, names with a domain and file names are one word each.
fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '.' | ':' | '-' | '_' | '@' | '\\' | '/')
}

fn word_length(text: &str) -> usize {
    text.find(|letter| !is_of_word(letter)).unwrap_or(text.len())
}

fn trimmed(word: &str) -> &str {
    word.trim_matches(|letter: char| !letter.is_alphanumeric())
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter| !is_of_word(letter)).map(trimmed).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Option<String> {
        let mut words = Words::new("deny(\"too many for \" + user); evict(oldest, \"oldest first.\")");
        words.know("ann", "user-1".to_owned());
        words.know("10.0.0.1", "ip-1".to_owned());
        words.know("ann@x", "user-2".to_owned());
        words.replaced(text)
    }

    #[test]
    fn words_of_the_script_stay_and_names_are_replaced() {
        let cases = [
            ("oldest first.", "oldest first."),
            ("too many for ann", "too many for user-1"),
            ("too many for ann@x: 17", "too many for user-2: 17"),
            ("first: 10.0.0.1, ann.", "first: ip-1, user-1."),
        ];
        for (text, wanted) in cases {
            assert_eq!(said(text).as_deref(), Some(wanted));
        }
    }

    #[test]
    fn a_word_that_is_not_the_scripts_gives_the_whole_text_away() {
        for text in
            ["too many for eve", "too many for 10.0.0.7", "too many for anna", "first 471147", "ann's phone"]
        {
            assert_eq!(said(text), None, "{text}");
        }
    }
}
