//! What configurations read as, and what is said about bad ones.

use super::*;
use proptest::prelude::*;
use sledger_core::config::{
    Bounds, Condition, Dimension, Fact, GroupRule, Level, OnError, Quota, Reuse, SameId, Selector,
};
use sledger_core::{Limit, Millis};
use std::sync::Arc;

const WHOLE: &str = include_str!("tests/whole.toml");

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn read(text: &str) -> Result<Config, Refused> {
    let none = BTreeMap::new();
    Config::read(&Written {
        file: Some((Path::new("etc/sledger.toml"), text)),
        environment: &none,
        flags: &none,
    })
}

fn faults(text: &str) -> Vec<String> {
    read(text).expect_err(text).faults.iter().map(|fault| fault.line(Some(Path::new("s.toml")))).collect()
}

#[test]
fn nothing_written_is_the_documented_default() {
    let config = read("").unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:7070");
    assert_eq!(config.settings, Settings::default());
    assert_eq!(config.limits.bounds, Bounds::default());
    assert_eq!(config.ledger.data, Path::new("etc/sledger-data"));
    assert!(!config.is_given("sessions.activity_resolution"));
}

#[test]
fn the_documented_file_reads_as_documented() {
    let config = read(WHOLE).unwrap();
    assert_eq!(
        config.settings.groups,
        [GroupRule { name: "ops".to_owned(), users: vec!["ann".to_owned(), "bridge-*".to_owned()] }]
    );
    assert_eq!(config.settings.ignore.len(), 1);
    assert_eq!(
        (config.settings.sessions.same_id, config.settings.sessions.reuse),
        (SameId::Refuse, Reuse::Allow)
    );
    assert_eq!(config.monitor.near_percent, 80);
    assert_eq!(config.audit[0].to, AuditTarget::Stdout);
    let [quota] = config.settings.quotas.as_slice() else { panic!("one quota") };
    assert_eq!((quota.name.as_str(), quota.origin), ("per-user", Origin::File));
    assert_eq!(quota.on_exhausted, "destroy_oldest");
    assert_eq!(
        quota.when.all_of,
        [Condition { fact: Fact::Client, any_of: vec!["web".to_owned(), "mobile".to_owned()] }]
    );
    assert_eq!(quota.when.not, [Condition { fact: Fact::User, any_of: vec!["svc-*".to_owned()] }]);
    assert_eq!(quota.overrides[0].selector, Selector::Glob("bridge-*".to_owned()));
    assert_eq!(quota.overrides[0].limit, Limit::Unlimited);
    assert_eq!(quota.overrides[1].selector, Selector::Group("vip".to_owned()));
    assert_eq!(quota.overrides[1].until, Some(Millis(1_798_761_600_000)));
    assert!(config.is_given("sessions.activity_resolution"));
    assert_eq!(config.warnings, []);
}

#[test]
fn the_documented_values_are_the_defaults_of_the_program() {
    let mut config = read(WHOLE).unwrap();
    let bare = read("").unwrap();
    config.settings = Settings { groups: Vec::new(), ignore: Vec::new(), ..config.settings };
    config.settings.quotas = bare.settings.quotas.clone();
    config.audit.clear();
    config.places.clear();
    assert_eq!(config, bare);
}

#[test]
fn what_is_shown_reads_back_to_itself() {
    for text in ["", WHOLE, RICH] {
        let config = read(text).unwrap();
        for showing in [Showing::Meaning, Showing::Origin] {
            let shown = config.show(showing);
            let none = BTreeMap::new();
            let written =
                Written { file: Some((Path::new("s.toml"), &shown)), environment: &none, flags: &none };
            let again = Config::read(&written).unwrap_or_else(|refused| panic!("{refused}\n{shown}"));
            let expected = Config {
                settings: owned_by_file(&config.settings),
                file: again.file.clone(),
                places: again.places.clone(),
                warnings: again.warnings.clone(),
                ..config.clone()
            };
            assert_eq!(again, expected, "{shown}");
            assert_eq!(again.show(Showing::Meaning), config.show(Showing::Meaning));
        }
    }
}

