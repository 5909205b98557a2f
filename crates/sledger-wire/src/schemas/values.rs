//! Single values of bodies.

use crate::values::LimitWord;
use serde::Deserialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

/// A duration.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Duration {
    /// Whole seconds.
    Seconds(u64),
    /// `250ms`, `30s`, `5m`, `2h`, `1d` or `never`.
    Text(String),
}

impl PartialSchema for Duration {
    fn schema() -> RefOr<Schema> {
        let either = OneOfBuilder::new().item(number(0, None));
        let text = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
        let text = text.pattern(Some("^([0-9]+(ms|s|m|h|d)|never)$"));
        let what = "`250ms`, `30s`, `5m`, `2h`, `1d`, `never`, or whole seconds";
        either.item(text).description(Some(what)).into()
    }
}

impl ToSchema for Duration {}

impl PartialSchema for LimitWord {
    fn schema() -> RefOr<Schema> {
        let either = OneOfBuilder::new().item(number(1, Some(u32::MAX)));
        let word = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
        let word = word.enum_values(Some(["unlimited", "banned"]));
        either.item(word).description(Some("a number from 1 on, `unlimited` or `banned`")).into()
    }
}

impl ToSchema for LimitWord {}

fn number(least: u32, most: Option<u32>) -> ObjectBuilder {
    let number = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer));
    number.minimum(Some(least)).maximum(most)
}

/// Sessions to be ended with a login.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Ending {
    /// Many at once.
    Word(EndingWord),
    /// These.
    Ids(Vec<String>),
}

/// Many sessions at once.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EndingWord {
    /// All of the user.
    All,
    /// All of the user but this one.
    Others,
}

/// One value, or a list of them.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}
