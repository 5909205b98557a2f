//! Policies at run time: looked at, installed, tried, promoted, rolled back, stopped.

use crate::client::{Client, json};
use crate::error::ClientError;
use crate::retries::fresh;
use reqwest::Method;
use serde_json::Value;
use sledger_wire::policies::{PoliciesPage, PolicyChanged, PolicyObject};
use sledger_wire::queries::{ChangeQuery, PolicyQuery};

impl Client {
    /// The policies, by name.
    ///
    /// # Errors
    /// The connection's.
    pub fn policies(&self) -> Result<PoliciesPage, ClientError> {
        self.get(&["v1", "policies"], &())
    }

    /// A policy with its source.
    ///
    /// # Errors
    /// Refused with 404 when there is none.
    pub fn policy(&self, name: &str) -> Result<PolicyObject, ClientError> {
        self.get(&["v1", "policies", name], &())
    }

    /// Installs a policy: `body` has `text`, and may have `quota`, `tests`, `params`, `reason`. How it is to be in force
    /// stands in `query`, whose command id is set here.
    ///
    /// # Errors
    /// Refused with 422, what is wrong in `lints` of the problem; 404 when there is no such quota.
    pub fn put_policy(
        &self,
        name: &str,
        body: &Value,
        query: &PolicyQuery,
    ) -> Result<PolicyChanged, ClientError> {
        let url = self.path(&["v1", "policies", name])?;
        let query = PolicyQuery { command: Some(fresh()), ..query.clone() };
        self.certain(|| {
            let request = self.quick().request(Method::PUT, url.clone()).query(&query);
            self.read(json(request, body.to_string()))
        })
    }

    /// Does what `deed` says about a policy: `promote`, `rollback` or `stop`. `body` may have `quota` and `reason`, and for
    /// a rollback `to`.
    ///
    /// # Errors
    /// Refused: 404 when it is not on trial, has no such revision, or there is no such quota; 422.
    pub fn policy_deed(&self, name: &str, deed: &str, body: &Value) -> Result<PolicyChanged, ClientError> {
        let url = self.path(&["v1", "policies", name, deed])?;
        let query = ChangeQuery { reason: None, command: Some(fresh()) };
        self.certain(|| {
            let request = self.quick().request(Method::POST, url.clone()).query(&query);
            self.read(json(request, body.to_string()))
        })
    }
}
