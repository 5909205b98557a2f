//! A ledger that refuses and evicts, sinks on it, and servers that take what is sent.

use sledger::core::Limit;
use sledger::core::config::{Condition, Fact, Messages, Quota, Settings, When};
use sledger::{Config as LedgerConfig, Ledger, Login, Outcome};
use sledger_server::audit::{Audit, Surroundings, start_among};
use sledger_wire::config::{Audit as Sink, AuditFormat, AuditTarget, Transport};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything here may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Refusals and evictions.
pub(crate) const WANTED: &[&str] = &["login.denied", "session.evicted"];
/// Allowed in a name, and meant to break out of it.
pub(crate) const HOSTILE: &str = "a]b\"c\\d|e=f\u{202e}g\u{2028}h seq=1";

fn quota(policy: &str) -> Quota {
    let condition = Condition { fact: Fact::Client, any_of: vec![policy.to_owned()] };
    Quota {
        name: policy.to_owned(),
        when: When { all_of: vec![condition], ..When::default() },
        max_sessions: Limit::at_most(1).unwrap(),
        on_exhausted: policy.to_owned(),
        ..Quota::default_quota()
    }
}

/// One session a user: another is refused to the client `deny_access`, and makes room with `destroy_oldest`.
/// What the refused person reads has a line break.
pub(crate) fn settings() -> Settings {
    let quotas = ["deny_access", "destroy_oldest"].map(|policy| Arc::new(quota(policy)));
    let messages = Messages { denied: "Not again.\nNot <84>1 - today.".to_owned(), ..Messages::default() };
    Settings { quotas: quotas.to_vec(), messages, ..Settings::default() }
}

pub(crate) fn ledger(data: &Path) -> Ledger {
    let config = LedgerConfig { settings: settings(), reserve_bytes: 0, ..LedgerConfig::new(data) };
    Ledger::open(config).unwrap()
}

pub(crate) fn login(ledger: &Ledger, user: &str, session: &str, client: &str) -> Outcome {
    let text = |text: &str| Some(text.to_owned());
    let login = Login { user: text(user), session: text(session), client: text(client), ..Login::default() };
    ledger.login(login).unwrap().outcome
}

/// One refusal and one eviction, each with two admissions that nobody asked for.
pub(crate) fn refuse_and_evict(ledger: &Ledger, user: &str) {
    for client in ["deny_access", "destroy_oldest"] {
        let user = format!("{client} {user}");
        assert_eq!(login(ledger, &user, &format!("{user} 1"), client), Outcome::Admitted);
        let second = login(ledger, &user, &format!("{user} 2"), client);
        let wanted = if client == "deny_access" { Outcome::Denied } else { Outcome::Admitted };
        assert_eq!(second, wanted);
    }
}

pub(crate) fn sink(to: AuditTarget, format: AuditFormat, types: &[&str]) -> Sink {
    Sink { to, format, types: types.iter().map(ToString::to_string).collect() }
}

pub(crate) fn file(path: &Path, format: AuditFormat, types: &[&str]) -> Sink {
    sink(AuditTarget::File(path.to_owned()), format, types)
}

pub(crate) fn syslog(transport: Transport, address: SocketAddr, types: &[&str]) -> Sink {
    let to = AuditTarget::Syslog { transport, host: address.ip().to_string(), port: address.port() };
    sink(to, AuditFormat::Json, types)
}

pub(crate) fn start(ledger: &Ledger, sinks: &[Sink], data: &Path) -> Audit {
    start_among(ledger, sinks, data, Surroundings::default()).unwrap()
}

/// Looks until it holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        thread::park_timeout(Duration::from_millis(5));
    }
}

/// Waits until every sink was sent all that is durable.
pub(crate) fn caught_up(audit: &Audit) {
    until("all sinks have all", || {
        audit.status().iter().all(|sink| sink.behind == 0 && sink.failing.is_none())
    });
}

/// Waits until the first sink fails; why.
pub(crate) fn fails(audit: &Audit) -> String {
    let failing = || audit.status()[0].failing.clone().filter(|why| why != "it is being opened");
    until("it fails", || failing().is_some());
    failing().unwrap()
}

/// The seqs of lines of JSON, wherever it stands in them.
pub(crate) fn seqs(text: &str) -> Vec<u64> {
    let seq = |line: &str| {
        let (_, rest) = line.split_once("{\"seq\":").unwrap_or_else(|| panic!("no event: {line:?}"));
        rest.split(',').next().unwrap().parse().unwrap()
    };
    text.lines().map(seq).collect()
}

/// The seqs of all events of `types` that the ledger has after `after`, by another way: its blocks, folded.
pub(crate) fn recorded(data: &Path, types: &[&str], after: u64) -> Vec<u64> {
    let mut seqs = Vec::new();
    sledger_replay::history::fold(data, |folded| {
        for (event, seq) in folded.decision.events.iter().zip(folded.first.0..) {
            if seq > after && types.contains(&sledger_wire::events::type_of(event)) {
                seqs.push(seq);
            }
        }
    })
    .unwrap();
    seqs
}
