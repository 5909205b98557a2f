//! Examples, by the name of their call: what was sent, and what was answered.
//!
//! Invariant: they are answers of this server; a test plays them again.

use super::answers::operations;
use serde_json::Value;
use utoipa::openapi::content::Content;
use utoipa::openapi::{OpenApi, RefOr};

/// An object by `operationId`, with `request` and statuses as keys.
const EXAMPLES: &str = include_str!("../../assets/examples.json");

/// Adds each to the body that it is one of.
pub(super) fn add(document: &mut OpenApi) {
    // INVARIANT(assets): a test reads every example, so what is compiled in is JSON.
    let mut examples: Value = serde_json::from_str(EXAMPLES).unwrap_or_default();
    for item in document.paths.paths.values_mut() {
        for (operation, _) in operations(item) {
            let id = operation.operation_id.clone().unwrap_or_default();
            let mut take = |key: &str| examples.get_mut(&id)?.get_mut(key).map(Value::take);
            let request = operation.request_body.iter_mut().flat_map(|body| body.content.values_mut());
            put(request, take("request"));
            for (status, answer) in &mut operation.responses.responses {
                if let RefOr::T(answer) = answer {
                    put(answer.content.values_mut(), take(status));
                }
            }
        }
    }
}

fn put<'c>(mut bodies: impl Iterator<Item = &'c mut Content>, example: Option<Value>) {
    if let (Some(body), Some(example)) = (bodies.next(), example) {
        body.example = Some(example);
    }
}
