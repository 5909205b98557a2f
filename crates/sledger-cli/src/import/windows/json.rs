//! Events as JSON objects, one behind the other or in a list, whatever stands between them.

use super::EVENT_BYTES_MAX;
use super::fields::{Fields, Name};
use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;
use std::io::BufRead;

/// Where the id of an event stands: `winlogbeat`, `NXLog`, `evtx_dump`, `Get-WinEvent`.
const ID: [&str; 7] = [
    "/winlog/event_id",
    "/event_id",
    "/EventID",
    "/Event/System/EventID",
    "/Event/System/EventID/#text",
    "/Id",
    "/event/code",
];
const RECORD: [&str; 6] = [
    "/winlog/record_id",
    "/record_id",
    "/RecordNumber",
    "/EventRecordID",
    "/Event/System/EventRecordID",
    "/RecordId",
];
const AT: [&str; 6] = [
    "/Event/System/TimeCreated/#attributes/SystemTime",
    "/TimeCreated/DateTime",
    "/TimeCreated/value",
    "/TimeCreated",
    "/@timestamp",
    "/EventTime",
];
const COMPUTER: [&str; 6] = [
    "/winlog/computer_name",
    "/computer_name",
    "/Hostname",
    "/Event/System/Computer",
    "/MachineName",
    "/Computer",
];
const PROVIDER: [&str; 4] =
    ["/winlog/provider_name", "/ProviderName", "/SourceName", "/Event/System/Provider/#attributes/Name"];
/// Where the data of an event stand, by name.
const DATA: [&str; 4] = ["/winlog/event_data", "/event_data", "/Event/EventData", ""];

/// Objects out of a stream.
pub(super) struct Objects {
    input: Box<dyn BufRead>,
    line: u64,
    /// Bytes read so far.
    pub(super) bytes_read: u64,
}

/// How far an object is read.
#[derive(Default)]
struct Within {
    bytes: Vec<u8>,
    depth: u32,
    in_text: bool,
    is_escaped: bool,
}

impl Within {
    /// Takes a byte; true at the end of the object.
    fn take(&mut self, byte: u8) -> bool {
        self.bytes.push(byte);
        match byte {
            _ if std::mem::take(&mut self.is_escaped) => {}
            b'\\' if self.in_text => self.is_escaped = true,
            b'"' => self.in_text = !self.in_text,
            b'{' if !self.in_text => self.depth += 1,
            b'}' if !self.in_text => {
                self.depth -= 1;
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

impl Objects {
    pub(super) fn new(input: Box<dyn BufRead>) -> Self {
        Self { input, line: 1, bytes_read: 0 }
    }

    /// The next event with its line, or the line at which reading stopped.
    pub(super) fn next(&mut self) -> (u64, Result<Option<Fields>>) {
        let mut line = self.line;
        let found = self.object(&mut line);
        (line, found.and_then(|found| found.map(|bytes| fields(&bytes)).transpose()))
    }

    /// The bytes of the next object; `line` becomes that of its beginning.
    fn object(&mut self, line: &mut u64) -> Result<Option<Vec<u8>>> {
        let mut within = Within::default();
        while let Some(byte) = self.byte()? {
            match (within.depth, byte) {
                (0, b'{') => {
                    *line = self.line;
                    within.take(byte);
                }
                (0, b'[' | b']' | b',') => {}
                (0, byte) if byte.is_ascii_whitespace() => self.line += u64::from(byte == b'\n'),
                (0, _) => {
                    *line = self.line;
                    bail!("is not JSON: an object was to begin here");
                }
                _ if within.bytes.len() >= EVENT_BYTES_MAX => {
                    bail!("an event is longer than {EVENT_BYTES_MAX} bytes")
                }
                _ => {
                    self.line += u64::from(byte == b'\n');
                    if within.take(byte) {
                        return Ok(Some(within.bytes));
                    }
                }
            }
        }
        if within.depth > 0 { Err(anyhow!("is not JSON: cut off within an object")) } else { Ok(None) }
    }

    fn byte(&mut self) -> Result<Option<u8>> {
        let byte = self.input.fill_buf().context("cannot be read")?.first().copied();
        if byte.is_some() {
            self.input.consume(1);
            self.bytes_read += 1;
        }
        Ok(byte)
    }
}

fn fields(bytes: &[u8]) -> Result<Fields> {
    let event: Value = serde_json::from_slice(bytes).map_err(|error| anyhow!("is not JSON: {error}"))?;
    let number = |places: &[&str]| first(&event, places).parse().unwrap_or(0);
    let id = u32::try_from(number(&ID)).unwrap_or(0);
    let mut fields = Fields {
        id,
        record: number(&RECORD),
        at: first(&event, &AT),
        computer: first(&event, &COMPUTER),
        provider: first(&event, &PROVIDER),
        ..Fields::default()
    };
    let properties = event.get("Properties").and_then(Value::as_array);
    for name in Name::ALL {
        let property = properties.zip(name.place(id)).and_then(|(all, place)| all.get(place));
        let property = property.map(|property| text(property.get("Value").unwrap_or(property)));
        let named = DATA.iter().map(|at| first(&event, &[&format!("{at}/{}", name.text())]));
        let value = property.flatten().or_else(|| named.into_iter().find(|value| !value.is_empty()));
        fields.set(name.text(), &value.unwrap_or_default());
    }
    Ok(fields)
}

/// The first value that is there, as text.
fn first(event: &Value, places: &[&str]) -> String {
    places.iter().find_map(|place| event.pointer(place).and_then(text)).unwrap_or_default()
}

/// A text or a number. Security identifiers may come as objects.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(parts) => parts.get("Value").and_then(Value::as_str).map(str::to_owned),
        _ => None,
    }
}
