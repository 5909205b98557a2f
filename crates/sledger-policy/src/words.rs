//! Words that leave the engine or go into complaints: bounded, printable, guessed at.

use std::sync::Arc;

/// Bytes of a reason, message or note.
pub(crate) const TEXT_BYTES_MAX: usize = sledger_core::config::REASON_BYTES_MAX;

/// `text` with control characters escaped, cut to its bound.
pub(crate) fn clean(text: &str) -> Arc<str> {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~')) || !text.chars().any(is_hidden);
    if text.len() <= TEXT_BYTES_MAX && is_plain {
        return Arc::from(text);
    }
    let mut cleaned = String::with_capacity(text.len().min(TEXT_BYTES_MAX));
    for character in text.chars() {
        let before = cleaned.len();
        if is_hidden(character) {
            cleaned.extend(character.escape_default());
        } else {
            cleaned.push(character);
        }
        if cleaned.len() > TEXT_BYTES_MAX {
            cleaned.truncate(before);
            break;
        }
    }
    Arc::from(cleaned)
}

/// Control characters, and those that turn the direction of writing.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The word of `known` that `word` was probably meant to be.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = (word.len() / 3).max(1);
    known
        .into_iter()
        .filter(|candidate| *candidate != word)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(far, candidate)| *far <= most || is_start(word, candidate))
        .min()
        .map(|(_, candidate)| candidate)
}

fn is_start(word: &str, candidate: &str) -> bool {
    word.len() >= 3 && (candidate.starts_with(word) || word.starts_with(candidate) && candidate.len() >= 3)
}

/// Letters to add, take away, change or swap with a neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, &y) in b.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&row, j) + usize::from(x != y)).min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(&y) && b.get(j - 1) == Some(&x);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or_default()
}

/// `, did you mean …` where something near is known.
pub(crate) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map(|near| format!(", did you mean `{near}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_length_is_bounded() {
        assert_eq!(&*clean("plain"), "plain");
        assert_eq!(&*clean("a\u{1b}[2Jb\n\u{202e}"), "a\\u{1b}[2Jb\\n\\u{202e}");
        assert_eq!(clean(&"é".repeat(1000)).len(), TEXT_BYTES_MAX);
        assert!(clean(&"\n".repeat(1000)).len() <= TEXT_BYTES_MAX);
    }

    #[test]
    fn near_words_are_guessed_and_far_ones_are_not() {
        let known = ["oldest", "newest", "idle_for", "count", "is_empty"];
        assert_eq!(nearest("odlest", known), Some("oldest"));
        assert_eq!(nearest("idlefor", known), Some("idle_for"));
        assert_eq!(nearest("empty", known), None);
        assert_eq!(nearest("zzz", known), None);
    }
}
