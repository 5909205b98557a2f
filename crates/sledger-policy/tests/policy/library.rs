//! The shipped policies: every one has a header, no complaint of lint, and tests that pass.

use crate::scenario::File;
use sledger_core::config::Level;
use sledger_policy::{BUILT_IN, check_source, lint};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies")
}

#[test]
fn every_shipped_policy_passes_its_own_tests() {
    let mut cases = 0;
    for (name, source) in BUILT_IN {
        let tests = std::fs::read_to_string(folder().join(format!("{name}.test.toml"))).unwrap();
        let file = File::read(&tests);
        let (run, failed) = file.run(name, source);
        assert!(run >= 2, "{name} has {run} cases");
        assert!(failed.is_empty(), "{name}: {failed:#?}");
        cases += run;
    }
    assert!(cases >= 35, "{cases}");
}

#[test]
fn no_generated_scenario_breaks_a_shipped_policy() {
    for (name, source) in BUILT_IN {
        let tests = std::fs::read_to_string(folder().join(format!("{name}.test.toml"))).unwrap();
        let broken = File::read(&tests).run_property(name, source);
        assert!(broken.is_empty(), "{name}: {broken:#?}");
    }
}

#[test]
fn every_policy_in_the_folder_is_built_in_and_the_other_way_round() {
    let found = sledger_policy::load_folder(&folder()).unwrap();
    let built_in: Vec<_> = BUILT_IN.iter().map(|(n, s)| ((*n).to_owned(), (*s).to_owned())).collect();
    assert_eq!(found, built_in);
}

#[test]
fn the_tests_of_a_policy_come_with_it() {
    for (name, _) in BUILT_IN {
        let tests = std::fs::read_to_string(folder().join(format!("{name}.test.toml"))).unwrap();
        assert_eq!(sledger_policy::built_in_tests(name), Some(tests.as_str()));
        assert!(tests.contains("[property]"), "{name}");
    }
}

#[test]
fn lint_has_nothing_to_say_about_the_library() {
    for (name, source) in BUILT_IN {
        let header = check_source(name, source).unwrap();
        assert!(header.description.is_some(), "{name}");
        let tests = sledger_policy::built_in_tests(name).unwrap();
        let own = sledger_policy::level_of_tests(tests).or(Some(Level::Hard));
        assert_eq!(own == Some(Level::Soft), *name == "vip_grace");
        assert_eq!(lint(source, own), [], "{name}");
        assert_eq!(lint(source, Some(Level::Soft)), [], "{name}");
        assert!(
            source.lines().count() <= 20 && header.params.values().all(|param| param.doc.is_some()),
            "{name}"
        );
    }
}

#[test]
fn a_policy_begun_with_policy_new_passes_its_tests() {
    let begun = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sledger-cli/src/verbs/policy/new");
    let read = |end: &str| std::fs::read_to_string(begun.join(format!("policy.{end}"))).unwrap();
    let (source, file) = (read("rhai"), File::read(&read("test.toml")));
    assert_eq!(lint(&source, Some(Level::Hard)), []);
    let (run, failed) = file.run("mine", &source);
    assert!(run >= 4 && failed.is_empty(), "{failed:#?}");
    assert_eq!(file.run_property("mine", &source), [""; 0]);
}
