//! Small text files that say one thing for ever: `ledger.toml`, `end`, `clean`.
//!
//! ```text
//! mark  := { key ' = "' value '"' LF } 'check = "' hex '"' LF
//! check := BLAKE3 of every byte before the check line, 64 hex digits
//! ```
//!
//! A mark is valid TOML. Values hold no quotes, backslashes or control
//! characters: what is written is escaped to `?`. Unknown keys are kept out of
//! the way, so that a later program may add some.

use std::fmt::Write;
use std::io;
use std::path::Path;

/// No mark is longer.
const MARK_BYTES_MAX: u64 = 64 * 1024;

/// The lines of a mark, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark(Vec<(String, String)>);

impl Mark {
    /// Adds a line.
    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: impl std::fmt::Display) -> Self {
        let value = format!("{value}").chars().map(plain).collect();
        self.0.push((key.to_owned(), value));
        self
    }

    /// Adds a line of hex digits.
    #[must_use]
    pub(crate) fn with_hex(self, key: &str, bytes: &[u8]) -> Self {
        self.with(key, hex(bytes))
    }

    /// The text of a key.
    pub(crate) fn text(&self, key: &str) -> Result<&str, String> {
        let found = self.0.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str()).ok_or_else(|| format!("`{key}` is missing"))
    }

    /// The number of a key.
    pub(crate) fn number<T: std::str::FromStr>(&self, key: &str) -> Result<T, String> {
        self.text(key)?.parse().map_err(|_| format!("`{key}` is no number"))
    }

    /// The bytes of a key.
    pub(crate) fn bytes<const N: usize>(&self, key: &str) -> Result<[u8; N], String> {
        unhex(self.text(key)?).ok_or_else(|| format!("`{key}` is not {N} bytes in hex"))
    }

    /// Writes the mark, durable when this returns.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        crate::files::write_whole(path, self.render().as_bytes())
    }

    /// Reads a mark; `None` when there is none.
    pub(crate) fn read(path: &Path) -> io::Result<Option<Result<Self, String>>> {
        match std::fs::metadata(path) {
            Ok(meta) if meta.len() > MARK_BYTES_MAX => Ok(Some(Err("it is too long".to_owned()))),
            Ok(_) => Ok(Some(Self::parse(&String::from_utf8_lossy(&std::fs::read(path)?)))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn render(&self) -> String {
        let mut text = String::new();
        for (key, value) in &self.0 {
            push_line(&mut text, key, value);
        }
        let check = hex(blake3::hash(text.as_bytes()).as_bytes());
        push_line(&mut text, "check", &check);
        text
    }

    fn parse(text: &str) -> Result<Self, String> {
        let (lines, check) = text.rsplit_once("check = ").ok_or("its check line is missing")?;
        if check.trim() != format!("\"{}\"", hex(blake3::hash(lines.as_bytes()).as_bytes())) {
            return Err("its check does not match: it was changed or cut".to_owned());
        }
        lines.lines().map(line).collect::<Option<_>>().map(Self).ok_or_else(|| "a line is no mark".to_owned())
    }
}

fn push_line(text: &mut String, key: &str, value: &str) {
    writeln!(text, "{key} = \"{value}\"").expect("writing to a string cannot fail");
}

fn line(line: &str) -> Option<(String, String)> {
    let (key, value) = line.split_once(" = \"")?;
    Some((key.to_owned(), value.strip_suffix('"')?.to_owned()))
}

const fn plain(character: char) -> char {
    if character.is_ascii_graphic() && character != '"' && character != '\\' || character == ' ' {
        character
    } else {
        '?'
    }
}

/// Lower-case hex digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

/// The bytes that these lower- or upper-case hex digits are.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != N * 2 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mark_is_read_back_as_written() {
        let mark = Mark::default().with("version", "1 \"x\"\n").with("seq", 7).with_hex("hash", &[1, 255]);
        let read = Mark::parse(&mark.render()).unwrap();
        assert_eq!(read.text("version"), Ok("1 ?x??"));
        assert_eq!(read.number::<u64>("seq"), Ok(7));
        assert_eq!(read.bytes::<2>("hash"), Ok([1, 255]));
    }

    #[test]
    fn changed_and_cut_marks_are_refused() {
        let text = Mark::default().with("seq", 7).render();
        assert!(Mark::parse(&text.replace('7', "8")).is_err());
        assert!(Mark::parse(&text[..text.len() - 4]).is_err());
        assert!(Mark::parse("").is_err());
    }
}
