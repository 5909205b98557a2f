//! The engine as the core sees it: what is bound, by revision. It moves between threads; rhai stays behind.

use crate::check::{Lint, Severity, read};
use crate::header::{Header, UtcOffset, is_name};
use crate::trace::{Plan, Trace, Watched};
use crate::{ENGINE_REVISION, POLICY_API, built_in, runtime};
use rhai::Position;
use sledger_core::Limit;
use sledger_core::config::Param;
use sledger_core::event::{PolicyCode, PolicyRef};
use sledger_core::policy::{Bound, LimitQuestion, Policies, PolicyFault, Question, Reply, Verdict};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bindings from which on those that are not in force are forgotten: whoever sends policies that are refused must not
/// fill the memory.
const FORGETFUL: usize = 1024;
/// Bindings kept: one more is refused, since any of them may be asked at any time.
const BOUND_MAX: usize = 200_000;

/// The policy engine.
///
/// Values of it are cheap and independent; each remembers what was bound through it.
#[derive(Default)]
pub struct Engine {
    /// Few, and looked up at each asking: a tree is faster than a hash that resists attack.
    prepared: BTreeMap<[u8; 4], Vec<Arc<Prepared>>>,
    /// By hash of name, source and params as given: binding again costs one hash.
    bound: HashMap<[u8; 32], Bound>,
    sources: HashMap<[u8; 32], Arc<Source>>,
}

/// A policy under a revision.
pub(crate) struct Prepared {
    policy: PolicyRef,
    pub(crate) source_id: u64,
    pub(crate) source: Arc<str>,
    pub(crate) params: Arc<BTreeMap<String, Param>>,
    pub(crate) offset: UtcOffset,
}

/// A source that has been read.
struct Source {
    id: u64,
    text: Arc<str>,
    header: Header,
    has_limit: bool,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("bound", &self.bound.len()).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine with nothing bound.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks as [`Policies::ask`] does and watches: the same reply for the same operations, with the statements
    /// that ran. Slower.
    pub fn trace(&mut self, policy: &PolicyRef, question: Question, spent: u32) -> Trace<Verdict> {
        self.watch(policy, question, spent).trace
    }

    /// Asks as [`Policies::limit`] does and watches.
    pub fn trace_limit(&mut self, policy: &PolicyRef, question: LimitQuestion) -> Trace<Option<Limit>> {
        self.watch_limit(policy, question).trace
    }

    /// The source of what is bound.
    #[must_use]
    pub fn source_of(&self, policy: &PolicyRef) -> Option<Arc<str>> {
        self.find(policy).map(|prepared| Arc::clone(&prepared.source))
    }

    pub(crate) fn watch(&self, policy: &PolicyRef, question: Question, spent: u32) -> Watched<Verdict> {
        match self.find(policy) {
            Some(prepared) => runtime::trace(prepared, question, spent),
            None => Watched::unseen(unbound()),
        }
    }

    pub(crate) fn watch_limit(&self, policy: &PolicyRef, question: LimitQuestion) -> Watched<Option<Limit>> {
        match self.find(policy) {
            Some(prepared) => runtime::trace_limit(prepared, question),
            None => Watched::unseen(unbound()),
        }
    }

    /// What can be watched of what is bound.
    pub(crate) fn plan(&self, policy: &PolicyRef) -> Option<Rc<Plan>> {
        runtime::plan(self.find(policy)?)
    }

    fn find(&self, policy: &PolicyRef) -> Option<&Arc<Prepared>> {
        self.prepared.get(&policy.revision)?.iter().find(|prepared| prepared.policy.name == policy.name)
    }

    fn source(&self, name: &str, text: &str) -> Result<Arc<Source>, PolicyFault> {
        if let Some(source) = self.sources.get(&source_hash(name, text)) {
            return Ok(Arc::clone(source));
        }
        let (script, lints) = read(Some(name), text, None);
        let forbids = |lint: &&Lint| is_error(lint) && (script.is_none() || lint.code.forbids_running());
        if let Some(lint) = lints.iter().find(forbids) {
            return Err(fault(name, lint));
        }
        let script = script.ok_or_else(|| said(name, "cannot be read"))?;
        let source = Arc::new(Source {
            id: next_id(),
            text: Arc::from(text),
            header: script.header,
            has_limit: script.has_limit,
        });
        Ok(source)
    }

    fn make(
        &mut self,
        name: &str,
        text: &str,
        given: &BTreeMap<String, Param>,
    ) -> Result<Bound, PolicyFault> {
        if !is_name(name) {
            return Err(said(name, "a policy's name is lower-case letters, digits and `_`"));
        }
        let source = self.source(name, text)?;
        let params = source.header.resolve(given).map_err(|reason| said(name, &reason))?;
        self.sources.entry(source_hash(name, text)).or_insert_with(|| Arc::clone(&source));
        let policy = PolicyRef { name: Arc::from(name), revision: revision(text, &params) };
        if self.find(&policy).is_none() {
            let prepared = Prepared {
                policy: policy.clone(),
                source_id: source.id,
                source: Arc::clone(&source.text),
                params: Arc::new(params),
                offset: source.header.utc_offset,
            };
            self.prepared.entry(policy.revision).or_default().push(Arc::new(prepared));
        }
        Ok(Bound { policy, has_limit: source.has_limit })
    }
}

