//! Words of other products, and what they are here.

/// Policies. OpenAM's *oldest* is the session with the least time left, not the one that began first;
/// Keycloak's and Spring's is the one idle longest.
const POLICIES: &[(&str, &str, &str)] = &[
    ("deny_new_session", "deny_access", ""),
    ("deny_access", "deny_access", ""),
    ("deny", "deny_access", ""),
    ("reject", "deny_access", ""),
    ("block", "deny_access", ""),
    ("refuse", "deny_access", ""),
    ("destroy_next_expiring", "destroy_next_expiring", ""),
    (
        "destroy_oldest_session",
        "destroy_least_time_left",
        " (OpenAM's oldest has the least time left; `destroy_oldest` ends the one that began first)",
    ),
    ("destroy_old_sessions", "destroy_all_others", ""),
    ("destroy_all", "destroy_all_others", ""),
    ("lru", "destroy_most_idle", ""),
    ("least_recently_used", "destroy_most_idle", ""),
    ("destroy_most_idle_session", "destroy_most_idle", ""),
    (
        "terminate_oldest",
        "destroy_most_idle",
        " (Keycloak's oldest is idle longest; `destroy_oldest` ends the one that began first)",
    ),
    (
        "terminate_oldest_session",
        "destroy_most_idle",
        " (Keycloak's oldest is idle longest; `destroy_oldest` ends the one that began first)",
    ),
    ("oldest", "destroy_oldest", ""),
    ("kick_oldest", "destroy_oldest", ""),
    ("evict_oldest", "destroy_oldest", ""),
    ("fifo", "destroy_oldest", ""),
];

/// Our policy for a foreign word, with what has to be known about it.
pub(super) fn policy(word: &str) -> Option<(&'static str, &'static str)> {
    let lower = word.to_ascii_lowercase().replace(['-', ' '], "_");
    let found = POLICIES.iter().find(|(foreign, ours, _)| *foreign == lower && *ours != word);
    found.map(|(_, ours, note)| (*ours, *note))
}

/// Levels.
pub(super) const LEVELS: &[(&str, &str)] = &[
    ("enforce", "hard"),
    ("enforced", "hard"),
    ("strict", "hard"),
    ("warn", "advisory"),
    ("dry_run", "advisory"),
    ("dry-run", "advisory"),
    ("shadow", "advisory"),
    ("audit", "advisory"),
];

/// What happens when another user brings a live id.
pub(super) const SAME_ID: &[(&str, &str)] =
    &[("takeover", "take_over"), ("kick", "take_over"), ("deny", "refuse"), ("reject", "refuse")];
