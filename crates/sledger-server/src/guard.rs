//! Refuses what a browser on the same machine could have been tricked into sending.
//!
//! A page elsewhere can make a browser send requests here; what it cannot do is choose `Host` freely, hide its
//! `Origin`, or set a JSON content type without asking first. Each of the three is checked on every request.

use crate::introspect;
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Method, Request};
use sledger_wire::answer::Problem;
use sledger_wire::escape::brief;
use std::net::{IpAddr, SocketAddr};

/// Content types that a browser does not send across hosts without asking.
const CONTENT_TYPES: &[&str] = &["application/json", "application/x-ndjson"];
/// What the one call takes instead for which a standard prescribes it. It changes nothing, so a page elsewhere that
/// has it sent gains nothing, and is refused by its `Origin` all the same.
const FORM: &[&str] = &["application/x-www-form-urlencoded"];

/// Who this server may be called.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    port: u16,
    names: Vec<Name>,
}

#[derive(Clone, Debug)]
struct Name {
    host: String,
    /// `None` for the port listened on, or none.
    port: Option<u16>,
}

impl Guard {
    /// Accepts the names of this machine, the name that was listened on, and `hosts`. Or says which is no name.
    pub(crate) fn new(address: SocketAddr, listen: &str, hosts: &[String]) -> Result<Self, String> {
        let own = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned).into_iter();
        let own = own.chain([bracketed(address.ip())]).chain(split(listen).map(|(host, _)| host.to_owned()));
        let mut names: Vec<Name> = own.map(|host| Name { host, port: None }).collect();
        for given in hosts {
            let (host, port) = split(given).filter(|(host, _)| is_name(host)).ok_or_else(|| given.clone())?;
            names.push(Name { host: host.to_ascii_lowercase(), port });
        }
        Ok(Self { port: address.port(), names })
    }

    /// Why this request is refused, if it is. `reached` is the address by which its connection came in.
    pub(crate) fn check<B>(&self, request: &Request<B>, reached: IpAddr) -> Option<Problem> {
        let headers = request.headers();
        self.check_host(request, reached)
            .or_else(|| self.check_origin(headers, reached))
            .or_else(|| check_content_type(request.method(), request.uri().path(), headers))
    }

    fn check_host<B>(&self, request: &Request<B>, reached: IpAddr) -> Option<Problem> {
        let mut hosts = request.headers().get_all(HOST).iter();
        let (first, second) = (hosts.next(), hosts.next());
        let absolute = request.uri().authority().map(axum::http::uri::Authority::as_str);
        let Some(host) = absolute.or_else(|| first.and_then(|host| host.to_str().ok())) else {
            return Some(refused(421, "Host", "`Host` is missing: it says which server is meant"));
        };
        if second.is_none() && self.is_own(host, reached, None) {
            return None;
        }
        let detail = format!(
            "`Host` is `{}`, which is not this server; a name it shall have stands in `server.hosts`",
            brief(host)
        );
        Some(refused(421, "Host", &detail))
    }

    fn check_origin(&self, headers: &HeaderMap, reached: IpAddr) -> Option<Problem> {
        let origin = headers.get(ORIGIN)?;
        let text = origin.to_str().unwrap_or("null");
        let own = text.split_once("://").is_some_and(|(scheme, host)| match scheme {
            "http" => self.is_own(host, reached, Some(80)),
            "https" => self.is_own(host, reached, Some(443)),
            _ => false,
        });
        let detail = || format!("`Origin` is `{}`, which is another host", brief(text));
        (!own).then(|| refused(403, "Origin", &detail()))
    }

    /// Whether `authority` means this server; `implied` is the port where it names none.
    fn is_own(&self, authority: &str, reached: IpAddr, implied: Option<u16>) -> bool {
        let Some((host, port)) = split(authority) else { return false };
        let port = port.or(implied);
        let fits = |name: &Name| match (port, name.port) {
            (None, _) => true,
            (Some(port), Some(named)) => port == named,
            (Some(port), None) => port == self.port,
        };
        let named = |name: &Name| name.host.eq_ignore_ascii_case(host);
        // Behind a proxy a further name without a port stands for the scheme's own.
        let proxied = |name: &Name| name.port.is_none() && port == implied && !is_of_this_machine(&name.host);
        self.names.iter().any(|name| named(name) && (fits(name) || proxied(name)))
            || (host == bracketed(reached) && port.is_none_or(|port| port == self.port))
    }
}

fn is_of_this_machine(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}

fn check_content_type(method: &Method, path: &str, headers: &HeaderMap) -> Option<Problem> {
    if ![Method::POST, Method::PUT, Method::PATCH].contains(method) {
        return None;
    }
    let given = headers.get(CONTENT_TYPE).map(HeaderValue::to_str);
    let kind = given.and_then(Result::ok).map(|text| text.split(';').next().unwrap_or_default().trim());
    let taken = if path == introspect::PATH { FORM } else { CONTENT_TYPES };
    if kind.is_some_and(|kind| taken.iter().any(|known| known.eq_ignore_ascii_case(kind))) {
        return None;
    }
    let is = kind.map_or_else(|| "is missing".to_owned(), |kind| format!("is `{}`", brief(kind)));
    let detail = format!("`Content-Type` {is}: write `{}`", taken.join("` or `"));
    Some(refused(415, "Content-Type", &detail))
}

fn refused(status: u16, field: &str, detail: &str) -> Problem {
    Problem { field: Some(field.to_owned()), ..Problem::new(status, None, detail) }
}

/// Host and port of `host[:port]`; an IPv6 address stays in its brackets.
fn split(authority: &str) -> Option<(&str, Option<u16>)> {
    if authority.contains(['@', '/']) {
        return None;
    }
    let end = if authority.starts_with('[') { authority.find(']')? + 1 } else { 0 };
    match authority.get(end..)?.rfind(':').map(|at| at + end) {
        Some(at) => Some((authority.get(..at)?, Some(authority.get(at + 1..)?.parse().ok()?))),
        None => Some((authority, None)),
    }
}

fn is_name(host: &str) -> bool {
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    !plain.is_empty() && host.chars().all(|letter| letter.is_ascii_graphic()) && !host.contains(['*', '?'])
}

fn bracketed(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

#[cfg(test)]
mod tests;
