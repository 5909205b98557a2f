//! Settings at run time: quotas, overrides, groups, the configuration read again.

use crate::client::{Client, json};
use crate::error::ClientError;
use crate::retries::fresh;
use reqwest::Method;
use reqwest::blocking::RequestBuilder;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sledger_wire::queries::ChangeQuery;
use sledger_wire::quotas::{GroupChange, GroupsPage, OverridesPage, QuotaChange, QuotasPage, Reloaded};

/// Under which condition something is changed, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changing {
    /// Only if it still has this tag.
    pub if_match: Option<String>,
    /// Only if it is not there yet.
    pub if_absent: bool,
    /// Why, for operators.
    pub reason: Option<String>,
}

impl Client {
    /// The quotas, in the order they are judged.
    ///
    /// # Errors
    /// The connection's.
    pub fn quotas(&self) -> Result<QuotasPage, ClientError> {
        self.get(&["v1", "quotas"], &())
    }

    /// A quota with its tag in `etag`.
    ///
    /// # Errors
    /// Refused with 404 when there is none.
    pub fn quota(&self, name: &str) -> Result<Value, ClientError> {
        self.get(&["v1", "quotas", name], &())
    }

    /// Makes or replaces a quota.
    ///
    /// # Errors
    /// Refused: 409 when the file owns it, 412 when it is no longer as it was seen, 422 when it cannot be used.
    pub fn put_quota(&self, name: &str, quota: &Value, how: &Changing) -> Result<QuotaChange, ClientError> {
        self.change(&Method::PUT, &["v1", "quotas", name], Some(quota), how)
    }

    /// Replaces some keys of a quota.
    ///
    /// # Errors
    /// As [`Client::put_quota`]; 404 when there is none.
    pub fn patch_quota(&self, name: &str, keys: &Value, how: &Changing) -> Result<QuotaChange, ClientError> {
        self.change(&Method::PATCH, &["v1", "quotas", name], Some(keys), how)
    }

    /// Deletes a quota; its past stays in the ledger.
    ///
    /// # Errors
    /// As [`Client::patch_quota`].
    pub fn delete_quota(&self, name: &str, how: &Changing) -> Result<QuotaChange, ClientError> {
        self.change(&Method::DELETE, &["v1", "quotas", name], None, how)
    }

    /// Switches a quota on or off, for a while (`30m`) or for good. Its settings stay.
    ///
    /// # Errors
    /// As [`Client::patch_quota`].
    pub fn switch_quota(
        &self,
        name: &str,
        enabled: bool,
        lasting: Option<&str>,
        how: &Changing,
    ) -> Result<QuotaChange, ClientError> {
        let word = if enabled { "enable" } else { "disable" };
        let body = serde_json::json!({ "for": lasting });
        self.change(&Method::POST, &["v1", "quotas", name, word], Some(&body), how)
    }

    /// Takes back everything that was set at run time for a quota.
    ///
    /// # Errors
    /// As [`Client::patch_quota`].
    pub fn reset_quota(&self, name: &str, how: &Changing) -> Result<QuotaChange, ClientError> {
        self.change(&Method::POST, &["v1", "quotas", name, "reset"], Some(&serde_json::json!({})), how)
    }

    /// The overrides of a quota.
    ///
    /// # Errors
    /// Refused with 404 when there is no such quota.
    pub fn overrides(&self, quota: &str) -> Result<OverridesPage, ClientError> {
        self.get(&["v1", "quotas", quota, "overrides"], &())
    }

    /// Sets another limit for a user, a glob or `group:NAME`; `limit` is a number, `unlimited` or `banned`.
    ///
    /// # Errors
    /// As [`Client::patch_quota`].
    pub fn set_override(
        &self,
        (quota, selector): (&str, &str),
        limit: &Value,
        until: Option<&str>,
        how: &Changing,
    ) -> Result<QuotaChange, ClientError> {
        let body = serde_json::json!({ "max_sessions": limit, "until": until, "reason": how.reason });
        self.change(&Method::PUT, &["v1", "quotas", quota, "overrides", selector], Some(&body), how)
    }

    /// Takes such a limit away.
    ///
    /// # Errors
    /// As [`Client::patch_quota`]; 404 when none was set.
    pub fn unset_override(
        &self,
        quota: &str,
        selector: &str,
        how: &Changing,
    ) -> Result<QuotaChange, ClientError> {
        self.change(&Method::DELETE, &["v1", "quotas", quota, "overrides", selector], None, how)
    }

    /// The groups.
    ///
    /// # Errors
    /// The connection's.
    pub fn groups(&self) -> Result<GroupsPage, ClientError> {
        self.get(&["v1", "groups"], &())
    }

    /// Puts a user into a group or takes him out.
    ///
    /// # Errors
    /// Refused: 404 when he is not in it, 412, 422.
    pub fn set_member(
        &self,
        group: &str,
        user: &str,
        member: bool,
        how: &Changing,
    ) -> Result<GroupChange, ClientError> {
        let (method, body) =
            if member { (&Method::PUT, Some(serde_json::json!({}))) } else { (&Method::DELETE, None) };
        self.change(method, &["v1", "groups", group, "users", user], body.as_ref(), how)
    }

    /// Lets the server read its configuration again.
    ///
    /// # Errors
    /// Refused with 422 and every reason when it was not taken: then the former one stays in force.
    pub fn reload(&self) -> Result<Reloaded, ClientError> {
        let url = self.path(&["v1", "config", "reload"])?;
        Ok(self.read(json(self.quick().post(url), "{}"))?)
    }

    /// Under a command id, so that it is done once even if it has to be sent again.
    fn change<T: DeserializeOwned>(
        &self,
        method: &Method,
        path: &[&str],
        body: Option<&Value>,
        how: &Changing,
    ) -> Result<T, ClientError> {
        let url = self.path(path)?;
        let query = ChangeQuery { reason: how.reason.clone(), command: Some(fresh()) };
        self.certain(|| {
            let request = conditioned(self.quick().request(method.clone(), url.clone()).query(&query), how);
            self.read(match body {
                Some(body) => json(request, body.to_string()),
                None => request,
            })
        })
    }
}

fn conditioned(request: RequestBuilder, how: &Changing) -> RequestBuilder {
    let request = match &how.if_match {
        Some(tag) => request.header("if-match", tag),
        None => request,
    };
    if how.if_absent { request.header("if-none-match", "*") } else { request }
}
