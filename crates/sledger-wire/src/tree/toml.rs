//! TOML into a tree, each node with its line.

use super::{Key, Node, Place, Value};
use toml::de::{DeTable, DeValue};

/// A syntax error: its line and what is wrong, in one line.
pub(crate) type SyntaxError = (Place, String);

/// Reads a whole file.
///
/// # Errors
/// Every syntax error, in order; repeated keys are among them.
pub(crate) fn parse(text: &str) -> Result<Node, Vec<SyntaxError>> {
    let lines = Lines::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        let place = Place::Line(1);
        return Ok(Node { value: from_table(table.get_ref(), Some(&lines)), place });
    }
    Err(errors
        .iter()
        .map(|error| {
            let place = error.span().map_or(Place::Nowhere, |span| lines.place(span.start));
            (place, error.message().lines().collect::<Vec<_>>().join(", "))
        })
        .collect())
}

/// Reads one value, as an environment variable may hold it; `None` when it is no TOML.
pub(crate) fn value(text: &str) -> Option<Node> {
    let value = DeValue::parse(text).ok()?;
    Some(Node { value: from_value(value.get_ref(), None), place: Place::Nowhere })
}

/// Where lines begin.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(index, _)| index).collect())
    }

    fn place(&self, offset: usize) -> Place {
        let line = self.0.partition_point(|end| *end < offset) + 1;
        Place::Line(u32::try_from(line).unwrap_or(u32::MAX))
    }
}

fn placed(lines: Option<&Lines>, offset: usize) -> Place {
    lines.map_or(Place::Nowhere, |lines| lines.place(offset))
}

fn from_table(table: &DeTable<'_>, lines: Option<&Lines>) -> Value {
    let mut entries: Vec<_> = table.iter().map(|(key, value)| (key.span().start, key, value)).collect();
    entries.sort_by_key(|(start, ..)| *start);
    let entry = |(start, key, value): (usize, &toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
        let key: &std::borrow::Cow<'_, str> = key.get_ref();
        // The key's line: a table's own span may begin elsewhere, and one complaint names one line.
        let place = placed(lines, start);
        let node = Node { value: from_value(value.get_ref(), lines), place: place.clone() };
        (Key { name: key.to_string(), place }, node)
    };
    Value::Table(entries.into_iter().map(entry).collect())
}

fn from_value(value: &DeValue<'_>, lines: Option<&Lines>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::Fraction(number.as_str().to_owned()), Value::Int),
        DeValue::Float(number) => Value::Fraction(number.as_str().to_owned()),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Datetime(time) => Value::Time(time.to_string()),
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| Node {
                    value: from_value(item.get_ref(), lines),
                    place: placed(lines, item.span().start),
                })
                .collect(),
        ),
        DeValue::Table(table) => from_table(table, lines),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_knows_its_line() {
        let tree = parse("a = 1\n[b]\nc = [1,\n 2]\n[[d]]\ne = 0x10\n[[d]]\ne = 2\n").unwrap();
        assert_eq!(tree.get("a").unwrap().place, Place::Line(1));
        assert_eq!(tree.get("b").unwrap().get("c").unwrap().place, Place::Line(3));
        let Value::List(list) = &tree.get("d").unwrap().value else { panic!("a list") };
        assert_eq!(
            list.iter().map(|node| node.place.clone()).collect::<Vec<_>>(),
            [Place::Line(5), Place::Line(7)]
        );
        assert_eq!(list[0].get("e").unwrap().value, Value::Int(16));
    }

    #[test]
    fn syntax_errors_name_their_lines() {
        let errors = parse("a = 1\nb = \nc = 3\na = 4\n").unwrap_err();
        assert_eq!(
            errors.iter().map(|(place, _)| place.clone()).collect::<Vec<_>>(),
            [Place::Line(2), Place::Line(4)]
        );
    }
}
