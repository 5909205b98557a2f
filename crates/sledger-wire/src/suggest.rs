//! What was probably meant: the nearest of a few known words.

/// Longer words are not compared.
const WORD_CHARS_MAX: usize = 48;

/// The known word nearest to `word`, if it is near enough to be a slip of the fingers.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let word: Vec<char> = word.chars().take(WORD_CHARS_MAX + 1).map(plain).collect();
    if word.len() > WORD_CHARS_MAX {
        return None;
    }
    // In a word of two letters, one wrong letter is another word.
    let far = (word.len() / 3).min(3);
    known
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.chars().map(plain).collect::<Vec<_>>()), candidate))
        .filter(|(distance, candidate)| *distance <= far && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Case and the choice between `-`, `_` and space are no difference.
fn plain(letter: char) -> char {
    match letter {
        '-' | ' ' => '_',
        other => other.to_ascii_lowercase(),
    }
}

/// Edit distance; two letters swapped count once.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (row, a) in left.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, b) in right.iter().enumerate() {
            let swapped =
                row > 0 && column > 0 && left.get(row - 1) == Some(b) && right.get(column - 1) == Some(a);
            let at = |cells: &[usize], index: usize| cells.get(index).copied().unwrap_or(usize::MAX - 1);
            let mut best = (at(&above, column) + usize::from(a != b))
                .min(at(&above, column + 1) + 1)
                .min(at(&line, column) + 1);
            if swapped {
                best = best.min(at(&before, column - 1) + 1);
            }
            line.push(best);
        }
        before = std::mem::replace(&mut above, line);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_understood_and_other_words_are_not() {
        let known = ["max_sessions", "count_by", "when", "level", "user"];
        let cases = [
            ("max_session", Some("max_sessions")),
            ("max-sessions", Some("max_sessions")),
            ("cuont_by", Some("count_by")),
            ("Level", Some("level")),
            ("usr", Some("user")),
            ("colour", None),
            ("", None),
        ];
        for (word, meant) in cases {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
    }

    #[test]
    fn a_very_long_word_is_not_compared() {
        assert_eq!(nearest(&"x".repeat(100_000), ["x"]), None);
    }
}
