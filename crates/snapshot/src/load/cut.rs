//! Takes bytes from a file and cuts them into pieces that others decode.

use kit::crc::crc64_update;
use std::io::{self, Read};
use types::rdb::{Error, Source};

const BLOCK: usize = 128 << 10;

/// A source that keeps what was taken until it is cut off.
pub(super) struct Cutter<R> {
    from: R,
    buf: Vec<u8>,
    /// Bytes of `buf` that were taken.
    taken: usize,
    /// Where `buf` begins in the file.
    start: u64,
    crc: Option<u64>,
}

impl<R: Read> Cutter<R> {
    pub(super) fn new(from: R, with_crc: bool) -> Cutter<R> {
        Cutter { from, buf: Vec::new(), taken: 0, start: 0, crc: with_crc.then_some(0) }
    }

    /// What was taken since the last cut, and where it began.
    pub(super) fn cut(&mut self) -> (u64, Vec<u8>) {
        let rest = self.buf[self.taken..].to_vec();
        self.buf.truncate(self.taken);
        let piece = std::mem::replace(&mut self.buf, rest);
        self.sum(&piece);
        let start = self.start;
        self.start += piece.len() as u64;
        self.taken = 0;
        (start, piece)
    }

    /// Forgets what was taken since the last cut.
    pub(super) fn drop_taken(&mut self) {
        let taken = std::mem::take(&mut self.taken);
        if let Some(crc) = &mut self.crc {
            *crc = crc64_update(*crc, &self.buf[..taken]);
        }
        self.start += taken as u64;
        self.buf.drain(..taken);
    }

    fn sum(&mut self, piece: &[u8]) {
        if let Some(crc) = &mut self.crc {
            *crc = crc64_update(*crc, piece);
        }
    }

    pub(super) fn taken_len(&self) -> usize {
        self.taken
    }

    /// Of all that was cut or dropped; None when it is not kept.
    pub(super) fn crc(&self) -> Option<u64> {
        self.crc
    }

    /// From now on no checksum is kept: the file has none.
    pub(super) fn without_crc(&mut self) {
        self.crc = None;
    }
}

impl<R: Read> Source for Cutter<R> {
    #[inline]
    fn buffered(&self) -> &[u8] {
        &self.buf[self.taken..]
    }

    fn fill(&mut self, want: usize) -> Result<(), Error> {
        while self.buf.len() - self.taken < want {
            let len = self.buf.len();
            // A long value doubles the buffer each time, with what has really come.
            self.buf.resize(len + BLOCK.max(len), 0);
            match self.from.read(&mut self.buf[len..]) {
                Ok(read) => {
                    self.buf.truncate(len + read);
                    if read == 0 {
                        return Err(Error::Short { offset: self.start + len as u64 });
                    }
                }
                Err(error) => {
                    self.buf.truncate(len);
                    if error.kind() != io::ErrorKind::Interrupted {
                        return Err(Error::Io(error));
                    }
                }
            }
        }
        Ok(())
    }

    #[inline]
    fn take(&mut self, len: usize) -> &[u8] {
        let taken = &self.buf[self.taken..][..len];
        self.taken += len;
        taken
    }

    #[inline]
    fn offset(&self) -> u64 {
        self.start + self.taken as u64
    }
}
