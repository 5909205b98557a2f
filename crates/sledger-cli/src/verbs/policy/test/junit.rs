//! A report in the form of `JUnit`, which most build servers read.

use super::Outcome;
use anyhow::Result;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use sledger_policy::suite::{CaseReport, PropertyReport};

/// One entry: its name and, where it failed, why.
struct Entry {
    name: String,
    failure: Option<String>,
}

/// The report as XML.
pub(super) fn report(outcomes: &[Outcome], problems: &[String]) -> Result<Vec<u8>> {
    let mut suites: Vec<(String, Vec<Entry>)> = outcomes
        .iter()
        .map(|outcome| (outcome.subject.file.display().to_string(), entries(outcome)))
        .collect();
    let lost =
        problems.iter().map(|problem| Entry { name: "policy".to_owned(), failure: Some(problem.clone()) });
    if !problems.is_empty() {
        suites.push(("tests without a policy".to_owned(), lost.collect()));
    }
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all: Vec<&Entry> = suites.iter().flat_map(|(_, entries)| entries).collect();
    let (tests, failures) = counts(all.into_iter());
    let root = writer.create_element("testsuites");
    root.with_attributes([("name", "policies"), ("tests", &*tests), ("failures", &*failures)])
        .write_inner_content(|writer| {
            suites.iter().try_for_each(|(file, entries)| suite(writer, file, entries))
        })?;
    let mut xml = writer.into_inner();
    xml.push(b'\n');
    Ok(xml)
}

fn counts<'e>(entries: impl Iterator<Item = &'e Entry>) -> (String, String) {
    let (mut tests, mut failures) = (0u32, 0u32);
    for entry in entries {
        tests += 1;
        failures += u32::from(entry.failure.is_some());
    }
    (tests.to_string(), failures.to_string())
}

fn entries(outcome: &Outcome) -> Vec<Entry> {
    let mut entries = vec![check(outcome)];
    if let Some(report) = outcome.report() {
        entries.extend(report.cases.iter().map(case));
        entries.extend(report.property.iter().map(property));
    }
    if let Some(least) = outcome.under {
        let failure = Some(format!("less than {least} % of the lines are run"));
        entries.push(Entry { name: "coverage".to_owned(), failure });
    }
    entries
}

fn check(outcome: &Outcome) -> Entry {
    let lints: Vec<String> = outcome.lints.iter().map(ToString::to_string).collect();
    let failure = outcome.error().or_else(|| outcome.has_error().then(|| lints.join("\n")));
    Entry { name: "check".to_owned(), failure }
}

fn case(case: &CaseReport) -> Entry {
    let mut lines: Vec<String> = case
        .differences
        .iter()
        .map(|one| format!("{}: expected `{}`, found `{}`", one.what, one.expected, one.found))
        .collect();
    lines.extend(case.deciding.as_ref().map(|at| format!("line {}: {}", at.line, at.text)));
    Entry { name: case.name.clone(), failure: (!case.passed()).then(|| lines.join("\n")) }
}

fn property(found: &PropertyReport) -> Entry {
    let broken = found.broken.as_ref();
    let failure = broken.map(|broken| format!("{} in run {}\n{}", broken.code, broken.run, broken.case));
    Entry { name: format!("property from seed {}", found.seed), failure }
}

type Written = std::io::Result<()>;

fn suite(writer: &mut Writer<Vec<u8>>, file: &str, entries: &[Entry]) -> Written {
    let (tests, failures) = counts(entries.iter());
    let name = plain(file);
    writer
        .create_element("testsuite")
        .with_attributes([("name", &*name), ("tests", &*tests), ("failures", &*failures)])
        .write_inner_content(|writer| entries.iter().try_for_each(|entry| one(writer, &name, entry)))?;
    Ok(())
}

fn one(writer: &mut Writer<Vec<u8>>, class: &str, entry: &Entry) -> Written {
    let name = plain(&entry.name);
    let element = writer.create_element("testcase").with_attributes([("classname", class), ("name", &*name)]);
    let Some(failure) = &entry.failure else { return element.write_empty().map(drop) };
    let text: Vec<String> = failure.lines().map(plain).collect();
    let message = text.first().map_or("", String::as_str).to_owned();
    element.write_inner_content(|writer| {
        let failure = writer.create_element("failure").with_attribute(("message", &*message));
        failure.write_text_content(BytesText::new(&text.join("\n"))).map(drop)
    })?;
    Ok(())
}

/// A line that XML can hold: what it has no character for is escaped, as for a terminal.
fn plain(text: &str) -> String {
    sledger_wire::escape(text).into_owned()
}
