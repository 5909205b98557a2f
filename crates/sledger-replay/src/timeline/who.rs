//! Who is meant by a word: an address, a user, a session.

use super::{Asked, LastSession, Read, SparseError, Subject, last_session, of_ledger, user_settings};
use crate::at::Begin;
use crate::history::HistoryError;
use sledger_core::command::Rejection;
use sledger_core::decide::edge::user_key;
use sledger_log::Reader;
use sledger_wire::values::SessionName;
use std::net::IpAddr;

/// Who is asked about, as somebody named him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// A user.
    User(String),
    /// A session.
    Session(SessionName),
    /// An address.
    Ip(String),
    /// A user if one of that name is recorded, else a session.
    Word(String),
}

impl Who {
    /// Reads `user:X`, `session:X`, `ip:X`, an address, or a word.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let canonical = |ip: &str| ip.parse::<IpAddr>().ok().map(|ip| ip.to_canonical().to_string());
        match text.split_once(':') {
            Some(("user", user)) => Self::User(user.to_owned()),
            Some(("session", session)) => Self::Session(SessionName::parse(session)),
            Some(("ip", ip)) => Self::Ip(canonical(ip).unwrap_or_else(|| ip.to_owned())),
            _ => canonical(text).map_or_else(|| Self::Word(text.to_owned()), Self::Ip),
        }
    }
}

/// Looks up in a history what a word may stand for.
pub trait Finder {
    /// Why it cannot.
    type Error;

    /// The key of a user of this name.
    ///
    /// # Errors
    /// A name that is none, and what hinders reading.
    fn key(&mut self, user: &str) -> Result<String, Self::Error>;

    /// Whether anything is recorded about the user of this name and key.
    ///
    /// # Errors
    /// What hinders reading.
    fn is_known(&mut self, user: &str, key: &str) -> Result<bool, Self::Error>;

    /// The session that bore an id last.
    ///
    /// # Errors
    /// What hinders reading.
    fn last(&mut self, id: &str) -> Result<LastSession, Self::Error>;
}

/// What was found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Who is asked about.
    pub subject: Subject,
    /// The user as he was named.
    pub user: Option<String>,
    /// What the word was taken for, where it could be taken for something else.
    pub said: Option<String>,
}

/// Finds out who is meant; nobody in particular where nobody is named.
///
/// # Errors
/// What the finder says.
pub fn resolve<F: Finder>(who: Option<&Who>, finder: &mut F) -> Result<Resolved, F::Error> {
    let only = |subject| Resolved { subject, user: None, said: None };
    match who {
        None => Ok(only(Subject::Everybody)),
        Some(Who::Ip(ip)) => Ok(only(Subject::Ip(ip.clone()))),
        Some(Who::Session(name)) => session(name, finder),
        Some(Who::User(user)) => {
            let subject = Subject::User(finder.key(user)?);
            Ok(Resolved { user: Some(user.clone()), ..only(subject) })
        }
        Some(Who::Word(word)) => {
            let key = finder.key(word)?;
            if finder.is_known(word, &key)? {
                let said = Some(format!("`{word}` is taken as a user; session:{word} asks for a session"));
                return Ok(Resolved { subject: Subject::User(key), user: Some(word.clone()), said });
            }
            let found = session(&SessionName::parse(word), finder)?;
            let more = found.said.map(|said| format!("; {said}")).unwrap_or_default();
            let said = Some(format!("no user `{word}` is recorded: it is taken as a session{more}"));
            Ok(Resolved { said, ..only(found.subject) })
        }
    }
}

fn session<F: Finder>(name: &SessionName, finder: &mut F) -> Result<Resolved, F::Error> {
    if let Some(number) = name.number {
        return Ok(Resolved { subject: Subject::Number(number), user: None, said: None });
    }
    let (id, last) = (&name.id, finder.last(&name.id)?);
    let Some(number) = last.number else {
        return Ok(Resolved { subject: Subject::Id(id.clone()), user: None, said: None });
    };
    let said = (last.count > 1)
        .then(|| format!("{} sessions bore the id `{id}`: the last one is shown, {id}@{number}", last.count));
    Ok(Resolved { subject: Subject::Number(number), user: None, said })
}

/// Why somebody cannot be looked up in a ledger.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The history.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// What may matter cannot be told apart.
    #[error(transparent)]
    Sparse(#[from] SparseError),
    /// No name of a user.
    #[error("{0}")]
    Name(String),
}

/// Looks up in a ledger on disk.
pub struct InLedger<'r> {
    /// The ledger.
    pub reader: &'r Reader,
    /// How it is read.
    pub begin: Begin<'r>,
}

impl Finder for InLedger<'_> {
    type Error = FindError;

    fn key(&mut self, user: &str) -> Result<String, FindError> {
        let refused = |why: Rejection| FindError::Name(format!("USER {}", why.reason));
        user_key(user, &user_settings(self.reader)?).map_err(refused)
    }

    fn is_known(&mut self, _: &str, key: &str) -> Result<bool, FindError> {
        let asked = Asked { subject: Subject::User(key.to_owned()), changes: false };
        let mut is_known = false;
        let read: Result<Read, SparseError> = of_ledger(self.reader, &asked, self.begin, |told, _| {
            is_known = told.iter().any(|one| asked.wants(one));
            Ok(!is_known)
        });
        read?;
        Ok(is_known)
    }

    fn last(&mut self, id: &str) -> Result<LastSession, FindError> {
        Ok(last_session(self.reader, id, self.begin)?)
    }
}

impl std::fmt::Debug for InLedger<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InLedger").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_word_may_stand_for_is_told_by_its_shape() {
        assert_eq!(Who::parse("::ffff:192.0.2.1"), Who::Ip("192.0.2.1".to_owned()));
        assert_eq!(Who::parse("2001:DB8::1"), Who::Ip("2001:db8::1".to_owned()));
        assert_eq!(Who::parse("ip:desk 7"), Who::Ip("desk 7".to_owned()));
        assert_eq!(Who::parse("user:10.0.0.1"), Who::User("10.0.0.1".to_owned()));
        assert_eq!(Who::parse("urn:x"), Who::Word("urn:x".to_owned()));
        let Who::Session(name) = Who::parse("session:a@7") else { panic!("a session") };
        assert_eq!((name.id.as_str(), name.number), ("a", Some(sledger_core::Seq(7))));
    }
}
