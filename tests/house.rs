//! The house: who may know whom, and what the core must not touch.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use cargo_metadata::{DependencyKind, MetadataCommand};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Each room with the rooms of ours it may use. A new line here is a change of architecture.
const GRAPH: &[(&str, &[&str])] = &[
    ("sledger-core", &[]),
    ("sledger-wire", &["sledger-core"]),
    ("sledger-ingest", &["sledger-core"]),
    ("sledger-projector", &["sledger-core"]),
    ("sledger-policy", &["sledger-core"]),
    ("sledger-log", &["sledger-core"]),
    ("sledger", &["sledger-core", "sledger-ingest", "sledger-log", "sledger-policy", "sledger-projector"]),
    (
        "sledger-replay",
        &["sledger-core", "sledger-log", "sledger-policy", "sledger-projector", "sledger-wire"],
    ),
    ("sledger-client", &["sledger-core", "sledger-wire"]),
    (
        "sledger-server",
        &["sledger", "sledger-core", "sledger-log", "sledger-projector", "sledger-replay", "sledger-wire"],
    ),
    (
        "sledger-tui",
        &["sledger-client", "sledger-core", "sledger-projector", "sledger-replay", "sledger-wire"],
    ),
    (
        "sledger-cli",
        &[
            "sledger",
            "sledger-client",
            "sledger-core",
            "sledger-log",
            "sledger-policy",
            "sledger-projector",
            "sledger-replay",
            "sledger-server",
            "sledger-tui",
            "sledger-wire",
        ],
    ),
    ("sledger-testkit", &["sledger-core"]),
    (
        "sledger-bench",
        &[
            "sledger",
            "sledger-client",
            "sledger-core",
            "sledger-log",
            "sledger-policy",
            "sledger-replay",
            "sledger-server",
            "sledger-testkit",
        ],
    ),
];

/// What the core may be built from: none of them does IO, reads clocks or draws randomness as it is used here.
const CORE_DEPENDENCIES: &[&str] = &[
    "ahash",
    "arrayvec",
    "bincode",
    "blake3",
    "hashbrown",
    "ipnet",
    "serde",
    "slab",
    "smallvec",
    "thiserror",
    "time",
    "unicode-normalization",
    "wildmatch",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Normal dependencies by package.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().unwrap();
    let normal = |package: &cargo_metadata::Package| {
        let normal = package.dependencies.iter().filter(|one| one.kind == DependencyKind::Normal);
        normal.map(|one| one.name.clone()).collect()
    };
    metadata.packages.iter().map(|package| (package.name.to_string(), normal(package))).collect()
}

#[test]
fn rooms_know_only_whom_the_graph_allows() {
    let found = dependencies();
    let allowed: BTreeMap<_, _> = GRAPH.iter().copied().collect();
    for (package, uses) in &found {
        if package == "sledger-tests" {
            continue;
        }
        let allowed =
            allowed.get(package.as_str()).unwrap_or_else(|| panic!("`{package}` is not in the graph"));
        for used in uses.iter().filter(|name| name.starts_with("sledger")) {
            assert!(allowed.contains(&used.as_str()), "`{package}` must not know `{used}`");
        }
    }
    for package in allowed.keys() {
        assert!(found.contains_key(*package), "`{package}` is in the graph and not in the workspace");
    }
}

#[test]
fn only_the_server_and_the_command_know_http_and_argv() {
    let found = dependencies();
    for (outside, rooms) in [
        ("axum", &["sledger-server", "sledger-bench"][..]),
        ("tokio", &["sledger-server", "sledger-cli", "sledger-bench"]),
        ("clap", &["sledger-cli", "sledger-bench"]),
        ("rhai", &["sledger-policy", "sledger-bench"]),
        ("sled", &["sledger-log"]),
        ("anyhow", &["sledger-cli", "sledger-bench"]),
    ] {
        for (package, uses) in &found {
            assert!(
                !uses.contains(outside) || rooms.contains(&package.as_str()),
                "`{package}` uses `{outside}`"
            );
        }
    }
}

