//! Debian's rsyslog takes what is sent: each refusal and eviction once, on one line.

use super::support::{HOSTILE, WANTED, caught_up, ledger, recorded, refuse_and_evict, start, syslog, until};
use sledger_wire::config::Transport;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running rsyslogd; ended with its handle.
struct Rsyslog {
    child: Child,
    tcp: SocketAddr,
    udp: SocketAddr,
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        // It may have ended already.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn configuration(dir: &Path, udp: u16) -> String {
    let dir = dir.display();
    format!(
        r#"global(workDirectory="{dir}" maxMessageSize="64k")
module(load="imudp")
module(load="imtcp")
input(type="imudp" address="127.0.0.1" port="{udp}")
input(type="imtcp" address="127.0.0.1" port="0" listenPortFileName="{dir}/port")
template(name="line" type="string" string="%inputname% %app-name% %msgid% %structured-data% %msg%\n")
action(type="omfile" file="{dir}/out" template="line")
"#
    )
}

#[expect(clippy::print_stdout, reason = "whoever runs the tests is to know what was not checked")]
fn missing() {
    println!(
        "skipped: rsyslog_takes_each_refusal_and_eviction_once…: rsyslogd is not installed (package `rsyslog`)"
    );
}

/// Starts it; `None`, said by name, where it is not installed.
fn rsyslog(dir: &Path) -> Option<Rsyslog> {
    let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (conf, pid) = (dir.join("rsyslog.conf"), dir.join("pid"));
    fs::write(&conf, configuration(dir, free.port())).unwrap();
    let mut command = Command::new("rsyslogd");
    command.arg("-n").arg("-f").arg(&conf).arg("-i").arg(&pid);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    let child = match command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "rsyslogd is not installed");
            missing();
            return None;
        }
        Err(error) => panic!("rsyslogd: {error}"),
    };
    let port = || fs::read_to_string(dir.join("port")).ok()?.trim().parse::<u16>().ok();
    until("rsyslogd listens on TCP", || port().is_some());
    let listening = format!("0100007F:{:04X}", free.port());
    until("rsyslogd listens on UDP", || fs::read_to_string("/proc/net/udp").unwrap().contains(&listening));
    Some(Rsyslog { child, tcp: SocketAddr::from(([127, 0, 0, 1], port().unwrap())), udp: free })
}

/// Lets rsyslog take refusals and evictions; looks at what it wrote.
fn takes_each_once(transport: Transport) {
    let dir = tempfile::tempdir().unwrap();
    let Some(rsyslog) = rsyslog(dir.path()) else { return };
    let address = if matches!(transport, Transport::Udp) { rsyslog.udp } else { rsyslog.tcp };
    let data = dir.path().join("data");
    let sinks = vec![syslog(transport, address, WANTED)];
    for round in 0..2 {
        let ledger = ledger(&data);
        let audit = start(&ledger, &sinks, &data);
        for user in ["ann", "bob", HOSTILE] {
            refuse_and_evict(&ledger, &format!("{round} {user}"));
        }
        caught_up(&audit);
        audit.stop();
        ledger.close();
    }
    let wanted = recorded(&data, WANTED, 0);
    let out = || fs::read_to_string(dir.path().join("out")).unwrap_or_default();
    let of_sledger =
        || out().lines().filter(|line| line.contains(" sledger ")).map(str::to_owned).collect::<Vec<_>>();
    until("rsyslog wrote all", || of_sledger().len() >= wanted.len());
    let lines = of_sledger();
    assert_eq!(
        out().lines().filter(|line| line.contains("SESSION_QUOTA")).count(),
        wanted.len(),
        "{}",
        out()
    );
    let mut found: Vec<u64> = lines.iter().map(|line| super::support::seqs(line)[0]).collect();
    // Datagrams and threads keep no order.
    found.sort_unstable();
    assert_eq!(found, wanted);
    for line in &lines {
        let kind = if line.contains("deny_access ") { "login.denied" } else { "session.evicted" };
        assert!(line.contains(&format!(" sledger {kind} [sledger@32473 seq=\"")), "{line}");
        assert!(line.contains(r#" code="SESSION_QUOTA_EXCEEDED" user="d"#), "{line}");
        assert!(line.contains(r#""code":"SESSION_QUOTA_EXCEEDED""#), "{line}");
    }
    let refused = lines.iter().filter(|line| line.contains(r"Not again.\nNot <84>1 - today.")).count();
    assert_eq!(refused, wanted.len() / 2, "the line break in what the refused read is written out");
    assert!(
        lines.iter().any(|line| line.contains(r#"a\]b\"c\\d|e=f\\u{202e}g\\u{2028}h seq=1"#)),
        "{lines:#?}"
    );
}

#[test]
fn rsyslog_takes_each_refusal_and_eviction_once_over_tcp() {
    takes_each_once(Transport::Tcp);
}

#[test]
fn rsyslog_takes_each_refusal_and_eviction_once_over_udp() {
    takes_each_once(Transport::Udp);
}
