//! The header of a policy: `//!` lines of TOML, read without running anything.
//!
//! `description`, `name` (must be the file's), `utc_offset = "+01:00"`, and `[params]`: each with `type`
//! (`int`, `text`, `bool`, `duration`, `list`), `default` and `doc`. A header ends at the first line that is
//! neither a comment nor empty.

use crate::check::{Lint, LintCode};
use crate::duration;
use crate::words::did_you_mean;
use serde::Deserialize;
use sledger_core::config::Param;
use std::collections::BTreeMap;

/// What a policy says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// What it does, in a line.
    pub description: Option<String>,
    /// Civil time for `now`, east of UTC.
    pub utc_offset: UtcOffset,
    /// The params that a quota can set.
    pub params: BTreeMap<String, ParamSpec>,
}

/// A fixed distance from UTC, in minutes, east positive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UtcOffset(pub i16);

/// A declared param.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamSpec {
    /// Its type.
    pub kind: ParamType,
    /// Its value where the quota gives none; a duration in seconds.
    pub default: Param,
    /// What it is for.
    pub doc: Option<String>,
}

/// The type of a param.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParamType {
    /// An integer.
    Int,
    /// Text.
    Text,
    /// True or false.
    Bool,
    /// A duration: `"5m"` or seconds; scripts see seconds.
    Duration,
    /// A list of integers, texts and booleans.
    List,
}

