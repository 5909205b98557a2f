//! Several short texts in one allocation.
//!
//! Grammar: `packed := { length text }`, where `length` is the byte length of
//! `text` written as one Unicode code point. The whole stays valid UTF-8, so no
//! part is ever checked again. Texts are at most [`TEXT_BYTES_MAX`] bytes:
//! code points from there on include the surrogates, which cannot be written.

/// The longest text that can be packed, in bytes.
pub(crate) const TEXT_BYTES_MAX: usize = 0xD7FF;

/// Appends `text`, cut at a character boundary when it is over [`TEXT_BYTES_MAX`].
pub(crate) fn push(packed: &mut String, text: &str) {
    let text = text.get(..floor(text)).unwrap_or("");
    push_count(packed, text.len());
    packed.push_str(text);
}

/// Appends a number up to [`TEXT_BYTES_MAX`]; larger ones are cut to that.
pub(crate) fn push_count(packed: &mut String, count: usize) {
    let code = u32::try_from(count.min(TEXT_BYTES_MAX)).unwrap_or(0);
    packed.push(char::from_u32(code).unwrap_or('\0'));
}

fn floor(text: &str) -> usize {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    end
}

/// Reads what [`push`] and [`push_count`] wrote, in order. Total: past the end, or in text that was
/// not packed by them, it yields empty texts and zeros.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a str);

impl<'a> Reader<'a> {
    pub(crate) fn text(&mut self) -> &'a str {
        let length = self.count();
        if let Some((text, rest)) = self.0.split_at_checked(length) {
            self.0 = rest;
            text
        } else {
            self.0 = "";
            ""
        }
    }

    pub(crate) fn count(&mut self) -> usize {
        let mut chars = self.0.chars();
        let count = chars.next().map_or(0, |code| code as usize);
        self.0 = chars.as_str();
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_packed_is_read_back(texts in prop::collection::vec(".{0,300}", 0..8)) {
            let mut packed = String::new();
            for text in &texts {
                push(&mut packed, text);
            }
            let mut reader = Reader(&packed);
            for text in &texts {
                prop_assert_eq!(reader.text(), text.as_str());
            }
            prop_assert_eq!(reader.text(), "");
        }

        #[test]
        fn reading_any_text_ends_without_a_panic(text in ".{0,200}") {
            let mut reader = Reader(&text);
            for _ in 0..300 {
                reader.text();
            }
        }
    }
}
