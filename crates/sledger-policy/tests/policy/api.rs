//! What scripts can name and call, value by value.

use crate::world::World;
use sledger_core::config::{Level, Param};
use sledger_core::policy::{Choice, Reply, Verdict};
use sledger_core::{Limit, Seq};

fn world() -> World {
    let mut world = World { limit: 3, ..World::default() };
    world.newcomer.ip = Some("10.0.0.9".into());
    world.newcomer.client = Some("web".into());
    world.newcomer.source = Some("portal".into());
    world.newcomer.groups = vec!["staff".into(), "ops".into()];
    world.newcomer.attributes = vec![("device".into(), "mobile".into())];
    world.newcomer.user_attributes = vec![("country".into(), "no".into())];
    for (id, ip, client, age, idle) in [
        ("a", "10.0.0.1", "web", 10_800, 7200),
        ("b", "10.0.0.2", "tv", 7200, 60),
        ("c", "192.168.0.1", "web", 3600, 1800),
    ] {
        let mut old = world.old(id);
        old.login.ip = Some(ip.into());
        old.login.client = Some(client.into());
        (old.age, old.idle) = (age, idle);
        old.login.attributes = vec![("device".into(), format!("{id}-box"))];
        world.sessions.push(old);
    }
    world.sessions[2].retained = true;
    world
}

fn verdict(reply: Reply<Verdict>) -> Verdict {
    reply.answer.unwrap_or_else(|failure| panic!("{failure:?}"))
}

/// What an expression comes to, as text.
fn value(world: &World, expression: &str) -> String {
    let source = format!("fn show(x) {{ `${{x}}` }}\nfn on_exhausted() {{ deny(show({expression})) }}");
    verdict(world.ask(&source)).reason.unwrap().to_string()
}

/// The ids a set holds, in its order.
fn ids(world: &World, set: &str) -> String {
    let source =
        format!("fn on_exhausted() {{ let all = \"\"; for s in {set} {{ all += s.id; }} deny(all) }}");
    verdict(world.ask(&source)).reason.unwrap().to_string()
}

#[test]
fn every_member_of_the_names_that_are_always_there_is_right() {
    let world = world();
    let cases = [
        ("now.epoch", "1767607200"),
        ("now.hour", "10"),
        ("now.minute", "0"),
        ("now.weekday", "1"),
        ("now.date", "2026-01-05"),
        ("now.between(8, 18)", "true"),
        ("now.between(10, 11)", "true"),
        ("now.between(8, 10)", "false"),
        ("now.between(22, 11)", "true"),
        ("now.between(22, 6)", "false"),
        ("user.id", "ann"),
        ("user.groups.len()", "2"),
        ("user.groups[0]", "ops"),
        ("\"staff\" in user.groups", "true"),
        ("user.in_group(\"staff\")", "true"),
        ("user.in_group(\"vip\")", "false"),
        ("user.attr(\"country\")", "no"),
        ("user.attr(\"x\") == ()", "true"),
        ("request.session", "new"),
        ("request.ip", "10.0.0.9"),
        ("request.client", "web"),
        ("request.source", "portal"),
        ("request.attr(\"device\")", "mobile"),
        ("request.attr(\"x\") == ()", "true"),
        ("request.from(\"10.0.0.0/8\")", "true"),
        ("request.from(\"10.0.0.9\")", "true"),
        ("request.from(\"192.168.0.0/16\")", "false"),
        ("request.from_any([\"192.168.0.0/16\", \"10.0.0.0/8\"])", "true"),
        ("request.from_any([])", "false"),
        ("request.evicted_ago == ()", "true"),
        ("quota.name", "q"),
        ("quota.key", "all"),
        ("quota.limit", "3"),
        ("quota.used", "3"),
        ("quota.excess", "1"),
        ("seconds(\"5m\")", "300"),
        ("seconds(7)", "7"),
    ];
    for (expression, expected) in cases {
        assert_eq!(value(&world, expression), expected, "{expression}");
    }
}

#[test]
fn every_member_of_a_session_is_right() {
    let world = world();
    let cases = [
        ("id", "a"),
        ("user", "ann"),
        ("ip", "10.0.0.1"),
        ("client", "web"),
        ("source == ()", "true"),
        ("groups.len()", "0"),
        ("started", "1767596400"),
        ("last_active", "1767600000"),
        ("age", "10800"),
        ("idle", "7200"),
        ("retained", "false"),
        ("attr(\"device\")", "a-box"),
        ("attr(\"x\") == ()", "true"),
        ("expires > now.epoch", "true"),
    ];
    for (member, expected) in cases {
        assert_eq!(value(&world, &format!("sessions.oldest().{member}")), expected, "{member}");
    }
}

