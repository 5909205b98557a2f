//! The real thing: what `sledger simulate` runs, without its command line.

use serde_json::Value;
use sledger_replay::simulate::Simulation;
use sledger_testkit::recordings::Oracle;
use sledger_wire::config::{Config, Written};
use std::collections::BTreeMap;
use std::path::Path;

struct Simulated(Simulation);

impl Oracle for Simulated {
    fn line(&mut self, line_no: u64, text: &str) -> Result<Value, String> {
        self.0.line(line_no, text).map_err(|stop| stop.to_string())
    }
}

/// A simulation under these sections, read as a configuration file.
pub(crate) fn start(config: &Value) -> Result<Box<dyn Oracle>, String> {
    let text = toml::to_string(config).map_err(|error| error.to_string())?;
    let nothing = BTreeMap::new();
    let file = Some((Path::new("sledger.toml"), text.as_str()));
    let written = Written { file, environment: &nothing, flags: &nothing };
    let config = Config::read(&written).map_err(|refused| refused.to_string())?;
    let simulation = Simulation::new(config).map_err(|refused| refused.to_string())?;
    Ok(Box::new(Simulated(simulation)))
}