fn owned_by_file(settings: &Settings) -> Settings {
    let own = |quota: &Arc<Quota>| Arc::new(Quota { origin: Origin::File, ..Quota::clone(quota) });
    Settings { quotas: settings.quotas.iter().map(own).collect(), ..settings.clone() }
}

/// Every key that the documented file leaves at its default.
const RICH: &str = r#"
[server]
listen = "localhost:80"
hosts = ["a.example", "\u202e\"\\"]
[ledger]
data = "/var/lib/sledger"
durability = "relaxed"
reserve = 1000
seal_personal = true
keep = "90d"
[limits]
users = 1
queue = 2
[log]
level = "trace"
format = "json"
[sessions]
ttl = "never"
idle = 90
retention = "250ms"
same_id = "take_over"
reuse = "refuse"
tombstones_max = 0
[users]
fold = "lowercase"
strip_domain = ["EXAMPLE.ORG"]
[[ignore]]
"attr:kind of" = "x"
ip = ["10.0.0.0/8", "::/0", "host"]
not = { user = "a?c" }
[monitor]
near = 95
theme = "mono"
[monitor.keys]
quit = ["q", "Q"]
"go to" = "g"
[[audit]]
to = "syslog+tls://logs.example:6514"
format = "cef"
types = ["*.denied", "login.*"]
[[audit]]
to = "file:audit.log"
[[quota]]
name = "b"
count_by = ["client", "attr:device"]
max_sessions = "banned"
level = "soft"
on_error = "allow"
params = { a = 1, b = "5m", c = true, d = [1, "x", [false]] }
messages = { denied = "no {limit}\u001b\n" }
enabled = false
evict_others = true
override = [
  { user = "ann", max_sessions = 4294967295, reason = "because" },
  { group = "vip", max_sessions = "banned", until = 2027-01-01T00:00:00+01:00 },
]
[[quota]]
name = "c"
count_by = "all"
level = "advisory"
on_error = "deny_access"
"#;

#[test]
fn a_rich_file_reads_as_written() {
    let config = read(RICH).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:80");
    assert_eq!(config.ledger.reserve_bytes, 1000);
    assert_eq!(config.settings.sessions.idle, Span::seconds(90));
    assert_eq!(config.settings.quotas[0].on_error, OnError::Allow);
    assert_eq!(config.settings.quotas[1].on_error, OnError::Policy("deny_access".to_owned()));
    assert_eq!(config.settings.quotas[1].level, Level::Advisory);
    assert_eq!(
        config.settings.quotas[0].count_by,
        [Dimension::Client, Dimension::Attribute("device".to_owned())]
    );
    assert_eq!(config.audit[1].to, AuditTarget::File(PathBuf::from("etc/audit.log")));
}

#[test]
fn the_default_is_shown_with_a_comment_on_every_key() {
    let shown = Config::default().show(Showing::Meaning);
    for line in shown.lines().filter(|line| line.contains(" = ")) {
        assert!(line.contains("# ") && !line.ends_with("# "), "{line}");
    }
    assert!(shown.contains("listen = \"127.0.0.1:7070\""), "{shown}");
    assert!(shown.contains("on_exhausted = \"destroy_next_expiring\""), "{shown}");
    assert!(shown.contains("\n# [[group]]"), "{shown}");
}

