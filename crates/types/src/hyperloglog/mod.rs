//! HyperLogLog: how many different elements were seen, within about 0.81 %, in at most 12 KiB.
//!
//! A value is a string, byte for byte what Redis would hold after the same commands:
//!
//! ```text
//! value := "HYLL" | encoding u8 (0 dense, 1 sparse) | 0 [3] | count u64, little endian, top bit: stale | registers
//! ```
//! An element's hash chooses one of 16384 registers; the register keeps the longest run of zero bits seen there,
//! plus one (its rank). Registers stand 6 bits each (`dense.rs`) or as runs (`sparse.rs`).
//! Knows nothing of keys: values come in and go out as bytes, and may be anything a client has written.
#![forbid(unsafe_code)]

mod dense;
mod estimate;
mod hash;
mod sparse;

pub use hash::Element;

pub const REGISTERS: usize = 1 << 14;
const HEAD: usize = 16;
const DENSE_LEN: usize = HEAD + dense::LEN;
const ENCODING_AT: usize = 4;
const COUNT_AT: usize = 8;
const STALE: u8 = 0x80;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    Dense,
    Sparse,
}

/// The runs do not cover the registers exactly.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Corrupt;

/// A value with all registers zero.
pub fn empty() -> Vec<u8> {
    let mut value = Vec::with_capacity(HEAD + 2);
    value.extend_from_slice(b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\0");
    sparse::push_empty(&mut value);
    value
}

/// None: these bytes are no HyperLogLog.
pub fn encoding(value: &[u8]) -> Option<Encoding> {
    if value.len() < HEAD || !value.starts_with(b"HYLL") {
        return None;
    }
    match value[ENCODING_AT] {
        0 if value.len() == DENSE_LEN => Some(Encoding::Dense),
        1 => Some(Encoding::Sparse),
        _ => None,
    }
}

/// A value that is known to be one.
fn is_dense(value: &[u8]) -> bool {
    value[ENCODING_AT] == 0
}

/// Would this element change the value?
pub fn would_raise(value: &[u8], element: Element) -> Result<bool, Corrupt> {
    let rank = match is_dense(value) {
        true => dense::get(&value[HEAD..], element.register),
        false => sparse::get(&value[HEAD..], element.register)?,
    };
    Ok(rank < element.rank)
}

/// Adds an element to a dense value, in place; true when it changed. The count is not made stale.
pub fn raise_dense(value: &mut [u8], element: Element) -> bool {
    assert!(is_dense(value) && value.len() == DENSE_LEN);
    dense::raise(&mut value[HEAD..], element)
}

/// Adds an element; true when it changed the value, which becomes dense when it is not to be sparse beyond
/// `sparse_max` bytes. The count is not made stale.
pub fn raise(value: &mut Vec<u8>, element: Element, sparse_max: usize) -> Result<bool, Corrupt> {
    if is_dense(value) {
        return Ok(raise_dense(value, element));
    }
    match sparse::raise(value, HEAD, element, sparse_max)? {
        sparse::Raised::No => Ok(false),
        sparse::Raised::Yes => Ok(true),
        sparse::Raised::Full => {
            *value = to_dense(value)?;
            Ok(raise_dense(value, element))
        }
    }
}

/// The same value, dense.
pub fn to_dense(value: &[u8]) -> Result<Vec<u8>, Corrupt> {
    if is_dense(value) {
        return Ok(value.to_vec());
    }
    let mut new = vec![0; DENSE_LEN];
    new[..HEAD].copy_from_slice(&value[..HEAD]);
    new[ENCODING_AT] = 0;
    let mut at = 0;
    for run in sparse::runs(&value[HEAD..]) {
        let run = run?;
        if at + run.len > REGISTERS {
            return Err(Corrupt);
        }
        if run.rank > 0 {
            for register in at..at + run.len {
                dense::raise(&mut new[HEAD..], Element { register, rank: run.rank });
            }
        }
        at += run.len;
    }
    if at == REGISTERS { Ok(new) } else { Err(Corrupt) }
}

/// The count that was kept, unless elements came after it.
pub fn kept_count(value: &[u8]) -> Option<u64> {
    let bytes: [u8; 8] = value[COUNT_AT..HEAD].try_into().expect("eight bytes");
    (bytes[7] & STALE == 0).then(|| u64::from_le_bytes(bytes))
}

pub fn keep_count(value: &mut [u8], count: u64) {
    value[COUNT_AT..HEAD].copy_from_slice(&count.to_le_bytes());
}

pub fn make_stale(value: &mut [u8]) {
    value[HEAD - 1] |= STALE;
}

/// About how many different elements were added.
pub fn count(value: &[u8]) -> Result<u64, Corrupt> {
    let mut ranks = estimate::Ranks::default();
    if is_dense(value) {
        dense::each(&value[HEAD..], |_, rank| ranks.add(rank, 1));
    } else {
        let mut covered = 0;
        for run in sparse::runs(&value[HEAD..]) {
            let run = run?;
            ranks.add(run.rank, run.len);
            covered += run.len;
        }
        if covered != REGISTERS {
            return Err(Corrupt);
        }
    }
    Ok(ranks.estimate())
}

/// The registers, a byte each: what several values are joined in.
#[derive(Clone)]
pub struct Registers(Box<[u8; REGISTERS]>);

impl Default for Registers {
    fn default() -> Registers {
        Registers(Box::new([0; REGISTERS]))
    }
}

impl Registers {
    /// Raises each register to what it is in the value.
    pub fn join(&mut self, value: &[u8]) -> Result<(), Corrupt> {
        if is_dense(value) {
            dense::each(&value[HEAD..], |register, rank| self.0[register] = self.0[register].max(rank));
            return Ok(());
        }
        let mut at = 0;
        for run in sparse::runs(&value[HEAD..]) {
            let run = run?;
            let part = self.0.get_mut(at..at + run.len).ok_or(Corrupt)?;
            part.iter_mut().for_each(|rank| *rank = (*rank).max(run.rank));
            at += run.len;
        }
        if at == REGISTERS { Ok(()) } else { Err(Corrupt) }
    }

    pub fn count(&self) -> u64 {
        let mut ranks = estimate::Ranks::default();
        self.0.iter().for_each(|&rank| ranks.add(rank, 1));
        ranks.estimate()
    }

    pub fn ranks(&self) -> &[u8] {
        &self.0[..]
    }

    /// One element for each register that is not zero, in order.
    pub fn elements(&self) -> impl Iterator<Item = Element> {
        let ranks = self.0.iter().enumerate().filter(|(_, rank)| **rank > 0);
        ranks.map(|(register, &rank)| Element { register, rank })
    }
}

/// The runs of a sparse value, for people: `Z:12711 v:2,1 Z:3672`.
pub fn sparse_text(value: &[u8]) -> Result<String, Corrupt> {
    sparse::text(&value[HEAD..])
}

#[cfg(test)]
mod tests;
