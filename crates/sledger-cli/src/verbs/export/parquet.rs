//! `export --format parquet`: the columns of the CSV, with types.
//!
//! | column | type |
//! |---|---|
//! | `seq decision number active line count` | INT64 |
//! | `at started ended_at first last` | TIMESTAMP, milliseconds, UTC |
//! | `advisory details` | JSON |
//! | others | STRING, as they are: nothing is escaped or put before them |
//!
//! A missing value is null. Row groups are bounded in rows and bytes, so memory is; each is written when it is full, and
//! what was written is handed on at once. Packed by Snappy.

use anyhow::{Context, Result};
use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};
use serde_json::Value;
use sledger_wire::csv::COLUMNS;
use sledger_wire::events::EventLine;
use sledger_wire::values::time;
use std::sync::Arc;

/// Rows of a group.
const ROWS_MAX: usize = 65_536;
/// Bytes of text in a group.
const TEXT_BYTES_MAX: usize = 16 << 20;
/// Columns that are never null.
const REQUIRED: [&str; 5] = ["seq", "at", "type", "decision", "actor"];

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Count,
    Time,
    Json,
    Text,
}

/// The values of one column in the group that is being filled.
#[derive(Debug)]
struct Column {
    name: &'static str,
    kind: Kind,
    numbers: Vec<i64>,
    texts: Vec<ByteArray>,
    /// For each row 1, or 0 where it is null.
    definitions: Vec<i16>,
}

/// A table being written.
pub(super) struct Table {
    writer: SerializedFileWriter<Vec<u8>>,
    columns: Vec<Column>,
    rows: usize,
    text_bytes: usize,
}

impl Table {
    /// An empty table.
    pub(super) fn new() -> Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("sledger version ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let writer = SerializedFileWriter::new(Vec::new(), schema()?, Arc::new(properties))?;
        let columns = COLUMNS.iter().map(|name| Column::new(name)).collect();
        Ok(Self { writer, columns, rows: 0, text_bytes: 0 })
    }

    /// Adds an event; bytes to hand on, often none.
    pub(super) fn add(&mut self, event: &EventLine) -> Result<Vec<u8>> {
        let value = serde_json::to_value(event)?;
        for column in &mut self.columns {
            self.text_bytes += column.push(value.get(column.name));
        }
        self.rows += 1;
        if self.rows >= ROWS_MAX || self.text_bytes >= TEXT_BYTES_MAX {
            self.write_group()?;
        }
        Ok(std::mem::take(self.writer.inner_mut()))
    }

    /// The rest, and what says where everything lies.
    pub(super) fn finish(mut self) -> Result<Vec<u8>> {
        self.write_group()?;
        Ok(self.writer.into_inner()?)
    }

    fn write_group(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for column in &mut self.columns {
            let writer = group.next_column()?;
            column.write(writer.context("the schema has a column for each")?)?;
        }
        group.close()?;
        self.writer.flush()?;
        (self.rows, self.text_bytes) = (0, 0);
        Ok(())
    }
}

impl Column {
    fn new(name: &'static str) -> Self {
        let (numbers, texts, definitions) = (Vec::new(), Vec::new(), Vec::new());
        Self { name, kind: kind(name), numbers, texts, definitions }
    }

    /// Adds a value; how many bytes of text it has.
    fn push(&mut self, value: Option<&Value>) -> usize {
        let number = match (self.kind, value) {
            (Kind::Count, Some(value)) => value.as_u64().and_then(|number| i64::try_from(number).ok()),
            (Kind::Time, Some(Value::String(text))) => {
                time(text).ok().and_then(|at| i64::try_from(at.0).ok())
            }
            _ => None,
        };
        let text = match (self.kind, value) {
            (Kind::Count | Kind::Time, _) | (_, None | Some(Value::Null)) => None,
            (Kind::Text, Some(Value::String(text))) => Some(text.clone()),
            (Kind::Text | Kind::Json, Some(value)) => Some(value.to_string()),
        };
        self.definitions.push(i16::from(number.is_some() || text.is_some()));
        self.numbers.extend(number);
        let bytes = text.as_ref().map_or(0, String::len);
        self.texts.extend(text.map(|text| ByteArray::from(text.into_bytes())));
        bytes
    }