#[test]
fn flags_win_over_the_environment_and_the_environment_over_the_file() {
    let environment = pairs(&[
        ("SLEDGER__SERVER__LISTEN", "0.0.0.0:1"),
        ("SLEDGER__SERVER__NAME", "17"),
        ("SLEDGER__SERVER__HOSTS", "a, b"),
        ("SLEDGER__SESSIONS__IDLE", "90"),
        ("SLEDGER__LEDGER__DATA", "here"),
        ("SLEDGER__QUOTA", "[{ name = \"x\", max_sessions = 2 }]"),
        ("SLEDGER_CONFIG", "ignored"),
        ("HOME", "/root"),
    ]);
    let flags = pairs(&[("server.listen", "0.0.0.0:2")]);
    let file = "[server]\nlisten = \"0.0.0.0:3\"\nname = \"file\"\n[sessions]\nttl = \"1h\"\n";
    let written =
        Written { file: Some((Path::new("etc/s.toml"), file)), environment: &environment, flags: &flags };
    let config = Config::read(&written).unwrap();
    assert_eq!((config.server.listen.port(), config.server.name.as_str()), (2, "17"));
    assert_eq!(config.server.hosts, ["a", "b"]);
    assert_eq!(config.settings.sessions.idle, Span::seconds(90));
    assert_eq!(config.ledger.data, Path::new("here"));
    assert_eq!(config.settings.quotas[0].max_sessions, Limit::at_most(2).unwrap());
    let shown = config.show(Showing::Origin);
    let origin = |key: &str| {
        let line = shown.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
        line.rsplit("# ").next().unwrap().to_owned()
    };
    assert_eq!(origin("listen"), "--listen");
    assert_eq!(origin("name"), "SLEDGER__SERVER__NAME");
    assert_eq!(origin("ttl"), "etc/s.toml:5");
    assert_eq!(origin("retention"), "default");
}

#[test]
fn faults_outside_the_file_name_their_variable_or_flag() {
    let environment = pairs(&[("SLEDGER__SERVER__LISTN", "x"), ("SLEDGER__QUOTA__0__LEVEL", "soft")]);
    let flags = pairs(&[("server.listen", "nowhere")]);
    let file = Some((Path::new("s.toml"), "[[quota]]\nname = \"a\"\n"));
    let refused = Config::read(&Written { file, environment: &environment, flags: &flags }).unwrap_err();
    let expected = "\
SLEDGER__QUOTA__0__LEVEL: `quota.0.level`: names a key inside a value that has none: give the whole value
SLEDGER__SERVER__LISTN: `server.listn`: is unknown; did you mean `listen`?
--listen: `server.listen`: `nowhere` is no address with a port: write e.g. `127.0.0.1:7070`";
    assert_eq!(refused.to_string(), expected);
}

#[test]
fn all_faults_are_reported_together_with_their_lines() {
    let text = "[server]\nlistn = 1\n[sessions]\nttl = 0\nidle = \"x\"\n[[quota]]\nname = \"a b\"\nmax_sessions = 0\n";
    assert_eq!(
        faults(text),
        [
            "s.toml:2: `server.listn`: is unknown; did you mean `listen`?",
            "s.toml:7: `quota[0].name`: `a b` is no quota name: write letters, digits, `-`, `_` and `.`, at most 64",
            "s.toml:8: `quota[0].max_sessions`: 0 is unlimited in OpenAM and Avi, a ban in EMQX: write `unlimited` or `banned`",
            "s.toml:4: `sessions.ttl`: is 0, so every session would be over at once: write `never` for no end",
            "s.toml:5: `sessions.idle`: `x` is no duration: write e.g. `250ms`, `30s`, `5m`, `2h`, `1d` or `never`",
        ]
    );
}

