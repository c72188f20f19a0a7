//! Registers as runs of equal ones.
//!
//! ```text
//! run := 00 zzzzzz             z + 1 registers are 0            (1 to 64)
//!      | 01 zzzzzz zzzzzzzz    z + 1 registers are 0            (1 to 16384, high bits first)
//!      | 1 vvvvv ll            l + 1 registers are v + 1        (1 to 4, ranks up to 32)
//! ```
//! How a run is cut when one of its registers rises, and which neighbours are put together afterwards, is what Redis
//! does: values stay the same byte for byte.

use super::{Corrupt, Element, REGISTERS};
use std::fmt::Write;

const RANK_MAX: u8 = 32;
const SHORT_ZEROES_MAX: usize = 64;
const EQUAL_MAX: usize = 4;
/// Runs that are looked at after a change, to put neighbours together.
const LOOKED_AT: usize = 5;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Run {
    pub(super) rank: u8,
    pub(super) len: usize,
    /// How long it is in bytes.
    bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Raised {
    No,
    Yes,
    /// The sparse form cannot hold it.
    Full,
}

/// The first run of these bytes. None when they end within it.
fn read(bytes: &[u8]) -> Option<Run> {
    let &first = bytes.first()?;
    match first {
        0x80.. => Some(Run { rank: (first >> 2 & 31) + 1, len: usize::from(first & 3) + 1, bytes: 1 }),
        0x40.. => {
            let len = usize::from(first & 63) << 8 | usize::from(*bytes.get(1)?);
            Some(Run { rank: 0, len: len + 1, bytes: 2 })
        }
        _ => Some(Run { rank: 0, len: usize::from(first) + 1, bytes: 1 }),
    }
}

/// All runs; an error at the end when the last is cut.
pub(super) fn runs(mut bytes: &[u8]) -> impl Iterator<Item = Result<Run, Corrupt>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let run = read(bytes);
        bytes = run.map_or(&[], |run| &bytes[run.bytes..]);
        Some(run.ok_or(Corrupt))
    })
}

pub(super) fn push_empty(value: &mut Vec<u8>) {
    let mut new = Cut::default();
    new.zeroes(REGISTERS);
    value.extend_from_slice(new.bytes());
}

pub(super) fn get(bytes: &[u8], register: usize) -> Result<u8, Corrupt> {
    let mut first = 0;
    for run in runs(bytes) {
        let run = run?;
        first += run.len;
        if register < first {
            return Ok(run.rank);
        }
    }
    Err(Corrupt)
}

/// Raises a register of a value whose runs begin at `head`.
pub(super) fn raise(value: &mut Vec<u8>, head: usize, element: Element, max: usize) -> Result<Raised, Corrupt> {
    let Element { register, rank } = element;
    if rank > RANK_MAX {
        return Ok(Raised::Full);
    }
    let (mut at, mut before, mut first) = (head, head, 0);
    let run = loop {
        let run = read(&value[at..]).ok_or(Corrupt)?;
        if register < first + run.len {
            break run;
        }
        before = at;
        at += run.bytes;
        first += run.len;
    };
    if run.rank >= rank {
        return Ok(Raised::No);
    }
    let mut new = Cut::default();
    new.part(run.rank, register - first);
    new.part(rank, 1);
    new.part(run.rank, first + run.len - 1 - register);
    let new = new.bytes();
    if new.len() > run.bytes && value.len() + new.len() - run.bytes > max {
        return Ok(Raised::Full);
    }
    value.splice(at..at + run.bytes, new.iter().copied());
    put_together(value, before);
    Ok(Raised::Yes)
}

/// Puts equal neighbours together, beginning with the run at `at`.
fn put_together(value: &mut Vec<u8>, mut at: usize) {
    for _ in 0..LOOKED_AT {
        let Some(run) = value.get(at..).and_then(read) else { return };
        let next = read(&value[at + run.bytes..])
            .filter(|next| run.rank > 0 && next.rank == run.rank && next.len + run.len <= EQUAL_MAX);
        match next {
            Some(next) => {
                value.remove(at);
                value[at] = equal(run.rank, run.len + next.len);
            }
            None => at += run.bytes,
        }
    }
}

fn equal(rank: u8, len: usize) -> u8 {
    debug_assert!((1..=RANK_MAX).contains(&rank) && (1..=EQUAL_MAX).contains(&len));
    0x80 | (rank - 1) << 2 | (len - 1) as u8
}

/// What a run is cut into: at most three, of at most two bytes each.
#[derive(Default)]
struct Cut {
    bytes: [u8; 6],
    len: usize,
}

impl Cut {
    fn part(&mut self, rank: u8, len: usize) {
        match (rank, len) {
            (_, 0) => {}
            (0, len) => self.zeroes(len),
            (rank, len) => self.push(equal(rank, len)),
        }
    }

    fn zeroes(&mut self, len: usize) {
        debug_assert!((1..=REGISTERS).contains(&len));
        if len > SHORT_ZEROES_MAX {
            self.push(0x40 | ((len - 1) >> 8) as u8);
        }
        self.push((len - 1) as u8);
    }

    fn push(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

pub(super) fn text(bytes: &[u8]) -> Result<String, Corrupt> {
    let mut text = String::new();
    for run in runs(bytes) {
        let run = run?;
        let space = if text.is_empty() { "" } else { " " };
        let (name, len) = (if run.bytes == 1 { "z" } else { "Z" }, run.len);
        let written = match run.rank {
            0 => write!(text, "{space}{name}:{len}"),
            rank => write!(text, "{space}v:{rank},{len}"),
        };
        written.expect("a String takes everything");
    }
    Ok(text)
}
