//! Overrides that no login can ever meet.

use crate::config::{Condition, Fact, Quota, Selector, UserSettings};
use wildmatch::WildMatch;

/// Why an override of `quota` for `selector` is never used; `None` where it may be.
#[must_use]
pub fn never_meets(quota: &Quota, users: &UserSettings, selector: &Selector) -> Option<String> {
    match selector {
        Selector::User(user) => never_a_key(users, user).or_else(|| not_counted(quota, user)),
        Selector::Glob(glob) => never_a_key(users, glob),
        Selector::Group(_) => None,
    }
}

/// Keys are folded and stripped; what is not can match none.
fn never_a_key(users: &UserSettings, text: &str) -> Option<String> {
    if users.lowercase && text.chars().any(char::is_uppercase) {
        return Some(format!("user keys are folded to lower case: write `{}`", text.to_lowercase()));
    }
    let lower = text.to_lowercase();
    let ends = |domain: &&String| lower.ends_with(&format!("@{}", domain.to_lowercase()));
    let domain = users.strip_domain.iter().find(ends)?;
    let bare = text.len().checked_sub(domain.len() + 1).and_then(|end| text.get(..end)).unwrap_or_default();
    Some(format!("`@{domain}` is taken off user keys: write `{bare}`"))
}

fn not_counted(quota: &Quota, user: &str) -> Option<String> {
    let by_user = |one: &&Condition| one.fact == Fact::User;
    let matches = |one: &Condition| one.any_of.iter().any(|glob| WildMatch::new(glob).matches(user));
    if let Some(one) = quota.when.all_of.iter().filter(by_user).find(|one| !matches(one)) {
        let counted: Vec<_> = one.any_of.iter().map(|glob| format!("`{glob}`")).collect();
        return Some(format!("the quota counts users {} only", counted.join(", ")));
    }
    match quota.when.not.as_slice() {
        [one] if by_user(&one) && matches(one) => Some("the quota does not count this user".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::When;

    fn quota(all_of: &[&str], not: &[&str]) -> Quota {
        let users = |globs: &[&str]| {
            let any_of: Vec<_> = globs.iter().map(|glob| (*glob).to_owned()).collect();
            if any_of.is_empty() { Vec::new() } else { vec![Condition { fact: Fact::User, any_of }] }
        };
        Quota { when: When { all_of: users(all_of), not: users(not) }, ..Quota::default_quota() }
    }

    #[test]
    fn what_can_never_match_is_told_with_what_would() {
        let folded = UserSettings { lowercase: true, strip_domain: vec!["Corp".to_owned()] };
        let plain = UserSettings::default();
        let user = |text: &str| Selector::User(text.to_owned());
        let cases = [
            (
                quota(&[], &[]),
                &folded,
                Selector::Glob("Ann*".to_owned()),
                Some("user keys are folded to lower case: write `ann*`"),
            ),
            (quota(&[], &[]), &folded, user("ann@corp"), Some("`@Corp` is taken off user keys: write `ann`")),
            (quota(&[], &[]), &plain, user("Ann@corp"), None),
            (quota(&["svc-*"], &[]), &plain, user("ann"), Some("the quota counts users `svc-*` only")),
            (quota(&["svc-*"], &[]), &plain, user("svc-1"), None),
            (quota(&[], &["svc-*"]), &plain, user("svc-1"), Some("the quota does not count this user")),
            (quota(&[], &["svc-*"]), &plain, Selector::Group("svc".to_owned()), None),
        ];
        for (quota, users, selector, why) in cases {
            assert_eq!(never_meets(&quota, users, &selector).as_deref(), why, "{selector:?}");
        }
    }
}