/// One bad line each, in a quota or at the root, and exactly what is said.
const BAD: &[(&str, &str)] = &[
    ("sesions = {}", "s.toml:1: `sesions`: is unknown; did you mean `sessions`?"),
    (
        "colour = 1",
        "s.toml:1: `colour`: is unknown; known here: server ledger limits log sessions users group ignore messages policies monitor audit quota",
    ),
    ("server = 1", "s.toml:1: `server`: is the number `1`, not a table of keys"),
    ("server.hosts = \"a\"", "s.toml:1: `server.hosts`: is the text `a`, not a list"),
    ("server.hosts = [1]", "s.toml:1: `server.hosts`: has an item [0] that is the number `1`, not text"),
    ("server.name = \"\"", "s.toml:1: `server.name`: is empty"),
    (
        "ledger.durability = \"Durabl\"",
        "s.toml:1: `ledger.durability`: `Durabl` is not one of `durable`, `relaxed`; did you mean `durable`?",
    ),
    (
        "ledger.seal_personal = 1",
        "s.toml:1: `ledger.seal_personal`: is the number `1`: write `true` or `false`",
    ),
    (
        "ledger.reserve = \"256 pigs\"",
        "s.toml:1: `ledger.reserve`: `256 pigs` has the unknown unit `pigs`: known are `B`, `KiB`, `MiB`, `GiB`, `TiB`",
    ),
    ("limits.users = 0", "s.toml:1: `limits.users`: is the number `0`: write a number from 1 to 4294967295"),
    ("limits.queue = 1.5", "s.toml:1: `limits.queue`: is the number `1.5`, not a whole number"),
    (
        "monitor.near = \"101%\"",
        "s.toml:1: `monitor.near`: is the text `101%`: write a share from `\"1%\"` to `\"100%\"`",
    ),
    (
        "messages.denied = \"{limt}\"",
        "s.toml:1: `messages.denied`: has the unknown placeholder `{limt}`: known are `{limit}`, `{active}`, `{quota}`, `{at}`, `{by_client}`; did you mean `{limit}`?",
    ),
    ("[[ignore]]", "s.toml:1: `ignore[0]`: has no condition, so every login would be ignored"),
    ("[[group]]\nusers = []", "s.toml:1: `group[0].name`: is missing"),
    ("[[audit]]", "s.toml:1: `audit[0].to`: is missing: write e.g. `stdout` or `file:audit.jsonl`"),
    (
        "[[audit]]\nto = \"syslog+udp://x\"",
        "s.toml:2: `audit[0].to`: `syslog+udp://x` is not one of `stdout`, `journald`, `file:PATH`, `syslog+udp://HOST:PORT`, `syslog+tcp://…`, `syslog+tls://…`",
    ),
    (
        "[[audit]]\nto = \"stdout\"\ntypes = [\"login.denid\"]",
        "s.toml:3: `audit[0].types`: has `login.denid`, which no event is; did you mean `login.denied`?",
    ),
    (
        "[[quota]]\nname = \"a\"\n[[quota]]\nname = \"a\"",
        "s.toml:4: `quota[1].name`: `a` names another quota too",
    ),
    (
        "[[quota]]\nmax_sessions = -1",
        "s.toml:2: `quota[0].max_sessions`: -1 is unlimited in AWX: write `unlimited`",
    ),
    (
        "[[quota]]\nmax_sessions = \"5\"",
        "s.toml:2: `quota[0].max_sessions`: is the text `5`: write the number without quotes: 5",
    ),
    (
        "[[quota]]\nmax_sessions = 5000000000",
        "s.toml:2: `quota[0].max_sessions`: `5000000000` is above 4294967295: write `unlimited`",
    ),
    (
        "[[quota]]\non_exhausted = \"DENY_ACCESS\"",
        "s.toml:2: `quota[0].on_exhausted`: `DENY_ACCESS` is another product's word: write `deny_access`",
    ),
    (
        "[[quota]]\non_exhausted = \"DESTROY_NEXT_EXPIRING\"",
        "s.toml:2: `quota[0].on_exhausted`: `DESTROY_NEXT_EXPIRING` is another product's word: write `destroy_next_expiring`",
    ),
    (
        "[[quota]]\non_exhausted = \"DESTROY_OLDEST_SESSION\"",
        "s.toml:2: `quota[0].on_exhausted`: `DESTROY_OLDEST_SESSION` is another product's word: write `destroy_least_time_left` (OpenAM's oldest has the least time left; `destroy_oldest` ends the one that began first)",
    ),
    (
        "[[quota]]\non_exhausted = \"DESTROY_OLD_SESSIONS\"",
        "s.toml:2: `quota[0].on_exhausted`: `DESTROY_OLD_SESSIONS` is another product's word: write `destroy_all_others`",
    ),
    (
        "[[quota]]\non_exhausted = \"lru\"",
        "s.toml:2: `quota[0].on_exhausted`: `lru` is another product's word: write `destroy_most_idle`",
    ),
    (
        "[[quota]]\non_exhausted = \"Destroy!\"",
        "s.toml:2: `quota[0].on_exhausted`: `Destroy!` is no policy name: write lower-case letters, digits and `_`, at most 64",
    ),
    (
        "[[quota]]\non_error = \"allow\"",
        "s.toml:2: `quota[0].on_error`: is `allow`, which only a quota of `level = \"soft\"` can be: write `deny`",
    ),
    (
        "[[quota]]\nlevel = \"dry-run\"",
        "s.toml:2: `quota[0].level`: `dry-run` is not one of `hard`, `soft`, `advisory`; did you mean `advisory`?",
    ),
    (
        "[[quota]]\ncount_by = \"users\"",
        "s.toml:2: `quota[0].count_by`: `users` is not one of `user`, `ip`, `client`, `group`, `source`, `all`, `attr:NAME`; did you mean `user`?",
    ),
    ("[[quota]]\ncount_by = [\"ip\", \"ip\"]", "s.toml:2: `quota[0].count_by`: names `ip` twice"),
    (
        "[[quota]]\ncount_by = [\"all\", \"ip\"]",
        "s.toml:2: `quota[0].count_by`: names `all` beside others, which it makes meaningless: leave it out",
    ),
    (
        "[[quota]]\ncount_by = []",
        "s.toml:2: `quota[0].count_by`: is an empty list, which nothing matches: leave it out",
    ),
    (
        "[[quota]]\nwhen = { ip = \"10.0.0.0/33\" }",
        "s.toml:2: `quota[0].when.ip`: has the network `10.0.0.0/33`, which is none: write e.g. `10.0.0.0/8`",
    ),
    ("[[quota]]\nwhen = { usr = \"a\" }", "s.toml:2: `quota[0].when.usr`: is unknown; did you mean `user`?"),
    (
        "[[quota]]\nwhen = { not = { not = {} } }",
        "s.toml:2: `quota[0].when.not.not`: is unknown; known here: user group client source ip attr:",
    ),
    (
        "[[quota]]\nparams = { a = 1.5 }",
        "s.toml:2: `quota[0].params.a`: is the number `1.5`: write a whole number, text, `true`, `false` or a list of these",
    ),
    (
        "[[quota]]\noverride = [{ max_sessions = 1 }]",
        "s.toml:2: `quota[0].override[0].user`: is missing: write `user` (a name or glob) or `group`",
    ),
    (
        "[[quota]]\noverride = [{ user = \"a\", group = \"b\", max_sessions = 1 }]",
        "s.toml:2: `quota[0].override[0].group`: is given beside `user`: an override is for one of them",
    ),
    (
        "[[quota]]\noverride = [{ user = \"a\" }]",
        "s.toml:2: `quota[0].override[0].max_sessions`: is missing: write a number from 1 on, `unlimited` or `banned`",
    ),
    (
        "[[quota]]\noverride = [{ user = \"a\", max_sessions = 1, until = \"tomorrow\" }]",
        "s.toml:2: `quota[0].override[0].until`: `tomorrow` is no time: write e.g. `2026-11-20T12:04:31Z`",
    ),
];

