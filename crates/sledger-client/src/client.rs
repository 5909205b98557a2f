//! Calls that ask once and are answered once.

use crate::error::ClientError;
use crate::retries::{Failed, Retries, fresh};
use reqwest::Url;
use reqwest::blocking::{Client as Http, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sledger_wire::answer::{Problem, SessionObject};
use sledger_wire::pages::{Ended, Erasure, LedgerStats, Readiness, SessionsPage, Top, UserDetail, UsersPage};
use sledger_wire::queries::{ClearQuery, SessionsQuery, TargetQuery, UsersQuery, WhyQuery};
use sledger_wire::why::Why;
use std::time::Duration;

/// How long a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long an answer, or its next part, may take: longer than the server waits for the ledger.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// How long a feed may be silent: it gives signs of life more often.
const FEED_SILENCE_MAX: Duration = Duration::from_secs(60);
/// Before the server drops an idle connection, it is dropped here.
const IDLE_MAX: Duration = Duration::from_secs(20);
/// Bytes shown of an answer that is none of a ledger's.
const SHOWN_MAX: usize = 120;

/// A client of one server. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Client {
    base: Url,
    quick: Http,
    feed: Http,
    retries: Retries,
}

impl Client {
    /// A client of the server at `url`, e.g. `http://127.0.0.1:7070`. Connects when it is asked something.
    ///
    /// # Errors
    /// [`ClientError::Url`] when it is no such address.
    pub fn new(url: &str) -> Result<Self, ClientError> {
        let wrong = |reason: String| ClientError::Url { url: url.to_owned(), reason };
        let base = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
        if base.scheme() != "http" || base.cannot_be_a_base() {
            return Err(wrong("write `http://HOST:PORT`".to_owned()));
        }
        let http = |silence_max| {
            let builder = Http::builder().no_proxy().connect_timeout(CONNECT_MAX).timeout(silence_max);
            let builder = builder.pool_idle_timeout(IDLE_MAX).tcp_nodelay(true);
            builder.build().map_err(|error| wrong(error.to_string()))
        };
        let retries = Retries::default();
        Ok(Self { quick: http(ANSWER_MAX)?, feed: http(FEED_SILENCE_MAX)?, retries, base })
    }

    /// The same client with other bounds of what is tried again.
    #[must_use]
    pub fn with_retries(self, retries: Retries) -> Self {
        Self { retries, ..self }
    }

    pub(crate) const fn retries(&self) -> Retries {
        self.retries
    }

    /// Where it asks.
    #[must_use]
    pub fn url(&self) -> &str {
        self.base.as_str()
    }

    /// The live session with this id, or this `id@SEQ`.
    ///
    /// # Errors
    /// Refused with 410 and a tombstone when it has ended, with 404 when there is none.
    pub fn session(&self, id: &str) -> Result<SessionObject, ClientError> {
        self.get(&["v1", "sessions", id], &())
    }

    /// Says that a session was active. Said twice it is the same, so it is sent again as it is.
    ///
    /// # Errors
    /// Refused: 404 unknown, 409 stale, 410 ended.
    pub fn touch(&self, id: &str, query: &TargetQuery) -> Result<(), ClientError> {
        let url = self.path(&["v1", "sessions", id, "touch"])?;
        self.done(|| json(self.quick.post(url.clone()).query(query), "{}"))
    }

    /// Says that a session's connection is gone. As all that follows it gets a command id where it has none, so that
    /// it is done once even if it has to be sent again.
    ///
    /// # Errors
    /// As [`Client::touch`].
    pub fn disconnect(&self, id: &str, query: &TargetQuery) -> Result<(), ClientError> {
        let (url, query) = (self.path(&["v1", "sessions", id, "disconnect"])?, named(query));
        self.done(|| json(self.quick.post(url.clone()).query(&query), "{}"))
    }

    /// Ends a session from its own side.
    ///
    /// # Errors
    /// As [`Client::touch`].
    pub fn logout(&self, id: &str, query: &TargetQuery) -> Result<(), ClientError> {
        let (url, query) = (self.path(&["v1", "sessions", id])?, named(query));
        self.done(|| self.quick.delete(url.clone()).query(&query))
    }

    /// Ends a session as an operator.
    ///
    /// # Errors
    /// As [`Client::touch`].
    pub fn end(&self, id: &str, query: &TargetQuery, reason: Option<&str>) -> Result<(), ClientError> {
        let (url, query) = (self.path(&["v1", "sessions", id, "end"])?, named(query));
        let body = serde_json::json!({ "reason": reason }).to_string();
        self.done(|| json(self.quick.post(url.clone()).query(&query), body.as_str()))
    }

    /// Ends a user's sessions, but the one to keep.
    ///
    /// # Errors
    /// Refused with 422 when the one to keep is not live or not the user's; nothing is ended then.
    pub fn clear(&self, user: &str, query: &ClearQuery) -> Result<Ended, ClientError> {
        let url = self.path(&["v1", "users", user, "sessions"])?;
        let query =
            ClearQuery { command: Some(query.command.clone().unwrap_or_else(fresh)), ..query.clone() };
        self.certain(|| self.read(self.quick.delete(url.clone()).query(&query)))
    }

