//! A proof: one person's decisions in full, those of all others as hashes, in lines that a shell can follow.
//!
//! ```text
//! proof    := begin { block decision* } end
//! begin    {"is":"proof", …}     which ledger, about whom
//! block    {"is":"block", …}     a block's header, the hashes of all its decisions, and its own
//! decision {"is":"decision", …}  one that is shown: its bytes
//! end      {"is":"end", …}       counts, the head, and the checkpoint that names it
//! ```
//!
//! Bytes are in hex. A block's hash is BLAKE3 of its header and the hashes of its decisions, one behind the other; a
//! decision's hash is BLAKE3 of its bytes; the next block's header holds the hash of the block before it.

use serde::{Deserialize, Serialize};

/// A line of a proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub enum ProofLine {
    /// The first.
    Proof(ProofBegin),
    /// A block.
    Block(ProofBlock),
    /// A decision of the block before it.
    Decision(ProofDecision),
    /// The last.
    End(ProofEnd),
}

/// What a proof is of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofBegin {
    /// Version of these lines.
    pub version: u32,
    /// The ledger's id.
    pub ledger: String,
    /// Whose decisions are shown.
    pub user: String,
}

/// A block, its decisions as hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofBlock {
    /// Counted from 1.
    pub block: u64,
    /// First event in it.
    pub first: u64,
    /// Last event in it.
    pub last: u64,
    /// Its header, 112 bytes.
    pub header: String,
    /// Hashes of its decisions, in order.
    pub decisions: Vec<String>,
    /// Its own hash.
    pub hash: String,
}

/// A decision that is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofDecision {
    /// Its first event.
    pub seq: u64,
    /// Its block.
    pub block: u64,
    /// Its place among the block's decisions, counted from 0.
    pub index: u64,
    /// Its bytes.
    pub record: String,
    /// What it says, for readers: follows from the bytes, and from what came before.
    pub events: Vec<serde_json::Value>,
}

/// How a proof ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofEnd {
    /// Blocks in it.
    pub blocks: u64,
    /// Decisions in them.
    pub decisions: u64,
    /// Those that are shown.
    pub shown: u64,
    /// Those that concern the user and are not shown, since they name others too.
    pub withheld: u64,
    /// The last event.
    pub seq: u64,
    /// Hash of the last block.
    pub head: String,
    /// The checkpoint that names them; null without one.
    pub checkpoint: Option<String>,
}

impl ProofLine {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(line: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(line).map_err(|error| format!("it is no line of a proof: {error}"))
    }

    /// Whether a line is the first of a proof.
    #[must_use]
    pub fn begins(line: &[u8]) -> bool {
        matches!(Self::read(line), Ok(Self::Proof(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_what_they_are_and_strange_ones_are_refused() {
        let begin = ProofLine::Proof(ProofBegin { version: 1, ledger: "a".into(), user: "ann".into() });
        let text = serde_json::to_string(&begin).unwrap();
        assert_eq!(text, r#"{"is":"proof","version":1,"ledger":"a","user":"ann"}"#);
        assert_eq!(ProofLine::read(text.as_bytes()), Ok(begin));
        assert!(ProofLine::begins(text.as_bytes()));
        for bad in ["", "{}", r#"{"is":"proof"}"#, r#"{"is":"other"}"#, "[1]", "\u{0}"] {
            assert!(ProofLine::read(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