#[test]
fn sets_are_picked_and_narrowed_in_order() {
    let world = world();
    let cases = [
        ("sessions", "abc"),
        ("all_sessions", "abc"),
        ("sessions.oldest(2)", "ab"),
        ("sessions.newest(2)", "cb"),
        ("sessions.most_idle(3)", "acb"),
        ("sessions.least_idle(2)", "bc"),
        ("sessions.oldest(0)", ""),
        ("sessions.oldest(9)", "abc"),
        ("sessions.most_idle(3).oldest(3)", "abc"),
        ("sessions.from_ip(\"10.0.0.0/8\")", "ab"),
        ("sessions.from_ip(\"10.0.0.2\")", "b"),
        ("sessions.from_ip(request.attr(\"none\"))", ""),
        ("sessions.of_client(request.client)", "ac"),
        ("sessions.of_user(\"ann\")", "abc"),
        ("sessions.of_user(\"bob\")", ""),
        ("sessions.with_attr(\"device\", \"b-box\")", "b"),
        ("sessions.with_attr(\"device\", ())", ""),
        ("sessions.retained()", "c"),
        ("sessions.connected()", "ab"),
        ("sessions.idle_for(\"30m\")", "ac"),
        ("sessions.idle_for(7201)", ""),
        ("sessions.older_than(\"1h\")", "ab"),
        ("sessions.older_than(\"59m\")", "abc"),
        ("sessions.except(\"b\")", "ac"),
        ("sessions.except(sessions.newest())", "ab"),
        ("sessions.except(sessions.oldest(2))", "c"),
        ("sessions.except(())", "abc"),
        ("sessions.filter(|s| s.ip == \"10.0.0.2\" || s.retained)", "bc"),
        ("sessions.filter(|s| request.client == s.client && s.idle > quota.limit)", "ac"),
        ("sessions.filter(|s| sessions.oldest() != s)", "bc"),
    ];
    for (set, expected) in cases {
        assert_eq!(ids(&world, set), expected, "{set}");
    }
    let counts = [
        ("sessions.count", "3"),
        ("sessions.len()", "3"),
        ("sessions.is_empty()", "false"),
        ("sessions.of_user(\"bob\").is_empty()", "true"),
        ("sessions.distinct(\"ip\")", "3"),
        ("sessions.distinct(\"client\")", "2"),
        ("sessions.distinct(\"source\")", "0"),
        ("sessions.distinct(\"attr:device\")", "3"),
        ("sessions.of_user(\"bob\").oldest() == ()", "true"),
        ("sessions.oldest() in sessions.retained()", "false"),
    ];
    for (expression, expected) in counts {
        assert_eq!(value(&world, expression), expected, "{expression}");
    }
}

#[test]
fn names_are_seen_in_helpers_and_closures() {
    let source = "fn same(s) { s.client == request.client }
fn on_exhausted() { evict(sessions.filter(|s| same(s) && s.age > params.least).most_idle()) }";
    let source = format!("//! [params]\n//! least = {{ default = \"30m\", type = \"duration\" }}\n{source}");
    let verdict = verdict(world().ask(&source));
    assert_eq!(verdict.choice, Choice::Evict { victims: vec![Seq(1)] });
}

