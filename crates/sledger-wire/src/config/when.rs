//! Conditions: which sessions a quota counts, which logins are ignored.

use crate::escape::brief;
use crate::fields::{Faults, Fields};
use crate::readers::text_or_texts;
use crate::tree::Node;
use crate::values::Reason;
use sledger_core::config::{Condition, Fact, When};
use std::net::IpAddr;

const FACTS: &[&str] = &["user", "group", "client", "source", "ip", "attr:", "not"];
const FACTS_UNDER_NOT: &[&str] = &["user", "group", "client", "source", "ip", "attr:"];

/// Reads a table of conditions.
pub(super) fn when(node: &Node, path: &str, faults: &mut Faults) -> When {
    let fields = Fields::open(node, path, FACTS, faults);
    let not = fields.get("not").map(|not| {
        let not = Fields::open(not, &fields.path_of("not"), FACTS_UNDER_NOT, faults);
        conditions(&not, faults)
    });
    When { all_of: conditions(&fields, faults), not: not.unwrap_or_default() }
}

fn conditions(fields: &Fields<'_>, faults: &mut Faults) -> Vec<Condition> {
    let named = [
        ("user", Fact::User),
        ("group", Fact::Group),
        ("client", Fact::Client),
        ("source", Fact::Source),
        ("ip", Fact::Ip),
    ];
    let attributes =
        fields.with_prefix("attr:").map(|(key, name, _)| (key, Fact::Attribute(name.to_owned())));
    named
        .into_iter()
        .chain(attributes)
        .filter_map(|(key, fact)| {
            let read = if fact == Fact::Ip { networks } else { text_or_texts };
            let any_of = fields.read(key, faults, read)?;
            Some(Condition { fact, any_of })
        })
        .collect()
}

fn networks(node: &Node) -> Result<Vec<String>, Reason> {
    let texts = text_or_texts(node)?;
    match texts.iter().find(|text| text.contains('/') && !is_network(text)) {
        Some(text) => {
            Err(format!("has the network `{}`, which is none: write e.g. `10.0.0.0/8`", brief(text)).into())
        }
        None => Ok(texts),
    }
}

fn is_network(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let bits = bits.parse::<u8>().ok().filter(|_| bits.chars().all(|letter| letter.is_ascii_digit()));
    match (address.parse(), bits) {
        (Ok(IpAddr::V4(_)), Some(bits)) => bits <= 32,
        (Ok(IpAddr::V6(_)), Some(bits)) => bits <= 128,
        _ => false,
    }
}

/// A fact as the key of a condition.
pub(crate) fn fact_text(fact: &Fact) -> String {
    match fact {
        Fact::User => "user".to_owned(),
        Fact::Group => "group".to_owned(),
        Fact::Client => "client".to_owned(),
        Fact::Source => "source".to_owned(),
        Fact::Ip => "ip".to_owned(),
        Fact::Attribute(name) => format!("attr:{name}"),
    }
}
