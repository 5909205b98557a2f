//! A bounded number of lines on their way to one sink.

use super::position::Mark;
use sledger::projector::Told;
use sledger_replay::lines::event_line;
use sledger_wire::audit::line;
use sledger_wire::config::Audit as SinkConfig;
use sledger_wire::events::{EventLine, type_of};

/// Lines of one batch.
const LINES_MAX: usize = 256;
/// Bytes of them, from which on no more are added.
const BYTES_MAX: usize = 256 << 10;

/// One event as the sink gets it.
#[derive(Debug)]
pub(super) struct Line {
    /// The event.
    pub(super) event: EventLine,
    /// Its line, without the end.
    pub(super) text: String,
}

/// What a sink is sent at once.
#[derive(Debug)]
pub(super) struct Batch {
    lines: Vec<Line>,
    bytes: usize,
    /// Where the sink stands once it has all of it.
    mark: Mark,
}

impl Batch {
    /// An empty batch after `mark`.
    pub(super) const fn after(mark: Mark) -> Self {
        Self { lines: Vec::new(), bytes: 0, mark }
    }

    /// Looks at the next event, and takes it if the sink wants it. One that lies before the batch is passed over.
    pub(super) fn look(&mut self, told: &Told, config: &SinkConfig) {
        if told.seq.0 <= self.mark.seq {
            return;
        }
        self.mark.seq = told.seq.0;
        if config.wants(type_of(told.event())) {
            let event = event_line(told);
            let text = line(&event, config.format);
            self.bytes += text.len();
            self.mark.last = told.seq.0;
            self.lines.push(Line { event, text });
        }
    }

    pub(super) const fn is_full(&self) -> bool {
        self.lines.len() >= LINES_MAX || self.bytes >= BYTES_MAX
    }

    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    pub(super) const fn mark(&self) -> Mark {
        self.mark
    }

    /// All lines, each with its end.
    pub(super) fn text(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.bytes + self.lines.len());
        for line in &self.lines {
            text.extend_from_slice(line.text.as_bytes());
            text.push(b'\n');
        }
        text
    }

    /// A batch of texts, for tests of what is done with them.
    #[cfg(test)]
    pub(super) fn of_lines(texts: &[&str]) -> Self {
        let line = |text: &&str| Line { event: EventLine::default(), text: (*text).to_owned() };
        Self { lines: texts.iter().map(line).collect(), ..Self::after(Mark::default()) }
    }
}
