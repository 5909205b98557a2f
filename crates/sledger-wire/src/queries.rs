//! Queries of HTTP requests. Unknown keys are refused.

use crate::escape::brief;
use crate::values::Reason;
use serde::{Deserialize, Serialize};
use sledger_core::Seq;
use sledger_core::command::{Rejection, Target};
use sledger_core::event::PolicyMode;

/// Rows of a page where the caller does not say.
pub const PAGE_SIZE_DEFAULT: u32 = 100;
/// Rows of a page at most.
pub const PAGE_SIZE_MAX: u32 = 1000;

/// `POST /v1/sessions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct LoginQuery {
    /// Decide, but change and record nothing.
    pub dry_run: bool,
}

/// `touch`, `disconnect`, `DELETE`, `end`: which session, beside the id in the path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct TargetQuery {
    /// The generation the caller knows.
    pub generation: Option<u64>,
    /// The session's user.
    pub user: Option<String>,
    /// The command id.
    #[cfg_attr(feature = "openapi", param(min_length = 1, max_length = 64))]
    pub command: Option<String>,
}

impl TargetQuery {
    /// The target with session `id`.
    #[must_use]
    pub fn target(&self, id: &str) -> Target {
        Target { session: Some(id.to_owned()), user: self.user.clone(), generation: self.generation.map(Seq) }
    }
}

/// `GET /v1/replay/why`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct WhyQuery {
    /// `SESSION`, `SESSION@SEQ`, `seq:N` or `user:NAME`.
    #[cfg_attr(feature = "openapi", param(min_length = 1, max_length = 512))]
    pub about: String,
}

/// A change of settings: why, where its body has no room for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct ChangeQuery {
    /// Why, for operators.
    pub reason: Option<String>,
    /// The command id.
    #[cfg_attr(feature = "openapi", param(min_length = 1, max_length = 64))]
    pub command: Option<String>,
}

/// A command that says everything else in its body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct CommandQuery {
    /// The command id.
    #[cfg_attr(feature = "openapi", param(min_length = 1, max_length = 64))]
    pub command: Option<String>,
}

/// `PUT /v1/policies/{name}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct PolicyQuery {
    /// `active` decides, `shadow` is asked beside what decides; `active` where it is left out.
    pub state: Option<String>,
    /// It decides for this many of a hundred users.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 100))]
    pub share: Option<u8>,
    /// The command id.
    #[cfg_attr(feature = "openapi", param(min_length = 1, max_length = 64))]
    pub command: Option<String>,
}

impl PolicyQuery {
    /// How the policy is to be in force.
    ///
    /// # Errors
    /// A word that is none, or two that do not go together.
    pub fn mode(&self) -> Result<PolicyMode, Rejection> {
        match (self.state.as_deref(), self.share) {
            (None | Some("active" | "share"), Some(share)) => Ok(PolicyMode::Share(share)),
            (None | Some("active"), None) => Ok(PolicyMode::Active),
            (Some("shadow"), None) => Ok(PolicyMode::Shadow),
            (Some("shadow"), Some(_)) => {
                Err(Rejection::new("share", "is not for a shadow, which is asked for every user"))
            }
            (Some("share"), None) => Err(Rejection::new("share", "is missing: 1 to 100 of a hundred users")),
            (Some(other), _) => {
                let reason = format!("is `{}`, not `active` or `shadow`", crate::escape::brief(other));
                Err(Rejection::new("state", reason))
            }
        }
    }
}

/// `GET /v1/sessions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct SessionsQuery {
    /// Of this user only.
    pub user: Option<String>,
    /// Of this client only; a glob where it holds `*` or `?`.
    pub client: Option<String>,
    /// Of this source only; a glob likewise.
    pub source: Option<String>,
    /// From this address only, or from one of a range such as `10.0.0.0/8`.
    pub ip: Option<String>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Rows of the page.
    pub page_size: Option<u32>,
}

/// `GET /v1/users`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct UsersQuery {
    /// `used`, `user`, or with `-` before it for the reverse; `-used` where absent.
    pub sort: Option<String>,
    /// Those at or above this share of their limit only, e.g. `0.8` or `80%`.
    pub near: Option<String>,
    /// Users that match this glob only.
    pub user: Option<String>,
    /// By this quota, instead of the one with the least room left.
    pub quota: Option<String>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Rows of the page.
    pub page_size: Option<u32>,
}

/// `DELETE /v1/users/{user}/sessions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct ClearQuery {
    /// The id of the one to keep.
    #[cfg_attr(feature = "openapi", param(min_length = 1))]
    pub keep: Option<String>,
    /// The command id.
    #[cfg_attr(feature = "openapi", param(min_length = 1, max_length = 64))]
    pub command: Option<String>,
}

