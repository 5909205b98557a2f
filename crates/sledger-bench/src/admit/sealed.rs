//! Durable admissions where what is personal is sealed beside those where it is not, in turns of one run; and how long
//! an erasure takes where as many users are in.

use super::Options;
use crate::figure::Figure;
use crate::ours::Ours;
use crate::stats::{rate, seconds};
use crate::work::Work;
use crate::{Common, Measured};
use sledger::Actor;
use std::time::Instant;

/// Users erased in a run.
const ERASED: u64 = 5;

/// Measures both.
pub(super) fn measure(common: &Common, options: &Options) -> anyhow::Result<Measured> {
    let folder = common.folder()?;
    let users = options.users.unwrap_or(if common.quick { 1000 } else { 100_000 });
    let work = Work::mixed(users);
    let [logins, ..] = work.logins(common.quick);
    let calls = (u64::from(options.threads), usize::from(options.in_flight));
    let (mut rates, mut erasures) = ([Vec::new(), Vec::new()], Vec::new());
    for turn in 0..common.runs() * 2 {
        // Who goes first changes from run to run.
        let sealed = (turn + turn / 2) % 2 == 1;
        let ours = Ours::filled_as(folder.path(), &work, sealed)?;
        let warm = logins / 10;
        ours.run(&work, 0..warm, calls)?;
        let run = ours.run(&work, warm..warm + logins, calls)?;
        let [plain, mine] = &mut rates;
        if sealed { mine } else { plain }.push(rate(run.logins, run.took));
        if sealed {
            for n in 0..ERASED {
                let (user, _) = work.filler(n);
                let begun = Instant::now();
                ours.ledger().erase(&user, "bench", Actor::Local)?;
                erasures.push(seconds(begun.elapsed()));
            }
        }
        ours.close();
    }
    let [plain, sealed] = &rates;
    let both = Figure::new("admit: sealed", sealed, "logins/s").map(|one| one.beside("plain", sealed, plain));
    let erasure = Figure::new(format!("admit: an erasure, {users} users"), &erasures, "s");
    Ok([both, erasure].into_iter().flatten().collect::<Vec<_>>().into())
}
