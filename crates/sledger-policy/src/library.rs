//! The policies that come with the program: ordinary rhai, compiled in as text.

/// Name and source of each.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("deny_access", include_str!("../../../policies/deny_access.rhai")),
    ("destroy_all_others", include_str!("../../../policies/destroy_all_others.rhai")),
    ("destroy_least_time_left", include_str!("../../../policies/destroy_least_time_left.rhai")),
    ("destroy_most_idle", include_str!("../../../policies/destroy_most_idle.rhai")),
    ("destroy_next_expiring", include_str!("../../../policies/destroy_next_expiring.rhai")),
    ("destroy_oldest", include_str!("../../../policies/destroy_oldest.rhai")),
];

/// The source of one of them.
#[must_use]
pub fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, source)| *source)
}
