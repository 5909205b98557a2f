//! What plays a recording: the model, and whatever else must agree with it.

use serde_json::Value;
use sledger_testkit::model::Model;
use sledger_testkit::recordings::Oracle;

/// Starts a ledger under a configuration; the text says why it is refused.
pub(crate) type Start = fn(&Value) -> Result<Box<dyn Oracle>, String>;

/// The model.
pub(crate) fn model(config: &Value) -> Result<Box<dyn Oracle>, String> {
    Model::new(config).map(|model| Box::new(model) as Box<dyn Oracle>).map_err(|stop| stop.to_string())
}

/// Everything that is held against the model, by name.
pub(crate) const OTHERS: &[(&str, Start)] = &[("sledger", crate::simulation::start)];
