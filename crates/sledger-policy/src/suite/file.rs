//! `NAME.test.toml`, read: every mistake is refused with its line.

mod lines;
mod raw;

use super::{CASES_MAX, RUNS_MAX, SuiteError, TESTS_BYTES_MAX, World};
use crate::words::{clean, did_you_mean};
use raw::{RawCase, RawExpect, RawFile, RawLimit, RawProperty, RawSetting};
use sledger_core::Limit;
use sledger_core::command::Login;
use sledger_core::config::Level;
use sledger_core::event::PolicyCode;
use std::collections::BTreeSet;
use toml::Spanned;

/// The tests of a policy.
#[derive(Clone, Debug)]
pub struct Suite {
    pub(super) base: World,
    pub(super) cases: Vec<Case>,
    pub(super) property: Option<Property>,
}

/// What must never come of generated scenarios.
#[derive(Clone, Debug)]
pub struct Property {
    pub(super) runs: u32,
    pub(super) seed: u64,
    pub(super) never: Vec<&'static str>,
}

#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) line: u32,
    pub(super) world: World,
    pub(super) expect: Expect,
}

/// What a case expects; what is not named may be as it will, but an error is always expected or wrong.
#[derive(Clone, Debug, Default)]
pub(super) struct Expect {
    pub(super) evict: Option<Vec<String>>,
    pub(super) deny: Option<String>,
    pub(super) allow: Option<String>,
    pub(super) because: Option<String>,
    pub(super) offer: Option<Vec<String>>,
    pub(super) tell: Option<String>,
    pub(super) note: Vec<String>,
    pub(super) limit: Option<String>,
    pub(super) error: Option<String>,
}

/// Seed of a property that names none.
const SEED: u64 = 0x5eed;

const CODES: [PolicyCode; 8] = [
    PolicyCode::Error,
    PolicyCode::OverBudget,
    PolicyCode::NoDecision,
    PolicyCode::WrongType,
    PolicyCode::NoVictim,
    PolicyCode::VictimNotInSet,
    PolicyCode::NotEnoughRoom,
    PolicyCode::Tripped,
];

/// Where things stand in the text.
#[derive(Clone, Copy)]
struct Text<'t>(&'t str);

impl Text<'_> {
    fn line(self, offset: usize) -> u32 {
        let before = self.0.get(..offset).unwrap_or(self.0);
        u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX)
    }

    fn fault<T>(self, at: &Spanned<T>, reason: String) -> SuiteError {
        SuiteError::File { line: self.line(at.span().start), reason }
    }

    /// What toml says, with what was probably meant.
    fn unreadable(self, error: &toml::de::Error) -> SuiteError {
        let message = error.message().replace('\n', " ");
        let words: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        let meant = match words.split_first() {
            Some((word, known)) if message.starts_with("unknown field") => {
                let meant = did_you_mean(word, known.iter().copied());
                if meant.is_empty() { None } else { Some(format!("unknown key `{}`{meant}", clean(word))) }
            }
            _ => None,
        };
        let line = error.span().map_or(0, |span| self.line(span.start));
        SuiteError::File { line, reason: meant.unwrap_or_else(|| clean(&message).to_string()) }
    }
}

impl Suite {
    /// Reads a file of tests.
    ///
    /// # Errors
    /// The first mistake, with its line.
    pub fn read(text: &str) -> Result<Self, SuiteError> {
        if text.len() > TESTS_BYTES_MAX {
            let reason = format!("the tests are larger than {TESTS_BYTES_MAX} bytes");
            return Err(SuiteError::File { line: 0, reason });
        }
        let place = Text(text);
        let file: RawFile = toml::from_str(text).map_err(|error| place.unreadable(&error))?;
        let base = file.base.onto(World::default(), place)?;
        let mut cases = Vec::new();
        for raw in file.case {
            if cases.len() >= CASES_MAX {
                return Err(place.fault(&raw.name, format!("there are more than {CASES_MAX} cases")));
            }
            cases.push(Case::read(raw, &base, place)?);
        }
        let property = file.property.map(|raw| Property::read(raw, place)).transpose()?;
        Ok(Self { base, cases, property })
    }

    /// How many cases there are.
    #[must_use]
    pub fn case_count(&self) -> usize {
        self.cases.len()
    }
}

impl Property {
    fn read(raw: RawProperty, place: Text<'_>) -> Result<Self, SuiteError> {
        if *raw.runs.get_ref() == 0 || *raw.runs.get_ref() > RUNS_MAX {
            return Err(place.fault(&raw.runs, format!("`runs` is 1 to {RUNS_MAX}")));
        }
        let never = match &raw.never {
            None => CODES.iter().map(|code| code.as_str()).collect(),
            Some(codes) => codes.iter().map(|code| code_of(code, place)).collect::<Result<_, _>>()?,
        };
        Ok(Self { runs: raw.runs.into_inner(), seed: raw.seed.unwrap_or(SEED), never })
    }
}