impl ParamType {
    const fn expectation(self) -> &'static str {
        match self {
            Self::Int => "an integer",
            Self::Text => "text",
            Self::Bool => "true or false",
            Self::Duration => "a duration of whole seconds such as \"5m\"",
            Self::List => "a list",
        }
    }

    /// The value as scripts see it, `None` when it is of another type.
    fn fit(self, value: &Param) -> Option<Param> {
        match (self, value) {
            (Self::Duration, Param::Int(seconds)) => (*seconds >= 0).then_some(Param::Int(*seconds)),
            (Self::Duration, Param::Text(text)) => duration::seconds(text).map(Param::Int),
            (Self::Int, Param::Int(_))
            | (Self::Text, Param::Text(_))
            | (Self::Bool, Param::Bool(_))
            | (Self::List, Param::List(_)) => Some(value.clone()),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHeader {
    name: Option<String>,
    description: Option<String>,
    utc_offset: Option<String>,
    #[serde(default)]
    params: BTreeMap<String, RawParam>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawParam {
    default: RawValue,
    r#type: ParamType,
    doc: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawValue {
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<RawValue>),
}

impl From<RawValue> for Param {
    fn from(value: RawValue) -> Self {
        match value {
            RawValue::Bool(value) => Self::Bool(value),
            RawValue::Int(value) => Self::Int(value),
            RawValue::Text(value) => Self::Text(value),
            RawValue::List(values) => Self::List(values.into_iter().map(Self::from).collect()),
        }
    }
}

/// Whether `name` can be a policy's: `[a-z0-9_]+`.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Reads the header of the policy `name`.
///
/// # Errors
/// One lint that says where and what is wrong.
pub fn read_header(name: &str, source: &str) -> Result<Header, Lint> {
    read_header_of(Some(name), source)
}

/// Reads a header; its name is compared where there is one to compare with.
pub(crate) fn read_header_of(name: Option<&str>, source: &str) -> Result<Header, Lint> {
    let text = toml_of(source);
    let raw: RawHeader = toml::from_str(&text).map_err(|error| unreadable(&text, &error))?;
    let fault = |key: &str, message: String| {
        let (line, column) = place_of(source, key);
        Lint::error(LintCode::Header, line, column, message)
    };
    if let (Some(own), Some(name)) = (&raw.name, name)
        && own != name
    {
        return Err(fault("name", format!("the header's name `{own}` is not the policy's, `{name}`")));
    }
    let utc_offset = match &raw.utc_offset {
        Some(text) => UtcOffset::parse(text)
            .ok_or_else(|| fault("utc_offset", format!("`{text}` is no offset such as \"+01:00\"")))?,
        None => UtcOffset::default(),
    };
    let mut params = BTreeMap::new();
    for (key, raw) in raw.params {
        let spec =
            ParamSpec::new(&key, raw).map_err(|(code, message)| Lint { code, ..fault(&key, message) })?;
        params.insert(key, spec);
    }
    Ok(Header { description: raw.description, utc_offset, params })
}

/// The header's TOML on the lines where it stands.
fn toml_of(source: &str) -> String {
    let mut text = String::new();
    for line in source.lines() {
        match line.strip_prefix("//!") {
            Some(toml) => text.push_str(toml),
            None if line.trim().is_empty() || line.starts_with("//") => {}
            None => break,
        }
        text.push('\n');
    }
    text
}

fn unreadable(text: &str, error: &toml::de::Error) -> Lint {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + "//!".len() + 1;
    let message = error.message().replace('\n', " ");
    Lint::error(LintCode::Header, count(line), count(column), format!("the header cannot be read: {message}"))
}

/// Where `key` is set in the header.
pub(crate) fn place_of(source: &str, key: &str) -> (u32, u32) {
    let set = source.lines().zip(1..).find_map(|(line, number)| {
        let rest = line.strip_prefix("//!")?;
        let at = rest.find(key)?;
        rest.get(at + key.len()..)?.trim_start().starts_with(['=', '.', ']']).then(|| (number, at + 4))
    });
    set.map_or((1, 1), |(line, column)| (line, count(column)))
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl UtcOffset {
    fn parse(text: &str) -> Option<Self> {
        let (sign, rest) = match text.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        let (hours, minutes) = rest.split_once(':')?;
        let two = |digits: &str| {
            (digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit()))
                .then(|| digits.parse::<i16>().ok())?
        };
        let (hours, minutes) = (two(hours)?, two(minutes)?);
        (hours <= 14 && minutes < 60).then_some(Self(sign * (hours * 60 + minutes)))
    }
}

impl ParamSpec {
    fn new(key: &str, raw: RawParam) -> Result<Self, (LintCode, String)> {
        let unfit = |why: &str| Err((LintCode::Header, format!("`{key}` cannot be a param: {why}")));
        if !is_name(key) || key.starts_with(|c: char| c.is_ascii_digit()) {
            return unfit("lower-case letters, digits and `_` make a name");
        }
        if !crate::machine::can_be_property(key) {
            return unfit("it is a reserved word of rhai");
        }
        let given = Param::from(raw.default);
        let Some(default) = raw.r#type.fit(&given) else {
            let message = format!("the default of `{key}` is not {}", raw.r#type.expectation());
            return Err((LintCode::MistypedParam, message));
        };
        Ok(Self { kind: raw.r#type, default, doc: raw.doc })
    }
}

impl Header {
    /// The params in force where a quota gives `given`.
    ///
    /// # Errors
    /// Names a param that is unknown or of another type.
    pub fn resolve(&self, given: &BTreeMap<String, Param>) -> Result<BTreeMap<String, Param>, String> {
        let mut resolved: BTreeMap<String, Param> =
            self.params.iter().map(|(key, spec)| (key.clone(), spec.default.clone())).collect();
        for (key, value) in given {
            let fitting = self.fit(key, value).map_err(|(_, message)| message)?;
            resolved.insert(key.clone(), fitting);
        }
        Ok(resolved)
    }

    /// What is wrong with the params that a quota gives: each by its name.
    #[must_use]
    pub fn complaints(&self, given: &BTreeMap<String, Param>) -> Vec<(String, LintCode, String)> {
        let complaint = |(key, value): (&String, &Param)| {
            self.fit(key, value).err().map(|(code, message)| (key.clone(), code, message))
        };
        given.iter().filter_map(complaint).collect()
    }

    fn fit(&self, key: &str, value: &Param) -> Result<Param, (LintCode, String)> {
        let Some(spec) = self.params.get(key) else {
            let guess = did_you_mean(key, self.params.keys().map(String::as_str));
            return Err((LintCode::UnknownParam, format!("has no param `{key}`{guess}")));
        };
        let fitting = spec.kind.fit(value);
        fitting.ok_or_else(|| {
            (LintCode::MistypedParam, format!("param `{key}` is not {}", spec.kind.expectation()))
        })
    }
}

#[cfg(test)]
mod tests;
