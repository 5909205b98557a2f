//! Lists are complete, page by page.

use super::fold::steps;
use super::world::{World, at_most, quotas};
use crate::{Projection, QueryError, SessionQuery, Sort, SortBy, UserQuery, UserRow};
use proptest::prelude::*;
use sledger_core::Limit;
use sledger_core::state::Session;
use std::collections::BTreeSet;

fn fill(which: u8, users: u32) -> (World, Projection) {
    let mut world = World::new(quotas(which));
    let mut projection = Projection::of_state(world.decider.state());
    for n in 0..users {
        for session in 0..=(n % 4) {
            let recorded = world.login(&format!("user-{n:04}"), &format!("s{n}-{session}"));
            projection.apply_all(&recorded);
        }
    }
    (world, projection)
}

fn all_users(projection: &Projection, query: &UserQuery) -> Vec<UserRow> {
    let mut query = query.clone();
    let mut found = Vec::new();
    loop {
        let page = projection.users(&query).expect("the query can be answered");
        assert!(page.users.len() <= query.page_size);
        found.extend(page.users);
        query.cursor = page.next;
        if query.cursor.is_none() {
            return found;
        }
    }
}

fn sorts() -> Vec<Sort> {
    let texts = ["user", "-user", "active", "-active", "used", "-used"];
    texts.iter().map(|text| text.parse().expect("it is one of those")).collect()
}

#[test]
fn every_order_lists_every_user_once_under_any_page_size() {
    let (_, projection) = fill(3, 60);
    for sort in sorts() {
        let whole = all_users(&projection, &UserQuery { sort, page_size: 1000, ..UserQuery::default() });
        assert_eq!(whole.len(), 60);
        for page_size in [1, 2, 3, 7, 59, 60, 61] {
            let paged = all_users(&projection, &UserQuery { sort, page_size, ..UserQuery::default() });
            assert_eq!(paged, whole, "{sort:?} by {page_size}");
        }
    }
}

#[test]
fn orders_are_what_they_are_called() {
    let (_, projection) = fill(3, 40);
    let list = |sort: &str| {
        let sort = sort.parse().expect("it is one of those");
        all_users(&projection, &UserQuery { sort, page_size: 9, ..UserQuery::default() })
    };
    assert!(list("user").is_sorted_by(|a, b| a.user < b.user));
    assert!(list("-user").is_sorted_by(|a, b| a.user > b.user));
    assert!(list("-active").is_sorted_by(|a, b| (b.active, &a.user) < (a.active, &b.user)));
    assert_eq!(list("-used")[..10], projection.top(10));
    assert_eq!("-size".parse::<Sort>(), Err(QueryError::Sort("-size".to_owned())));
}

#[test]
fn near_glob_and_quota_narrow_the_list() {
    let (_, projection) = fill(0, 40);
    let near = UserQuery { near: Some(80), page_size: 50, ..UserQuery::default() };
    let rows = all_users(&projection, &near);
    assert_eq!(rows.len(), 20);
    assert!(rows.iter().all(|row| (row.used, row.limit) == (3, Some(at_most(3)))));
    let glob = UserQuery { glob: Some("user-000?".to_owned()), page_size: 3, ..UserQuery::default() };
    assert_eq!(all_users(&projection, &glob).len(), 10);
    let fixed = UserQuery { quota: Some("per-user".to_owned()), page_size: 7, ..UserQuery::default() };
    assert_eq!(all_users(&projection, &fixed).len(), 40);
    let unknown = UserQuery { quota: Some("no".to_owned()), ..UserQuery::default() };
    assert_eq!(projection.users(&unknown), Err(QueryError::Quota("no".to_owned())));
    let forged = UserQuery { cursor: Some("1.x.00".to_owned()), ..UserQuery::default() };
    assert_eq!(projection.users(&forged), Err(QueryError::Cursor("1.x.00".to_owned())));
}