#[test]
fn decisions_carry_reason_message_notes_offer_and_their_place() {
    let source = "fn on_exhausted() {
    note(\"one\\ntwo\");
    for i in 0..30 { note(\"more\"); }
    deny(\"busy\")
        .offer(sessions.most_idle(2)).tell(\"come back\")
}";
    let verdict = verdict(world().ask(source));
    assert_eq!(verdict.choice, Choice::Deny { offer: vec![Seq(1), Seq(3)] });
    assert_eq!(verdict.reason.as_deref(), Some("busy"));
    assert_eq!(verdict.told.as_deref(), Some("come back"));
    assert_eq!((verdict.notes.len(), &*verdict.notes[0]), (16, "one\\ntwo"));
    assert_eq!((verdict.line, verdict.column), (4, 5));
}

#[test]
fn victims_stand_in_the_order_in_which_they_were_picked() {
    let evicted = |set: &str| verdict(world().ask(&format!("fn on_exhausted() {{ evict({set}) }}"))).choice;
    let victims = |numbers: &[u64]| Choice::Evict { victims: numbers.iter().map(|n| Seq(*n)).collect() };
    assert_eq!(evicted("sessions.most_idle(3)"), victims(&[1, 3, 2]));
    assert_eq!(evicted("sessions"), victims(&[1, 2, 3]));
    assert_eq!(evicted("sessions.newest()"), victims(&[3]));
}

#[test]
fn allow_is_a_verdict_and_the_core_judges_the_level() {
    let mut world = world();
    let source = "fn on_exhausted() { allow(\"welcome\") }";
    assert_eq!(verdict(world.ask(source)).choice, Choice::Allow);
    let admitted = |world: &World| {
        let mut court = world.court("p", source);
        let answer = world.login(&mut court);
        (answer.outcome.as_str(), answer.policy_code.map(sledger_core::event::PolicyCode::as_str))
    };
    assert_eq!(admitted(&world), ("denied", Some("POLICY_NOT_ENOUGH_ROOM")));
    world.level = Level::Soft;
    assert_eq!(admitted(&world), ("admitted", None));
}

#[test]
fn params_arrive_typed_and_durations_as_seconds() {
    let header = "//! [params]
//! d = { default = \"5m\", type = \"duration\" }
//! n = { default = 3, type = \"int\" }
//! t = { default = \"x\", type = \"text\" }
//! b = { default = true, type = \"bool\" }
//! l = { default = [\"10.0.0.0/8\"], type = \"list\" }
";
    let source = format!(
        "{header}fn on_exhausted() {{ let l = params.l; deny(`${{params.d}} ${{params.n}} ${{params.t}} ${{params.b}} ${{l[0]}} ${{request.from_any(params.l)}}`) }}"
    );
    let mut world = world();
    assert_eq!(verdict(world.ask(&source)).reason.as_deref(), Some("300 3 x true 10.0.0.0/8 true"));
    world.params = [("d".to_owned(), Param::Text("1h".into())), ("n".to_owned(), Param::Int(9))].into();
    assert_eq!(verdict(world.ask(&source)).reason.as_deref(), Some("3600 9 x true 10.0.0.0/8 true"));
}

#[test]
fn civil_time_follows_the_header() {
    let source = "//! utc_offset = \"-11:30\"\nfn on_exhausted() { deny(`${now.date} ${now.hour}:${now.minute} ${now.weekday}`) }";
    assert_eq!(verdict(world().ask(source)).reason.as_deref(), Some("2026-01-04 22:30 7"));
}

#[test]
fn limit_resolves_the_limit_of_a_login() {
    let rest = "fn on_exhausted() { deny(\"full\") }";
    let limit = |body: &str| {
        let world = world();
        let mut court = world.court("p", &format!("fn limit() {{ {body} }}\n{rest}"));
        world.login(&mut court);
        court.policies().limits[0].answer.map_err(|failure| failure.code.as_str())
    };
    assert_eq!(limit("10"), Ok(Limit::at_most(10)));
    assert_eq!(limit("quota.limit + 1"), Ok(Limit::at_most(4)));
    assert_eq!(limit("if user.in_group(\"ops\") { \"unlimited\" }"), Ok(Some(Limit::Unlimited)));
    assert_eq!(limit("if now.hour == 10 { \"banned\" }"), Ok(Some(Limit::Banned)));
    assert_eq!(limit("()"), Ok(None));
    for body in ["0", "-1", "\"many\"", "true", "5000000000"] {
        assert_eq!(limit(body), Err("POLICY_WRONG_TYPE"), "{body}");
    }
    for body in ["sessions.count", "all_sessions.count", "quota.used", "quota.excess", "1 / 0"] {
        assert_eq!(limit(body), Err("POLICY_ERROR"), "{body}");
    }
    assert_eq!(limit("loop { }"), Err("POLICY_OVER_BUDGET"));
}

#[test]
fn a_login_is_let_in_by_its_own_limit() {
    let world = world();
    let mut court = world.court("p", "fn limit() { 10 }\nfn on_exhausted() { deny(\"full\") }");
    assert_eq!(world.login(&mut court).outcome.as_str(), "admitted");
}