    /// Erases a person: ends the sessions, and destroys the key of what is sealed about them. Asked once: whoever is
    /// erased already is not known.
    ///
    /// # Errors
    /// Refused: 404 for nobody known, 409 where nothing is sealed or a hold stands.
    pub fn erase(&self, user: &str, reason: Option<&str>) -> Result<Erasure, ClientError> {
        let url = self.path(&["v1", "ledger", "erase"])?;
        let body = serde_json::json!({ "user": user, "reason": reason }).to_string();
        Ok(self.read(json(self.quick.post(url), body.as_str()))?)
    }

    /// A page of live sessions.
    ///
    /// # Errors
    /// Refused with 422 for a filter or cursor that cannot be used.
    pub fn sessions(&self, query: &SessionsQuery) -> Result<SessionsPage, ClientError> {
        self.get(&["v1", "sessions"], query)
    }

    /// A page of users with live sessions.
    ///
    /// # Errors
    /// As [`Client::sessions`].
    pub fn users(&self, query: &UsersQuery) -> Result<UsersPage, ClientError> {
        self.get(&["v1", "users"], query)
    }

    /// One user with all live sessions.
    ///
    /// # Errors
    /// Refused with 422 for a name that no user can have.
    pub fn user(&self, name: &str) -> Result<UserDetail, ClientError> {
        self.get(&["v1", "users", name], &())
    }

    /// What a monitor shows.
    ///
    /// # Errors
    /// The connection's.
    pub fn top(&self) -> Result<Top, ClientError> {
        self.get(&["v1", "top"], &())
    }

    /// The ledger in numbers.
    ///
    /// # Errors
    /// The connection's.
    pub fn ledger(&self) -> Result<LedgerStats, ClientError> {
        self.get(&["v1", "ledger"], &())
    }

    /// Why a session is in, ended, or was refused: `SESSION`, `SESSION@SEQ`, `seq:N` or `user:NAME`.
    ///
    /// # Errors
    /// Refused with 404 where nothing is recorded of it, with 503 where others ask already.
    pub fn why(&self, about: &str) -> Result<Why, ClientError> {
        let url = self.path(&["v1", "replay", "why"])?;
        let query = WhyQuery { about: about.to_owned() };
        // History is read for it: more time than an answer usually takes.
        Ok(self.read(self.feed.get(url).query(&query))?)
    }

    /// Whether somebody new is let in, and why not.
    ///
    /// # Errors
    /// The connection's.
    pub fn ready(&self) -> Result<Readiness, ClientError> {
        let response = self.send(self.quick.get(self.path(&["readyz"])?))?;
        Ok(self.parsed(response)?)
    }

    pub(crate) fn quick(&self) -> &Http {
        &self.quick
    }

    pub(crate) fn feed(&self) -> &Http {
        &self.feed
    }

    /// The address of `segments`.
    pub(crate) fn path(&self, segments: &[&str]) -> Result<Url, ClientError> {
        // A path with these says another path, however they are written.
        if let Some(odd) = segments.iter().find(|segment| ["", ".", ".."].contains(segment)) {
            return Err(ClientError::Unaddressable((*odd).to_owned()));
        }
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        Ok(url)
    }

    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &impl Serialize,
    ) -> Result<T, ClientError> {
        Ok(self.read(self.quick.get(self.path(path)?).query(query))?)
    }

    /// Asks once, and reads what is answered.
    pub(crate) fn read<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failed> {
        let response = self.asked(request)?;
        self.parsed(response)
    }

    fn done(&self, request: impl Fn() -> RequestBuilder) -> Result<(), ClientError> {
        self.certain(|| self.asked(request()).map(drop))
    }

    /// Asks once; what the server refuses is an error.
    pub(crate) fn asked(&self, request: RequestBuilder) -> Result<Response, Failed> {
        let response = self.send(request)?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, after) = (response.status(), retry_after(&response));
        let text = response.text().map_err(|source| self.broken(source))?;
        let error = match serde_json::from_str::<Problem>(&text) {
            Ok(problem) => ClientError::Refused(Box::new(problem)),
            Err(_) => self.strange(&format!("status {status}: {text}")),
        };
        Err(Failed { error, after })
    }

    fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        request.send().map_err(|source| self.broken(source))
    }

    fn parsed<T: DeserializeOwned>(&self, response: Response) -> Result<T, Failed> {
        let text = response.text().map_err(|source| self.broken(source))?;
        Ok(serde_json::from_str(&text).map_err(|error| self.strange(&format!("{error} in {text}")))?)
    }

    pub(crate) fn broken(&self, source: reqwest::Error) -> ClientError {
        let url = self.url().to_owned();
        if source.is_connect() {
            return ClientError::Connect { url, source };
        }
        ClientError::Http { url, source }
    }

    pub(crate) fn broken_off(&self, source: std::io::Error) -> ClientError {
        ClientError::Broken { url: self.url().to_owned(), source }
    }

    pub(crate) fn strange(&self, detail: &str) -> ClientError {
        let detail: String = sledger_wire::escape(detail).chars().take(SHOWN_MAX).collect();
        ClientError::NotALedger { url: self.url().to_owned(), detail }
    }
}

/// `query` with a command id.
fn named(query: &TargetQuery) -> TargetQuery {
    TargetQuery { command: Some(query.command.clone().unwrap_or_else(fresh)), ..query.clone() }
}

/// What the server asks to wait, in seconds; a date is not understood.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get("retry-after")?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

/// `request` with a JSON body.
pub(crate) fn json(request: RequestBuilder, body: impl Into<String>) -> RequestBuilder {
    request.header("content-type", "application/json").body(body.into())
}
