//! Footer and trailer of a sealed file.

use super::SealedFault;
use super::filter::{FILTER_BYTES_MAX, FRAME_FILTER_BYTES_MAX};
use super::layout::{CHECK_BYTES, FORMAT_ONE_FILTER, HEADER_BYTES, Name, PLACE_BYTES, checked, known};
use crate::block::take;
use crate::dir::End;
use sledger_core::log::Head;
use sledger_core::{Millis, Seq};

const MAGIC_END: [u8; 8] = [0xF5, b'S', b'L', b'E', b'N', b'D', 0x0A, 0xFF];

pub(crate) const FOOTER_BYTES: usize = 288;
pub(crate) const TRAILER_BYTES: usize = 16;

/// What a sealed file says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    /// How the file is laid out.
    pub(crate) format: u16,
    pub(crate) name: Name,
    pub(crate) frames: u32,
    pub(crate) end: End,
    pub(crate) first_at: Millis,
    pub(crate) blocks: u64,
    pub(crate) decisions: u64,
    pub(crate) events: u64,
    pub(crate) raw_bytes: u64,
    pub(crate) prev: [u8; 32],
    pub(crate) frames_bytes: u64,
    pub(crate) index_bytes: u64,
    pub(crate) filter_bytes: u64,
    pub(crate) index_check: [u8; CHECK_BYTES],
    pub(crate) filter_check: [u8; CHECK_BYTES],
}

impl Footer {
    /// Footer and trailer.
    pub(crate) fn render(&self) -> Vec<u8> {
        let fields: [&[u8]; 21] = [
            &self.name.ledger.0,
            &self.name.partition.to_le_bytes(),
            &self.name.volume.to_le_bytes(),
            &self.frames.to_le_bytes(),
            &[0; 4],
            &self.end.epoch.to_le_bytes(),
            &self.end.first.0.to_le_bytes(),
            &self.end.head.seq.0.to_le_bytes(),
            &self.first_at.0.to_le_bytes(),
            &self.end.head.at.0.to_le_bytes(),
            &self.blocks.to_le_bytes(),
            &self.decisions.to_le_bytes(),
            &self.events.to_le_bytes(),
            &self.raw_bytes.to_le_bytes(),
            &self.prev,
            &self.end.head.hash,
            &self.frames_bytes.to_le_bytes(),
            &self.index_bytes.to_le_bytes(),
            &self.filter_bytes.to_le_bytes(),
            &self.index_check,
            &self.filter_check,
        ];
        let mut bytes = checked(fields.concat(), &self.name.header(self.format));
        bytes.extend_from_slice(&trailer(self.format));
        bytes
    }

    /// Reads footer and trailer.
    pub(crate) fn parse(bytes: &[u8; FOOTER_BYTES + TRAILER_BYTES]) -> Result<Self, SealedFault> {
        let format = parse_trailer(bytes)?;
        let part = "footer";
        let footer = Self::fields(format, &mut bytes.as_slice()).ok_or(SealedFault::Magic { part })?;
        if footer.render() != bytes {
            return Err(SealedFault::Check { part });
        }
        footer.bounded()?;
        Ok(footer)
    }

    fn fields(format: u16, rest: &mut &[u8]) -> Option<Self> {
        let name = Name::fields(rest)?;
        let frames = u32::from_le_bytes(take(rest)?);
        take::<4>(rest)?;
        let mut number = || take(rest).map(u64::from_le_bytes);
        let (epoch, first, last) = (number()?, Seq(number()?), Seq(number()?));
        let (first_at, at) = (Millis(number()?), Millis(number()?));
        let (blocks, decisions, events, raw_bytes) = (number()?, number()?, number()?, number()?);
        let (prev, hash) = (take(rest)?, take(rest)?);
        let mut number = || take(rest).map(u64::from_le_bytes);
        let (frames_bytes, index_bytes, filter_bytes) = (number()?, number()?, number()?);
        let end = End { first, head: Head { seq: last, hash, at, token: 0 }, epoch };
        let (index_check, filter_check) = (take(rest)?, take(rest)?);
        Some(Self {
            format,
            name,
            frames,
            end,
            first_at,
            blocks,
            decisions,
            events,
            raw_bytes,
            prev,
            frames_bytes,
            index_bytes,
            filter_bytes,
            index_check,
            filter_check,
        })
    }

