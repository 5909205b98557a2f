//! A scenario written as a `[[case]]`.

use super::{Old, World};
use sledger_core::civil;
use sledger_core::command::Login;
use sledger_core::config::{Level, Param};
use std::fmt::Write as _;

/// A case that expects `code`, as the policy gives it now.
pub(super) fn case(world: &World, name: &str, code: &str) -> String {
    let mut text = String::from("[[case]]\n");
    let mut line = |key: &str, value: String| {
        let written = writeln!(text, "{key} = {value}");
        debug_assert!(written.is_ok(), "a text takes every line");
    };
    line("name", quoted(name));
    line("now", quoted(&civil::rfc3339(world.now)));
    line("limit", world.limit.number().map_or_else(|| quoted(&world.limit.to_string()), |n| n.to_string()));
    line("level", quoted(level(world.level)));
    if !world.evict_others {
        line("evict_others", "false".to_owned());
    }
    line("user", user(&world.newcomer));
    line("request", request(&world.newcomer));
    let sessions: Vec<String> = world.sessions.iter().map(|old| quoted(&session(old, world))).collect();
    line("sessions", format!("[{}]", sessions.join(", ")));
    if !world.params.is_empty() {
        let params: Vec<String> =
            world.params.iter().map(|(key, value)| format!("{} = {}", quoted(key), param(value))).collect();
        line("params", format!("{{ {} }}", params.join(", ")));
    }
    line("expect", format!("{{ error = {} }}", quoted(code)));
    text
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Hard => "hard",
        Level::Soft => "soft",
        Level::Advisory => "advisory",
    }
}

fn user(login: &Login) -> String {
    let mut parts = vec![format!("id = {}", quoted(login.user.as_deref().unwrap_or_default()))];
    if !login.groups.is_empty() {
        let groups: Vec<String> = login.groups.iter().map(|group| quoted(group)).collect();
        parts.push(format!("groups = [{}]", groups.join(", ")));
    }
    attributes(&login.user_attributes, &mut parts);
    format!("{{ {} }}", parts.join(", "))
}

fn request(login: &Login) -> String {
    let known = [
        ("session", &login.session),
        ("ip", &login.ip),
        ("client", &login.client),
        ("source", &login.source),
    ];
    let known = known.iter().filter_map(|(key, value)| Some(format!("{key} = {}", quoted(value.as_ref()?))));
    let mut parts: Vec<String> = known.collect();
    attributes(&login.attributes, &mut parts);
    format!("{{ {} }}", parts.join(", "))
}

fn attributes(attributes: &[(String, String)], parts: &mut Vec<String>) {
    if !attributes.is_empty() {
        let pairs: Vec<String> =
            attributes.iter().map(|(key, value)| format!("{} = {}", quoted(key), quoted(value))).collect();
        parts.push(format!("attr = {{ {} }}", pairs.join(", ")));
    }
}

fn session(old: &Old, world: &World) -> String {
    let login = &old.login;
    let mut line = login.session.clone().unwrap_or_default();
    let mut word = |key: &str, value: Option<&str>| {
        for part in value.iter().flat_map(|value| [" ", key, "=", value]) {
            line.push_str(part);
        }
    };
    word("user", login.user.as_deref().filter(|user| Some(*user) != world.newcomer.user.as_deref()));
    word("ip", login.ip.as_deref());
    word("client", login.client.as_deref());
    word("source", login.source.as_deref());
    word("age", Some(&format!("{}s", old.age)));
    word("idle", Some(&format!("{}s", old.idle)));
    word("ttl", login.ttl.map(|ttl| format!("{}s", ttl.as_millis() / 1000)).as_deref());
    for (key, value) in &login.attributes {
        word(&format!("attr.{key}"), Some(value));
    }
    if old.retained {
        line.push_str(" retained");
    }
    line
}

fn param(param: &Param) -> String {
    match param {
        Param::Int(int) => int.to_string(),
        Param::Bool(bool) => bool.to_string(),
        Param::Text(text) => quoted(text),
        Param::List(list) => format!("[{}]", list.iter().map(self::param).collect::<Vec<_>>().join(", ")),
    }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
