//! A timeline drawn with letters: one lane a session, from its start to its end.
//!
//! Promise: never wider than asked for; names are escaped and cut. Of many sessions the latest are drawn.

use crate::zone::Zone;
use sledger_core::Millis;
use sledger_wire::escape::brief;
use sledger_wire::events::EventLine;
use sledger_wire::values::time;
use std::collections::{BTreeMap, BTreeSet};

/// So many lanes are drawn; earlier ones are only counted.
const LANES_MAX: usize = 40;
/// So many marks of a lane are kept.
const MARKS_MAX: usize = 4_096;
/// How wide the names before the lanes are at most.
const LABEL_MAX: usize = 18;
/// No lane is narrower.
const LANE_MIN: usize = 20;

/// What ends a session, by its cause: a letter, and what it stands for.
const ENDS: [(&str, char, &str); 11] = [
    ("logout", 'L', "logged out"),
    ("ttl", 'T', "end of its time"),
    ("idle", 'I', "idle"),
    ("retention", 'R', "not taken up again"),
    ("disconnected", 'D', "disconnected"),
    ("evicted", 'E', "evicted"),
    ("cleared", 'C', "ended on request"),
    ("replaced", 'P', "gave its place"),
    ("taken_over", 'O', "lost its id to another"),
    ("reconciled", 'G', "gone at its source"),
    ("assumed", 'A', "assumed"),
];

/// Something on a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Begin,
    Resume,
    Disconnect,
    Refused,
    End(char),
}

#[derive(Clone, Debug, Default)]
struct Lane {
    label: String,
    marks: Vec<(Millis, Mark)>,
}

/// Lanes that are being collected.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    /// Refusals, which have no number, under 0.
    by_number: BTreeMap<u64, Lane>,
    left_out: u64,
    first: Option<Millis>,
    last: Millis,
}

/// How lanes are drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// Columns there are.
    pub(super) width: usize,
    /// Nothing but ASCII.
    pub(super) ascii: bool,
}

impl Lanes {
    /// Notes an event.
    pub(super) fn see(&mut self, line: &EventLine) {
        let Ok(at) = time(&line.at) else { return };
        let ended = line.ended_at.as_deref().and_then(|text| time(text).ok());
        let (at, mark) = match line.kind.as_str() {
            "login.admitted" | "session.adopted" => (at, Mark::Begin),
            "login.resumed" => (at, Mark::Resume),
            "session.disconnected" => (at, Mark::Disconnect),
            "session.ended" | "session.evicted" => (ended.unwrap_or(at), Mark::End(letter(line))),
            "login.denied" | "login.conflict" => (at, Mark::Refused),
            _ => return,
        };
        let number = line.number.filter(|_| mark != Mark::Refused).unwrap_or(0);
        self.first.get_or_insert(at);
        self.last = self.last.max(at);
        let lane = self
            .by_number
            .entry(number)
            .or_insert_with(|| Lane { label: label(line, number), marks: Vec::new() });
        // A session whose beginning lies before what is shown was there all the same.
        if let (Mark::End(_), true, Some(started)) = (mark, lane.marks.is_empty(), &line.started) {
            lane.marks.extend(time(started).ok().map(|started| (started, Mark::Begin)));
        }
        if lane.marks.len() < MARKS_MAX {
            lane.marks.push((at, mark));
        }
        self.bound();
    }

    fn bound(&mut self) {
        while self.by_number.len() > LANES_MAX + 1 {
            let Some(oldest) = self.by_number.keys().copied().find(|number| *number > 0) else { return };
            self.by_number.remove(&oldest);
            self.left_out += 1;
        }
    }

