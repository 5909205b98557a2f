//! Several short texts in one allocation.
//!
//! Grammar: `packed := { length text }`, where `length` is the byte length of
//! `text` written as one Unicode code point. The whole stays valid UTF-8, so no
//! part is ever checked again. Texts are at most [`TEXT_BYTES_MAX`] bytes:
//! code points from there on include the surrogates, which cannot be written.

use arrayvec::ArrayString;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// The longest text that can be packed, in bytes.
pub(crate) const TEXT_BYTES_MAX: usize = 0xD7FF;

/// Bytes that lie within a packed text: a usual session's.
const INLINE_BYTES_MAX: usize = 51;

/// Texts packed one behind the other.
#[derive(Clone)]
pub(crate) enum Packed {
    Short(ArrayString<INLINE_BYTES_MAX>),
    Long(String),
}

impl Default for Packed {
    fn default() -> Self {
        Self::Short(ArrayString::new())
    }
}

impl Packed {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Short(text) => text,
            Self::Long(text) => text,
        }
    }

    #[cfg(test)]
    pub(crate) fn is_inline(&self) -> bool {
        matches!(self, Self::Short(_))
    }

    fn push_str(&mut self, more: &str) {
        match self {
            Self::Short(text) => {
                if text.try_push_str(more).is_err() {
                    let mut long = String::with_capacity(text.len().saturating_add(more.len()).max(128));
                    long.push_str(text);
                    long.push_str(more);
                    *self = Self::Long(long);
                }
            }
            Self::Long(text) => text.push_str(more),
        }
    }

    /// Gives back what a long text does not need.
    pub(crate) fn shrink(&mut self) {
        if let Self::Long(text) = self {
            text.shrink_to_fit();
        }
    }
}

impl From<&str> for Packed {
    fn from(text: &str) -> Self {
        ArrayString::from(text).map_or_else(|_| Self::Long(text.to_owned()), Self::Short)
    }
}

impl PartialEq for Packed {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Packed {}

impl fmt::Debug for Packed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(out)
    }
}

impl Serialize for Packed {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;

        impl de::Visitor<'_> for Text {
            type Value = Packed;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Packed, E> {
                Ok(Packed::from(text))
            }
        }

        from.deserialize_str(Text)
    }
}

/// Appends `text`, cut at a character boundary when it is over [`TEXT_BYTES_MAX`].
pub(crate) fn push(packed: &mut Packed, text: &str) {
    let text = text.get(..floor(text)).unwrap_or("");
    push_count(packed, text.len());
    packed.push_str(text);
}

/// Appends a number up to [`TEXT_BYTES_MAX`]; larger ones are cut to that.
pub(crate) fn push_count(packed: &mut Packed, count: usize) {
    let code = u32::try_from(count.min(TEXT_BYTES_MAX)).unwrap_or(0);
    let code = char::from_u32(code).unwrap_or('\0');
    packed.push_str(code.encode_utf8(&mut [0; 4]));
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
        // Nearly all are below 128: one byte.
        if let Some((&first, _)) = self.0.as_bytes().split_first()
            && first.is_ascii()
        {
            self.0 = self.0.get(1..).unwrap_or_default();
            return usize::from(first);
        }
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
            let mut packed = Packed::default();
            for text in &texts {
                push(&mut packed, text);
            }
            let mut reader = Reader(packed.as_str());
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