fn code_of(code: &Spanned<String>, place: Text<'_>) -> Result<&'static str, SuiteError> {
    let known = CODES.iter().map(|code| code.as_str());
    known.clone().find(|known| known == code.get_ref()).ok_or_else(|| {
        let meant = did_you_mean(code.get_ref(), known);
        place.fault(code, format!("`{}` is no code of a policy's failure{meant}", clean(code.get_ref())))
    })
}

impl Case {
    fn read(raw: RawCase, base: &World, place: Text<'_>) -> Result<Self, SuiteError> {
        let line = place.line(raw.name.span().start);
        let expect = Expect::read(raw.expect, place)?;
        let setting = RawSetting {
            now: raw.now,
            limit: raw.limit,
            level: raw.level,
            evict_others: raw.evict_others,
            user: raw.user,
            user_attr: raw.user_attr,
            request: raw.request,
            sessions: raw.sessions,
            params: raw.params,
        };
        let world = setting.onto(base.clone(), place)?;
        Ok(Self { name: raw.name.into_inner(), line, world, expect })
    }
}

impl Expect {
    fn read(raw: Spanned<RawExpect>, place: Text<'_>) -> Result<Self, SuiteError> {
        let line = place.line(raw.span().start);
        let raw = raw.into_inner();
        let error = raw.error.map(|code| code_of(&code, place)).transpose()?;
        let limit = match raw.limit {
            Some(limit) => Some(limit_word(&limit, place)?),
            None => None,
        };
        if raw.tell.is_some() && raw.told.is_some() {
            let reason = "`tell` and `told` mean the same: give one".to_owned();
            return Err(SuiteError::File { line, reason });
        }
        let expect = Self {
            evict: raw.evict,
            deny: raw.deny,
            allow: raw.allow,
            because: raw.because,
            offer: raw.offer,
            tell: raw.tell.or(raw.told),
            note: raw.note.map(raw::RawNotes::into_vec).unwrap_or_default(),
            limit,
            error: error.map(str::to_owned),
        };
        if expect.is_empty() {
            return Err(SuiteError::File { line, reason: "`expect` expects nothing".to_owned() });
        }
        Ok(expect)
    }

    fn is_empty(&self) -> bool {
        let texts = [&self.deny, &self.allow, &self.because, &self.tell, &self.limit, &self.error];
        self.evict.is_none()
            && self.offer.is_none()
            && self.note.is_empty()
            && texts.iter().all(|text| text.is_none())
    }
}

/// What a limit is expected to be, as it is shown.
fn limit_word(limit: &Spanned<RawLimit>, place: Text<'_>) -> Result<String, SuiteError> {
    match limit.get_ref() {
        RawLimit::Text(word) if word == "configured" || code_of_limit(word) => Ok(word.clone()),
        _ => limit_of(limit, place).map(|limit| limit.to_string()),
    }
}

fn code_of_limit(word: &str) -> bool {
    CODES.iter().any(|code| code.as_str() == word)
}

fn limit_of(limit: &Spanned<RawLimit>, place: Text<'_>) -> Result<Limit, SuiteError> {
    let found = match limit.get_ref() {
        RawLimit::Number(number) => u32::try_from(*number).ok().and_then(Limit::at_most),
        RawLimit::Text(word) if word == "unlimited" => Some(Limit::Unlimited),
        RawLimit::Text(word) if word == "banned" => Some(Limit::Banned),
        RawLimit::Text(_) => None,
    };
    let reason = "a limit is a number from 1 up, \"unlimited\" or \"banned\"";
    found.ok_or_else(|| place.fault(limit, reason.to_owned()))
}

fn level_of(level: &Spanned<String>, place: Text<'_>) -> Result<Level, SuiteError> {
    match level.get_ref().as_str() {
        "hard" => Ok(Level::Hard),
        "soft" => Ok(Level::Soft),
        "advisory" => Ok(Level::Advisory),
        _ => Err(place.fault(level, "a level is \"hard\", \"soft\" or \"advisory\"".to_owned())),
    }
}

impl RawSetting {
    /// This over `world`.
    fn onto(self, mut world: World, place: Text<'_>) -> Result<World, SuiteError> {
        if let Some(now) = &self.now {
            let reason = "a time is written as \"2026-01-05T10:00:00Z\"";
            world.now = lines::millis(now.get_ref()).ok_or_else(|| place.fault(now, reason.to_owned()))?;
        }
        if let Some(limit) = &self.limit {
            world.limit = limit_of(limit, place)?;
        }
        if let Some(level) = &self.level {
            world.level = level_of(level, place)?;
        }
        if let Some(evict_others) = self.evict_others {
            world.evict_others = evict_others;
        }
        if let Some(params) = self.params {
            world.params = params.into_iter().map(|(key, value)| (key, value.into())).collect();
        }
        world.newcomer = newcomer(world.newcomer, self.user, self.user_attr, self.request);
        if let Some(lines) = self.sessions {
            sessions(&mut world, &lines, place)?;
        }
        Ok(world)
    }
}

fn newcomer(
    mut login: Login,
    user: Option<raw::RawUser>,
    user_attr: Option<raw::Attributes>,
    request: Option<raw::RawRequest>,
) -> Login {
    if let Some(user) = user {
        login.user = Some(user.id);
        login.groups = user.groups;
        login.user_attributes = user.attr.into_iter().collect();
    }
    if let Some(attributes) = user_attr {
        login.user_attributes = attributes.into_iter().collect();
    }
    if let Some(request) = request {
        login.session = Some(request.session.unwrap_or_else(|| "new".to_owned()));
        login.ip = request.ip;
        login.client = request.client;
        login.source = request.source;
        login.attributes = request.attr.into_iter().collect();
    }
    login
}

fn sessions(world: &mut World, lines: &[Spanned<String>], place: Text<'_>) -> Result<(), SuiteError> {
    let mut ids = BTreeSet::new();
    world.sessions = Vec::new();
    for line in lines {
        let old = lines::session(world, line.get_ref()).map_err(|reason| place.fault(line, reason))?;
        let id = old.login.session.clone().unwrap_or_default();
        if !ids.insert(id.clone()) {
            return Err(place.fault(line, format!("session `{}` stands there twice", clean(&id))));
        }
        world.sessions.push(old);
    }
    Ok(())
}
