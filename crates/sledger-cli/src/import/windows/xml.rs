//! Events as XML: read as a stream, each element and the depth bounded.
//!
//! Absent on purpose: document types and entities of their own. Where one stands, reading stops.

use super::EVENT_BYTES_MAX;
use super::fields::Fields;
use anyhow::{Result, anyhow, bail};
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use std::io::{self, BufRead, Read};

/// Elements within one another.
const DEPTH_MAX: usize = 32;

/// The events of a file.
pub(super) struct Events {
    reader: Reader<Bounded>,
    buffer: Vec<u8>,
    /// Local names of the elements that are open.
    open: Vec<String>,
    /// The name of the `Data` that is open, and the text read so far.
    name: String,
    text: String,
}

/// Input that gives so many bytes until it is let go on, and counts them.
struct Bounded {
    input: Box<dyn BufRead>,
    left: usize,
    bytes: u64,
    lines: u64,
}

impl Read for Bounded {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(to)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Bounded {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let bytes = self.input.fill_buf()?;
        if self.left == 0 && !bytes.is_empty() {
            let reason = format!("an event is longer than {EVENT_BYTES_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        Ok(bytes.get(..bytes.len().min(self.left)).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        if let Ok(bytes) = self.input.fill_buf() {
            let newlines = bytes.iter().take(count).filter(|byte| **byte == b'\n').count();
            self.lines += newlines as u64;
        }
        self.left = self.left.saturating_sub(count);
        self.bytes += count as u64;
        self.input.consume(count);
    }
}

impl Events {
    pub(super) fn new(input: Box<dyn BufRead>) -> Self {
        let input = Bounded { input, left: EVENT_BYTES_MAX, bytes: 0, lines: 1 };
        Self {
            reader: Reader::from_reader(input),
            buffer: Vec::new(),
            open: Vec::new(),
            name: String::new(),
            text: String::new(),
        }
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.reader.get_ref().bytes
    }

    /// The next event with its line, or the line at which reading stopped.
    pub(super) fn next(&mut self) -> (u64, Result<Option<Fields>>) {
        let mut line = self.reader.get_ref().lines;
        let found = self.event(&mut line);
        if found.is_err() {
            line = self.reader.get_ref().lines;
        }
        (line, found)
    }

    fn event(&mut self, line: &mut u64) -> Result<Option<Fields>> {
        let mut fields = Fields::default();
        loop {
            self.buffer.clear();
            let read = self.reader.read_event_into(&mut self.buffer);
            match read.map_err(|error| anyhow!("is not whole XML: {error}"))? {
                Event::Start(tag) => {
                    let name = tag.local_name().into_inner().to_owned();
                    opened(&tag, &self.open, &name, &mut fields, &mut self.name)?;
                    if name == "Event" {
                        fields = Fields::default();
                        *line = self.reader.get_ref().lines;
                    }
                    self.push(name)?;
                }
                Event::Empty(tag) => {
                    let name = tag.local_name().into_inner();
                    opened(&tag, &self.open, name, &mut fields, &mut self.name)?;
                }
                Event::Text(text) => self.text.push_str(&text.xml10_content()),
                Event::CData(text) => self.text.push_str(&text.xml10_content()),
                Event::GeneralRef(entity) => {
                    let named = resolve_predefined_entity(&entity.xml10_content()).map(str::to_owned);
                    let letter =
                        entity.resolve_char_ref().map_err(|error| anyhow!("is not whole XML: {error}"))?;
                    let text = named.or_else(|| letter.map(String::from));
                    let own = || {
                        anyhow!("uses the entity `&{};`, which XML does not know", &*entity.xml10_content())
                    };
                    self.text.push_str(&text.ok_or_else(own)?);
                }
                Event::End(_) => {
                    if self.closed(&mut fields) {
                        // The next event may be as long as this one.
                        self.reader.get_mut().left = EVENT_BYTES_MAX;
                        return Ok(Some(fields));
                    }
                }
                Event::DocType(_) => bail!("has a document type: events have none"),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Eof if self.open.is_empty() => return Ok(None),
                Event::Eof => bail!("is cut off within `{}`", self.open.last().map_or("", String::as_str)),
            }
        }
    }

    fn push(&mut self, name: String) -> Result<()> {
        if self.open.len() >= DEPTH_MAX {
            bail!("is nested more than {DEPTH_MAX} deep");
        }
        if self.open.is_empty() && name != "Events" && name != "Event" {
            bail!("begins with `{}`, not with `Events` or `Event`", sledger_wire::escape(&name));
        }
        self.open.push(name);
        self.text.clear();
        Ok(())
    }

    /// Takes the text of the element that ends; true at the end of an event.
    fn closed(&mut self, fields: &mut Fields) -> bool {
        let name = self.open.pop().unwrap_or_default();
        let text = std::mem::take(&mut self.text);
        match (self.open.last().map(String::as_str), name.as_str()) {
            (Some("System"), "EventID") => fields.id = text.trim().parse().unwrap_or(0),
            (Some("System"), "EventRecordID") => fields.record = text.trim().parse().unwrap_or(0),
            (Some("System"), "Computer") => text.trim().clone_into(&mut fields.computer),
            (Some("EventData"), "Data") => fields.set(&self.name, &text),
            _ => {}
        }
        name == "Event" && matches!(self.open.last().map(String::as_str), None | Some("Events"))
    }
}

/// What an element says by its attributes.
fn opened(
    tag: &BytesStart<'_>,
    open: &[String],
    name: &str,
    fields: &mut Fields,
    data: &mut String,
) -> Result<()> {
    let key = match (open.last().map(String::as_str), name) {
        (Some("System"), "TimeCreated") => "SystemTime",
        (Some("System"), "Provider") | (Some("EventData"), "Data") => "Name",
        _ => return Ok(()),
    };
    let found = tag.try_get_attribute(key).map_err(|error| anyhow!("is not whole XML: {error}"))?;
    let value = found
        .map(|found| found.normalized_value(XmlVersion::Implicit1_0).map(std::borrow::Cow::into_owned))
        .transpose();
    let value = value.map_err(|error| anyhow!("is not whole XML: {error}"))?.unwrap_or_default();
    match name {
        "TimeCreated" => fields.at = value,
        "Provider" => fields.provider = value,
        _ => *data = value,
    }
    Ok(())
}
