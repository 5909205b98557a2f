//! The edge: names are normalised and bounded here, before anything is judged (RULES 18, 20).

use crate::command::{Login, Rejection};
use crate::config::{
    ATTRIBUTE_KEY_BYTES_MAX, ATTRIBUTE_VALUE_BYTES_MAX, ATTRIBUTES_BYTES_MAX, ATTRIBUTES_MAX, Bounds,
    NAME_BYTES_MAX, UserSettings,
};
use crate::quota::Ready;
use crate::{Facts, Millis, Span, Texts};
use std::borrow::Cow;
use std::net::IpAddr;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The longest span but `never` that is accepted: a thousand years.
const SPAN_MAX: Span = Span::seconds(1000 * 366 * 86_400);

/// Normalises a user name into a user key; empty when nothing is left of it.
///
/// # Errors
/// Refuses control characters and names over the bound.
pub fn user_key(name: &str, settings: &UserSettings) -> Result<String, Rejection> {
    key_of(name, settings).map(Cow::into_owned)
}

/// As [`user_key`]; a name that is a key already is not copied.
pub(super) fn key_of<'a>(name: &'a str, settings: &UserSettings) -> Result<Cow<'a, str>, Rejection> {
    text("user", name, NAME_BYTES_MAX)?;
    if name.is_ascii() && settings.strip_domain.is_empty() && !settings.lowercase {
        return Ok(Cow::Borrowed(name));
    }
    let mut key = if is_nfc(name) { name.to_owned() } else { name.nfc().collect() };
    for domain in &settings.strip_domain {
        if let Some(stripped) = without_domain(&key, domain) {
            key = stripped;
            break;
        }
    }
    if settings.lowercase {
        key = key.to_lowercase().nfc().collect();
    }
    if key.len() > NAME_BYTES_MAX {
        return Err(too_long("user", key.len(), NAME_BYTES_MAX));
    }
    Ok(Cow::Owned(key))
}

/// `name@domain` and `DOMAIN\name` without the domain, compared without case.
fn without_domain(name: &str, domain: &str) -> Option<String> {
    let is_it = |part: &str| part.to_lowercase() == domain.to_lowercase();
    match (name.rsplit_once('@'), name.split_once('\\')) {
        (Some((user, part)), _) if is_it(part) => Some(user.to_owned()),
        (_, Some((part, user))) if is_it(part) => Some(user.to_owned()),
        _ => None,
    }
}

/// A session id as given.
///
/// # Errors
/// Refuses what is missing, empty, too long, or holds control characters.
pub fn session_id<'a>(field: &str, id: Option<&'a str>) -> Result<&'a str, Rejection> {
    let id = id.ok_or_else(|| Rejection::new(field, "is missing"))?;
    if id.is_empty() {
        return Err(Rejection::new(field, "is empty"));
    }
    text(field, id, NAME_BYTES_MAX)?;
    Ok(id)
}

/// Refuses control characters and texts over `most` bytes.
///
/// # Errors
/// Names the field and what is wrong.
pub fn text(field: &str, text: &str, most: usize) -> Result<(), Rejection> {
    if text.len() > most {
        return Err(too_long(field, text.len(), most));
    }
    // Most texts are plain, and those are told apart byte by byte.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(());
    }
    match text.char_indices().find(|(_, c)| c.is_control()) {
        Some((at, c)) => Err(Rejection::new(
            field,
            format!("has the control character U+{:04X} at byte {at}", u32::from(c)),
        )),
        None => Ok(()),
    }
}

fn too_long(field: &str, bytes: usize, most: usize) -> Rejection {
    Rejection::new(field, format!("has {bytes} bytes; at most {most} are allowed"))
}

/// A span that may not be zero.
///
/// # Errors
/// Refuses zero and more than a thousand years.
pub fn life(field: &str, span: Option<Span>) -> Result<Option<Span>, Rejection> {
    if span.is_some_and(Span::is_zero) {
        return Err(Rejection::new(
            field,
            "is 0; a session needs time to live: leave it out, or write `never`",
        ));
    }
    span_max(field, span)
}

fn span_max(field: &str, span: Option<Span>) -> Result<Option<Span>, Rejection> {
    match span {
        Some(span) if !span.is_never() && span > SPAN_MAX => {
            Err(Rejection::new(field, "is longer than a thousand years; write `never`"))
        }
        span => Ok(span),
    }
}

/// A login's facts as they will be frozen: normalised, bounded, groups completed, lives resolved.
///
/// # Errors
/// Names the first field that is refused.
pub fn facts(login: &Login, ready: &Ready, bounds: &Bounds, at: Millis) -> Result<Facts, Rejection> {
    let name = login.user.as_deref().ok_or_else(|| Rejection::new("user", "is missing"))?;
    let user = key_of(name, &ready.settings.users)?;
    let session = session_id("session", login.session.as_deref())?;
    let ip = address(login.ip.as_deref().unwrap_or_default())?;
    let client = short("client", login.client.as_deref())?;
    let source = short("source", login.source.as_deref())?;
    let groups = groups(login, ready, bounds, &user)?;
    let attributes = attributes("attributes", &login.attributes)?;
    let user_attributes = attributes_of_user(login)?;
    let (ttl, idle) = (life("ttl", login.ttl)?, life("idle", login.idle)?);
    let retention = span_max("retention", login.retention)?;
    let defaults = &ready.settings.sessions;
    let texts = Texts {
        user: &user,
        session,
        ip: &ip,
        client,
        source,
        groups: &groups,
        attributes: &attributes,
        user_attributes: &user_attributes,
    };
    let mut facts = Facts::new(texts);
    facts.started = at;
    facts.ttl = ttl.unwrap_or(defaults.ttl);
    facts.idle = idle.unwrap_or(defaults.idle);
    facts.retention = retention.unwrap_or(defaults.retention);
    Ok(facts)
}

