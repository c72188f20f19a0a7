//! Where bytes come from, and what can be wrong with them.

use std::fmt;
use std::io::{self, Read};

#[derive(Debug)]
pub enum Error {
    /// The bytes end in the middle.
    Short {
        offset: u64,
    },
    /// Something does not fit together; the place is about where it was seen.
    Corrupt {
        what: &'static str,
        offset: u64,
    },
    UnknownType {
        type_byte: u8,
        offset: u64,
    },
    /// A value that only a module could read.
    Module {
        name: String,
        offset: u64,
    },
    Io(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Short { offset } => write!(f, "the data ends in the middle of a value, at byte {offset}"),
            Error::Corrupt { what, offset } => write!(f, "{what}, about byte {offset}"),
            Error::UnknownType { type_byte, offset } => write!(f, "unknown type {type_byte}, at byte {offset}"),
            Error::Module { name, offset } => write!(f, "a value of the module '{name}', at byte {offset}"),
            Error::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    pub(super) fn corrupt(what: &'static str, source: &impl Source) -> Error {
        Error::Corrupt { what, offset: source.offset() }
    }
}

/// Bytes that are taken one after the other.
pub trait Source {
    /// What is here and was not taken yet.
    fn buffered(&self) -> &[u8];

    /// Gets bytes until `want` of them are here, or fails with `Error::Short`. Memory grows with what arrives, not
    /// with what is wanted.
    fn fill(&mut self, want: usize) -> Result<(), Error>;

    /// Takes `len` of the buffered bytes, which stay here until the source is used again.
    fn take(&mut self, len: usize) -> &[u8];

    /// How many bytes were taken so far.
    fn offset(&self) -> u64;

    #[inline]
    fn need(&mut self, want: usize) -> Result<&[u8], Error> {
        if self.buffered().len() < want {
            self.fill(want)?;
        }
        Ok(self.buffered())
    }

    #[inline]
    fn advance(&mut self, len: usize) {
        self.take(len);
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, Error> {
        let byte = self.need(1)?[0];
        self.advance(1);
        Ok(byte)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let bytes = self.need(N)?.first_chunk().copied().unwrap_or([0; N]);
        self.advance(N);
        Ok(bytes)
    }

    /// Takes bytes that nobody wants, without having them here all at once.
    fn pass(&mut self, mut len: u64) -> Result<(), Error> {
        while len > 0 {
            let here = self.need(1)?.len();
            let step = here.min(usize::try_from(len).unwrap_or(here));
            self.advance(step);
            len -= step as u64;
        }
        Ok(())
    }
}

/// Bytes that are all here.
#[derive(Clone, Debug)]
pub struct Slice<'a> {
    rest: &'a [u8],
    taken: u64,
}

impl<'a> Slice<'a> {
    pub fn new(bytes: &'a [u8]) -> Slice<'a> {
        Slice { rest: bytes, taken: 0 }
    }

    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl Source for Slice<'_> {
    #[inline]
    fn buffered(&self) -> &[u8] {
        self.rest
    }

    #[inline]
    fn fill(&mut self, want: usize) -> Result<(), Error> {
        match self.rest.len() >= want {
            true => Ok(()),
            false => Err(Error::Short { offset: self.taken + self.rest.len() as u64 }),
        }
    }

    #[inline]
    fn take(&mut self, len: usize) -> &[u8] {
        let (taken, rest) = self.rest.split_at(len);
        self.rest = rest;
        self.taken += len as u64;
        taken
    }

    #[inline]
    fn offset(&self) -> u64 {
        self.taken
    }
}

const BLOCK: usize = 256 << 10;

/// Bytes that are read from somewhere, a block at a time; with the CRC-64 of what was taken if that is wanted.
pub struct Buffered<R> {
    from: R,
    buf: Vec<u8>,
    /// What is here: `buf[start..end]`.
    start: usize,
    end: usize,
    /// Bytes of the buffer that are in the checksum already, at most `start`.
    summed: usize,
    crc: Option<u64>,
    taken: u64,
}

impl<R: Read> Buffered<R> {
    pub fn new(from: R, with_crc: bool) -> Buffered<R> {
        Buffered { from, buf: Vec::new(), start: 0, end: 0, summed: 0, crc: with_crc.then_some(0), taken: 0 }
    }

    /// The CRC-64 of all bytes that were taken so far; 0 when none is kept.
    pub fn crc(&mut self) -> u64 {
        if let Some(crc) = &mut self.crc {
            *crc = kit::crc::crc64_update(*crc, &self.buf[self.summed..self.start]);
        }
        self.summed = self.start;
        self.crc.unwrap_or(0)
    }

    pub fn into_inner(self) -> R {
        self.from
    }

    /// Moves what is here to the front of the buffer, which gets its usual size again if it can.
    fn make_room(&mut self) {
        self.crc();
        self.buf.copy_within(self.start..self.end, 0);
        (self.end, self.start, self.summed) = (self.end - self.start, 0, 0);
        if self.buf.len() > 4 * BLOCK && self.end < BLOCK {
            self.buf.truncate(BLOCK);
            self.buf.shrink_to_fit();
        }
    }
}

impl<R: Read> Source for Buffered<R> {
    #[inline]
    fn buffered(&self) -> &[u8] {
        &self.buf[self.start..self.end]
    }

    fn fill(&mut self, want: usize) -> Result<(), Error> {
        while self.end - self.start < want {
            if self.end == self.buf.len() {
                if self.start > 0 {
                    self.make_room();
                }
                if self.end * 2 > self.buf.len() || self.buf.is_empty() {
                    self.buf.resize((2 * self.end).max(BLOCK), 0);
                }
            }
            match self.from.read(&mut self.buf[self.end..]) {
                Ok(0) => return Err(Error::Short { offset: self.taken + (self.end - self.start) as u64 }),
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::Io(error)),
            }
        }
        Ok(())
    }

    #[inline]
    fn take(&mut self, len: usize) -> &[u8] {
        let taken = &self.buf[self.start..self.end][..len];
        self.start += len;
        self.taken += len as u64;
        taken
    }

    #[inline]
    fn offset(&self) -> u64 {
        self.taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives few bytes at a time.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let len = self.1.min(to.len()).min(self.0.len());
            to[..len].copy_from_slice(&self.0[..len]);
            self.0 = &self.0[len..];
            Ok(len)
        }
    }

    #[test]
    fn buffered_is_as_a_slice() {
        let bytes: Vec<u8> = (0..600_000u32).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect();
        for drip in [1000, 70_000, usize::MAX] {
            let (mut slice, mut buffered) = (Slice::new(&bytes), Buffered::new(Drip(&bytes, drip), true));
            for len in [1, 5, 300_000, 0, 7, 200_000, 99_000] {
                assert_eq!(buffered.need(len).expect("enough")[..len], slice.need(len).expect("enough")[..len]);
                slice.advance(len / 2);
                buffered.advance(len / 2);
                slice.pass((len - len / 2) as u64).expect("enough");
                buffered.pass((len - len / 2) as u64).expect("enough");
                assert_eq!(buffered.offset(), slice.offset());
                assert_eq!(buffered.crc(), kit::crc::crc64(&bytes[..slice.offset() as usize]));
            }
            assert!(matches!(buffered.need(1000), Err(Error::Short { offset: 600_000 })));
            assert!(matches!(slice.need(1000), Err(Error::Short { offset: 600_000 })));
            assert!(matches!(buffered.pass(u64::MAX), Err(Error::Short { .. })));
            assert!(buffered.buf.len() <= 4 * BLOCK);
        }
    }
}
