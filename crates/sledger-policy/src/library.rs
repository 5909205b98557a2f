//! The policies that come with the program: ordinary rhai, compiled in as text, each with its tests.

/// A policy of the folder `policies`, by its name.
macro_rules! policy {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../../policies/", $name, ".rhai")),
            include_str!(concat!("../../../policies/", $name, ".test.toml")),
        )
    };
}

const LIBRARY: [(&str, &str, &str); 12] = [
    policy!("business_hours"),
    policy!("deny_access"),
    policy!("destroy_all_others"),
    policy!("destroy_least_time_left"),
    policy!("destroy_most_idle"),
    policy!("destroy_next_expiring"),
    policy!("destroy_oldest"),
    policy!("device_class"),
    policy!("offer_choice"),
    policy!("per_address"),
    policy!("retained_first"),
    policy!("vip_grace"),
];

/// Name and source of each.
pub const BUILT_IN: &[(&str, &str)] = &sources();

#[expect(clippy::indexing_slicing, reason = "done when compiled; an index out of bounds would not build")]
const fn sources() -> [(&'static str, &'static str); LIBRARY.len()] {
    let mut sources = [("", ""); LIBRARY.len()];
    let mut index = 0;
    while index < LIBRARY.len() {
        sources[index] = (LIBRARY[index].0, LIBRARY[index].1);
        index += 1;
    }
    sources
}

/// The source of one of them.
#[must_use]
pub fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, source)| *source)
}

/// The tests of one of them: its `NAME.test.toml`.
#[must_use]
pub fn built_in_tests(name: &str) -> Option<&'static str> {
    LIBRARY.iter().find(|(known, ..)| *known == name).map(|(.., tests)| *tests)
}
