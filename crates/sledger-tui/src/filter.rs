//! `/`: what is looked for, e.g. `user:ali used>80% state:evicted ip:10.0.0.0/8 quota:per-ip`.
//!
//! Promise: every term must hold. A term about something that rows of a list do not have leaves that list as it is,
//! and the list says so; it never hides all of it without a word.

use ipnet::IpNet;
use sledger_wire::escape::brief;
use sledger_wire::queries::SessionsQuery;
use std::net::IpAddr;
use wildmatch::WildMatch;

/// Terms of one filter at most.
const TERMS_MAX: usize = 16;

/// What a term is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The user.
    User,
    /// The session.
    Session,
    /// The client.
    Client,
    /// The source.
    Source,
    /// The quota.
    Quota,
    /// The policy.
    Policy,
    /// The code.
    Code,
    /// `live`, `retained`, `evicted`, `denied`, …
    State,
    /// The type of an event.
    Type,
}

const FIELDS: &[(&str, Field)] = &[
    ("user", Field::User),
    ("session", Field::Session),
    ("client", Field::Client),
    ("source", Field::Source),
    ("quota", Field::Quota),
    ("policy", Field::Policy),
    ("code", Field::Code),
    ("state", Field::State),
    ("type", Field::Type),
];

/// How a number is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// At or above, as `>`: `used>80%` is what `near` means elsewhere.
    AtLeast,
    /// Below.
    Below,
}

#[derive(Clone, Debug)]
enum Term {
    Text(Field, WildMatch),
    Ip(IpNet),
    Used(Compare, u64),
    Active(Compare, u64),
    /// Anywhere.
    Word(WildMatch),
}

/// A filter as it was written, and what it says.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// As written.
    pub text: String,
    terms: Vec<Term>,
}

/// Why a filter cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// No such field.
    #[error(
        "there is no `{0}:`; use user session client source ip quota policy code state type, used> active>"
    )]
    Field(String),
    /// No address or range.
    #[error("`{0}` is no address; write e.g. ip:10.0.0.0/8")]
    Ip(String),
    /// No number.
    #[error("`{0}` is no number; write e.g. used>80% or active>3")]
    Number(String),
    /// Compared as nothing can be.
    #[error("write {0}> or {0}<, e.g. {0}>3")]
    Compare(&'static str),
    /// Too much.
    #[error("more than 16 terms")]
    TooMany,
}

/// A row that a filter looks at; `None` is what rows of its kind do not have.
#[derive(Clone, Copy, Debug, Default)]
pub struct Looked<'a> {
    /// The user.
    pub user: Option<&'a str>,
    /// The session.
    pub session: Option<&'a str>,
    /// The client.
    pub client: Option<&'a str>,
    /// The source.
    pub source: Option<&'a str>,
    /// The address.
    pub ip: Option<&'a str>,
    /// The quota.
    pub quota: Option<&'a str>,
    /// The policy.
    pub policy: Option<&'a str>,
    /// The code.
    pub code: Option<&'a str>,
    /// The state.
    pub state: Option<&'a str>,
    /// The type.
    pub kind: Option<&'a str>,
    /// The share of the limit in percent.
    pub used: Option<u64>,
    /// Live sessions.
    pub active: Option<u64>,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// [`FilterError`].
    pub fn read(text: &str) -> Result<Self, FilterError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.len() > TERMS_MAX {
            return Err(FilterError::TooMany);
        }
        let terms = words.into_iter().map(term).collect::<Result<_, _>>()?;
        Ok(Self { text: text.trim().to_owned(), terms })
    }

    /// Whether it lets everything through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a row is looked for.
    #[must_use]
    pub fn wants(&self, row: &Looked<'_>) -> bool {
        self.terms.iter().all(|term| term.holds(row).unwrap_or(true))
    }

    /// Whether some term says nothing about rows like this one.
    #[must_use]
    pub fn is_partly_about(&self, row: &Looked<'_>) -> bool {
        self.terms.iter().any(|term| term.holds(row).is_none())
    }

    /// The user's glob, for a server that filters itself.
    #[must_use]
    pub fn user_glob(&self) -> Option<String> {
        self.terms.iter().find_map(|term| match term {
            Term::Text(Field::User, glob) => Some(glob.to_string()),
            _ => None,
        })
    }

    /// What it says about live sessions and not about their users: to be asked of whoever knows all of them.
    #[must_use]
    pub fn sessions_query(&self) -> Option<SessionsQuery> {
        let mut query = SessionsQuery::default();
        for term in &self.terms {
            match term {
                Term::Text(Field::Client, glob) => query.client = Some(glob.to_string()),
                Term::Text(Field::Source, glob) => query.source = Some(glob.to_string()),
                Term::Ip(net) => query.ip = Some(net.to_string()),
                _ => {}
            }
        }
        (query != SessionsQuery::default()).then_some(query)
    }

    /// The share that `used>` asks for.
    #[must_use]
    pub fn used_at_least(&self) -> Option<u64> {
        self.terms.iter().find_map(|term| match term {
            Term::Used(Compare::AtLeast, share) => Some(*share),
            _ => None,
        })
    }
}

