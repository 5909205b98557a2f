//! The shipped policies' own tests, as the test runner runs them.

use sledger_policy::suite::{Options, Report, Suite};

pub(crate) struct File(Suite);

impl File {
    pub(crate) fn read(text: &str) -> Self {
        Self(Suite::read(text).unwrap())
    }

    fn report(&self, name: &str, source: &str) -> Report {
        self.0.run(name, source, &Options::default()).unwrap()
    }

    /// Runs every case; what went wrong, in words. The count of cases run.
    pub(crate) fn run(&self, name: &str, source: &str) -> (usize, Vec<String>) {
        let report = self.report(name, source);
        let failed = report.cases.iter().filter(|case| !case.passed());
        (report.cases.len(), failed.map(|case| format!("{}: {:?}", case.name, case.differences)).collect())
    }

    /// Runs generated scenarios from a fixed seed.
    pub(crate) fn run_property(&self, name: &str, source: &str) -> Vec<String> {
        let property = self.report(name, source).property;
        property.and_then(|property| property.broken).map(|broken| broken.case).into_iter().collect()
    }
}