    /// The drawing, line by line; none where nothing can be drawn.
    pub(super) fn drawn(&self, style: Style, zone: Zone) -> Vec<String> {
        let starts = self.by_number.values().filter_map(|lane| lane.marks.first());
        let Some(first) = starts.map(|(at, _)| *at).min() else { return Vec::new() };
        let labels = self.by_number.values().map(|lane| lane.label.chars().count()).max().unwrap_or(0);
        let width = style.width.saturating_sub(labels + 2).max(LANE_MIN);
        let scale = Scale { first, last: self.last, width };
        let mut lines = vec![format!("{:labels$}  {}", "", scale.ruler(zone))];
        let (refused, sessions): (Vec<_>, Vec<_>) =
            self.by_number.iter().partition(|(number, _)| **number == 0);
        for (_, lane) in sessions.into_iter().chain(refused) {
            lines
                .push(format!("{:labels$}  {}", lane.label, lane.drawn(&scale, style)).trim_end().to_owned());
        }
        lines.extend(self.legend(style));
        if self.left_out > 0 {
            lines.push(format!("{} earlier sessions are not drawn", self.left_out));
        }
        lines
    }

    fn legend(&self, style: Style) -> Vec<String> {
        let marks: BTreeSet<char> = self.by_number.values().flat_map(Lane::letters).collect();
        let signs = style.signs();
        let mut words = vec![format!("{} began", signs.begin)];
        let used =
            |mark: Mark| self.by_number.values().any(|lane| lane.marks.iter().any(|(_, one)| *one == mark));
        let others = [
            (used(Mark::Resume), format!("{} taken up again", signs.resume)),
            (used(Mark::Disconnect), format!("{} disconnected", signs.kept)),
            (used(Mark::Refused), format!("{} refused", signs.refused)),
        ];
        words.extend(others.into_iter().filter_map(|(used, word)| used.then_some(word)));
        let ends = ENDS.iter().filter(|(_, letter, _)| marks.contains(letter));
        words.extend(ends.map(|(_, letter, word)| format!("{letter} {word}")));
        words.push(format!("{} still in", signs.live));
        folded(&words, style.width)
    }
}

/// Words with commas, in lines no wider than this.
fn folded(words: &[String], width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words {
        let Some(line) = lines.last_mut() else { return lines };
        if !line.is_empty() && line.chars().count() + 2 + word.chars().count() > width {
            lines.push(word.clone());
        } else {
            line.push_str(if line.is_empty() { "" } else { "  " });
            line.push_str(word);
        }
    }
    lines
}

fn letter(line: &EventLine) -> char {
    let cause = line.cause.as_deref().unwrap_or_default();
    ENDS.iter().find(|(name, _, _)| *name == cause).map_or('?', |(_, letter, _)| *letter)
}

fn label(line: &EventLine, number: u64) -> String {
    if number == 0 {
        return "(refused)".to_owned();
    }
    let shown = brief(line.session.as_deref().unwrap_or("?"));
    if shown.chars().count() <= LABEL_MAX {
        return shown;
    }
    shown.chars().take(LABEL_MAX - 1).chain(['~']).collect()
}

struct Signs {
    begin: char,
    line: char,
    kept: char,
    resume: char,
    refused: char,
    live: char,
}

impl Style {
    const fn signs(self) -> Signs {
        if self.ascii {
            Signs { begin: 'o', line: '-', kept: '.', resume: 'r', refused: 'x', live: '>' }
        } else {
            Signs { begin: '●', line: '─', kept: '┄', resume: '○', refused: '×', live: '▶' }
        }
    }
}

/// Times as columns.
struct Scale {
    first: Millis,
    last: Millis,
    width: usize,
}

impl Scale {
    fn column(&self, at: Millis) -> usize {
        let (all, part) = (self.last.since(self.first).max(1), at.min(self.last).since(self.first));
        let most = self.width.saturating_sub(1) as u128;
        usize::try_from(u128::from(part) * most / u128::from(all)).unwrap_or(0)
    }

    fn ruler(&self, zone: Zone) -> String {
        let [from, to] =
            [self.first, self.last].map(|at| zone.shown(at).chars().take(19).collect::<String>());
        let gap = self.width.saturating_sub(from.chars().count() + to.chars().count());
        if gap == 0 { from } else { format!("{from}{:gap$}{to}", "") }
    }
}

