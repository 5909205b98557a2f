//! The README's tables of the five systems: each row is shown by a test or a recording that is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const SYSTEMS: [&str; 5] = ["openam", "pingfederate", "awx", "avi", "emqx"];
const HEAD: &str = "| there | here | shown by |";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Names of all tests of this repository.
fn tests() -> BTreeSet<String> {
    let mut files = Vec::new();
    sources(&root().join("tests"), &mut files);
    sources(&root().join("crates"), &mut files);
    let mut names = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        let after = text.split("#[test]").skip(1).filter_map(|rest| rest.split_once("fn "));
        names.extend(after.filter_map(|(_, rest)| rest.split_once('(')).map(|(name, _)| name.to_owned()));
    }
    names
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

/// The rows under every head of the README: there, here, shown by.
fn rows(readme: &str) -> Vec<[String; 3]> {
    let tables = readme.split(HEAD).skip(1);
    let lines = tables.flat_map(|table| table.lines().skip(2).take_while(|line| line.starts_with('|')));
    lines
        .map(|line| {
            let cells: Vec<String> =
                line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
            cells.try_into().unwrap_or_else(|cells| panic!("{line}: {cells:?}"))
        })
        .collect()
}

/// What a cell names: tests in backticks, recordings as links.
fn named(cell: &str) -> (Vec<&str>, Vec<&str>) {
    let tests = cell.split('`').skip(1).step_by(2).collect();
    let links = cell.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
    (tests, links.collect())
}

#[test]
fn every_row_of_the_readme_names_a_test_or_a_recording_that_is_there() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (known, rows) = (tests(), rows(&readme));
    assert!(known.len() > 300 && rows.len() > 50, "{} tests, {} rows", known.len(), rows.len());
    for [there, here, shown] in rows {
        let (tests, links) = named(&shown);
        assert!(!here.is_empty() && tests.len() + links.len() > 0, "{there}: nothing shows it");
        for test in tests {
            assert!(known.contains(test), "{there}: there is no test `{test}`");
        }
        for link in links {
            assert!(root().join(link).exists(), "{there}: there is no {link}");
        }
    }
}

#[test]
fn every_system_has_a_table_a_ready_configuration_and_a_recording_under_it() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    for system in SYSTEMS {
        for file in [format!("policies/{system}.toml"), format!("replay/{system}/README.md")] {
            assert!(readme.contains(&format!("({file})")), "{file}");
        }
        let used = root().join("replay").join(system).join("sledger.toml").canonicalize().unwrap();
        let ready = root().join("policies").join(format!("{system}.toml")).canonicalize().unwrap();
        assert_eq!(used, ready, "the recording runs under the ready configuration itself");
    }
}