/// Every package in the tree of `room` as others build it: without its tests, on this platform.
fn tree_of(room: &str) -> BTreeSet<String> {
    let mut tree = Command::new(env!("CARGO"));
    tree.args([
        "tree",
        "--locked",
        "--offline",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    let output = tree.args(["--package", room]).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).unwrap();
    names.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn the_libraries_bring_no_server_no_terminal_and_no_command_line() {
    const SERVERS: &[&str] = &["axum", "axum-core", "sledger-server", "utoipa", "prometheus-client"];
    const TERMINALS: &[&str] = &["ratatui", "crossterm", "indicatif", "clap", "anyhow", "tracing-subscriber"];
    const HTTP: &[&str] = &["hyper", "tower", "reqwest", "tokio", "sledger-wire", "sledger-client"];
    const LEDGERS: &[&str] = &["sled", "rhai", "sledger", "sledger-log", "sledger-policy"];
    for (room, others) in [("sledger", HTTP), ("sledger-client", LEDGERS)] {
        let tree = tree_of(room);
        assert!(tree.contains(room) && tree.contains("sledger-core"), "{room}: {tree:?}");
        for outside in [SERVERS, TERMINALS, others].concat() {
            assert!(outside == room || !tree.contains(outside), "`{outside}` is in the tree of `{room}`");
        }
    }
    // The list is worth something: what must not be there is found where it is.
    let command = tree_of("sledger-cli");
    assert!(["axum", "clap", "sled", "reqwest"].iter().all(|name| command.contains(*name)), "{command:?}");
}

#[test]
fn every_room_has_its_promise_of_what_stays() {
    let docs = std::fs::read_to_string(root().join("crates/sledger/src/lib.rs")).unwrap();
    let table = docs.split("# What stays as it is").nth(1).expect("the section is there");
    let promised: BTreeSet<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `")?.split_once('`'))
        .map(|(name, _)| name)
        .collect();
    let rooms: BTreeSet<&str> = GRAPH.iter().map(|(name, _)| *name).collect();
    assert_eq!(promised, rooms);
}

#[test]
fn the_core_is_built_from_pure_parts() {
    let uses = dependencies().remove("sledger-core").unwrap();
    for used in uses {
        assert!(CORE_DEPENDENCIES.contains(&used.as_str()), "`sledger-core` uses `{used}`");
    }
}

#[test]
fn the_core_touches_no_clock_file_environment_network_hash_order_or_float() {
    const FORBIDDEN: &[&str] = &[
        "SystemTime",
        "Instant",
        "std::fs",
        "std::io",
        "std::env",
        "std::net::Tcp",
        "std::net::Udp",
        "std::process",
        "std::thread",
        "now_utc",
        "HashMap",
        "HashSet",
        "f32",
        "f64",
        "async ",
        "rand::",
        "RandomState::new",
        "println!",
        "unsafe ",
    ];
    let mut files = Vec::new();
    sources(&root().join("crates/sledger-core/src"), &mut files);
    assert!(files.len() > 30, "the core's sources are found: {}", files.len());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.lines().map(|line| line.split("//").next().unwrap_or(""));
        for (number, line) in code.enumerate() {
            for word in FORBIDDEN {
                assert!(!line.contains(word), "{}:{}: `{word}`", file.display(), number + 1);
            }
        }
    }
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn the_top_level_holds_what_the_design_says_and_nothing_else() {
    const NAMES: &[&str] =
        &["Cargo.toml", "Cargo.lock", "README.md", "crates", "policies", "replay", "tests"];
    for entry in std::fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let known = NAMES.contains(&name.as_str()) || name.starts_with('.') || name.starts_with("LICENSE");
        assert!(known || ["target", "sledger-data"].contains(&name.as_str()), "`{name}` at the top level");
    }
}
