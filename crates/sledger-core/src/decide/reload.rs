//! The configuration file read again, beside what was set at run time: taken whole or not at all.

use super::binding::{is_settled, news_of_folder};
use super::change::asked_by;
use super::merge::{self, merged};
use super::policies;
use super::settings::{Applying, applied, check_quotas};
use super::{Decided, Install, Means, Outcomes, together};
use crate::answer::{Answer, Outcome};
use crate::command::{Rejection, Reload, Request};
use crate::config::Settings;
use crate::{Millis, State};

/// The smoke run of policies that the folder brings.
fn news_are_sound(
    state: &State,
    means: &mut Means<'_>,
    request: &Request,
    (settings, news): (&Settings, &[Install]),
    at: Millis,
) -> Result<(), Rejection> {
    for (quota, index) in state.ready().settings.quotas.iter().zip(0u16..) {
        let Some(next) = settings.quota(&quota.name) else { continue };
        let Some(one) = news.iter().find(|one| *one.name == *next.on_exhausted) else { continue };
        let bound = means.policies.bind(&one.name, &one.text, &next.params);
        let bound = bound.map_err(|fault| Rejection::new("policies", fault.to_string()))?;
        policies::smoked(state, means, request, (index, &bound), at)?;
    }
    Ok(())
}

/// Puts the file's settings in force, beside what was set at run time.
pub(super) fn reload(
    state: &State,
    means: &mut Means<'_>,
    request: &Request,
    reload: &Reload,
    at: Millis,
) -> Outcomes {
    let recorded = &state.ready().settings;
    if reload.settings.users != recorded.users {
        let reason =
            "cannot change once anything is recorded: counts are kept by user key; begin a new ledger";
        return Err(Rejection::new("users", reason));
    }
    let merged = merged(&reload.settings, recorded);
    if let Some(name) = merged.gave_way.first() {
        let reason =
            format!("quota `{name}` was set at run time too: delete it there, or give this one another name");
        return Err(Rejection::new("quota", reason));
    }
    check_quotas(&merged.settings.quotas)?;
    let told = merge::told(recorded, &merged.settings);
    let settings = &merged.settings;
    let installs = &news_of_folder(state, means.policies, &reload.installs);
    let is_settled = is_settled(state, means.policies, settings, installs);
    if is_settled && reload.file == state.applied_file() {
        return Ok(Decided::Answer(Box::new(Answer::new(Outcome::Configured, at))));
    }
    news_are_sound(state, means, request, (settings, installs), at)?;
    let applying = Applying { installs, file: reload.file, ..Applying::of(settings, &told) };
    let decisions = applied(state, means.policies, applying, (request.actor.clone(), at))?;
    let decisions = decisions.into_iter().map(|one| asked_by(request, one)).collect();
    Ok(Decided::Record(together(state, decisions, None), Box::new(Answer::new(Outcome::Configured, at))))
}
