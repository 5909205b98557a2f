//! Parameters that many calls have: of their paths, and those that extractors of ours read.

use crate::extract::RequestId;
use crate::quotas::Asking;
use sledger_wire::queries::ChangeQuery;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};

/// Where a reader of the feed that comes back says how far it came.
pub(crate) struct LastEventId;

/// For what is made where there is none.
pub(crate) struct IfAbsent;
/// `{id}`.
pub(crate) struct SessionPath;
/// `{user}`.
pub(crate) struct UserPath;
/// `{name}` of a quota.
pub(crate) struct QuotaPath;
/// `{name}` of a policy.
pub(crate) struct PolicyPath;
/// `{name}` of a quota and `{selector}`.
pub(crate) struct OverridePath;
/// `{name}` of a group and `{user}`.
pub(crate) struct MemberPath;

/// No control characters: they are refused in every name.
const NAME: &str = r"^[^\x00-\x1F\x7F-\x9F]+$";
/// Of a quota.
const QUOTA_NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]*$";

type Given = Option<ParameterIn>;

impl IntoParams for RequestId {
    fn into_params(_: impl Fn() -> Given) -> Vec<Parameter> {
        let what = "The caller's own id for the request: it is recorded with what the request came to";
        vec![header("X-Request-Id", what, text()).build()]
    }
}

impl IntoParams for Asking {
    fn into_params(given: impl Fn() -> Given) -> Vec<Parameter> {
        let seen = "The tag that was seen, or `*`: the change is made only if it is still the same";
        let own = header("If-Match", seen, text()).build();
        let traced = RequestId::into_params(&given);
        [own].into_iter().chain(traced).chain(ChangeQuery::into_params(&given)).collect()
    }
}

impl IntoParams for IfAbsent {
    fn into_params(_: impl Fn() -> Given) -> Vec<Parameter> {
        let what = "`*`: it is made only if there is none; excludes `If-Match`";
        vec![header("If-None-Match", what, text().enum_values(Some(["*"]))).build()]
    }
}

impl IntoParams for LastEventId {
    fn into_params(_: impl Fn() -> Given) -> Vec<Parameter> {
        let seq = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer)).minimum(Some(0));
        let what = "The `id` of the last event that was read: the feed goes on behind it";
        vec![header("Last-Event-ID", what, seq).build()]
    }
}

impl IntoParams for SessionPath {
    fn into_params(_: impl Fn() -> Given) -> Vec<Parameter> {
        vec![place("id", ("The session's id; `id@SEQ` is one of several that had it", "desk-1"), (NAME, 256))]
    }
}

impl IntoParams for UserPath {
    fn into_params(_: impl Fn() -> Given) -> Vec<Parameter> {
        vec![place("user", ("The user", "ann"), (NAME, 256))]
    }
}

impl IntoParams for QuotaPath {
    fn into_params(_: impl Fn() -> Given) -> Vec<Parameter> {
        vec![place("name", ("The quota's name", "devices"), (QUOTA_NAME, 64))]
    }
}

impl IntoParams for PolicyPath {
    fn into_params(_: impl Fn() -> Given) -> Vec<Parameter> {
        vec![place("name", ("The policy's name", "protect_active"), ("^[a-z0-9_]+$", 64))]
    }
}

impl IntoParams for OverridePath {
    fn into_params(given: impl Fn() -> Given) -> Vec<Parameter> {
        let whom = ("Whom it is for: `ann`, `bridge-*`, `group:vip`", "group:vip");
        let selector = place("selector", whom, (NAME, 256));
        QuotaPath::into_params(given).into_iter().chain([selector]).collect()
    }
}

impl IntoParams for MemberPath {
    fn into_params(given: impl Fn() -> Given) -> Vec<Parameter> {
        let group = place("name", ("The group's name", "vip"), (NAME, 256));
        [group].into_iter().chain(UserPath::into_params(given)).collect()
    }
}

/// Something in a path: what it is and one of them, what it is made of and how long it may be.
fn place(name: &str, (what, one): (&str, &str), (pattern, most): (&str, usize)) -> Parameter {
    let schema = text().pattern(Some(pattern)).max_length(Some(most));
    let place = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path).required(Required::True);
    place.description(Some(what)).schema(Some(schema)).example(Some(one.into())).build()
}

fn header(name: &str, what: &str, schema: ObjectBuilder) -> ParameterBuilder {
    let header = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header);
    header.description(Some(what)).schema(Some(schema))
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))
}