impl Lane {
    fn letters(&self) -> impl Iterator<Item = char> {
        self.marks
            .iter()
            .filter_map(|(_, mark)| if let Mark::End(letter) = mark { Some(*letter) } else { None })
    }

    fn drawn(&self, scale: &Scale, style: Style) -> String {
        let signs = style.signs();
        let mut cells = vec![' '; scale.width];
        let mut stretch: Option<(usize, char)> = None;
        for (at, mark) in &self.marks {
            let column = scale.column(*at);
            fill(&mut cells, stretch, column);
            let (sign, next) = match mark {
                Mark::Begin => (signs.begin, Some((column, signs.line))),
                Mark::Resume => (signs.resume, Some((column, signs.line))),
                Mark::Disconnect => (signs.kept, Some((column, signs.kept))),
                Mark::Refused => (signs.refused, None),
                Mark::End(letter) => (*letter, None),
            };
            stretch = next;
            if let Some(cell) = cells.get_mut(column) {
                *cell = sign;
            }
        }
        if stretch.is_some() {
            fill(&mut cells, stretch, scale.width);
            if let Some(cell) = cells.last_mut() {
                *cell = signs.live;
            }
        }
        cells.into_iter().collect()
    }
}

/// Draws what lasts from its beginning up to a column; what stands there already stays.
fn fill(cells: &mut [char], stretch: Option<(usize, char)>, to: usize) {
    let Some((from, sign)) = stretch else { return };
    for cell in cells.iter_mut().take(to).skip(from + 1).filter(|cell| **cell == ' ') {
        *cell = sign;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kind: &str, number: u64, second: u64, cause: Option<&str>) -> EventLine {
        let at = Millis(second * 1000).rfc3339();
        let is_end = cause.is_some();
        EventLine {
            kind: kind.to_owned(),
            number: Some(number),
            session: Some(format!("s{number}\u{1b}[2J and a name that is much too long for a lane")),
            ended_at: is_end.then(|| at.clone()),
            at,
            cause: cause.map(str::to_owned),
            ..EventLine::default()
        }
    }

    #[test]
    fn a_lane_goes_from_start_over_parting_and_return_to_its_end() {
        let mut lanes = Lanes::default();
        for (kind, number, second, cause) in [
            ("login.admitted", 1, 0, None),
            ("session.disconnected", 1, 10, None),
            ("login.resumed", 1, 20, None),
            ("session.ended", 1, 30, Some("logout")),
            ("login.admitted", 2, 15, None),
            ("login.denied", 3, 29, None),
        ] {
            lanes.see(&line(kind, number, second, cause));
        }
        let drawn = lanes.drawn(Style { width: 51, ascii: true }, "UTC".parse().unwrap());
        assert_eq!(
            drawn.get(1).map(String::as_str),
            Some("s1\\u{1b}[2J and a~  o---------..........r---------L")
        );
        assert_eq!(
            drawn.get(2).map(String::as_str),
            Some(&*format!("s2\\u{{1b}}[2J and a~  {:15}o-------------->", ""))
        );
        assert_eq!(drawn.get(3).map(String::as_str), Some(&*format!("{:20}{:29}x", "(refused)", "")));
        assert_eq!(drawn.get(4).map(String::as_str), Some("o began  r taken up again  . disconnected"));
        assert!(drawn.iter().all(|line| line.chars().count() <= 51 && line.is_ascii()), "{drawn:#?}");
    }

    #[test]
    fn of_many_sessions_the_latest_are_drawn() {
        let mut lanes = Lanes::default();
        (1..200).for_each(|number| lanes.see(&line("login.admitted", number, number, None)));
        let drawn = lanes.drawn(Style { width: 80, ascii: false }, "UTC".parse().unwrap());
        assert!(drawn.len() < LANES_MAX + 6, "{drawn:#?}");
        assert_eq!(drawn.last().map(String::as_str), Some("158 earlier sessions are not drawn"));
    }
}
