//! A served ledger: questions over HTTP, events from its feed.
//!
//! Promise: however much happens there, the feed costs a bounded number of events a second here and there: beyond
//! [`EVENTS_MAX`] within a second it is let go until the second is over, and goes on with what is newest. How many
//! events were passed over is said. After a lost connection it goes on behind the last event.

mod asking;
mod ring;

pub use ring::Ring;

use crate::figure::milli;
use crate::source::Fed;
use sledger_client::{Client, ClientError, Retries};
use sledger_wire::pages::Rates;
use sledger_wire::queries::EventsQuery;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Events taken from the feed within a second at most.
pub const EVENTS_MAX: u64 = 60;
/// What the tail shows where much happens: what was refused or made room, and what was set.
const BUSY_TYPES: &str = "login.denied,login.conflict,session.evicted,user.*,source.*,config.applied,quota.*,\
    override.*,group.*,policy.*,token.*,note.*,hold.*,ledger.*,clock.*,checkpoint.*,volume.*,notice.failed,history.*";
/// Where less happens, logins and their ends too.
const CALM_TYPES: &str = "login.*,session.ended,session.disconnected,session.evicted,user.*,source.*,config.applied,\
    quota.*,override.*,group.*,policy.*,token.*,note.*,hold.*,ledger.*,clock.*,checkpoint.*,volume.*,notice.failed,\
    history.*";
/// From so many logins and ends a second on, in thousandths, they would hide all else.
const BUSY_MILLI: u64 = 20_000;
/// Events looked at anew where some were let go: of a burst its end is shown.
const RECENT: u64 = 2 * EVENTS_MAX;
/// Further behind than this many events, a feed that comes back goes on with what is newest.
const BEHIND_MAX: u64 = 10_000;
/// How long is waited before a feed is tried again.
const PAUSE: Duration = Duration::from_secs(1);
/// How long is waited for the first figures.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// A served ledger.
#[derive(Clone, Debug)]
pub struct Live {
    client: Client,
    /// The last event that the figures named. Written by the answers, read by the feeds; a number alone, so that
    /// relaxed will do.
    head: Arc<AtomicU64>,
    /// Whether logins and their ends would be too many for the tail: written by the answers, read by the feed.
    busy: Arc<AtomicBool>,
}

/// Whether so much happens that the tail leaves out logins and their ends.
#[must_use]
pub fn is_busy(rates: &Rates) -> bool {
    let all = [rates.admitted, rates.resumed, rates.expired, rates.ended];
    all.into_iter().filter_map(milli).sum::<u64>() > BUSY_MILLI
}

impl Live {
    /// The ledger at `url`.
    ///
    /// # Errors
    /// When it is no address of one.
    pub fn new(url: &str) -> Result<Self, ClientError> {
        // Nothing is tried again behind the screen's back: the screen says that it is tried again.
        let retries = Retries { tries_max: 1, lasting_max: Duration::ZERO, pause: PAUSE };
        Ok(Self {
            client: Client::new(url)?.with_retries(retries),
            head: Arc::default(),
            busy: Arc::default(),
        })
    }

    /// Its client.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Follows the feed on a thread of its own, into `ring`, until nobody else holds the ring.
    pub fn follow(&self, user: Option<String>, ring: &Arc<Ring>) {
        let is_tail = user.is_none();
        let query = EventsQuery { user, ..EventsQuery::default() };
        let mut follower = Follower {
            live: self.clone(),
            query,
            is_tail,
            ring: Arc::downgrade(ring),
            next: None,
            shown: None,
        };
        thread::spawn(move || while follower.goes_on() {});
    }
}

/// Someone who follows a feed.
struct Follower {
    live: Live,
    query: EventsQuery,
    /// Whether it is everybody's events.
    is_tail: bool,
    ring: std::sync::Weak<Ring>,
    /// The next event wanted; none for whatever comes next.
    next: Option<u64>,
    /// The last event that was shown, where some may have been passed over since.
    shown: Option<u64>,
}

impl Follower {
    /// Connects and reads until it breaks off, or is let go; false when nobody wants it any more.
    fn goes_on(&mut self) -> bool {
        let head = self.live.head.load(Ordering::Relaxed);
        if head == 0 {
            thread::sleep(FIRST_PAUSE);
            return self.ring.strong_count() > 0;
        }
        // Away for long: what is new is worth more than all that was missed, which the server would read from disk.
        if self.next.is_some_and(|next| next.saturating_add(BEHIND_MAX) < head) {
            self.shown = self.next.take().map(|next| next.saturating_sub(1));
        }
        let newest = |shown: u64| (shown + 1).max((head + 1).saturating_sub(RECENT));
        let from = self.next.unwrap_or_else(|| self.shown.map_or(head + 1, newest));
        let passed = self.shown.take().map_or(0, |shown| from.saturating_sub(shown + 1));
        let Some(ring) = self.ring.upgrade() else { return false };
        ring.skip(passed);
        let wanted = ring.wanted();
        drop(ring);
        match self.read(from, wanted) {
            Ok(goes_on) => goes_on,
            Err(error) => self.broke_off(&error),
        }
    }

    fn read(&mut self, from: u64, wanted: Arc<AtomicBool>) -> Result<bool, ClientError> {
        let is_busy = self.live.busy.load(Ordering::Relaxed);
        if self.is_tail {
            self.query.kind = Some(if is_busy { BUSY_TYPES } else { CALM_TYPES }.to_owned());
        }
        let events = self.live.client.events(Some(from), &self.query)?;
        let mut events = events.newest_only().while_wanted(wanted);
        // Where it breaks off before an event came, it goes on from here and not from what is newest by then.
        self.next = Some(from);
        let (mut begun, mut count) = (Instant::now(), 0);
        loop {
            let Some(event) = events.next().transpose()? else { return Ok(true) };
            let seq = event.seq;
            self.next = Some(seq + 1);
            let Some(ring) = self.ring.upgrade() else { return Ok(false) };
            ring.push(event);
            if begun.elapsed() >= Duration::from_secs(1) {
                (begun, count) = (Instant::now(), 0);
            }
            if self.is_tail && self.live.busy.load(Ordering::Relaxed) != is_busy {
                // Another choice of events from here on.
                return Ok(true);
            }
            count += 1;
            if count >= EVENTS_MAX {
                // Too much to be read by anybody: let go, and go on with what is newest then.
                (self.next, self.shown) = (None, Some(seq));
                drop(events);
                thread::sleep(Duration::from_secs(1).saturating_sub(begun.elapsed()));
                return Ok(true);
            }
        }
    }

    fn broke_off(&mut self, error: &ClientError) -> bool {
        let Some(ring) = self.ring.upgrade() else { return false };
        if let ClientError::Lost { from, to } = error {
            // Too slow: cut off by the server, and told what was missed. What is new is worth more than that.
            ring.skip((to + 1).saturating_sub(*from));
            self.next = None;
        }
        ring.say(Fed::Broken(error.to_string()));
        drop(ring);
        thread::sleep(PAUSE);
        // Asked first whether it is there: a feed says nothing before something happens.
        loop {
            if self.ring.strong_count() == 0 {
                return false;
            }
            if let Ok(top) = self.live.client.top() {
                self.live.head.store(top.seq, Ordering::Relaxed);
                break;
            }
            thread::sleep(PAUSE);
        }
        self.ring.upgrade().is_some_and(|ring| {
            ring.say(Fed::Flows);
            true
        })
    }
}
