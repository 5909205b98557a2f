//! Random settings: tight ones.

use super::{Rng, set};
use serde_json::{Map, Value, json};

const POLICIES: [&str; 6] = [
    "deny_access",
    "destroy_next_expiring",
    "destroy_oldest",
    "destroy_least_time_left",
    "destroy_most_idle",
    "destroy_all_others",
];

/// Settings for a whole recording.
pub(super) fn config(rng: &mut Rng) -> Value {
    let mut config = Map::new();
    config.insert("sessions".to_owned(), sessions(rng));
    if rng.chance(95) {
        config.insert("quota".to_owned(), quotas(rng, false));
    }
    if rng.chance(40) {
        config.insert("group".to_owned(), groups(rng));
    }
    if rng.chance(25) {
        config.insert("ignore".to_owned(), ignore(rng));
    }
    if rng.chance(20) {
        config.insert("users".to_owned(), users(rng));
    }
    Value::Object(config)
}

/// What a `configure` may bring: one section, seldom two.
pub(super) fn change(rng: &mut Rng, own_policy: bool) -> Value {
    let mut config = Map::new();
    for _ in 0..=rng.below(2) {
        match rng.below(10) {
            0 | 1 => config.insert("sessions".to_owned(), sessions(rng)),
            2 => config.insert("group".to_owned(), groups(rng)),
            3 => config.insert("ignore".to_owned(), ignore(rng)),
            4 if rng.chance(50) => config.insert("quota".to_owned(), json!([])),
            _ => config.insert("quota".to_owned(), quotas(rng, own_policy)),
        };
    }
    Value::Object(config)
}

/// A change that must be refused.
pub(super) fn bad_change(rng: &mut Rng) -> Value {
    let quota = |field: &str, value: Value| {
        let mut quota = json!({ "name": "per-user", "count_by": "user", "max_sessions": 2 });
        set(&mut quota, field, value);
        json!({ "quota": [quota] })
    };
    match rng.below(12) {
        0 => quota("max_sessions", json!(0)),
        1 => quota("max_sessions", json!(-1)),
        2 => quota("max_sessions", json!("abc")),
        3 => quota("on_exhausted", json!("no_such_policy")),
        4 => quota("on_error", json!("allow")),
        5 => quota("level", json!("firm")),
        6 => quota("count_by", json!("planet")),
        7 => quota("max_session", json!(3)),
        8 => json!({ "sessions": { "ttl": 0 } }),
        9 => json!({ "session": {} }),
        10 => json!({ "sessions": { "idle": "soon" } }),
        _ => {
            let quota = json!({ "name": "twice", "count_by": "user", "max_sessions": 2 });
            json!({ "quota": [quota, quota] })
        }
    }
}

fn sessions(rng: &mut Rng) -> Value {
    let resolution = if rng.chance(15) { json!("2s") } else { json!("0s") };
    json!({
        "ttl": rng.pick(&["10s", "30s", "60s", "never"]),
        "idle": rng.pick(&["5s", "10s", "30s", "never"]),
        "retention": rng.pick(&["0s", "0s", "2s", "5s"]),
        "activity_resolution": resolution,
        "same_id": rng.pick(&["refuse", "take_over"]),
        "reuse": rng.pick(&["allow", "allow", "allow", "allow", "allow", "allow", "refuse"]),
        "evicted_wait": rng.pick(&["0s", "0s", "4s"]),
    })
}

pub(super) fn users(rng: &mut Rng) -> Value {
    json!({ "fold": rng.pick(&["none", "lowercase"]), "strip_domain": if rng.chance(50) { vec!["corp"] } else { vec![] } })
}

fn groups(rng: &mut Rng) -> Value {
    let users = rng.pick(&[vec!["ann"], vec!["ann", "b*"], vec!["?y"]]);
    json!([{ "name": rng.pick(&["staff", "vip"]), "users": users }])
}

fn ignore(rng: &mut Rng) -> Value {
    match rng.below(3) {
        0 => json!([{ "client": ["tv"] }]),
        1 => json!([{ "user": "c*", "client": "web" }]),
        _ => json!([{ "ip": "10.0.0.3" }, { "source": "broker", "not": { "user": "ann" } }]),
    }
}

fn quotas(rng: &mut Rng, own_policy: bool) -> Value {
    let count = 1 + rng.below(3);
    let quotas = (0..count).map(|index| quota(rng, index, own_policy));
    quotas.collect()
}

fn quota(rng: &mut Rng, index: usize, own_policy: bool) -> Value {
    let level = rng.pick(&["hard", "hard", "hard", "hard", "soft", "advisory"]);
    let own = own_policy && rng.chance(60);
    let mut quota = json!({
        "name": format!("q{index}"),
        "count_by": count_by(rng, level == "advisory"),
        "max_sessions": limit(rng),
        "level": level,
        "on_exhausted": if own { "own" } else { rng.pick(&POLICIES) },
        "on_error": on_error(rng, level),
    });
    if rng.chance(25) {
        set(&mut quota, "when", when(rng));
    }
    if rng.chance(35) {
        set(&mut quota, "evict_others", json!(true));
    }
    if rng.chance(6) {
        set(&mut quota, "enabled", json!(false));
    }
    if rng.chance(35) {
        set(&mut quota, "override", (0..=rng.below(2)).map(|_| an_override(rng)).collect());
    }
    quota
}

/// Advisory quotas have one key: what they say of several is not settled.
fn count_by(rng: &mut Rng, one_key: bool) -> Value {
    let single =
        [json!("user"), json!("ip"), json!("client"), json!("source"), json!("all"), json!("attr:device")];
    match rng.below(10) {
        0..=3 => json!("user"),
        4..=6 => rng.pick(&single),
        7 => json!(["user", "client"]),
        8 => json!(["source", "ip"]),
        _ if one_key => json!(["all"]),
        _ => rng.pick(&[json!("group"), json!(["group", "client"])]),
    }
}

fn limit(rng: &mut Rng) -> Value {
    match rng.below(24) {
        0 => json!("unlimited"),
        1 => json!("banned"),
        2..=12 => json!(1),
        13..=19 => json!(2),
        _ => json!(3),
    }
}

fn on_error(rng: &mut Rng, level: &str) -> Value {
    match rng.below(4) {
        0 => json!("destroy_oldest"),
        1 => json!("deny_access"),
        2 if level == "soft" => json!("allow"),
        _ => json!("deny"),
    }
}

fn when(rng: &mut Rng) -> Value {
    match rng.below(6) {
        0 => json!({ "client": ["web", "mobile"] }),
        1 => json!({ "not": { "user": "b*" } }),
        2 => json!({ "ip": "10.0.0.0/30", "not": { "client": "tv" } }),
        3 => json!({ "group": "staff" }),
        4 => json!({ "not": { "attr:device": "phone" } }),
        _ => json!({ "source": ["portal"], "user": ["ann", "?ob"] }),
    }
}

fn an_override(rng: &mut Rng) -> Value {
    let (whom, name) =
        rng.pick(&[("user", "ann"), ("user", "b*"), ("user", "*"), ("group", "vip"), ("group", "staff")]);
    let mut one = json!({ whom: name, "max_sessions": limit(rng) });
    if rng.chance(30) {
        set(&mut one, "until", json!(format!("1970-01-01T00:00:{:02}Z", 1 + rng.below(20))));
    }
    one
}
