//! What differs between two moments.

use crate::answer::SessionObject;
use crate::config::{override_object, quota_object, selector_text};
use crate::values::LimitWord;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sledger_core::config::{Override, Quota, Selector};
use std::sync::Arc;

/// A moment of a ledger's past.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MomentObject {
    /// After this event.
    pub seq: u64,
    /// The moment.
    pub at: String,
}

/// `replay diff A B`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplayDiff {
    /// All but sessions.
    #[serde(flatten)]
    pub head: DiffHead,
    /// Sessions that came and went.
    pub sessions: SessionsDiff,
}

/// Sessions in [`ReplayDiff`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionsDiff {
    /// In at the second moment only.
    pub came: Vec<SessionObject>,
    /// In at the first moment only.
    pub gone: Vec<SessionObject>,
}

/// What differs, but for sessions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DiffHead {
    /// The first moment.
    pub from: MomentObject,
    /// The second.
    pub to: MomentObject,
    /// Settings of quotas.
    pub quotas: Vec<QuotaDiff>,
    /// Limits set for some.
    pub overrides: Vec<OverrideDiff>,
    /// Members of groups.
    pub groups: Vec<GroupDiff>,
    /// Policies in force.
    pub policies: Vec<PolicyDiff>,
    /// Users with another count or limit.
    pub users: Vec<UserDiff>,
}

/// A quota in [`DiffHead`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuotaDiff {
    /// The quota.
    pub quota: String,
    /// What of it; null where it is new or gone as a whole.
    pub field: Option<String>,
    /// As it was; null where it was not.
    pub from: Value,
    /// As it is.
    pub to: Value,
}

/// A limit set for some, in [`DiffHead`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OverrideDiff {
    /// The quota.
    pub quota: String,
    /// For whom.
    pub selector: String,
    /// As it was; null where it was not.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::schemas::OverrideObject>))]
    pub from: Option<Value>,
    /// As it is.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::schemas::OverrideObject>))]
    pub to: Option<Value>,
}

/// A group in [`DiffHead`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupDiff {
    /// The group.
    pub group: String,
    /// Its users and globs as they were; null where it was not.
    pub from: Option<Vec<String>>,
    /// As they are.
    pub to: Option<Vec<String>>,
}

/// A policy in [`DiffHead`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyDiff {
    /// The quota.
    pub quota: String,
    /// `on_exhausted`, `on_error`, or `given` at run time.
    pub part: String,
    /// The revision that was in force.
    pub from: Option<String>,
    /// The one that is.
    pub to: Option<String>,
}

/// A user in [`DiffHead`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserDiff {
    /// The user.
    pub user: String,
    /// At the first moment.
    pub from: CountsObject,
    /// At the second.
    pub to: CountsObject,
}

/// How full a user was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CountsObject {
    /// Live sessions.
    pub active: u32,
    /// The limit of the quota with the least room left.
    pub limit: Option<LimitWord>,
}

/// What stands before the sessions that came, of [`ReplayDiff`].
#[must_use]
pub fn diff_begin(head: &DiffHead) -> String {
    let json = serde_json::to_string(head).unwrap_or_default();
    format!("{},\"sessions\":{{\"came\":[", json.strip_suffix('}').unwrap_or(&json))
}

/// The next session, with the comma before it where it needs one.
#[must_use]
pub fn diff_session(session: &SessionObject, is_first: bool) -> String {
    let json = serde_json::to_string(session).unwrap_or_default();
    if is_first { json } else { format!(",{json}") }
}

/// What stands between the sessions that came and those that are gone.
#[must_use]
pub const fn diff_gone() -> &'static str {
    "],\"gone\":["
}

/// What stands behind the last session.
pub const DIFF_END: &str = "]}}";

/// A quota without its overrides.
#[must_use]
pub fn quota_shown(quota: &Arc<Quota>) -> Value {
    let mut value = quota_object(quota);
    if let Value::Object(keys) = &mut value {
        keys.remove("override");
    }
    value
}

/// An override as it is shown.
#[must_use]
pub fn override_shown(one: &Override) -> Value {
    override_object(one)
}

/// Whom an override is for, as it is written.
#[must_use]
pub fn selector_shown(selector: &Selector) -> String {
    selector_text(selector)
}

/// The keys of two objects that are not the same in both, with what they are.
#[must_use]
pub fn fields_that_differ(from: &Value, to: &Value) -> Vec<(String, Value, Value)> {
    let (Value::Object(from), Value::Object(to)) = (from, to) else { return Vec::new() };
    let keys = from.keys().chain(to.keys().filter(|key| !from.contains_key(*key)));
    let of =
        |object: &serde_json::Map<String, Value>, key: &str| object.get(key).cloned().unwrap_or_default();
    let all = keys.map(|key| (key.clone(), of(from, key), of(to, key)));
    all.filter(|(_, from, to)| from != to).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_one_object() {
        let session = SessionObject { session: "a\"".to_owned(), ..SessionObject::default() };
        let head = DiffHead { from: MomentObject { seq: 3, at: "t".to_owned() }, ..DiffHead::default() };
        let came = diff_session(&session, true) + &diff_session(&session, false);
        let text = diff_begin(&head) + &came + diff_gone() + DIFF_END;
        let sessions = SessionsDiff { came: vec![session.clone(), session], gone: Vec::new() };
        assert_eq!(serde_json::from_str::<ReplayDiff>(&text).unwrap(), ReplayDiff { head, sessions });
    }
}
