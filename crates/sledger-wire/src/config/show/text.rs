//! Pieces of TOML.

use std::fmt::Write as _;

/// A basic string.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            hostile if crate::escape::escape(hostile.encode_utf8(&mut [0; 4])).len() > hostile.len_utf8() => {
                let _ = write!(quoted, "\\U{:08X}", u32::from(hostile));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// A list of texts.
pub(super) fn list(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|text| quote(text)).collect::<Vec<_>>().join(", "))
}

/// One text as itself, several as a list.
pub(super) fn one_or_list(texts: &[String]) -> String {
    match texts {
        [one] => quote(one),
        several => list(several),
    }
}

/// A key, quoted where it must be.
pub(super) fn key(name: &str) -> String {
    let bare = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { quote(name) }
}

/// An inline table of entries.
pub(super) fn table(entries: &[String]) -> String {
    if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
}
