//! Manual pages, completions and `--help` are of one table.

use crate::support::said;
use std::collections::BTreeSet;
use std::process::Command;

/// Every verb that `--help` names, below and with `verb`, as the name of its page.
fn verbs(verb: &[&str]) -> Vec<String> {
    let help = said(&[verb, &["--help"]].concat());
    let mut found = vec![["sledger"].iter().chain(verb).copied().collect::<Vec<_>>().join("-")];
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    for line in commands.take_while(|line| !line.is_empty()) {
        // A line that only goes on stands further in.
        let Some(name) = line.strip_prefix("  ").filter(|name| !name.starts_with(' ')) else { continue };
        let name = name.split(' ').next().unwrap();
        if name != "help" {
            found.extend(verbs(&[verb, &[name]].concat()));
        }
    }
    found
}

#[test]
fn every_verb_has_a_page_and_every_page_a_verb() {
    let dir = tempfile::tempdir().unwrap();
    said(&["man", "--dir", dir.path().to_str().unwrap()]);
    let pages: BTreeSet<String> =
        dir.path().read_dir().unwrap().map(|page| page.unwrap().file_name().into_string().unwrap()).collect();
    let expected: BTreeSet<String> = verbs(&[]).into_iter().map(|verb| format!("{verb}.1")).collect();
    assert_eq!(pages, expected);
    assert!(pages.contains("sledger-config-check.1") && pages.contains("sledger-man.1"), "{pages:?}");
    let page = std::fs::read_to_string(dir.path().join("sledger-serve.1")).unwrap();
    for word in ["Serve a ledger over HTTP", "\\-\\-listen", "\\-\\-config"] {
        assert!(page.contains(word), "{word} is missing in\n{page}");
    }
    assert_eq!(said(&["man"]), std::fs::read_to_string(dir.path().join("sledger.1")).unwrap());
}

#[test]
fn bash_takes_the_completions_and_completes_a_verb_and_a_flag() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("completions");
    std::fs::write(&file, said(&["completions", "bash"])).unwrap();
    let completes = |before: &str, word: &str| {
        let at = before.split(' ').count();
        let script = format!(
            ". {}; COMP_WORDS=({before} {word}); COMP_CWORD={at}; _sledger sledger {word} {before}; \
             echo \"${{COMPREPLY[@]}}\"",
            file.display()
        );
        let output = Command::new("bash").args(["--norc", "-c", &script]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(completes("sledger", "recon"), "reconcile\n");
    assert_eq!(completes("sledger serve", "--lis"), "--listen\n");
}

#[test]
fn completions_for_each_shell_name_every_verb() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let text = said(&["completions", shell]);
        for verb in ["serve", "reconcile", "completions", "salvage"] {
            assert!(text.contains(verb), "{verb} is missing for {shell}");
        }
    }
}