/// `GET /v1/events`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct EventsQuery {
    /// About this user only.
    pub user: Option<String>,
    /// About this session only.
    pub session: Option<String>,
    /// Of this type only, by glob; several with commas.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// From this event on, where there is no `Last-Event-ID`.
    pub from: Option<u64>,
}

impl EventsQuery {
    /// Whether an event of this type is asked for.
    #[must_use]
    pub fn wants(&self, kind: &str) -> bool {
        let globs = self.kind.as_deref().unwrap_or("*");
        globs.split(',').any(|glob| crate::config::matches(glob.trim(), kind))
    }
}

/// `GET /v1/blocks`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct BlocksQuery {
    /// The first block is the one that holds this event; the ledger's first where absent.
    #[cfg_attr(feature = "openapi", param(minimum = 1))]
    pub from: Option<u64>,
}

/// `GET /v1/replay/at`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct AtQuery {
    /// The moment: a time, `-2h`, `now`, `seq:N` (right after that event) or `ms:N`; now where absent.
    pub when: Option<String>,
    /// Of this user only.
    pub user: Option<String>,
    /// Fold everything, also where a snapshot would do.
    pub no_snapshots: bool,
}

/// `GET /v1/replay/timeline`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct TimelineQuery {
    /// A user, a session or an address; `user:`, `session:` or `ip:` before it says which.
    pub who: Option<String>,
    /// Changes of what decides as well; alone where nobody is named.
    pub changes: bool,
    /// Of this actor only, by glob.
    pub actor: Option<String>,
    /// From this moment on.
    pub since: Option<String>,
    /// Up to this moment.
    pub until: Option<String>,
    /// Behind this event: the `next` of the page before.
    pub after: Option<u64>,
    /// Events of the page.
    pub page_size: Option<u32>,
}

/// `GET /v1/replay/diff`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct DiffQuery {
    /// The first moment, as in `at`.
    pub from: Option<String>,
    /// The second; now where absent.
    pub to: Option<String>,
    /// Fold everything, also where a snapshot would do.
    pub no_snapshots: bool,
}

/// Rows of a page: what was asked for, within bounds.
#[must_use]
pub fn page_size(asked: Option<u32>) -> usize {
    asked.unwrap_or(PAGE_SIZE_DEFAULT).clamp(1, PAGE_SIZE_MAX) as usize
}

/// Reads a share of a limit, `0.8` or `80%`, as whole percents.
///
/// # Errors
/// When it is not from 0 to 1, or from 0 % to 100 %.
pub fn share(text: &str) -> Result<u8, Reason> {
    let percent = match text.strip_suffix('%') {
        Some(digits) => digits.parse::<u8>().ok(),
        None => fraction(text),
    };
    percent
        .filter(|percent| *percent <= 100)
        .ok_or_else(|| format!("`{}` is no share: write e.g. `0.8` or `80%`", brief(text)).into())
}

/// `0`, `1`, `0.8`, `0.85`, `1.0` in percents; more digits are cut off.
fn fraction(text: &str) -> Option<u8> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.chars().all(|letter| letter.is_ascii_digit());
    if !digits(whole) || !digits(decimals) {
        return None;
    }
    let decimals: String = decimals.chars().chain("00".chars()).take(2).collect();
    let whole = whole.parse::<u8>().ok()?.checked_mul(100)?;
    whole.checked_add(decimals.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_as_fractions_and_percents() {
        let cases =
            [("0.8", 80), ("0.85", 85), ("0.859", 85), ("1", 100), ("1.0", 100), ("0", 0), ("80%", 80)];
        for (text, percent) in cases {
            assert_eq!(share(text), Ok(percent), "{text}");
        }
        for text in ["", "1.5", "80", "-1", "0.x", "101%", "."] {
            assert_eq!(share(text), Err(format!("`{text}` is no share: write e.g. `0.8` or `80%`").into()));
        }
    }

    #[test]
    fn pages_are_bounded() {
        assert_eq!([page_size(None), page_size(Some(0)), page_size(Some(u32::MAX))], [100, 1, 1000]);
    }

    #[test]
    fn unknown_keys_of_a_query_are_refused() {
        let read = serde_json::from_str::<TargetQuery>(r#"{"genration":1}"#);
        assert!(read.unwrap_err().to_string().starts_with("unknown field `genration`"));
        let query: TargetQuery = serde_json::from_str(r#"{"generation":7}"#).unwrap();
        assert_eq!(query.target("a").generation, Some(Seq(7)));
    }

    #[test]
    fn events_are_chosen_by_glob() {
        let query = EventsQuery { kind: Some("login.*, session.ended".to_owned()), ..EventsQuery::default() };
        let wanted = ["login.denied", "session.ended", "session.touched"].map(|kind| query.wants(kind));
        assert_eq!(wanted, [true, true, false]);
        assert!(EventsQuery::default().wants("note.added"));
    }
}
