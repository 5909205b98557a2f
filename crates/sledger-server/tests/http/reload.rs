//! The configuration read again: taken whole or not at all, and told to whoever asks whether the server is well.

use crate::support::{Running, config, settings};
use serde_json::json;
use sledger::core::command::Reload;
use sledger::core::config::{Bounds, Settings};
use sledger::{Config as LedgerConfig, Ledger};
use sledger_server::{Config, Fresh, Source};
use std::sync::{Arc, Mutex};

/// What is written, as a test says it.
#[derive(Debug)]
struct Page(Mutex<Result<Settings, Vec<String>>>, Arc<Mutex<u32>>);

impl Source for Page {
    fn read(&self) -> Result<Fresh, Vec<String>> {
        let settings = self.0.lock().unwrap().clone()?;
        let taken = Arc::clone(&self.1);
        Ok(Fresh {
            reload: Reload { settings, installs: Vec::new(), bounds: Bounds::default(), file: Some([1; 32]) },
            warnings: vec!["a warning".to_owned()],
            near_percent: 50,
            in_force: Box::new(move || *taken.lock().unwrap() += 1),
        })
    }
}

#[test]
fn a_reload_is_taken_whole_or_not_at_all_and_readyz_says_why() {
    let page = Arc::new(Page(Mutex::new(Ok(settings("destroy_oldest"))), Arc::default()));
    let ledger = LedgerConfig { settings: settings("deny_access"), ..LedgerConfig::new("unused") };
    let source: Arc<dyn Source> = Arc::clone(&page) as _;
    let config = Config { source: Some(source), file: Some("sledger.toml".to_owned()), ..config() };
    let server = Running::over(Ledger::in_memory(ledger).unwrap(), config);
    let reload = || server.ask("POST", "/v1/config/reload", Some("{}"));
    let policy = || server.ask("GET", "/v1/quotas/per-user", None).json()["on_exhausted"].clone();

    let done = reload();
    assert_eq!(done.status, 200, "{done:?}");
    let done = done.json();
    assert_eq!(
        (&done["changed"], &done["file"], &done["warnings"]),
        (&json!(true), &json!("sledger.toml"), &json!(["a warning"]))
    );
    assert_eq!(policy(), "destroy_oldest");
    assert_eq!(reload().json()["changed"], false);
    assert_eq!(*page.1.lock().unwrap(), 2, "what does not decide follows each time");

    *page.0.lock().unwrap() = Err(vec!["sledger.toml:3: `quota`: no".to_owned(), "and more".to_owned()]);
    let problem = reload().problem(422);
    assert_eq!(
        problem["detail"],
        "the configuration was not taken, the former one stays in force: sledger.toml:3: `quota`: no; and more"
    );
    assert_eq!(policy(), "destroy_oldest");
    let ready = server.ask("GET", "/readyz", None);
    assert_eq!((ready.status, &ready.json()["ready"]), (200, &json!(true)), "it serves all the same");
    assert_eq!(ready.json()["reasons"][0]["reason"], problem["detail"]);
    assert_eq!(ready.json()["reasons"][0]["blocking"], false);
    assert_eq!(server.ask("GET", "/v1/top", None).json()["warnings"], json!([problem["detail"]]));
    let figures = server.ask("GET", "/metrics", None).body;
    assert!(figures.contains("sledger_config_reload_failed 1"), "{figures}");

    *page.0.lock().unwrap() = Ok(Settings { quotas: settings("nowhere").quotas, ..Settings::default() });
    let problem = reload().problem(422);
    assert!(problem["detail"].as_str().unwrap().contains("there is no such policy"), "{problem}");
    assert_eq!(policy(), "destroy_oldest");

    *page.0.lock().unwrap() = Ok(settings("deny_access"));
    assert_eq!(reload().status, 200);
    assert_eq!(server.ask("GET", "/readyz", None).json()["reasons"], json!([]));
    assert_eq!(*page.1.lock().unwrap(), 3);
}

#[test]
fn a_server_without_a_configuration_says_that_there_is_nothing_to_read() {
    let ledger = Ledger::in_memory(LedgerConfig::new("unused")).unwrap();
    let server = Running::over(ledger, config());
    server.ask("POST", "/v1/config/reload", Some("{}")).problem(409);
}
