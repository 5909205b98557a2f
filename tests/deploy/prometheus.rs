//! Debian's Prometheus scrapes a served ledger, takes the alerts, and understands every query of the dashboard.

use crate::support::{Running, Served, ask, have, room, until};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn server_file(name: &str) -> PathBuf {
    room("sledger-server").join(name)
}

/// A Prometheus of the test's own.
struct Prometheus {
    address: String,
    _child: Running,
    _dir: tempfile::TempDir,
}

impl Prometheus {
    /// One that looks at `target` each second.
    fn start(target: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let alerts = server_file("alerts.yml");
        let config = format!(
            "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\nrule_files: ['{}']\nscrape_configs:\n  \
             - job_name: sledger\n    static_configs:\n      - targets: ['{target}']\n",
            alerts.display()
        );
        std::fs::write(dir.path().join("prometheus.yml"), config).unwrap();
        // It does not tell which port it was given, so it is told one; somebody else may take it first.
        let (address, child) = until("prometheus", || Self::listen(dir.path()));
        Self { address, _child: child, _dir: dir }
    }

    fn listen(dir: &Path) -> Result<(String, Running), String> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.map_err(|error| error.to_string())?.to_string();
        let log = std::fs::File::create(dir.join("log")).map_err(|error| error.to_string())?;
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", dir.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", dir.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        let mut child = Running(child.map_err(|error| error.to_string())?);
        let is_ready =
            |address: &str| ask(address, "GET", "/-/ready", "").is_ok_and(|(status, _)| status == 200);
        until("prometheus listens", || {
            let ended = child.0.try_wait().map_err(|error| error.to_string())?;
            if ended.is_some() || is_ready(&address) { Ok(ended) } else { Err("not yet".to_owned()) }
        })
        .map_or(Ok((address, child)), |_| Err(std::fs::read_to_string(dir.join("log")).unwrap_or_default()))
    }

    fn get(&self, path: &str) -> Result<Value, String> {
        let (status, body) = ask(&self.address, "GET", path, "").map_err(|error| error.to_string())?;
        let body = unchunked(&body);
        let answer: Value =
            serde_json::from_str(&body).map_err(|error| format!("{error}: {status} {body}"))?;
        if answer["status"] == "success" { Ok(answer["data"].clone()) } else { Err(answer.to_string()) }
    }

    /// What a query answers now.
    fn query(&self, query: &str) -> Result<Value, String> {
        let mut encoded = String::new();
        query.bytes().for_each(|byte| write!(encoded, "%{byte:02x}").unwrap());
        Ok(self.get(&format!("/api/v1/query?query={encoded}"))?["result"].clone())
    }

    /// The value of the only series that a query finds.
    fn value(&self, query: &str) -> Result<String, String> {
        let result = self.query(query)?;
        let value = result[0]["value"][1].as_str().map(str::to_owned);
        value.ok_or_else(|| format!("{query}: {result}"))
    }
}

/// A body without the lengths between its parts; one that came in one part is as it is.
fn unchunked(body: &str) -> String {
    let (mut whole, mut rest) = (String::new(), body);
    while let Some((length, tail)) = rest.split_once("\r\n") {
        let Ok(length) = usize::from_str_radix(length, 16) else { break };
        whole.push_str(&tail[..length]);
        rest = tail[length..].trim_start_matches("\r\n");
    }
    if whole.is_empty() { body.to_owned() } else { whole }
}