#[test]
fn each_bad_line_is_answered_in_its_own_words() {
    for (text, expected) in BAD {
        assert_eq!(faults(text), [*expected], "{text}");
    }
}

#[test]
fn a_syntax_error_names_its_line() {
    let said = faults("[server]\nname = \nlisten = 1\n");
    assert!(said[0].starts_with("s.toml:2: "), "{said:?}");
    let twice = faults("[server]\nname = \"a\"\nname = \"b\"\n");
    assert_eq!(twice, ["s.toml:3: duplicate key"]);
}

#[test]
fn a_simulation_records_activity_at_once_unless_told_otherwise() {
    let resolution = |text: &str| read(text).unwrap().settings_simulated().sessions.activity_resolution;
    assert_eq!(resolution(""), Span::ZERO);
    assert_eq!(resolution("[sessions]\nttl = \"1h\"\n"), Span::ZERO);
    assert_eq!(resolution("[sessions]\nactivity_resolution = \"60s\"\n"), Span::seconds(60));
}

#[test]
fn a_byte_order_mark_and_foreign_line_ends_are_read_over() {
    assert_eq!(
        faults("\u{feff}[server]\r\nlistn = 1\r\n"),
        ["s.toml:2: `server.listn`: is unknown; did you mean `listen`?"]
    );
}