impl Term {
    /// `None` where rows of this kind have nothing that the term is about.
    fn holds(&self, row: &Looked<'_>) -> Option<bool> {
        match self {
            Self::Text(field, glob) => row.field(*field).map(|text| glob.matches(text)),
            Self::Ip(net) => row.ip.map(|ip| ip.parse::<IpAddr>().is_ok_and(|ip| net.contains(&ip))),
            Self::Used(compare, share) => row.used.map(|used| compare.holds(used, *share)),
            Self::Active(compare, count) => row.active.map(|active| compare.holds(active, *count)),
            Self::Word(glob) => Some(row.texts().any(|text| glob.matches(text))),
        }
    }
}

impl Compare {
    const fn holds(self, value: u64, bound: u64) -> bool {
        match self {
            Self::AtLeast => value >= bound,
            Self::Below => value < bound,
        }
    }
}

impl<'a> Looked<'a> {
    const fn field(&self, field: Field) -> Option<&'a str> {
        match field {
            Field::User => self.user,
            Field::Session => self.session,
            Field::Client => self.client,
            Field::Source => self.source,
            Field::Quota => self.quota,
            Field::Policy => self.policy,
            Field::Code => self.code,
            Field::State => self.state,
            Field::Type => self.kind,
        }
    }

    fn texts(&self) -> impl Iterator<Item = &'a str> {
        let of = |(_, field): &(&str, Field)| self.field(*field);
        FIELDS.iter().filter_map(of).chain(self.ip).collect::<Vec<_>>().into_iter()
    }
}

fn term(word: &str) -> Result<Term, FilterError> {
    for (sign, compare) in [(">=", Compare::AtLeast), (">", Compare::AtLeast), ("<", Compare::Below)] {
        match word.split_once(sign) {
            Some(("used", value)) => return Ok(Term::Used(compare, number(value)?)),
            Some(("active", value)) => return Ok(Term::Active(compare, number(value)?)),
            _ => {}
        }
    }
    let Some((name, value)) = word.split_once(':').filter(|(name, _)| is_name(name)) else {
        if let Some((name @ ("used" | "active"), _)) = word.split_once('=') {
            return Err(FilterError::Compare(if name == "used" { "used" } else { "active" }));
        }
        return Ok(Term::Word(WildMatch::new_case_insensitive(&globbed(word))));
    };
    if name == "ip" {
        return net(value).map(Term::Ip).ok_or_else(|| FilterError::Ip(brief(value)));
    }
    let field = FIELDS.iter().find(|(known, _)| *known == name).map(|(_, field)| *field);
    let field = field.ok_or_else(|| FilterError::Field(brief(name)))?;
    Ok(Term::Text(field, WildMatch::new_case_insensitive(&globbed(value))))
}

/// An address such as `fe80::1` is no field.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphabetic()) && text.len() > 1
}

/// Text without a glob's characters is looked for anywhere.
fn globbed(text: &str) -> String {
    if text.contains(['*', '?']) { text.to_owned() } else { format!("*{text}*") }
}

fn number(text: &str) -> Result<u64, FilterError> {
    let digits = text.strip_suffix('%').unwrap_or(text);
    digits.parse().map_err(|_| FilterError::Number(brief(text)))
}

fn net(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row<'a>() -> Looked<'a> {
        Looked {
            user: Some("Alice"),
            session: Some("s-91c2"),
            ip: Some("10.1.2.3"),
            quota: Some("per-ip"),
            state: Some("evicted"),
            used: Some(80),
            ..Looked::default()
        }
    }

    fn wants(text: &str) -> bool {
        Filter::read(text).unwrap().wants(&row())
    }

    #[test]
    fn every_term_must_hold() {
        for text in [
            "",
            "user:ali used>80% state:evicted ip:10.0.0.0/8 quota:per-ip",
            "91c2",
            "user:a*e",
            "*lic?",
            "used>=80%",
        ] {
            assert!(wants(text), "{text}");
        }
        for text in ["user:ali used>81%", "ip:11.0.0.0/8", "bob", "used<80%", "user:ali?", "state:live"] {
            assert!(!wants(text), "{text}");
        }
    }

    #[test]
    fn what_a_row_does_not_have_is_said_and_hides_nothing() {
        let filter = Filter::read("client:vpn user:ali").unwrap();
        assert!(filter.wants(&row()) && filter.is_partly_about(&row()));
        assert!(!Filter::read("user:ali").unwrap().is_partly_about(&row()));
    }

    #[test]
    fn an_address_of_v6_is_a_word_or_a_range() {
        let row = Looked { ip: Some("2001:db8::1"), ..Looked::default() };
        for text in ["ip:2001:db8::/32", "ip:2001:db8::1", "2001:db8"] {
            assert!(Filter::read(text).unwrap().wants(&row), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_name() {
        let refused = |text: &str| Filter::read(text).unwrap_err().to_string();
        assert!(refused("usr:ann").starts_with("there is no `usr:`"));
        assert_eq!(refused("ip:10.0.0.0/99"), "`10.0.0.0/99` is no address; write e.g. ip:10.0.0.0/8");
        assert_eq!(refused("used>many"), "`many` is no number; write e.g. used>80% or active>3");
        assert_eq!(refused("used=100%"), "write used> or used<, e.g. used>3");
        assert_eq!(refused(&"a ".repeat(17)), "more than 16 terms");
    }
}
