//! What a decision about a login says without the words of shadows.

use sledger_core::event::{Decision, Event, PolicyRef};
use sledger_core::quota::Ready;
use sledger_core::{Seq, UserNo};

/// The decision whose first event is `first`, without what shadows said, and without ids of request and command.
pub(super) fn bare(decision: &Decision, first: Seq, ready: &Ready) -> Decision {
    let mut bare = Decision { request_id: None, command: None, cause: None, ..decision.clone() };
    // A new user has the number of the event that brings it.
    let own = |events: &[Event]| UserNo(first.plus(events.len().saturating_sub(1) as u64).0);
    let was = own(&bare.events);
    bare.events.retain(|event| !is_of_a_shadow(event, ready));
    let is = own(&bare.events);
    if let Some(Event::Admitted { user, .. }) = bare.events.last_mut()
        && *user == was
    {
        *user = is;
    }
    bare
}

fn is_of_a_shadow(event: &Event, ready: &Ready) -> bool {
    let is_shadow = |quota: u16, policy: &PolicyRef| {
        ready.trial(quota).is_some_and(|trial| trial.is_shadow() && trial.policy == *policy)
    };
    match event {
        Event::PolicyDiffered { .. } => true,
        Event::PolicyFailed { quota, judged: None, failure } => is_shadow(*quota, &failure.policy),
        Event::PolicyTripped { quota, policy, .. } => is_shadow(*quota, policy),
        _ => false,
    }
}
