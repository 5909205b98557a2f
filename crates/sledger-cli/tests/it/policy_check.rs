//! `policy check|new|defs`, and the pages of `policies/README.md`.

use crate::common::{folder, run, run_with};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const GOOD: &str = "fn on_exhausted() { deny(\"full\") }\n";

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies")
}

#[test]
fn a_complaint_is_file_line_column_code_and_message() {
    let dir = folder(&[("policies/mine.rhai", "fn on_exhausted() {\n    evict(sessions.odlest(1))\n}\n")]);
    let ran = run(dir.path(), &["policy", "check", "policies/mine.rhai"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let line =
        "policies/mine.rhai:2:20: unknown: a set of sessions has no `odlest`, did you mean `oldest`?\n";
    assert_eq!(ran.stdout, line);
    let ran = run(dir.path(), &["policy", "check", "--output", "json"]);
    let told: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(told[0]["file"], "./policies/mine.rhai".trim_start_matches("./"), "{told}");
    assert_eq!(told[0]["line"], 2);
    assert_eq!((&told[0]["code"], &told[0]["severity"]), (&json!("unknown"), &json!("error")));
}

#[test]
fn warnings_fail_only_where_they_are_denied() {
    let dir = folder(&[]);
    let text = "fn on_exhausted() { evict(sessions.retained()) }";
    let ran = run_with(dir.path(), &["policy", "check", "-"], text);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.starts_with("-:1:27: empty_pick: warning: "), "{}", ran.stdout);
    assert_eq!(run_with(dir.path(), &["policy", "check", "--deny-warnings", "-"], text).code, 1);
    let hint = run_with(
        dir.path(),
        &["policy", "check", "--deny-warnings", "-"],
        "fn on_exhausted() { allow(\"x\") }",
    );
    assert_eq!(hint.code, 0, "{hint:?}");
    assert!(hint.stdout.contains("allow_under_hard: hint: "), "{}", hint.stdout);
}

#[test]
fn nothing_is_said_against_the_shipped_policies() {
    let dir = folder(&[]);
    let ran = run(dir.path(), &["policy", "check", "--deny-warnings", &shipped().to_string_lossy()]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{ran:?}");
    assert!(ran.stderr.contains("12 policies: 0 errors, 0 warnings, 0 hints"), "{}", ran.stderr);
}

#[test]
fn levels_and_params_are_those_of_the_quotas() {
    let toml = "[[quota]]\nname = \"q\"\nmax_sessions = 2\non_exhausted = \"mine\"\nparams = { protct = 1, most = \"x\" }\n";
    let mine = "//! [params]\n//! protect = { default = 1, type = \"int\" }\n//! most = { default = 1, type = \"int\" }\nfn on_exhausted() { allow(`${params.protect} ${params.most}`) }\n";
    let dir = folder(&[("sledger.toml", toml), ("policies/mine.rhai", mine)]);
    let ran = run(dir.path(), &["policy", "check"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for words in [
        "mine.rhai:4:21: allow_under_hard: `allow` does nothing under a hard quota",
        "sledger.toml:5:1: unknown_param: quota `q`: `mine` has no param `protct`, did you mean `protect`?",
        "sledger.toml:5:1: mistyped_param: quota `q`: `mine` param `most` is not an integer",
    ] {
        assert!(ran.stdout.contains(words), "{words}\n{}", ran.stdout);
    }
    let ran = run(dir.path(), &["policy", "check", "--quota", "nobody"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (2, "error: there is no quota `nobody`; the quotas: q\n"));
}

#[test]
fn params_of_built_in_policies_are_checked_without_any_folder() {
    let toml = "[[quota]]\nname = \"q\"\nmax_sessions = 2\non_exhausted = \"per_address\"\nparams = { per_ipp = 1 }\n";
    let dir = folder(&[("sledger.toml", toml)]);
    let ran = run(dir.path(), &["policy", "check"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.starts_with("sledger.toml:5:1: unknown_param: "), "{}", ran.stdout);
    let gone = run(dir.path(), &["policy", "check", "nowhere"]);
    assert_eq!((gone.code, gone.stderr.as_str()), (2, "error: `nowhere` does not exist\n"));
}

#[test]
fn a_code_is_explained_and_an_unknown_one_answered_with_what_was_meant() {
    let dir = folder(&[]);
    let ran = run(dir.path(), &["policy", "check", "--explain", "empty_pick"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.starts_with("# empty_pick\n\nSeverity: warning\n"), "{}", ran.stdout);
    let ran = run(dir.path(), &["policy", "check", "--explain", "emptypick"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("did you mean `empty_pick`?") && ran.stderr.contains("shadow"),
        "{}",
        ran.stderr
    );
}

#[test]
fn files_that_cannot_be_policies_are_named_and_the_others_still_checked() {
    let large = " ".repeat(10 << 20);
    let dir = folder(&[
        ("policies/a.rhai", GOOD),
        ("policies/a.RHAI", GOOD),
        ("policies/large.rhai", &large),
        ("policies/head.rhai", "//! = 3\nfn on_exhausted() { deny(\"x\") }"),
        ("policies/bom.rhai", "\u{feff}fn on_exhausted() { deny(\"x\") }"),
        (
            "policies/word.rhai",
            "//! [params]\n//! with = { default = 1, type = \"int\" }\nfn on_exhausted() { deny(\"x\") }",
        ),
        (
            "policies/kind.rhai",
            "//! [params]\n//! n = { default = \"x\", type = \"int\" }\nfn on_exhausted() { deny(\"x\") }",
        ),
        ("policies/My-Own.rhai", GOOD),
        ("policies/z.rhai", "fn on_exhausted() { }"),
    ]);
    let policies = dir.path().join("policies");
    std::fs::write(policies.join("latin.rhai"), b"// caf\xe9\n").unwrap();
    std::fs::write(policies.join("wide.rhai"), b"\xff\xfef\0n\0").unwrap();
    std::fs::create_dir(policies.join("folder.rhai")).unwrap();
    std::os::unix::fs::symlink("nowhere", policies.join("gone.rhai")).unwrap();
    let ran = run(dir.path(), &["policy", "check"]);
    assert_eq!(ran.code, 1);
    for words in [
        "a.rhai:0:0: file: ",
        "large.rhai:0:0: too_large: ",
        "head.rhai:1:5: header: ",
        "bom.rhai:1:1: encoding: ",
        "word.rhai:2:5: header: `with` cannot be a param: it is a reserved word",
        "kind.rhai:2:5: mistyped_param: ",
        "My-Own.rhai:0:0: file: ",
        "latin.rhai:1:7: encoding: this is not UTF-8",
        "wide.rhai:1:1: encoding: the file is UTF-16",
        "folder.rhai:0:0: file: ",
        "gone.rhai:0:0: file: cannot read",
        "z.rhai:1:21: no_decision: ",
    ] {
        assert!(ran.stdout.contains(words), "{words}\n{}", ran.stdout);
    }
    let start = run(dir.path(), &["config", "check"]);
    assert_eq!(start.code, 2, "{start:?}");
    assert!(start.stderr.contains("policies/"), "{}", start.stderr);
}

#[test]
fn a_policy_that_looks_at_each_session_is_warned_of_on_a_large_quota() {
    let quota = |limit: &str, policy: &str| {
        format!("[[quota]]\nname = \"q\"\nmax_sessions = {limit}\non_exhausted = \"{policy}\"\n")
    };
    for (text, is_warned) in [
        (quota("10001", "retained_first"), true),
        (quota("10000", "retained_first"), false),
        (quota("20000", "destroy_oldest"), false),
    ] {
        let dir = folder(&[("sledger.toml", &text)]);
        let ran = run(dir.path(), &["config", "check"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(
            ran.stderr.contains("sledger.toml:4: `quota[0].on_exhausted`: the policy"),
            is_warned,
            "{ran:?}"
        );
    }
}

#[test]
fn a_new_policy_is_clean_and_never_written_over_another() {
    let dir = folder(&[]);
    let ran = run(dir.path(), &["policy", "new", "mine"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.stdout, "policies/mine.rhai\npolicies/mine.test.toml\n");
    let checked = run(dir.path(), &["policy", "check", "--deny-warnings"]);
    assert_eq!((checked.code, checked.stdout.as_str()), (0, ""), "{checked:?}");
    let again = run(dir.path(), &["policy", "new", "mine"]);
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("`policies/mine.rhai` is there already"), "{}", again.stderr);
    let bad = run(dir.path(), &["policy", "new", "My-Policy.rhai"]);
    assert_eq!(bad.code, 2);
    assert!(bad.stderr.contains("`my_policy` could"), "{}", bad.stderr);
}

#[test]
fn a_built_in_policy_is_copied_with_its_tests() {
    let dir = folder(&[]);
    let args = ["policy", "new", "ours", "--from", "per_address", "--folder", "here"];
    assert_eq!(run(dir.path(), &args).code, 0);
    for end in ["rhai", "test.toml"] {
        let copied = std::fs::read_to_string(dir.path().join(format!("here/ours.{end}"))).unwrap();
        let original = std::fs::read_to_string(shipped().join(format!("per_address.{end}"))).unwrap();
        assert_eq!(copied, original);
    }
    let ran = run(dir.path(), &["policy", "new", "other", "--from", "kindest"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("built in: business_hours deny_access"), "{}", ran.stderr);
}

#[test]
fn definitions_are_written_for_editors() {
    let dir = folder(&[]);
    let ran = run(dir.path(), &["policy", "defs"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "policies/sledger.d.rhai\n"), "{ran:?}");
    let written = std::fs::read_to_string(dir.path().join("policies/sledger.d.rhai")).unwrap();
    assert!(written.contains("\nlet sessions: Sessions;\n"), "{written}");
    assert!(written.contains("\nfn oldest(set: Sessions, count: int) -> Sessions;\n"), "{written}");
    assert_eq!(run(dir.path(), &["policy", "defs", "-"]).stdout, written);
}

/// The first block of a language in a section.
fn block<'t>(section: &'t str, language: &str) -> &'t str {
    let after = section
        .split_once(&format!("```{language}\n"))
        .unwrap_or_else(|| panic!("{language} in {section}"))
        .1;
    after.split_once("```").unwrap().0
}

/// What `simulate` prints of a field, as the pages show it.
fn told(line: &Value, field: &str) -> Value {
    match line[field].as_array() {
        Some(offered) if field == "offer" => offered.iter().map(|one| one["session"].clone()).collect(),
        _ => line[field].clone(),
    }
}

#[test]
fn the_pages_of_the_policies_show_what_simulate_prints() {
    let readme = std::fs::read_to_string(shipped().join("README.md")).unwrap();
    let pages = readme.split_once("\n## The policies\n").unwrap().1;
    let pages: Vec<&str> = pages.split("\n### ").skip(1).collect();
    assert_eq!(pages.len(), 12);
    for page in pages {
        let name = page.lines().next().unwrap();
        let configuration = block(page, "toml");
        assert!(configuration.contains(&format!("on_exhausted = \"{name}\"")), "{name}");
        let dir = folder(&[("sledger.toml", configuration), ("recording.jsonl", block(page, "jsonl"))]);
        let ran = run(dir.path(), &["simulate", "--config", "sledger.toml", "recording.jsonl"]);
        assert_eq!(ran.code, 0, "{name}: {ran:?}");
        let printed: Vec<Value> =
            ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let shown: Vec<Value> =
            block(page, "json").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(shown.len(), printed.len(), "{name}");
        for (shown, printed) in shown.iter().zip(&printed) {
            for (field, value) in shown.as_object().unwrap() {
                assert_eq!(*value, told(printed, field), "{name}: {field} in {printed}");
            }
            assert_eq!(printed["evicted"] != json!([]), shown.get("evicted").is_some(), "{name}: {printed}");
        }
    }
}

#[test]
fn the_readme_lists_every_policy_and_every_code() {
    let readme = std::fs::read_to_string(shipped().join("README.md")).unwrap();
    let dir = folder(&[]);
    let ran = run(dir.path(), &["policy", "check", "--explain", "?"]);
    let codes = ran.stderr.split_once("the codes: ").unwrap().1;
    for code in codes.split_whitespace() {
        assert!(readme.contains(&format!("\n| `{code}` | ")), "{code}");
    }
    let ran = run(dir.path(), &["policy", "new", "x", "--from", "?"]);
    for name in ran.stderr.split_once("built in: ").unwrap().1.split_whitespace() {
        assert!(readme.contains(&format!("\n| [{name}](#{name}) ")), "{name}");
    }
}
