//! Quotas, overrides and groups as they are shown at run time, and the tags that guard their changes.

use crate::config::{override_object, quota_object, switch_object};
use crate::values::Reason;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sledger_core::command::Expect;
use sledger_core::config::{Quota, Settings, Tag};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// `GET /v1/quotas`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuotasPage {
    /// Up to this event.
    pub seq: u64,
    /// The quotas, in the order they are judged.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<crate::schemas::QuotaObject>))]
    pub quotas: Vec<Value>,
}

/// `GET /v1/quotas/{name}/overrides`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OverridesPage {
    /// Up to this event.
    pub seq: u64,
    /// The quota.
    pub quota: String,
    /// The overrides, those that are looked at first before the others.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<crate::schemas::OverrideObject>))]
    pub overrides: Vec<Value>,
}

/// `GET /v1/groups`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupsPage {
    /// Up to this event.
    pub seq: u64,
    /// The groups, by name.
    pub groups: Vec<GroupObject>,
}

/// A group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupObject {
    /// Its name.
    pub name: String,
    /// Users and globs of the configuration file.
    pub users: Vec<String>,
    /// Users put into it at run time.
    pub added: Vec<String>,
    /// Users taken out of it at run time.
    pub removed: Vec<String>,
    /// Its tag.
    pub etag: String,
}

/// What a change of a quota came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuotaChange {
    /// Up to this event.
    pub seq: u64,
    /// As it is now; null when it is gone.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::schemas::QuotaObject>))]
    pub quota: Option<Value>,
    /// As it was; null when it was not there.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::schemas::QuotaObject>))]
    pub before: Option<Value>,
    /// What else there is to know.
    pub notes: Vec<String>,
}

/// What a change of a group came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupChange {
    /// Up to this event.
    pub seq: u64,
    /// As it is now.
    pub group: GroupObject,
    /// Whether anything changed.
    pub changed: bool,
}

/// `POST /v1/config/reload`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reloaded {
    /// Up to this event.
    pub seq: u64,
    /// Whether anything changed.
    pub changed: bool,
    /// The configuration file.
    pub file: Option<String>,
    /// What is allowed but probably not meant.
    pub warnings: Vec<String>,
}

/// A quota as it is in force, its overrides in the order they are looked at.
#[must_use]
pub fn shown(settings: &Settings, quota: &std::sync::Arc<Quota>) -> Value {
    let mut value = quota_object(&settings.in_force(quota));
    if let Value::Object(keys) = &mut value {
        keys.insert("override".to_owned(), overrides(quota).into());
        keys.insert("switched".to_owned(), settings.switch(&quota.name).map_or(Value::Null, switch_object));
        let tag = settings.quota_tag(&quota.name).map(|tag| etag(&tag));
        keys.insert("etag".to_owned(), tag.into());
    }
    value
}

/// The overrides of a quota, those set at run time first, newest first.
#[must_use]
pub fn overrides(quota: &Quota) -> Vec<Value> {
    let mut all: Vec<_> = quota.overrides.iter().collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.set_at));
    all.into_iter().map(override_object).collect()
}

/// Every group that the file or somebody at run time names.
#[must_use]
pub fn groups(settings: &Settings) -> Vec<GroupObject> {
    let mut all: BTreeMap<&str, GroupObject> = BTreeMap::new();
    for rule in &settings.groups {
        all.entry(&rule.name).or_default().users.extend(rule.users.iter().cloned());
    }
    for one in &settings.members {
        let group = all.entry(&one.group).or_default();
        if one.member { &mut group.added } else { &mut group.removed }.push(one.user.clone());
    }
    let named = |(name, group): (&str, GroupObject)| GroupObject {
        name: name.to_owned(),
        etag: etag(&settings.group_tag(name)),
        ..group
    };
    all.into_iter().map(named).collect()
}

/// A tag as `ETag` has it.
#[must_use]
pub fn etag(tag: &Tag) -> String {
    let digits = tag.iter().fold(String::with_capacity(16), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    format!("\"{digits}\"")
}

/// Reads `If-Match` and `If-None-Match`: one tag or `*`, and `*`.
///
/// # Errors
/// When they are anything else.
pub fn expectation(if_match: Option<&str>, if_none_match: Option<&str>) -> Result<Option<Expect>, Reason> {
    match (if_match.map(str::trim), if_none_match.map(str::trim)) {
        (None, None) => Ok(None),
        (Some("*"), None) => Ok(Some(Expect::Present)),
        (None, Some("*")) => Ok(Some(Expect::Absent)),
        (Some(text), None) => Ok(Some(tag_of(text).map_or(Expect::Tag(Tag::default()), Expect::Tag))),
        (None, Some(_)) => Err("`If-None-Match` can only be `*` here: make it only if there is none".into()),
        (Some(_), Some(_)) => Err("`If-Match` and `If-None-Match` exclude each other".into()),
    }
}

/// A tag of ours; anybody else's, or a weak one, matches nothing.
fn tag_of(text: &str) -> Option<Tag> {
    let digits = text.strip_prefix('"')?.strip_suffix('"')?;
    let is_tag = digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u64::from_str_radix(digits, 16).ok().filter(|_| is_tag)?;
    Some(number.to_be_bytes())
}

/// The notes that go with the first quota that is set, or the last that goes: the default ends, or is back.
#[must_use]
pub fn notes(before: &Settings, after: &Settings) -> Vec<String> {
    use sledger_core::config::Origin;
    let is_default =
        |settings: &Settings| settings.quotas.iter().any(|quota| quota.origin == Origin::Default);
    match (is_default(before), is_default(after)) {
        (true, false) => vec!["the default quota `per-user` ended with it".to_owned()],
        (false, true) => vec!["no quota is left: the default quota `per-user` is in force again".to_owned()],
        (true, true) | (false, false) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_read_as_it_is_written_and_others_match_nothing() {
        let tag: Tag = [0, 1, 2, 0xab, 4, 5, 6, 0xff];
        assert_eq!(etag(&tag), "\"000102ab040506ff\"");
        assert_eq!(expectation(Some(&etag(&tag)), None).unwrap(), Some(Expect::Tag(tag)));
        for foreign in ["W/\"000102ab040506ff\"", "\"0001\"", "\"+00102ab040506ff\"", "x", ""] {
            assert_ne!(expectation(Some(foreign), None).unwrap(), Some(Expect::Tag(tag)), "{foreign}");
        }
        assert_eq!(expectation(Some("*"), None).unwrap(), Some(Expect::Present));
        assert_eq!(expectation(None, Some("*")).unwrap(), Some(Expect::Absent));
        assert!(expectation(None, Some("\"1\"")).is_err());
        assert!(expectation(Some("*"), Some("*")).is_err());
    }
}