/// An address in canonical form, so that one host has one key; other text as it is.
fn address(ip: &str) -> Result<Cow<'_, str>, Rejection> {
    if ip.is_empty() {
        return Ok(Cow::Borrowed(ip));
    }
    text("ip", ip, NAME_BYTES_MAX)?;
    Ok(match ip.parse::<IpAddr>() {
        // What was read as four numbers is written so already: no other spelling is accepted.
        Ok(IpAddr::V4(_)) | Err(_) => Cow::Borrowed(ip),
        Ok(ip @ IpAddr::V6(_)) => Cow::Owned(ip.to_canonical().to_string()),
    })
}

fn short<'a>(field: &str, value: Option<&'a str>) -> Result<&'a str, Rejection> {
    let value = value.unwrap_or_default();
    text(field, value, NAME_BYTES_MAX)?;
    Ok(value)
}

fn groups(login: &Login, ready: &Ready, bounds: &Bounds, user: &str) -> Result<Vec<String>, Rejection> {
    if login.groups.len() > bounds.groups_per_login_max as usize {
        let (count, most) = (login.groups.len(), bounds.groups_per_login_max);
        return Err(Rejection::new("groups", format!("has {count} groups; at most {most} are allowed")));
    }
    for (index, group) in login.groups.iter().enumerate() {
        text("", group, NAME_BYTES_MAX).map_err(|refused| refused.of(format!("groups[{index}]")))?;
    }
    let given = login.groups.iter().map(String::as_str).filter(|group| !group.is_empty());
    let mut all: Vec<String> = given.chain(ready.groups_of(user)).map(str::to_owned).collect();
    all.sort();
    all.dedup();
    Ok(all)
}

fn attributes_of_user(login: &Login) -> Result<Vec<(String, String)>, Rejection> {
    attributes("user_attributes", &login.user_attributes)
}

fn attributes(field: &str, pairs: &[(String, String)]) -> Result<Vec<(String, String)>, Rejection> {
    if pairs.len() > ATTRIBUTES_MAX {
        let count = pairs.len();
        return Err(Rejection::new(
            field,
            format!("has {count} attributes; at most {ATTRIBUTES_MAX} are allowed"),
        ));
    }
    for (key, value) in pairs {
        let named = |refused: Rejection| {
            let shown = key.chars().filter(|c| !c.is_control()).take(ATTRIBUTE_KEY_BYTES_MAX);
            refused.of(format!("{field}.{}", shown.collect::<String>()))
        };
        text("", key, ATTRIBUTE_KEY_BYTES_MAX).map_err(named)?;
        text("", value, ATTRIBUTE_VALUE_BYTES_MAX).map_err(named)?;
    }
    let bytes: usize = pairs.iter().map(|(key, value)| key.len() + value.len()).sum();
    if bytes > ATTRIBUTES_BYTES_MAX {
        return Err(too_long(field, bytes, ATTRIBUTES_BYTES_MAX));
    }
    // An empty value is a missing one.
    let mut known: Vec<_> = pairs.iter().filter(|(_, value)| !value.is_empty()).cloned().collect();
    known.sort();
    known.dedup_by(|later, first| later.0 == first.0);
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(lowercase: bool) -> UserSettings {
        UserSettings { lowercase, strip_domain: vec!["Corp.example".to_owned(), "CORP".to_owned()] }
    }

    #[test]
    fn names_become_keys_in_nfc_without_their_domain() {
        let cases = [
            ("Ann@corp.EXAMPLE", true, "ann"),
            ("corp\\Ann", true, "ann"),
            ("Ann@elsewhere", false, "Ann@elsewhere"),
            ("e\u{301}va", false, "\u{e9}va"),
            ("@corp", false, ""),
        ];
        for (name, lowercase, key) in cases {
            assert_eq!(user_key(name, &settings(lowercase)).as_deref(), Ok(key), "[18] {name}");
        }
    }

    #[test]
    fn control_characters_and_long_names_are_refused_by_field() {
        let refused = user_key("an\u{1b}n", &settings(false)).unwrap_err();
        assert_eq!(
            (refused.field.as_str(), refused.reason.as_str()),
            ("user", "has the control character U+001B at byte 2")
        );
        let long = "x".repeat(257);
        let refused = session_id("session", Some(&long)).unwrap_err();
        assert_eq!(refused.reason, "has 257 bytes; at most 256 are allowed", "[20]");
    }

    #[test]
    fn one_host_has_one_address() {
        assert_eq!(address("::FFFF:10.0.0.1").as_deref(), Ok("10.0.0.1"));
        assert_eq!(address("2001:DB8:0::1").as_deref(), Ok("2001:db8::1"));
        assert_eq!(address("pts/3").as_deref(), Ok("pts/3"));
    }
}
