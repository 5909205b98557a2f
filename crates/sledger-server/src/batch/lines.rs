//! Lines out of chunks, each bounded.

use sledger_wire::recording::LINE_BYTES_MAX;

/// One line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Of a length that may be.
    Whole(Vec<u8>),
    /// Longer than lines may be; passed over to its end.
    TooLong,
}

/// What is left of the chunks so far.
#[derive(Debug, Default)]
pub(super) struct Lines {
    rest: Vec<u8>,
    /// The line that `rest` would begin is too long: its bytes are passed over.
    too_long: bool,
}

impl Lines {
    /// The lines that end in `chunk`. Empty lines are none.
    pub(super) fn feed(&mut self, chunk: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut pieces = chunk.split(|byte| *byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            self.add(piece);
            if pieces.peek().is_some() {
                lines.extend(self.end());
            }
        }
        lines
    }

    /// The line that has no end, where there is one.
    pub(super) fn end(&mut self) -> Option<Line> {
        let bytes = std::mem::take(&mut self.rest);
        if std::mem::take(&mut self.too_long) {
            return Some(Line::TooLong);
        }
        let line = bytes.trim_ascii();
        match line.len() {
            0 => None,
            length if length == bytes.len() => Some(Line::Whole(bytes)),
            _ => Some(Line::Whole(line.to_vec())),
        }
    }

    fn add(&mut self, piece: &[u8]) {
        // One more than a line may have, for a carriage return.
        if self.too_long || self.rest.len() + piece.len() > LINE_BYTES_MAX + 1 {
            self.too_long = true;
            self.rest = Vec::new();
        } else {
            self.rest.extend_from_slice(piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Line {
        Line::Whole(text.as_bytes().to_vec())
    }

    #[test]
    fn lines_are_the_same_however_the_chunks_fall() {
        let text = b"{\"a\":1}\r\n\n  \n{\"b\":2}\n{\"c\":3}";
        for size in 1..=text.len() {
            let mut lines = Lines::default();
            let mut found: Vec<Line> = text.chunks(size).flat_map(|chunk| lines.feed(chunk)).collect();
            found.extend(lines.end());
            assert_eq!(found, ["{\"a\":1}", "{\"b\":2}", "{\"c\":3}"].map(whole), "chunks of {size}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_the_next_is_read() {
        let mut lines = Lines::default();
        let long = vec![b'x'; LINE_BYTES_MAX / 2];
        let found: Vec<Line> = (0..4).flat_map(|_| lines.feed(&long)).collect();
        assert_eq!(found, []);
        assert!(lines.rest.len() <= LINE_BYTES_MAX + 1);
        assert_eq!(lines.feed(b"x\n{}\n"), [Line::TooLong, whole("{}")]);
        assert_eq!(lines.end(), None);
    }

    #[test]
    fn a_line_as_long_as_may_be_is_whole() {
        let mut lines = Lines::default();
        let mut line = vec![b'x'; LINE_BYTES_MAX];
        line.extend_from_slice(b"\r\n");
        assert_eq!(lines.feed(&line), [Line::Whole(vec![b'x'; LINE_BYTES_MAX])]);
    }
}
