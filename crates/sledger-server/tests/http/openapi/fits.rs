//! Whether a value fits a schema, for the words that schemas here are made of.

use serde_json::Value;

/// Words that say nothing about what fits.
const SILENT: &[&str] = &["description", "format", "title", "default", "example"];

/// The schema that a reference names, or the only one beside null.
pub(super) fn named<'d>(document: &'d Value, schema: &'d Value) -> Option<&'d Value> {
    let reference = schema["$ref"].as_str();
    if let Some(pointer) = reference.and_then(|reference| reference.strip_prefix('#')) {
        return document.pointer(pointer);
    }
    schema["oneOf"].as_array()?.iter().find_map(|one| named(document, one))
}

/// Why `value` does not fit, if it does not.
pub(super) fn misfit(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    let words = schema.as_object().unwrap_or_else(|| panic!("no schema: {schema}"));
    words.iter().find_map(|(word, bound)| {
        let wrong = || Some(format!("`{word}` {bound}: {value}"));
        match word.as_str() {
            "$ref" => {
                let target = named(document, schema).unwrap_or_else(|| panic!("{bound} does not resolve"));
                misfit(document, target, value)
            }
            "type" => {
                if is_of(bound, value) {
                    None
                } else {
                    wrong()
                }
            }
            "enum" => {
                if bound.as_array().unwrap().contains(value) {
                    None
                } else {
                    wrong()
                }
            }
            "oneOf" => {
                let fit =
                    bound.as_array().unwrap().iter().filter(|one| misfit(document, one, value).is_none());
                if fit.count() == 1 { None } else { wrong() }
            }
            "required" => bound.as_array().unwrap().iter().find_map(|key| {
                value.get(key.as_str().unwrap()).is_none().then(|| format!("{key} is missing: {value}"))
            }),
            "properties" => bound.as_object().unwrap().iter().find_map(|(key, schema)| {
                let why = misfit(document, schema, value.get(key)?)?;
                Some(format!("{key}: {why}"))
            }),
            "additionalProperties" => more(document, (schema, bound), value),
            "items" => value.as_array().into_iter().flatten().find_map(|item| misfit(document, bound, item)),
            "minimum" => {
                if value.as_f64() < bound.as_f64() && value.is_number() {
                    wrong()
                } else {
                    None
                }
            }
            "maximum" => {
                if value.as_f64() > bound.as_f64() {
                    wrong()
                } else {
                    None
                }
            }
            "minLength" => {
                if length(value) < bound.as_u64() && value.is_string() {
                    wrong()
                } else {
                    None
                }
            }
            "maxLength" => {
                if length(value) > bound.as_u64() {
                    wrong()
                } else {
                    None
                }
            }
            // Names and values as they are counted or spelt: bounds of requests, which the readers test.
            "pattern" | "maxProperties" | "propertyNames" => None,
            word if SILENT.contains(&word) => None,
            _ => panic!("`{word}` is not known here: {schema}"),
        }
    })
}

fn more(document: &Value, (schema, bound): (&Value, &Value), value: &Value) -> Option<String> {
    let known = schema["properties"].as_object();
    let is_more = |key: &String| known.is_none_or(|known| !known.contains_key(key));
    value.as_object().into_iter().flatten().filter(|(key, _)| is_more(key)).find_map(|(key, value)| {
        match bound {
            Value::Bool(true) => None,
            Value::Bool(false) => Some(format!("`{key}` is not described")),
            schema => misfit(document, schema, value),
        }
    })
}

fn is_of(kind: &Value, value: &Value) -> bool {
    match kind.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        Some(_) => false,
        None => kind.as_array().unwrap().iter().any(|kind| is_of(kind, value)),
    }
}

fn length(value: &Value) -> Option<u64> {
    value.as_str().map(|text| text.chars().count() as u64)
}

#[test]
fn what_does_not_fit_is_told() {
    use serde_json::json;
    let document = json!({"components": {"schemas": {"A": {"type": "object", "required": ["a"],
        "properties": {"a": {"type": ["integer", "null"], "minimum": 1}}, "additionalProperties": false}}}});
    let schema = json!({"type": "array", "items": {"$ref": "#/components/schemas/A"}});
    assert_eq!(misfit(&document, &schema, &json!([{"a": 1}, {"a": null}])), None);
    for wrong in [
        json!({}),
        json!([1]),
        json!([{}]),
        json!([{"a": "x"}]),
        json!([{"a": 0}]),
        json!([{"a": 1, "b": 1}]),
    ] {
        assert!(misfit(&document, &schema, &wrong).is_some(), "{wrong}");
    }
}