#[test]
fn prometheus_scrapes_a_served_ledger_and_takes_alerts_and_dashboard() {
    let test = "prometheus_scrapes_a_served_ledger_and_takes_alerts_and_dashboard";
    if !have(test, &[&["prometheus"]]) {
        return;
    }
    let served = Served::start("", &[]);
    for session in ["a", "b"] {
        assert_eq!(served.login("ann", session).0, 201);
    }
    let prometheus = Prometheus::start(&served.address);
    let shows = |query: &str, expected: &str| {
        until(query, || {
            let value = prometheus.value(query)?;
            if value == expected { Ok(()) } else { Err(value) }
        });
    };
    shows("up{job=\"sledger\"}", "1");
    shows("sledger_sessions", "2");
    shows("sum(sledger_logins_total{outcome=\"admitted\"})", "2");
    until("every alert was evaluated", || alerts(&prometheus));
    for query in queries() {
        prometheus.query(&query).unwrap_or_else(|error| panic!("{query}: {error}"));
    }
    served.stop();
    shows("up{job=\"sledger\"}", "0");
}

/// Whether Prometheus holds and could evaluate every alert that is written.
fn alerts(prometheus: &Prometheus) -> Result<(), String> {
    let text = std::fs::read_to_string(server_file("alerts.yml")).unwrap();
    let written: BTreeSet<&str> =
        text.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    let rules = prometheus.get("/api/v1/rules")?["groups"][0]["rules"].clone();
    let rules = rules.as_array().ok_or("no rules")?;
    let held: BTreeSet<&str> = rules.iter().filter_map(|rule| rule["name"].as_str()).collect();
    assert_eq!(held, written);
    match rules.iter().find(|rule| rule["health"] != "ok") {
        None => Ok(()),
        Some(rule) => Err(format!("{}: {} {}", rule["name"], rule["health"], rule["lastError"])),
    }
}

fn dashboard() -> Value {
    serde_json::from_str(&std::fs::read_to_string(server_file("dashboard.json")).unwrap()).unwrap()
}

/// What stands under `key`, anywhere below `value`.
fn all<'v>(value: &'v Value, key: &str, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(key).and_then(Value::as_str));
            fields.values().for_each(|value| all(value, key, found));
        }
        Value::Array(items) => items.iter().for_each(|item| all(item, key, found)),
        _ => {}
    }
}

/// Every query of the dashboard, as Grafana would send it.
fn queries() -> Vec<String> {
    let (dashboard, mut found) = (dashboard(), Vec::new());
    all(&dashboard, "expr", &mut found);
    assert!(found.len() >= 20, "{found:?}");
    let sent = |query: &str| query.replace("$__rate_interval", "5m").replace("$instance", ".*");
    let sent: Vec<String> = found.into_iter().map(sent).collect();
    for query in &sent {
        assert!(!query.contains('$'), "{query}");
    }
    sent
}

/// The metrics of ours that a text names, those of a histogram by its own name.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    let base = |word: &str| {
        let cut = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| word.strip_suffix(suffix));
        cut.unwrap_or(word).to_owned()
    };
    words.filter(|word| word.starts_with("sledger_")).map(base).collect()
}

#[test]
fn the_dashboard_shows_every_metric_that_there_is_and_no_other() {
    let served = Served::start("", &[]);
    let (status, metrics) = served.ask("GET", "/metrics", "");
    assert_eq!(status, 200);
    let there: String = metrics.lines().filter(|line| line.starts_with("# TYPE")).collect();
    let mut shown = named(&queries().join("\n"));
    let (dashboard, mut variables) = (dashboard(), Vec::new());
    all(&dashboard, "definition", &mut variables);
    shown.extend(named(&variables.join("\n")));
    assert_eq!(shown, named(&there));
    served.stop();
}

#[test]
fn panels_of_the_dashboard_have_titles_of_their_own_and_do_not_overlap() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut taken = BTreeSet::new();
    let (mut ids, mut titles) = (BTreeSet::new(), BTreeSet::new());
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        assert!(titles.insert(panel["title"].as_str().unwrap()), "{panel}");
        let side = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        for x in side("x")..side("x") + side("w") {
            for y in side("y")..side("y") + side("h") {
                assert!(x < 24 && taken.insert((x, y)), "{} overlaps at {x}, {y}", panel["title"]);
            }
        }
    }
}