    fn bounded(&self) -> Result<(), SealedFault> {
        let (first, last) = (self.end.first.0, self.end.head.seq.0);
        let index_bytes = u64::from(self.frames) * PLACE_BYTES as u64;
        let filter_bytes_max = match self.format {
            FORMAT_ONE_FILTER => FILTER_BYTES_MAX as u64,
            _ => u64::from(self.frames) * FRAME_FILTER_BYTES_MAX as u64,
        };
        let bounds = [
            ("first seq", first >= 1 && last.checked_add(1).is_some_and(|next| first <= next)),
            (
                "events",
                last.checked_sub(first).is_some_and(|more| more.checked_add(1) == Some(self.events))
                    || (first > last && self.events == 0),
            ),
            ("length of the index", self.index_bytes == index_bytes),
            ("length of the filter", self.filter_bytes <= filter_bytes_max),
        ];
        match bounds.into_iter().find(|(_, holds)| !holds) {
            Some((field, _)) => Err(SealedFault::Bounds { part: "footer", field }),
            None => Ok(()),
        }
    }

    /// Length of the whole file; `None` when it cannot be.
    pub(crate) fn file_bytes(&self) -> Option<u64> {
        let fixed = (HEADER_BYTES + FOOTER_BYTES + TRAILER_BYTES) as u64;
        let parts = [self.frames_bytes, self.index_bytes, self.filter_bytes];
        parts.into_iter().try_fold(fixed, u64::checked_add)
    }

    /// Where the frames end and the index begins.
    pub(crate) const fn index_at(&self) -> u64 {
        HEADER_BYTES as u64 + self.frames_bytes
    }
}

fn trailer(format: u16) -> Vec<u8> {
    let footer_bytes = u32::try_from(FOOTER_BYTES).expect("a footer is short");
    let fields: [&[u8]; 4] = [&footer_bytes.to_le_bytes(), &format.to_le_bytes(), &[0; 2], &MAGIC_END];
    fields.concat()
}

/// The format that the trailer says.
fn parse_trailer(bytes: &[u8; FOOTER_BYTES + TRAILER_BYTES]) -> Result<u16, SealedFault> {
    let found = bytes.get(FOOTER_BYTES..).unwrap_or_default();
    if !found.ends_with(&MAGIC_END) {
        return Err(SealedFault::Magic { part: "trailer" });
    }
    let format = known(found.get(4..6).and_then(|format| format.try_into().ok()))?;
    if found == trailer(format) { Ok(format) } else { Err(SealedFault::Magic { part: "trailer" }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::LedgerId;

    const NAME: Name = Name { ledger: LedgerId([3; 16]), partition: 4, volume: 5 };

    fn footer() -> Footer {
        Footer {
            format: 2,
            name: NAME,
            frames: 2,
            end: End {
                first: Seq(11),
                head: Head { seq: Seq(20), hash: [6; 32], at: Millis(7), token: 0 },
                epoch: 8,
            },
            first_at: Millis(6),
            blocks: 3,
            decisions: 9,
            events: 10,
            raw_bytes: 1_000,
            prev: [9; 32],
            frames_bytes: 500,
            index_bytes: 2 * PLACE_BYTES as u64,
            filter_bytes: 100,
            index_check: [1; 32],
            filter_check: [2; 32],
        }
    }

    fn parse(footer: &Footer) -> Result<Footer, String> {
        Footer::parse(footer.render().as_slice().try_into().unwrap()).map_err(|fault| fault.to_string())
    }

    #[test]
    fn header_and_footer_are_read_back_and_any_changed_byte_voids_them() {
        let header: [u8; HEADER_BYTES] = NAME.header(2).try_into().unwrap();
        assert_eq!(Name::parse(&header).unwrap(), (NAME, 2));
        for at in 0..HEADER_BYTES {
            let mut bad = header;
            bad[at] ^= 1;
            assert!(Name::parse(&bad).is_err(), "byte {at}");
        }
        assert_eq!(parse(&Footer { format: 1, ..footer() }), Ok(Footer { format: 1, ..footer() }));
        let good: [u8; FOOTER_BYTES + TRAILER_BYTES] = footer().render().try_into().unwrap();
        assert_eq!(Footer::parse(&good).unwrap(), footer());
        for at in 0..good.len() {
            let mut bad = good;
            bad[at] ^= 1;
            assert!(Footer::parse(&bad).is_err(), "byte {at}");
        }
    }

    #[test]
    fn footer_that_cannot_be_is_refused_though_its_check_is_right() {
        let out = |field: &str| Err(format!("its footer is out of bounds: `{field}`"));
        assert_eq!(parse(&Footer { events: 11, ..footer() }), out("events"));
        assert_eq!(parse(&Footer { frames: 3, ..footer() }), out("length of the index"));
        assert_eq!(parse(&Footer { filter_bytes: u64::MAX, ..footer() }), out("length of the filter"));
        let late = End { first: Seq(22), ..footer().end };
        assert_eq!(parse(&Footer { end: late, events: 0, ..footer() }), out("first seq"));
        let end =
            End { head: Head { seq: Seq(u64::MAX), ..footer().end.head }, first: Seq(0), ..footer().end };
        assert_eq!(parse(&Footer { end, ..footer() }), out("first seq"));
        assert_eq!(Footer { frames_bytes: u64::MAX, ..footer() }.file_bytes(), None);
    }
}
