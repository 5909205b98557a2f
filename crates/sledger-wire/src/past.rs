//! The past as other programs read it: who was in, piece by piece, so that nobody needs all of it at once.

mod diff;

pub use diff::{
    CountsObject, DIFF_END, DiffHead, GroupDiff, MomentObject, OverrideDiff, PolicyDiff, QuotaDiff,
    ReplayDiff, SessionsDiff, UserDiff, diff_begin, diff_gone, diff_session, fields_that_differ,
    override_shown, quota_shown, selector_shown,
};

use crate::csv::cell;
use crate::pages::UserDetail;
use crate::values::LimitWord;

/// Columns of [`at_rows`].
pub const AT_COLUMNS: [&str; 15] = [
    "user",
    "active",
    "limit",
    "session",
    "number",
    "source",
    "client",
    "ip",
    "groups",
    "attributes",
    "started",
    "last_active",
    "expires",
    "retained",
    "generation",
];

/// What stands before the users of [`crate::pages::ReplayAt`].
#[must_use]
pub fn at_begin(seq: u64, at: &str) -> String {
    let at = serde_json::Value::from(at);
    format!("{{\"seq\":{seq},\"at\":{at},\"users\":[")
}

/// The next user, with the comma before it where it needs one.
#[must_use]
pub fn at_user(user: &UserDetail, is_first: bool) -> String {
    let json = serde_json::to_string(user).unwrap_or_default();
    if is_first { json } else { format!(",{json}") }
}

/// What stands behind the last user.
pub const AT_END: &str = "]}";

/// The first row of a table of who was in, with its end.
#[must_use]
pub fn at_header() -> String {
    format!("{}\r\n", AT_COLUMNS.join(","))
}

/// The rows of a user, one a session, each with its end.
#[must_use]
pub fn at_rows(user: &UserDetail) -> String {
    let (active, limit) = (user.active.to_string(), limit(user.limit.as_ref()));
    let row = |one: &crate::answer::SessionObject| {
        let attributes = one.attributes.iter().map(|(key, value)| format!("{key}={value}"));
        let cells = [
            one.user.clone(),
            active.clone(),
            limit.clone(),
            one.session.clone(),
            one.number.to_string(),
            one.source.clone().unwrap_or_default(),
            one.client.clone().unwrap_or_default(),
            one.ip.clone().unwrap_or_default(),
            one.groups.join(" "),
            attributes.collect::<Vec<_>>().join(" "),
            one.started.clone(),
            one.last_active.clone(),
            one.expires.clone(),
            one.retained.to_string(),
            one.generation.to_string(),
        ];
        format!("{}\r\n", cells.map(|text| cell(&text)).join(","))
    };
    user.sessions.iter().map(row).collect()
}

fn limit(limit: Option<&LimitWord>) -> String {
    limit.map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::SessionObject;
    use crate::pages::ReplayAt;

    fn user(name: &str) -> UserDetail {
        let session = SessionObject { session: "=a".to_owned(), user: name.to_owned(), ..Default::default() };
        UserDetail { user: name.to_owned(), active: 1, limit: None, sessions: vec![session] }
    }

    #[test]
    fn pieces_make_the_object_of_the_contract() {
        for names in [&[][..], &["ann"], &["ann", "b\"ob"]] {
            let users: Vec<UserDetail> = names.iter().map(|name| user(name)).collect();
            let pieces = users.iter().enumerate().map(|(index, user)| at_user(user, index == 0));
            let text = at_begin(7, "t\"") + &pieces.collect::<String>() + AT_END;
            let whole = ReplayAt { seq: 7, at: "t\"".to_owned(), users };
            assert_eq!(text, serde_json::to_string(&whole).unwrap());
        }
    }

    #[test]
    fn rows_have_a_cell_for_each_column_and_no_formula() {
        let rows = at_rows(&user("\u{1b}ann"));
        assert!(rows.starts_with("\\u{1b}ann,1,,\"'=a\",0,"), "{rows}");
        assert_eq!(rows.matches(',').count() + 1, AT_COLUMNS.len());
    }
}
