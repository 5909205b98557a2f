//! Through the server, each thread with a client of its own.

use super::{PATIENCE, Seen, THREADS, config, login, quota};
use sledger::Ledger;
use sledger::core::config::Dimension;
use sledger_client::{Client, ClientError};
use sledger_server::{Config, Server};
use std::sync::mpsc::channel;
use std::sync::{Barrier, Mutex};
use tempfile::TempDir;

/// Serves `ledger` on a free port while `ask` runs with its address.
fn served(ledger: &Ledger, ask: impl FnOnce(&str)) {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (tell, told) = channel();
    let theirs = ledger.clone();
    let serving = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.unwrap().block_on(async move {
            let config = Config { listen: "127.0.0.1:0".to_owned(), ..Config::default() };
            let server = Server::bind(config, theirs).await.unwrap();
            tell.send(server.local_addr()).unwrap();
            let until = async {
                // A test that is over stops its server.
                let _over = stopped.await;
            };
            server.run(until).await
        })
    });
    ask(&format!("http://{}", told.recv_timeout(PATIENCE).unwrap()));
    drop(stop);
    serving.join().unwrap().unwrap();
}

/// Every thread logs `ann` in four times, all at once. What the log holds then, and the outcomes.
fn race(policy: &str) -> (Seen, Vec<String>) {
    let dir = TempDir::new().unwrap();
    let quotas = vec![quota(Dimension::User, 5, policy), quota(Dimension::Ip, 12, policy)];
    let ledger = Ledger::open(config(dir.path(), quotas)).unwrap();
    let (start, outcomes) = (Barrier::new(THREADS), Mutex::new(Vec::new()));
    served(&ledger, |url| {
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let (start, outcomes) = (&start, &outcomes);
                scope.spawn(move || {
                    let client = Client::new(url).unwrap();
                    start.wait();
                    let came: Vec<String> = (0..4).map(|n| enter(&client, thread, n)).collect();
                    outcomes.lock().unwrap().extend(came);
                });
            }
        });
    });
    ledger.close();
    (Seen::read(dir.path()), outcomes.into_inner().unwrap())
}

fn enter(client: &Client, thread: usize, n: usize) -> String {
    match client.login(&login("ann", &format!("{thread}.{n}"), "10.0.0.1"), None) {
        Ok(answer) => answer.outcome,
        Err(ClientError::Refused(problem)) if problem.status == 403 => "denied".to_owned(),
        Err(error) => panic!("{error}"),
    }
}

fn count(outcomes: &[String], outcome: &str) -> usize {
    outcomes.iter().filter(|found| *found == outcome).count()
}

#[test]
fn over_http_as_many_as_the_limit_are_admitted_and_the_rest_denied() {
    let (seen, outcomes) = race("deny_access");
    assert_eq!((count(&outcomes, "admitted"), count(&outcomes, "denied")), (5, THREADS * 4 - 5));
    assert_eq!((seen.user_max, seen.admitted, seen.live.len()), (5, 5, 5));
}

#[test]
fn over_http_a_policy_that_evicts_never_passes_the_limit() {
    let (seen, outcomes) = race("destroy_oldest");
    assert_eq!(count(&outcomes, "admitted"), THREADS * 4);
    assert_eq!((seen.user_max, seen.admitted, seen.live.len()), (5, THREADS * 4, 5));
}