#[test]
fn deep_nesting_is_no_danger() {
    let deep = "[".repeat(100_000);
    assert!(read(&format!("server = {deep}")).is_err());
    let environment = pairs(&[("SLEDGER__SERVER__HOSTS", &deep)]);
    let none = BTreeMap::new();
    let _ = Config::read(&Written { file: None, environment: &environment, flags: &none });
}

#[test]
fn hostile_keys_are_escaped_where_they_are_shown() {
    assert!(faults("\"a\\u001b[2J\" = 1")[0].contains("`a\\u{1b}[2J`"));
}

#[test]
fn a_wider_quota_before_a_narrower_one_is_warned_of() {
    let quota = |name: &str, rest: &str| format!("[[quota]]\nname = \"{name}\"\n{rest}\n");
    let warned = |parts: &[String]| read(&parts.concat()).unwrap().warnings.len();
    let user = quota("user", "");
    let device = quota("device", "count_by = [\"user\", \"attr:device\"]");
    let web = quota("web", "when = { client = \"web\" }");
    let all = quota("all", "count_by = \"all\"");
    let ip = quota("ip", "count_by = \"ip\"");
    assert_eq!(warned(&[user.clone(), device.clone()]), 1);
    assert_eq!(warned(&[device, user.clone()]), 0);
    assert_eq!(warned(&[user.clone(), web.clone()]), 1);
    assert_eq!(warned(&[web, user.clone()]), 0);
    assert_eq!(warned(&[all, user.clone()]), 1);
    assert_eq!(warned(&[user.clone(), ip]), 0);
    let warning = &read(&format!("{user}{}", quota("w", "when = { client = \"web\" }"))).unwrap().warnings[0];
    assert_eq!(
        warning.line(Some(Path::new("s.toml"))),
        "s.toml:1: `quota[0]`: `user` stands before the narrower `w`: it ends sessions first, though ending those \
         of `w` might make room in both; put `w` before it"
    );
}

#[test]
fn an_override_that_is_never_used_is_warned_of() {
    let text = "[[quota]]\noverride = [{ user = \"b\", max_sessions = 1 }, { user = \"a\", max_sessions = 1 }, { user = \"a\", max_sessions = 2 }]\n";
    let warnings = read(text).unwrap().warnings;
    assert_eq!(
        warnings[0].line(Some(Path::new("s.toml"))),
        "s.toml:2: `quota[0].override[2]`: `a` has an override already ([1]), which comes first: this one is never used"
    );
    assert_eq!(warnings.len(), 1);
}

#[test]
fn sections_that_cannot_change_while_it_runs_are_named() {
    let before = read("").unwrap();
    let after =
        read("[server]\nname = \"x\"\n[users]\nfold = \"lowercase\"\n[sessions]\nttl = \"1h\"\n").unwrap();
    assert_eq!(before.fixed_sections_changed(&after), ["server", "users"]);
}

proptest! {
    #[test]
    fn reading_any_text_never_panics(text in "\\PC{0,200}") {
        let _ = read(&text);
    }

    #[test]
    fn reading_a_disturbed_file_never_panics(at in 0..WHOLE.len(), put in "[\\PC\n]{0,6}") {
        let mut text = WHOLE.to_owned();
        if text.is_char_boundary(at) {
            text.insert_str(at, &put);
            let _ = read(&text);
        }
    }

    #[test]
    fn any_text_shown_reads_back(name in "\\PC{1,40}", message in "[^{}]{1,60}") {
        let config = Config {
            server: Server { name: name.clone(), ..Server::default() },
            settings: Settings {
                messages: sledger_core::config::Messages { denied: message, ..Default::default() },
                ..Settings::default()
            },
            ..Config::default()
        };
        let shown = config.show(Showing::Meaning);
        let again = read(&shown).map_err(|refused| TestCaseError::fail(format!("{refused}\n{shown}")))?;
        prop_assert_eq!(again.server.name, name);
        prop_assert_eq!(again.settings.messages.denied, config.settings.messages.denied);
    }
}
