//! One hash over everything that is folded, in a fixed order.
//!
//! Left out: what is not folded (activity seen but not recorded, answers that recorded nothing), and the
//! places and slots that only this process knows.

use super::tables::Tables;
use crate::codec;

pub(crate) fn digest(tables: &Tables) -> [u8; 32] {
    let mut hash = blake3::Hasher::new();
    hash.update(format!("{} {} {} {}\n", tables.seq, tables.at.0, tables.epoch, tables.engine).as_bytes());
    hash.update(&codec::encode(&tables.ready.settings));
    hash.update(&codec::encode(&*tables.bindings));
    hash.update(&codec::encode(&tables.policies));
    sessions(tables, &mut hash);
    for tombstone in tables.tombs.iter() {
        hash.update(format!("{tombstone:?}\n").as_bytes());
    }
    for (id, found) in tables.commands.recorded(tables.at) {
        hash.update(format!("command {id:?} {:?} {}\n", found.mark, found.at.0).as_bytes());
    }
    tables.trips.tell(&mut hash);
    tables.storms.tell(&mut hash, tables.at);
    // Without a hold as it was before there were any.
    if !tables.holds.is_empty() {
        hash.update(&codec::encode(&tables.holds));
    }
    *hash.finalize().as_bytes()
}

fn sessions(tables: &Tables, hash: &mut blake3::Hasher) {
    let mut all: Vec<_> = tables.sessions.iter().map(|(_, session)| session).collect();
    all.sort_unstable_by_key(|session| session.number);
    for session in all {
        hash.update(&codec::encode(&*session.facts));
        let user = tables.users.get(session.user as usize).map(|user| user.no);
        let keys = session.keys().filter_map(|key| tables.keys.get(key as usize));
        let keys: Vec<_> =
            keys.map(|key| (key.quota, key.no, tables.key_text(key).unwrap_or_default())).collect();
        let changing = (session.number, session.generation, session.last_active, session.disconnected());
        hash.update(
            format!("{user:?} {changing:?} {} {:?} {keys:?}\n", session.idle_shift(), session.rare())
                .as_bytes(),
        );
    }
}
