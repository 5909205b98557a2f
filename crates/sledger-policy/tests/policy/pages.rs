//! Every code of lint has a page, and its examples are what it says.

use sledger_core::config::Level;
use sledger_policy::{Lint, LintCode, is_linear, lint};

/// Codes that are about files, not about what they say.
const ABOUT_FILES: [LintCode; 3] = [LintCode::File, LintCode::Encoding, LintCode::TooLarge];

/// The example under a heading of a page.
fn example(page: &str, heading: &str) -> Option<String> {
    let after = page.split_once(&format!("\n## {heading}\n\n"))?.1;
    let section = after.split("\n## ").next()?;
    let (example, _) = section.split_once("```rhai\n")?.1.split_once("```")?;
    Some(example.to_owned())
}

fn codes(code: LintCode, source: &str) -> Vec<&'static str> {
    let mut lints: Vec<Lint> = lint(source, Some(Level::Hard));
    if code == LintCode::Linear {
        lints.extend(is_linear(source));
    }
    lints.iter().map(|lint| lint.code.as_str()).collect()
}

#[test]
fn every_code_has_a_page_with_what_is_wrong_and_why() {
    assert_eq!(LintCode::all().count(), 21);
    for code in LintCode::all() {
        let page = code.page();
        assert!(page.starts_with(&format!("# {}\n\nSeverity: {}", code.as_str(), code.severity().as_str())));
        for heading in ["Wrong", "Right", "Why"] {
            assert!(page.contains(&format!("\n## {heading}\n\n")), "{}: {heading}", code.as_str());
        }
        assert!(page.lines().all(|line| line.chars().count() <= 120), "{}", code.as_str());
        assert_eq!(LintCode::named(code.as_str()), Ok(code));
    }
}

#[test]
fn the_wrong_example_of_a_page_is_that_mistake_and_no_other() {
    for code in LintCode::all().filter(|code| !ABOUT_FILES.contains(code)) {
        let wrong = example(code.page(), "Wrong").unwrap_or_else(|| panic!("{}", code.as_str()));
        let mut found = codes(code, &wrong);
        found.dedup();
        assert_eq!(found, [code.as_str()], "{wrong}\n{:?}", lint(&wrong, Some(Level::Hard)));
    }
}

#[test]
fn the_right_example_of_a_page_has_nothing_against_it() {
    for code in LintCode::all().filter(|code| !ABOUT_FILES.contains(code)) {
        let right = example(code.page(), "Right").unwrap_or_else(|| panic!("{}", code.as_str()));
        assert_eq!(codes(code, &right), [""; 0], "{right}");
    }
}

#[test]
fn a_code_that_does_not_exist_is_answered_with_those_that_do() {
    let refused = LintCode::named("emty_pick").unwrap_err();
    assert!(refused.starts_with("there is no code `emty_pick`, did you mean `empty_pick`?"), "{refused}");
    assert!(refused.contains("no_decision"), "{refused}");
}
