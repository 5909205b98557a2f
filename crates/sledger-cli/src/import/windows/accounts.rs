//! Accounts that nobody logs in with: the system's own, and machines.

/// The system's accounts by security identifier: the same in every language.
const SIDS: [&str; 4] = ["S-1-5-7", "S-1-5-18", "S-1-5-19", "S-1-5-20"];
/// Window manager, font driver host, services, application pools, virtual machines.
const SID_PREFIXES: [&str; 5] = ["S-1-5-90-", "S-1-5-96-", "S-1-5-80-", "S-1-5-82-", "S-1-5-83-"];
/// For events without a security identifier.
const NAMES: [&str; 4] = ["SYSTEM", "LOCAL SERVICE", "NETWORK SERVICE", "ANONYMOUS LOGON"];
const NAME_PREFIXES: [&str; 2] = ["DWM-", "UMFD-"];

/// Whether the account is one of them.
pub(super) fn is_of_system(sid: &str, name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    SIDS.contains(&sid)
        || SID_PREFIXES.iter().any(|prefix| sid.starts_with(prefix))
        || NAMES.contains(&upper.as_str())
        || NAME_PREFIXES.iter().any(|prefix| upper.starts_with(prefix))
        || name.ends_with('$')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_and_machines_are_told_from_people() {
        for (sid, name) in [
            ("", "SYSTEM"),
            ("S-1-5-18", "Système"),
            ("", "Local Service"),
            ("", "ANONYMOUS LOGON"),
            ("", "DWM-3"),
            ("", "UMFD-0"),
            ("S-1-5-90-0-3", "x"),
            ("S-1-5-21-1-2-3-1001", "DC01$"),
        ] {
            assert!(is_of_system(sid, name), "{sid} {name}");
        }
        for (sid, name) in
            [("S-1-5-21-1-2-3-500", "Administrator"), ("", "systemadmin"), ("", "dwm"), ("", "a$b")]
        {
            assert!(!is_of_system(sid, name), "{sid} {name}");
        }
    }
}