#[test]
fn the_quota_with_the_least_room_is_shown_and_the_fullest_counts() {
    let (_, projection) = fill(3, 4);
    let user = projection.user("user-0003").expect("she is in");
    assert_eq!((user.active, user.limit, user.quota.as_deref()), (4, Some(at_most(4)), Some("a")));
    let totals = projection.quota_totals(44);
    let totals: Vec<_> = totals.iter().map(|t| (&*t.quota, t.at_limit, t.near_limit)).collect();
    assert_eq!(totals, [("a", 1, 3), ("b", 0, 1), ("c", 0, 0)]);
}

#[test]
fn a_banned_user_who_is_still_in_comes_first() {
    let mut world = World::new(quotas(3));
    let mut projection = Projection::of_state(world.decider.state());
    for recorded in [world.login("u1", "a"), world.login("u2", "b"), world.step((14, 0, 0, 1))].concat() {
        projection.apply(&recorded);
    }
    let top = projection.top(1);
    assert_eq!((&*top[0].user, top[0].limit), ("u1", Some(Limit::Banned)));
    assert_eq!(projection.totals(80).at_limit, 1);
}

#[test]
fn a_list_read_while_users_come_and_go_has_no_duplicates() {
    let (mut world, mut projection) = fill(3, 50);
    let sort = Sort { by: SortBy::User, descending: false };
    let mut query = UserQuery { sort, page_size: 4, ..UserQuery::default() };
    let mut seen = BTreeSet::new();
    for round in 0.. {
        let page = projection.users(&query).expect("the query can be answered");
        assert!(page.users.iter().all(|row| seen.insert(row.user.clone())));
        query.cursor = page.next;
        if query.cursor.is_none() {
            break;
        }
        let changes = [
            world.logout(&format!("s{round}-0")),
            world.login(&format!("new-{round}"), &format!("n{round}")),
        ];
        projection.apply_all(&changes.concat());
    }
    assert!(seen.len() >= 45, "{}", seen.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn sessions_are_listed_once_under_any_page_size_and_filter(
        steps in steps(80),
        page_size in 1usize..9,
        filter in 0u8..8,
    ) {
        let mut world = World::new(quotas(2));
        let mut projection = Projection::of_state(world.decider.state());
        for step in steps {
            projection.apply_all(&world.step(step));
        }
        let wanted = |which: u8, text: &str| (filter == which).then(|| text.to_owned());
        let mut query = SessionQuery {
            user: wanted(1, "u2"),
            client: wanted(2, "c1").or_else(|| wanted(5, "c*")),
            source: wanted(3, "gate").or_else(|| wanted(6, "?ate")),
            ip: wanted(4, "10.0.0.1").or_else(|| wanted(7, "10.0.0.0/31")),
            cursor: None,
            page_size,
        };
        let mut found = Vec::new();
        loop {
            let page = projection.sessions(&query);
            prop_assert!(page.sessions.len() <= page_size);
            found.extend(page.sessions.iter().map(|session| session.number));
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
        }
        let views = world.decider.state().sessions().into_iter().map(Session::view);
        let one_is = |wanted: &str, text: &str| match wanted {
            "c*" => text.starts_with('c'),
            "?ate" => text.len() == 4 && text.ends_with("ate"),
            "10.0.0.0/31" => ["10.0.0.0", "10.0.0.1"].contains(&text),
            wanted => wanted == text,
        };
        let is = |wanted: &Option<String>, frozen: Option<&str>, seen: Option<&str>| {
            let Some(wanted) = wanted.as_deref() else { return true };
            frozen.is_some_and(|text| one_is(wanted, text)) || seen.is_some_and(|text| one_is(wanted, text))
        };
        let expected: Vec<_> = views
            .filter(|view| is(&query.user, Some(view.facts.user()), None))
            .filter(|view| is(&query.source, view.facts.source(), None))
            .filter(|view| is(&query.client, view.facts.client(), view.seen_client.as_deref()))
            .filter(|view| is(&query.ip, view.facts.ip(), view.seen_ip.as_deref()))
            .map(|view| view.number)
            .collect();
        prop_assert_eq!(found, expected);
    }
}
