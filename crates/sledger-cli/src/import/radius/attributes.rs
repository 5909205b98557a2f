//! One line of an accounting record: `Name = value`.
//!
//! Grammar: `NAME OP VALUE`, OP one of `= := += ==`. VALUE is a word, or text in double or single quotes, where a
//! backslash stands before a quote, a backslash, `n`, `r`, `t` or three octal digits.

/// An attribute as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attribute {
    /// Its name.
    pub(super) name: String,
    /// Its value, without quotes.
    pub(super) value: String,
    /// Whether it is set; else it is what somebody expects.
    pub(super) is_set: bool,
}

impl Attribute {
    /// Reads a line; `None` where it is none.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        let line = String::from_utf8_lossy(line);
        let (name, rest) = line.trim().split_once(char::is_whitespace)?;
        let (op, value) = rest.trim_start().split_once(char::is_whitespace)?;
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-_.:".contains(letter);
        if name.is_empty() || !name.chars().all(is_name) || !["=", ":=", "+=", "=="].contains(&op) {
            return None;
        }
        Some(Self { name: name.to_owned(), value: value_of(value.trim())?, is_set: op != "==" })
    }

    /// Whether this is the attribute `name`; case says nothing.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

fn value_of(text: &str) -> Option<String> {
    let Some(quote) = text.chars().next().filter(|first| matches!(first, '"' | '\'')) else {
        return (!text.is_empty()).then(|| text.to_owned());
    };
    let bytes = text.as_bytes().get(1..)?;
    let mut value = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        let (first, after) = rest.split_first()?;
        rest = after;
        match first {
            b'\\' => rest = escaped(rest, &mut value)?,
            // What follows the closing quote would be lost.
            first if char::from(*first) == quote => {
                return after.is_empty().then(|| String::from_utf8_lossy(&value).into_owned());
            }
            first => value.push(*first),
        }
    }
}

/// What a backslash stands before; what is left after it.
fn escaped<'b>(rest: &'b [u8], value: &mut Vec<u8>) -> Option<&'b [u8]> {
    if let Some((digits, after)) = rest.split_first_chunk::<3>()
        && digits.iter().all(|digit| (b'0'..=b'7').contains(digit))
    {
        let number = digits.iter().fold(0_u32, |sum, digit| sum * 8 + u32::from(digit - b'0'));
        value.push(u8::try_from(number).ok()?);
        return Some(after);
    }
    let (first, after) = rest.split_first()?;
    value.push(match first {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        other => *other,
    });
    Some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_with_and_without_quotes() {
        for (line, name, value) in [
            ("\tUser-Name = \"ann\"", "User-Name", "ann"),
            ("User-Name = 'ann b'", "User-Name", "ann b"),
            ("\tAcct-Status-Type = Start", "Acct-Status-Type", "Start"),
            ("\tService-Type = ::Framed-User", "Service-Type", "::Framed-User"),
            ("\tUser-Name = \"a\\\"b\\\\c\\033[2J\\n\"", "User-Name", "a\"b\\c\u{1b}[2J\n"),
            ("\tClass := 0x6161", "Class", "0x6161"),
            ("\tUser-Name = \"\"", "User-Name", ""),
            ("\tUser-Name = \"\\303\\245se\"", "User-Name", "åse"),
        ] {
            let expected = Attribute { name: name.to_owned(), value: value.to_owned(), is_set: true };
            assert_eq!(Attribute::read(line.as_bytes()), Some(expected), "{line}");
        }
        assert!(!Attribute::read(b"Packet-Type == Access-Accept").unwrap().is_set);
    }

    #[test]
    fn what_is_cut_off_or_something_else_is_no_attribute() {
        for line in
            ["User-Name", "User-Name =", "User-Name = \"an", "User-Name = \"an\\", "a b = c", "x = \"a\" b"]
        {
            assert_eq!(Attribute::read(line.as_bytes()), None, "{line}");
        }
    }
}