    /// Writes what is held, and lets it go.
    fn write(&mut self, mut writer: SerializedColumnWriter<'_>) -> Result<()> {
        let definitions = (!REQUIRED.contains(&self.name)).then_some(self.definitions.as_slice());
        match self.kind {
            Kind::Count | Kind::Time => {
                writer.typed::<Int64Type>().write_batch(&self.numbers, definitions, None)?
            }
            Kind::Json | Kind::Text => {
                writer.typed::<ByteArrayType>().write_batch(&self.texts, definitions, None)?
            }
        };
        writer.close()?;
        self.numbers.clear();
        self.texts.clear();
        self.definitions.clear();
        Ok(())
    }
}

fn kind(column: &str) -> Kind {
    match column {
        "seq" | "decision" | "number" | "active" | "line" | "count" => Kind::Count,
        "at" | "started" | "ended_at" | "first" | "last" => Kind::Time,
        "advisory" | "details" => Kind::Json,
        _ => Kind::Text,
    }
}

fn schema() -> Result<TypePtr> {
    let fields = COLUMNS.iter().map(|name| field(name)).collect::<Result<_>>()?;
    Ok(Arc::new(Type::group_type_builder("events").with_fields(fields).build()?))
}

fn field(name: &str) -> Result<TypePtr> {
    let physical = match kind(name) {
        Kind::Count | Kind::Time => Physical::INT64,
        Kind::Json | Kind::Text => Physical::BYTE_ARRAY,
    };
    let (logical, converted) = match kind(name) {
        Kind::Count => (None, ConvertedType::NONE),
        Kind::Time => (Some(LogicalType::timestamp(true, TimeUnit::MILLIS)), ConvertedType::TIMESTAMP_MILLIS),
        Kind::Json => (Some(LogicalType::Json), ConvertedType::JSON),
        Kind::Text => (Some(LogicalType::String), ConvertedType::UTF8),
    };
    let repetition = if REQUIRED.contains(&name) { Repetition::REQUIRED } else { Repetition::OPTIONAL };
    let field = Type::primitive_type_builder(name, physical)
        .with_repetition(repetition)
        .with_logical_type(logical)
        .with_converted_type(converted)
        .build()?;
    Ok(Arc::new(field))
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::file::metadata::RowGroupMetaData;
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use std::io::Write as _;

    fn event(seq: u64, message: &str) -> EventLine {
        EventLine {
            seq,
            at: "2026-11-20T08:00:00.000Z".to_owned(),
            message: Some(message.to_owned()),
            ..EventLine::default()
        }
    }

    /// Rows of each group.
    fn groups(bytes: &[u8]) -> Vec<i64> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        reader.metadata().row_groups().iter().map(RowGroupMetaData::num_rows).collect()
    }

    #[test]
    fn what_is_held_is_bounded_in_rows_and_in_bytes() {
        let mut table = Table::new().unwrap();
        let mut whole = Vec::new();
        let full = ROWS_MAX as u64;
        for seq in 1..=full + 1 {
            let given = table.add(&event(seq, "m")).unwrap();
            assert!(given.len() > 4 || seq != full, "a full group is handed on at once");
            whole.extend(given);
        }
        assert_eq!((table.rows, table.text_bytes < 100), (1, true));
        whole.extend(table.finish().unwrap());
        assert_eq!(groups(&whole), [65_536, 1]);
        let (mut table, mut whole) = (Table::new().unwrap(), Vec::new());
        let long = "x".repeat(1 << 20);
        for seq in 1..=20 {
            whole.extend(table.add(&event(seq, &format!("{seq}{long}"))).unwrap());
        }
        whole.extend(table.finish().unwrap());
        assert_eq!(groups(&whole), [16, 4]);
    }

    #[test]
    fn a_table_of_nothing_is_a_table() {
        assert_eq!(groups(&Table::new().unwrap().finish().unwrap()), [0_i64; 0]);
    }
}
