use super::*;

const REACHED: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn guard(hosts: &[&str]) -> Guard {
    let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
    Guard::new("127.0.0.1:7070".parse().unwrap(), "127.0.0.1:7070", &hosts).unwrap()
}

fn request(method: &str, headers: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::builder().method(method).uri("/v1/top");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

fn refusal(guard: &Guard, headers: &[(&str, &str)]) -> Option<(u16, String)> {
    let problem = guard.check(&request("GET", headers), REACHED)?;
    Some((problem.status, problem.field.unwrap()))
}

#[test]
fn names_of_this_machine_pass_with_the_right_port_or_none() {
    for host in ["localhost", "LOCALHOST:7070", "127.0.0.1:7070", "127.0.0.1", "[::1]:7070", "[::1]"] {
        assert_eq!(refusal(&guard(&[]), &[("host", host)]), None, "{host}");
    }
}

#[test]
fn other_names_and_ports_are_refused() {
    for host in
        ["evil.example", "localhost:80", "localhost.evil.example", "a@localhost", "127.0.0.2", "", "[::1"]
    {
        assert_eq!(refusal(&guard(&[]), &[("host", host)]), Some((421, "Host".to_owned())), "{host}");
    }
    assert_eq!(refusal(&guard(&[]), &[]), Some((421, "Host".to_owned())));
    let twice = [("host", "localhost"), ("host", "evil.example")];
    assert_eq!(refusal(&guard(&[]), &twice), Some((421, "Host".to_owned())));
}

#[test]
fn further_hosts_pass_at_their_port() {
    let guard = guard(&["ledger.example", "other.example:8443"]);
    for host in ["ledger.example", "Ledger.Example:7070", "other.example:8443", "other.example"] {
        assert_eq!(refusal(&guard, &[("host", host)]), None, "{host}");
    }
    for host in ["ledger.example:1", "other.example:7070"] {
        assert_eq!(refusal(&guard, &[("host", host)]), Some((421, "Host".to_owned())), "{host}");
    }
}

#[test]
fn a_further_host_that_is_no_name_is_told() {
    let address = "127.0.0.1:7070".parse().unwrap();
    for host in ["", "*.example", "http://a", "a b", "a:x"] {
        let refused = Guard::new(address, "localhost:7070", &[host.to_owned()]).err();
        assert_eq!(refused.as_deref(), Some(host));
    }
}

#[test]
fn pages_of_other_hosts_are_refused() {
    let guard = guard(&["ledger.example"]);
    for origin in ["http://localhost:7070", "https://ledger.example", "http://127.0.0.1:7070"] {
        assert_eq!(refusal(&guard, &[("host", "localhost"), ("origin", origin)]), None, "{origin}");
    }
    for origin in ["null", "http://evil.example", "http://localhost:3000", "http://localhost", "file://"] {
        let refused = refusal(&guard, &[("host", "localhost"), ("origin", origin)]);
        assert_eq!(refused, Some((403, "Origin".to_owned())), "{origin}");
    }
}

#[test]
fn what_a_form_can_send_is_refused() {
    let host = ("host", "localhost");
    for kind in ["text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data; boundary=x"] {
        for method in ["POST", "PUT", "PATCH"] {
            let problem = guard(&[]).check(&request(method, &[host, ("content-type", kind)]), REACHED);
            assert_eq!(problem.map(|problem| problem.status), Some(415), "{method} {kind}");
        }
    }
    assert_eq!(guard(&[]).check(&request("POST", &[host]), REACHED).map(|problem| problem.status), Some(415));
    for kind in ["application/json", "Application/JSON; charset=utf-8", "application/x-ndjson"] {
        assert_eq!(guard(&[]).check(&request("POST", &[host, ("content-type", kind)]), REACHED), None);
    }
    assert_eq!(guard(&[]).check(&request("DELETE", &[host]), REACHED), None);
}

#[test]
fn a_form_passes_for_the_one_call_that_a_standard_says_takes_it_and_only_a_form_does() {
    let asked = |path: &str, kind: &str| {
        let request = Request::builder().method("POST").uri(path);
        let request = request.header("host", "localhost").header("content-type", kind).body(()).unwrap();
        guard(&[]).check(&request, REACHED).map(|problem| problem.status)
    };
    let form = "application/x-www-form-urlencoded";
    assert_eq!(asked("/v1/introspect", form), None);
    assert_eq!(asked("/v1/introspect?x=1", form), None);
    assert_eq!(asked("/v1/introspect", "application/json"), Some(415));
    for path in ["/v1/introspect/", "/v1/sessions", "/v1/sessions?/v1/introspect", "/V1/INTROSPECT"] {
        assert_eq!(asked(path, form), Some(415), "{path}");
    }
}
