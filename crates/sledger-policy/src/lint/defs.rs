//! The table of members as a rhai definition file.

use super::members::{AMBIENT, FUNCTIONS, Kind, MEMBERS, Member, Takes};

const HEAD: &str = "\
module static;

/// What a policy of sledger can name and call. Made by `sledger policy defs`.
";

/// Definitions for editors that know rhai's `*.d.rhai` files: names, members and functions with what they are.
#[must_use]
pub fn definitions() -> String {
    let ambient =
        AMBIENT.iter().map(|(name, kind, doc)| format!("/// {doc}\nlet {name}: {};\n", typed(*kind)));
    let functions = FUNCTIONS.iter().map(defined);
    let members = MEMBERS.iter().map(defined);
    let parts: Vec<String> =
        std::iter::once(HEAD.to_owned()).chain(ambient).chain(functions).chain(members).collect();
    parts.join("\n")
}

/// A property is written `fn get NAME(this)`, a method has what it is of as its first parameter.
fn defined(member: &Member) -> String {
    let Member { of, name, takes, yields, doc } = *member;
    let this = (of != Kind::Unknown).then(|| format!("{}: {}", this(of), typed(of)));
    let arguments =
        takes.unwrap_or_default().iter().map(|(name, takes)| format!("{name}: {}", taken(*takes)));
    let arguments: Vec<String> = this.into_iter().chain(arguments).collect();
    let get = if takes.is_none() { "get " } else { "" };
    format!("/// {doc}\nfn {get}{name}({}) -> {};\n", arguments.join(", "), typed(yields))
}

/// What the first parameter is called.
const fn this(of: Kind) -> &'static str {
    match of {
        Kind::Sessions => "set",
        Kind::Session => "one",
        Kind::Decision => "decision",
        _ => "this_one",
    }
}

const fn typed(kind: Kind) -> &'static str {
    match kind {
        Kind::Unknown => "?",
        Kind::Sessions => "Sessions",
        Kind::Session => "Session",
        Kind::Now => "Now",
        Kind::User => "User",
        Kind::Request => "Request",
        Kind::Quota => "Quota",
        Kind::Params => "Params",
        Kind::Decision => "Decision",
        Kind::Int => "int",
        Kind::Text => "String",
        Kind::Bool => "bool",
        Kind::List => "Array",
        Kind::Unit => "()",
    }
}

const fn taken(takes: Takes) -> &'static str {
    match takes {
        Takes::Text | Takes::Network => "String",
        Takes::MaybeText | Takes::MaybeNetwork => "String | ()",
        Takes::Count | Takes::Hour => "int",
        Takes::Duration => "int | String",
        Takes::List => "Array",
        Takes::Session => "Session",
        Takes::Victims => "Session | Sessions",
        Takes::Offered => "Session | Sessions | ()",
        Takes::Others => "Session | Sessions | String | ()",
        Takes::Closure => "Fn",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::members::Shape;
    use std::collections::BTreeSet;

    /// Type, name and number of arguments of what the engine registers for the types of ours.
    fn registered() -> BTreeSet<(String, String, Shape)> {
        let signatures = crate::runtime::with_engine(|engine| engine.gen_fn_signatures(false));
        signatures.iter().filter_map(|signature| parsed(signature)).collect()
    }

    fn parsed(signature: &str) -> Option<(String, String, Shape)> {
        let (name, rest) = signature.split_once('(')?;
        let (arguments, _) = rest.rsplit_once(')')?;
        let arguments: Vec<&str> = arguments.split(", ").collect();
        let first = arguments.first()?.rsplit([':', ' ']).next()?.trim_start_matches("&mut").trim();
        let is_ours = ["sessions", "session", "now", "user", "request", "quota", "decision"];
        if !is_ours.contains(&first) {
            return None;
        }
        let shape = match name.strip_prefix("get$") {
            Some(_) => Shape::Property,
            None => Shape::Method(arguments.len() - 1),
        };
        let name = name.trim_start_matches("get$");
        Some((first.to_owned(), name.to_owned(), shape))
    }

    #[test]
    fn the_table_is_what_the_engine_registers() {
        let registered = registered();
        let own = |name: &str| !["==", "!=", "evict"].contains(&name);
        let known: BTreeSet<(String, String, Shape)> = MEMBERS
            .iter()
            .map(|member| (typed(member.of).to_lowercase(), member.name.to_owned(), member.shape()))
            .collect();
        let registered: BTreeSet<_> = registered.into_iter().filter(|(_, name, _)| own(name)).collect();
        assert_eq!(known, registered);
    }

    #[test]
    fn every_member_is_defined_with_what_it_is() {
        let text = definitions();
        for member in MEMBERS.iter().chain(FUNCTIONS) {
            let definition = defined(member);
            assert!(text.contains(&definition) && member.doc.ends_with('.'), "{definition}");
        }
        for (name, ..) in AMBIENT {
            assert!(text.contains(&format!("\nlet {name}: ")), "{name}");
        }
        let names: Vec<&str> = AMBIENT.iter().map(|(name, ..)| *name).collect();
        assert_eq!(names, crate::api::ambient::NAMES);
        let count = text.lines().filter(|line| line.starts_with("fn ")).count();
        assert_eq!(count, MEMBERS.len() + FUNCTIONS.len());
    }
}