impl Policies for Engine {
    fn engine(&self) -> &str {
        ENGINE_REVISION
    }

    fn built_in(&self, name: &str) -> Option<&'static str> {
        built_in(name)
    }

    fn check(&mut self, name: &str, source: &str) -> Result<(), PolicyFault> {
        if !is_name(name) {
            return Err(said(name, "a policy's name is lower-case letters, digits and `_`"));
        }
        let (_, lints) = read(Some(name), source, None);
        lints.iter().find(|lint| is_error(lint)).map_or(Ok(()), |lint| Err(fault(name, lint)))
    }

    fn bind(
        &mut self,
        name: &str,
        source: &str,
        params: &BTreeMap<String, Param>,
    ) -> Result<Bound, PolicyFault> {
        let given = hash([name.as_bytes(), source.as_bytes(), &packed(params)]);
        if let Some(bound) = self.bound.get(&given) {
            return Ok(bound.clone());
        }
        if self.bound.len() >= BOUND_MAX {
            return Err(said(name, "too many revisions of policies are bound"));
        }
        let bound = self.make(name, source, params)?;
        self.bound.insert(given, bound.clone());
        Ok(bound)
    }

    fn in_force(&mut self, policies: &[PolicyRef]) {
        if self.bound.len() < FORGETFUL {
            return;
        }
        let kept: BTreeSet<&PolicyRef> = policies.iter().collect();
        self.bound.retain(|_, bound| kept.contains(&bound.policy));
        self.prepared.values_mut().for_each(|all| all.retain(|one| kept.contains(&one.policy)));
        self.prepared.retain(|_, all| !all.is_empty());
        let sources: BTreeSet<u64> = self.prepared.values().flatten().map(|one| one.source_id).collect();
        self.sources.retain(|_, source| sources.contains(&source.id));
    }

    fn ask(&mut self, policy: &PolicyRef, question: Question, spent: u32) -> Reply<Verdict> {
        match self.find(policy) {
            Some(prepared) => runtime::ask(prepared, question, spent),
            None => unbound(),
        }
    }

    fn limit(&mut self, policy: &PolicyRef, question: LimitQuestion) -> Reply<Option<Limit>> {
        match self.find(policy) {
            Some(prepared) => runtime::limit(prepared, question),
            None => unbound(),
        }
    }
}

fn unbound<T>() -> Reply<T> {
    Reply { answer: Err(crate::failure::at(PolicyCode::Error, Position::NONE)), operations: 0 }
}

fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    // Relaxed: only that no number is given twice matters.
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn is_error(lint: &Lint) -> bool {
    lint.severity == Severity::Error
}

fn fault(name: &str, lint: &Lint) -> PolicyFault {
    PolicyFault {
        policy: name.to_owned(),
        line: lint.line,
        column: lint.column,
        reason: lint.message.clone(),
    }
}

fn said(name: &str, reason: &str) -> PolicyFault {
    PolicyFault { policy: name.to_owned(), line: 0, column: 0, reason: reason.to_owned() }
}

fn source_hash(name: &str, text: &str) -> [u8; 32] {
    hash([name.as_bytes(), text.as_bytes()])
}

/// First four bytes of BLAKE3 over API version, source and resolved params.
fn revision(source: &str, params: &BTreeMap<String, Param>) -> [u8; 4] {
    let hash = hash([&POLICY_API.to_le_bytes()[..], source.as_bytes(), &packed(params)]);
    let [a, b, c, d, ..] = hash;
    [a, b, c, d]
}

/// Hash of parts, each with its length before it.
fn hash<const N: usize>(parts: [&[u8]; N]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}

/// Params as bytes: kind, length, value, so that no two packings are equal by chance.
fn packed(params: &BTreeMap<String, Param>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (key, value) in params {
        pack_text(&mut bytes, key);
        pack(&mut bytes, value);
    }
    bytes
}

fn pack(bytes: &mut Vec<u8>, value: &Param) {
    match value {
        Param::Int(int) => {
            bytes.push(0);
            bytes.extend(int.to_le_bytes());
        }
        Param::Text(text) => {
            bytes.push(1);
            pack_text(bytes, text);
        }
        Param::Bool(bool) => bytes.extend([2, u8::from(*bool)]),
        Param::List(list) => {
            bytes.push(3);
            bytes.extend((list.len() as u64).to_le_bytes());
            for value in list {
                pack(bytes, value);
            }
        }
    }
}

fn pack_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_in_force_is_forgotten_before_it_fills_the_memory() {
        let mut engine = Engine::new();
        let none = BTreeMap::new();
        let kept = engine.bind("kept", "fn on_exhausted() { deny(\"kept\") }", &none).unwrap().policy;
        for n in 0..3 * FORGETFUL {
            let source = format!("fn on_exhausted() {{ deny(\"{n}\") }}");
            engine.bind("p", &source, &none).unwrap();
            engine.in_force(std::slice::from_ref(&kept));
        }
        let sizes = [engine.bound.len(), engine.prepared.len(), engine.sources.len()];
        assert!(sizes.iter().all(|size| *size <= FORGETFUL), "{sizes:?}");
        assert!(engine.find(&kept).is_some());
    }
}
