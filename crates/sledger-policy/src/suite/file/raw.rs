//! The file as toml gives it.

use serde::Deserialize;
use sledger_core::config::Param;
use std::collections::BTreeMap;
use toml::Spanned;

pub(super) type Attributes = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFile {
    #[serde(default)]
    pub(super) base: RawSetting,
    #[serde(default)]
    pub(super) case: Vec<RawCase>,
    pub(super) property: Option<RawProperty>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSetting {
    pub(super) now: Option<Spanned<String>>,
    pub(super) limit: Option<Spanned<RawLimit>>,
    pub(super) level: Option<Spanned<String>>,
    pub(super) evict_others: Option<bool>,
    pub(super) user: Option<RawUser>,
    pub(super) user_attr: Option<Attributes>,
    pub(super) request: Option<RawRequest>,
    pub(super) sessions: Option<Vec<Spanned<String>>>,
    pub(super) params: Option<BTreeMap<String, RawParam>>,
}

/// A case: the keys of a setting, written out since flattening loses lines.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCase {
    pub(super) name: Spanned<String>,
    pub(super) expect: Spanned<RawExpect>,
    pub(super) now: Option<Spanned<String>>,
    pub(super) limit: Option<Spanned<RawLimit>>,
    pub(super) level: Option<Spanned<String>>,
    pub(super) evict_others: Option<bool>,
    pub(super) user: Option<RawUser>,
    pub(super) user_attr: Option<Attributes>,
    pub(super) request: Option<RawRequest>,
    pub(super) sessions: Option<Vec<Spanned<String>>>,
    pub(super) params: Option<BTreeMap<String, RawParam>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawUser {
    pub(super) id: String,
    #[serde(default)]
    pub(super) groups: Vec<String>,
    #[serde(default)]
    pub(super) attr: Attributes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRequest {
    pub(super) session: Option<String>,
    pub(super) ip: Option<String>,
    pub(super) client: Option<String>,
    pub(super) source: Option<String>,
    #[serde(default)]
    pub(super) attr: Attributes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawExpect {
    pub(super) evict: Option<Vec<String>>,
    pub(super) deny: Option<String>,
    pub(super) allow: Option<String>,
    pub(super) because: Option<String>,
    pub(super) offer: Option<Vec<String>>,
    pub(super) tell: Option<String>,
    pub(super) told: Option<String>,
    pub(super) note: Option<RawNotes>,
    pub(super) limit: Option<Spanned<RawLimit>>,
    pub(super) error: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProperty {
    pub(super) runs: Spanned<u32>,
    pub(super) seed: Option<u64>,
    pub(super) never: Option<Vec<Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum RawLimit {
    Number(i64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum RawNotes {
    One(String),
    Many(Vec<String>),
}

impl RawNotes {
    pub(super) fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(note) => vec![note],
            Self::Many(notes) => notes,
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum RawParam {
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<RawParam>),
}

impl From<RawParam> for Param {
    fn from(value: RawParam) -> Self {
        match value {
            RawParam::Bool(value) => Self::Bool(value),
            RawParam::Int(value) => Self::Int(value),
            RawParam::Text(value) => Self::Text(value),
            RawParam::List(values) => Self::List(values.into_iter().map(Self::from).collect()),
        }
    }
}
