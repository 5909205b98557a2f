//! What differs between the moment and an earlier or later one, as `replay diff` tells it.

use super::{History, Past};
use crate::source::{Differences, Told};
use sledger_core::Seq;
use sledger_core::answer::SessionView;
use sledger_replay::at::When;
use sledger_replay::diff::{Picture, diff};
use sledger_wire::answer::SessionObject;
use sledger_wire::past::DiffHead;

/// Sessions and changes told of each kind.
const TOLD_MAX: usize = 200;

impl<H: History> Past<H> {
    /// From right after the event `from` to the moment, which stays where it is.
    pub(super) fn differences(&mut self, from: Seq, meanwhile: &mut dyn FnMut(Told)) -> Result<Told, String> {
        let cursor = self.when;
        let to = Picture::of(&self.show()?.at);
        let (seq, at) = (self.show()?.at.seq(), self.show()?.at.at());
        self.seek(When::After(from), meanwhile)?;
        let before = Picture::of(&self.show()?.at);
        self.seek(cursor, meanwhile)?;
        let found = diff(&before, &to);
        let told = |views: &[&SessionView]| {
            views.iter().take(TOLD_MAX).map(|view| SessionObject::from(*view)).collect::<Vec<_>>()
        };
        Ok(Told::Diff(Box::new(Differences {
            from,
            to: (seq, at),
            came: told(&found.came),
            gone: told(&found.gone),
            counts: (found.came.len(), found.gone.len()),
            changes: changes(&found.head),
        })))
    }
}

/// What was changed of what decides, in words.
fn changes(head: &DiffHead) -> Vec<String> {
    let text = |text: Option<&String>| text.map_or("none", String::as_str).to_owned();
    let quotas = head.quotas.iter().map(|one| {
        let field = one.field.as_deref().unwrap_or("all of it");
        format!("quota {}: {field} {} -> {}", one.quota, one.from, one.to)
    });
    let overrides = head.overrides.iter().map(|one| format!("override of {} by {}", one.selector, one.quota));
    let groups = head.groups.iter().map(|one| format!("group {}", one.group));
    let policies = head.policies.iter().map(|one| {
        let (from, to) = (text(one.from.as_ref()), text(one.to.as_ref()));
        format!("policy of {}, {}: {from} -> {to}", one.quota, one.part)
    });
    quotas.chain(overrides).chain(groups).chain(policies).take(TOLD_MAX).collect()
}
