use super::*;

const SOURCE: &str = r#"//! description = "d"
//! utc_offset = "-03:30"
//! [params]
//! protect = { default = "5m", type = "duration", doc = "idle less than this" }
//! nets = { default = ["10.0.0.0/8"], type = "list" }
//! most = { default = 3, type = "int" }

fn on_exhausted() { deny("no") }
"#;

#[test]
fn a_header_is_read_without_running_anything() {
    let header = read_header("p", SOURCE).unwrap();
    assert_eq!(header.description.as_deref(), Some("d"));
    assert_eq!(header.utc_offset, UtcOffset(-210));
    assert_eq!(header.params["protect"].default, Param::Int(300));
    assert_eq!(header.params["protect"].doc.as_deref(), Some("idle less than this"));
    assert_eq!(header.params["most"].kind, ParamType::Int);
}

#[test]
fn params_of_a_quota_are_resolved_by_type() {
    let header = read_header("p", SOURCE).unwrap();
    let given = |key: &str, value| BTreeMap::from([(key.to_owned(), value)]);
    assert_eq!(header.resolve(&BTreeMap::new()).unwrap()["protect"], Param::Int(300));
    let resolved = header.resolve(&given("protect", Param::Text("90s".into()))).unwrap();
    assert_eq!(resolved["protect"], Param::Int(90));
    let unknown = header.resolve(&given("protct", Param::Int(1))).unwrap_err();
    assert_eq!(unknown, "has no param `protct`, did you mean `protect`?");
    let mistyped = header.resolve(&given("most", Param::Text("3".into()))).unwrap_err();
    assert_eq!(mistyped, "param `most` is not an integer");
}

#[test]
fn what_is_wrong_in_a_header_is_named_with_its_line() {
    let cases = [
        ("//! name = \"q\"", 1, "not the policy's"),
        ("//!\n//! utc_offset = \"CET\"", 2, "is no offset"),
        ("//! descripton = \"x\"", 1, "descripton"),
        ("//! [params]\n//! with = { default = 1, type = \"int\" }", 2, "reserved word"),
        ("//! [params]\n//! a = { default = \"x\", type = \"int\" }", 2, "not an integer"),
        ("//! [params]\n//! a = { default = 1.5, type = \"int\" }", 2, "cannot be read"),
        ("//! [params]\n//! a = { default = \"1w\", type = \"duration\" }", 2, "duration"),
        ("//! [params]\n//! a = { type = \"int\" }", 2, "default"),
        ("//! description = ", 1, "cannot be read"),
    ];
    for (source, line, complaint) in cases {
        let lint = read_header("p", source).unwrap_err();
        assert_eq!(lint.line, line, "{lint}");
        assert!(lint.message.contains(complaint), "{lint}");
    }
}
