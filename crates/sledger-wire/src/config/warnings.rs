//! What is allowed but probably not meant.

use super::{Config, Durability, overrides::selector_text};
use crate::escape::brief;
use crate::fields::Fault;
use crate::tree::Place;
use sledger_core::config::{Condition, Dimension, Level, Quota};
use sledger_core::quota::never_meets;

/// Every warning: the ledger's first, then in the order of quotas.
pub(super) fn of(config: &Config) -> Vec<Fault> {
    let quotas = &config.settings.quotas;
    let mut warnings: Vec<Fault> = relaxed(config).into_iter().chain(kept(config)).collect();
    for (index, quota) in quotas.iter().enumerate() {
        let narrower = quotas.iter().skip(index + 1).find(|later| is_wider(quota, later));
        if let Some(narrower) = narrower {
            let reason = format!(
                "`{0}` stands before the narrower `{1}`: it ends sessions first, though ending those of `{1}` might \
                 make room in both; put `{1}` before it",
                quota.name, narrower.name
            );
            warnings.push(warning(config, format!("quota[{index}]"), reason));
        }
        unreachable(config, quota).chain(repeated(quota)).for_each(|(place, reason)| {
            warnings.push(warning(config, format!("quota[{index}].override[{place}]"), reason));
        });
    }
    warnings
}

/// Whoever answers before the disk has it must mean it.
fn relaxed(config: &Config) -> Option<Fault> {
    let reason = "is `relaxed`: logins are answered before the disk has them, and those of the last moment are lost \
                  if the machine fails; `durable` loses none";
    (config.ledger.durability == Durability::Relaxed)
        .then(|| warning(config, "ledger.durability".to_owned(), reason.to_owned()))
}

/// Where personal values are sealed no volume goes.
fn kept(config: &Config) -> Option<Fault> {
    let reason = "has no effect beside `seal_personal = true`: what begins history then would hold in the clear what \
                  is sealed";
    (config.ledger.seal_personal && !config.ledger.keep.is_never())
        .then(|| warning(config, "ledger.keep".to_owned(), reason.to_owned()))
}

fn warning(config: &Config, key: String, reason: String) -> Fault {
    let place = config.place(&key).cloned().unwrap_or(Place::Nowhere);
    Fault { place, key, reason, suggestion: None }
}

/// Whether every session that `narrow` counts together is counted together by `wide` too, and more.
fn is_wider(wide: &Quota, narrow: &Quota) -> bool {
    let judged = |quota: &Quota| quota.enabled && quota.level != Level::Advisory;
    let dimensions = |quota: &Quota| -> Vec<Dimension> {
        quota.count_by.iter().filter(|dimension| **dimension != Dimension::All).cloned().collect()
    };
    let (wide_by, narrow_by) = (dimensions(wide), dimensions(narrow));
    let fewer_keys = wide_by.iter().all(|dimension| narrow_by.contains(dimension));
    let counts_all = wide.when.all_of.iter().all(|one| implied(one, &narrow.when.all_of))
        && (wide.when.not.is_empty() || wide.when.not == narrow.when.not);
    let same = wide_by.len() == narrow_by.len() && wide.when == narrow.when;
    judged(wide) && judged(narrow) && fewer_keys && counts_all && !same
}

/// Whether one of `conditions` lets through nothing that `wanted` does not.
fn implied(wanted: &Condition, conditions: &[Condition]) -> bool {
    conditions
        .iter()
        .any(|one| one.fact == wanted.fact && one.any_of.iter().all(|value| wanted.any_of.contains(value)))
}

/// Overrides that no login can ever meet.
fn unreachable<'c>(config: &'c Config, quota: &'c Quota) -> impl Iterator<Item = (usize, String)> + 'c {
    quota.overrides.iter().enumerate().filter_map(|(index, one)| {
        let why = never_meets(quota, &config.settings.users, &one.selector)?;
        Some((index, format!("`{}` never matches: {why}", brief(&selector_text(&one.selector)))))
    })
}

/// Overrides whose selector stands before them already: they are never looked at.
fn repeated(quota: &Quota) -> impl Iterator<Item = (usize, String)> {
    quota.overrides.iter().enumerate().filter_map(|(index, one)| {
        let mut before = quota.overrides.iter().take(index).enumerate();
        let (first, _) =
            before.find(|(_, before)| before.until.is_none() && before.selector == one.selector)?;
        let whom = selector_text(&one.selector);
        Some((
            index,
            format!(
                "`{}` has an override already ([{first}]), which comes first: this one is never used",
                brief(&whom)
            ),
        ))
    })
}
