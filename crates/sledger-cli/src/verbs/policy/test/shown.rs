//! What came of the tests, for people and for programs.

use super::Outcome;
use crate::output::Output;
use anyhow::Result;
use serde_json::{Value, json};
use sledger_policy::suite::{CaseReport, Deciding, PropertyReport};
use sledger_wire::escape;

/// Width of the columns of what was expected and found.
const COLUMN: usize = 32;

pub(super) fn show(outcomes: &[Outcome], problems: &[String], out: &mut Output<'_>) -> Result<()> {
    for outcome in outcomes.iter().filter(|outcome| outcome.subject.tests.is_none()) {
        let file = outcome.subject.file.display().to_string();
        out.say(&format!("warning: `{}` has no tests", escape(&file)));
    }
    if out.is_json() {
        let policies: Vec<Value> = outcomes.iter().map(policy_json).collect();
        let is_good = problems.is_empty() && outcomes.iter().all(Outcome::passed);
        return out.json(&json!({"ok": is_good, "problems": problems, "policies": policies}));
    }
    for outcome in outcomes {
        policy(outcome, out)?;
    }
    out.line(&summary(outcomes, problems))
}

fn summary(outcomes: &[Outcome], problems: &[String]) -> String {
    let reports: Vec<_> = outcomes.iter().filter_map(Outcome::report).collect();
    let cases: usize = reports.iter().map(|report| report.cases.len()).sum();
    let failed: usize =
        reports.iter().map(|report| report.cases.iter().filter(|case| !case.passed()).count()).sum();
    let runs: u64 =
        reports.iter().filter_map(|report| report.property.as_ref()).map(|p| u64::from(p.runs)).sum();
    let bad = outcomes.iter().filter(|outcome| !outcome.passed()).count() + problems.len();
    format!(
        "policies: {}, failed: {bad}; cases: {cases}, failed: {failed}; generated scenarios: {runs}",
        outcomes.len()
    )
}

fn policy(outcome: &Outcome, out: &mut Output<'_>) -> Result<()> {
    let file = outcome.subject.file.display().to_string();
    // Hints are for `policy check`.
    for lint in outcome.lints.iter().filter(|lint| lint.severity != sledger_policy::Severity::Hint) {
        out.line(&escape(&format!("{file}:{lint}")))?;
    }
    if let Some(error) = outcome.error() {
        out.line(&escape(&format!("{error}: the tests of {file} cannot be run")))?;
    }
    let Some(report) = outcome.report() else { return under(outcome, out) };
    out.line(&escape(&file))?;
    for one in &report.cases {
        case(outcome, one, out)?;
    }
    if let Some(found) = &report.property {
        property(found, out)?;
    }
    let coverage = &report.coverage;
    let missed: Vec<String> = coverage.missed.iter().map(ToString::to_string).collect();
    let missed = if missed.is_empty() { String::new() } else { format!("; not run: {}", missed.join(", ")) };
    out.line(&format!("  coverage {} % of {} lines{missed}", coverage.percent(), coverage.lines.len()))?;
    under(outcome, out)
}

fn under(outcome: &Outcome, out: &mut Output<'_>) -> Result<()> {
    match outcome.under {
        Some(least) => {
            let file = outcome.subject.file.display().to_string();
            out.line(&escape(&format!("  FAIL  coverage of {file} is under {least} %")))
        }
        None => Ok(()),
    }
}

fn case(outcome: &Outcome, case: &CaseReport, out: &mut Output<'_>) -> Result<()> {
    if case.passed() {
        return out.line(&format!("  ok    {} ({} operations)", escape(&case.name), case.operations));
    }
    let file = outcome.subject.tests.as_ref().map(|(file, _)| file.display().to_string());
    let place = format!("{}:{}", file.unwrap_or_default(), case.line);
    out.line(&format!("  FAIL  {} ({})", escape(&case.name), escape(&place)))?;
    out.line(&format!("        {:8}  {:COLUMN$}  found", "", "expected"))?;
    for found in &case.differences {
        let (expected, got) = (escape(&found.expected), escape(&found.found));
        out.line(&format!("        {:8}  {expected:COLUMN$}  {got}", found.what))?;
    }
    deciding(case.deciding.as_ref(), out)
}

fn deciding(deciding: Option<&Deciding>, out: &mut Output<'_>) -> Result<()> {
    match deciding {
        Some(at) => out.line(&format!("        line {:<3}  {}", at.line, escape(&at.text))),
        None => Ok(()),
    }
}

fn property(found: &PropertyReport, out: &mut Output<'_>) -> Result<()> {
    let said = format!(
        "{} scenarios from seed {}, {} with more than one to go",
        found.runs, found.seed, found.over_by_more
    );
    let Some(broken) = &found.broken else { return out.line(&format!("  ok    property: {said}")) };
    out.line(&format!("  FAIL  property: {} in run {} of seed {}", broken.code, broken.run, found.seed))?;
    deciding(broken.deciding.as_ref(), out)?;
    out.line("        as a case:")?;
    for line in broken.case.lines() {
        out.line(&escape(line))?;
    }
    Ok(())
}

fn policy_json(outcome: &Outcome) -> Value {
    let lints: Vec<Value> = outcome.lints.iter().map(|lint| {
        json!({"line": lint.line, "column": lint.column, "code": lint.code.as_str(), "message": lint.message,
               "severity": lint.severity.as_str()})
    }).collect();
    let report = outcome.report();
    let cases: Option<Vec<Value>> = report.map(|report| report.cases.iter().map(case_json).collect());
    let coverage = report.map(|report| {
        let coverage = &report.coverage;
        json!({"percent": coverage.percent(), "lines": coverage.lines, "missed": coverage.missed})
    });
    json!({
        "name": outcome.subject.name, "file": outcome.subject.file.display().to_string(),
        "ok": outcome.passed(), "lints": lints, "error": outcome.error(), "cases": cases,
        "property": report.and_then(|report| report.property.as_ref()).map(property_json),
        "coverage": coverage, "coverage_min_missed": outcome.under,
    })
}

fn case_json(case: &CaseReport) -> Value {
    let differences: Vec<Value> = case
        .differences
        .iter()
        .map(|one| json!({"what": one.what, "expected": one.expected, "found": one.found}))
        .collect();
    json!({
        "name": case.name, "line": case.line, "ok": case.passed(), "found": case.found,
        "differences": differences, "deciding": case.deciding.as_ref().map(deciding_json),
        "operations": case.operations,
    })
}

fn deciding_json(at: &Deciding) -> Value {
    json!({"line": at.line, "column": at.column, "text": at.text})
}

fn property_json(found: &PropertyReport) -> Value {
    let broken = found.broken.as_ref().map(|broken| {
        json!({"run": broken.run, "code": broken.code, "case": broken.case,
               "deciding": broken.deciding.as_ref().map(deciding_json)})
    });
    json!({"ok": found.passed(), "runs": found.runs, "seed": found.seed,
           "over_by_more": found.over_by_more, "broken": broken})
}
