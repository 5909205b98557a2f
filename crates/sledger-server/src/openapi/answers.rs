//! Answers that are the same for many calls.
//!
//! Invariant: each is added where the code that gives it runs: the guard's for every call, those about a body where
//! one is read, those of the ledger where it is asked.

use std::collections::BTreeMap;
use utoipa::IntoResponses;
use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{OpenApi, PathItem, Ref, RefOr, Required};

const PROBLEM: &str = "application/problem+json";

/// Of the guard, before anybody looks at the request.
const GUARD: [(&str, &str); 2] = [
    ("403", "`Origin` is another host"),
    ("421", "`Host` is missing, or is not this server: a name it shall have stands in `server.hosts`"),
];
/// Of the guard, where there may be a body.
const CONTENT_TYPE: (&str, &str) = ("415", "`Content-Type` is missing, or is none of those named here");
/// Of a path with something in it.
const PATH: (&str, &str) = ("400", "the path is no UTF-8 once percent-decoded");
/// Of whatever looks at the views, or needs random bits.
const FAILED: (&str, &str) = ("500", "a defect of this server, or of what it runs on");
/// Of a body that is read as one.
const BODY: [(&str, &str); 3] = [
    ("400", "the path is no UTF-8 once percent-decoded, or the body ended before it was whole"),
    ("408", "the body did not come in time"),
    ("413", "the body is longer than 1 MiB"),
];

/// Calls whose body may be empty: then it is one without keys, or it is not read at all.
const MAY_BE_EMPTY: [&str; 14] = [
    "touch",
    "disconnect",
    "end",
    "batch",
    "enable_quota",
    "disable_quota",
    "reset_quota",
    "add_to_group",
    "reload",
    "promote_policy",
    "roll_back_policy",
    "stop_policy",
    "checkpoint",
    "seal",
];

/// What is shown with its tag.
const TAGGED: [&str; 4] = ["QuotaObject", "QuotaChange", "OverridesPage", "GroupChange"];

/// What whoever reads the views can be told.
pub(crate) struct Views;
/// What whoever asks the ledger for a decision can be told.
pub(crate) struct Decisions;
/// What whoever sends a single body can be told.
pub(crate) struct Bodies;

type Answers = BTreeMap<String, RefOr<Response>>;

impl IntoResponses for Views {
    fn responses() -> Answers {
        problems(&[FAILED, ("503", "the views cannot be read: the ledger is closing or poisoned")])
    }
}

impl IntoResponses for Decisions {
    fn responses() -> Answers {
        let busy = "nobody can be told yes. `LEDGER_BUSY`: the queue is full; `LEDGER_FULL`: a limit of the ledger or \
                    the reserve of the disk is reached; `LEDGER_POISONED`: nothing is written any more; \
                    `OUTCOME_UNKNOWN`: it may have been decided all the same, ask again with the same `command`";
        let rejected = "refused by name: `field` and `reason` say why";
        problems(&[("422", rejected), FAILED, ("503", busy)])
    }
}

impl IntoResponses for Bodies {
    fn responses() -> Answers {
        problems(&BODY)
    }
}

fn problems(told: &[(&str, &str)]) -> Answers {
    told.iter().map(|(status, why)| ((*status).to_owned(), problem(why).into())).collect()
}

fn problem(why: &str) -> Response {
    ResponseBuilder::new().description(why).build()
}

/// Adds what can answer any call, the shape of every problem, and which bodies may be empty.
pub(super) fn complete(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        for (operation, may_have_body) in operations(item) {
            add(operation, may_have_body);
            let may_be_empty = operation.operation_id.as_deref().is_some_and(|id| MAY_BE_EMPTY.contains(&id));
            if let (Some(body), true) = (&mut operation.request_body, may_be_empty) {
                body.required = Some(Required::False);
            }
            for (status, answer) in &mut operation.responses.responses {
                if let RefOr::T(answer) = answer {
                    shape(status, answer);
                }
            }
        }
    }
}

/// The calls of a path, and whether the guard looks at their content type.
pub(super) fn operations(item: &mut PathItem) -> impl Iterator<Item = (&mut Operation, bool)> {
    let plain = [&mut item.get, &mut item.delete].into_iter().map(|one| (one, false));
    let bodied = [&mut item.post, &mut item.put, &mut item.patch].into_iter().map(|one| (one, true));
    plain.chain(bodied).filter_map(|(one, may_have_body)| Some((one.as_mut()?, may_have_body)))
}

fn add(operation: &mut Operation, may_have_body: bool) {
    let in_path = |one: &utoipa::openapi::path::Parameter| one.parameter_in == ParameterIn::Path;
    let has_path = operation.parameters.iter().flatten().any(in_path);
    let answers = &mut operation.responses.responses;
    let mut told = GUARD.to_vec();
    told.extend(may_have_body.then_some(CONTENT_TYPE));
    told.extend(has_path.then_some(PATH));
    for (status, why) in told {
        match answers.get_mut(status) {
            // A denied login has the status of a foreign origin.
            Some(RefOr::T(own)) if status == "403" => own.description.extend(["; or ", why]),
            Some(_) => {}
            None => drop(answers.insert(status.to_owned(), problem(why).into())),
        }
    }
}

/// Problems look alike; who is to come again is told when, and what can be changed has its tag.
fn shape(status: &str, answer: &mut Response) {
    if status >= "400" && answer.content.is_empty() {
        let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        answer.content.insert(PROBLEM.to_owned(), problem);
        if status == "503" {
            let seconds = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer)).minimum(Some(1));
            let retry = header("Seconds until it is worth asking again", seconds);
            answer.headers.insert("Retry-After".to_owned(), retry);
        }
    }
    if answer.content.values().any(is_tagged) {
        let tag = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
        answer.headers.insert("ETag".to_owned(), header("The tag of what is shown, while it is there", tag));
    }
}

fn is_tagged(content: &Content) -> bool {
    let Some(RefOr::Ref(shown)) = &content.schema else { return false };
    TAGGED.iter().any(|name| shown.ref_location.rsplit('/').next() == Some(name))
}

fn header(what: &str, schema: ObjectBuilder) -> Header {
    HeaderBuilder::new().schema(schema).description(Some(what)).build()
}
