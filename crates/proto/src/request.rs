//! What a request is, and what a connection may ask for.
//!
//! Words are ranges of the connection's input buffer, not copies: a batch of requests is one list
//! of words beside the bytes as they came.
//! Knows nothing of how bytes become words (`resp`) or what words mean (`exec`).

use crate::error::ProtocolError;

/// A word of a request: a range of the connection's input buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    pub start: u32,
    pub len: u32,
}

impl Word {
    #[inline]
    pub fn of(self, buf: &[u8]) -> &[u8] {
        &buf[self.start as usize..self.start as usize + self.len as usize]
    }
}

/// A whole request. Its words stand in the `words` given to `Parser::next`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    pub first_word: u32,
    pub word_count: u32,
    /// Where its first byte is in the buffer; empty lines before it do not belong to it.
    pub start: usize,
    /// Just past its last byte: the `from` of the next call.
    pub end: usize,
}

impl Request {
    #[inline]
    pub fn words(self, words: &[Word]) -> &[Word] {
        &words[self.first_word as usize..self.first_word as usize + self.word_count as usize]
    }
}

/// A line with quotes in it: its words cannot be ranges of the buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlineRequest {
    /// Never empty.
    pub words: Vec<Vec<u8>>,
    pub start: usize,
    pub end: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Request(Request),
    Inline(InlineRequest),
    Incomplete {
        /// Bytes still missing of the word under way, its line end included; 0 when unknown. As
        /// announced by the client, so a hint for sizing a read, not a reason to allocate.
        wanted: usize,
        /// Everything before this offset is done with; the next call's `from`.
        consumed: usize,
    },
}

/// What a connection may ask for; read anew at each call, since CONFIG and AUTH change it.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// `proto-max-bulk-len`.
    pub bulk_len_max: u64,
    /// Longest line, also the longest that a length may go without its line end.
    pub inline_len_max: usize,
    pub word_count_max: u64,
    /// Before AUTH a stranger gets ten words of 16 KiB and no more.
    pub authenticated: bool,
}

impl Default for Limits {
    /// A server without a password.
    fn default() -> Limits {
        Limits {
            bulk_len_max: 512 << 20,
            inline_len_max: 64 << 10,
            word_count_max: i32::MAX as u64,
            authenticated: true,
        }
    }
}

const STRANGER_WORD_COUNT_MAX: u64 = 10;
const STRANGER_WORD_LEN_MAX: u64 = 16_384;

// A word is two u32, half the size of a range: the words of a batch are read by every later phase.
pub(crate) const POSITION_MAX: usize = u32::MAX as usize;

impl Limits {
    /// The longest word that this client may send.
    #[inline]
    pub(crate) fn word_len_max(&self) -> u64 {
        let len_max = self.bulk_len_max.min(POSITION_MAX as u64);
        if self.authenticated { len_max } else { len_max.min(STRANGER_WORD_LEN_MAX) }
    }

    /// Why a word of this length is refused; only for one longer than `word_len_max`.
    #[cold]
    pub(crate) fn refuse_word_len(&self, len: i64) -> ProtocolError {
        match u64::try_from(len) {
            Ok(len) if len <= self.bulk_len_max.min(POSITION_MAX as u64) => ProtocolError::UnauthenticatedBulkLength,
            Ok(_) | Err(_) => ProtocolError::InvalidBulkLength,
        }
    }

    #[inline]
    pub(crate) fn check_word_count(&self, count: u64) -> Result<u32, ProtocolError> {
        if count > self.word_count_max.min(i32::MAX as u64) {
            return Err(ProtocolError::InvalidMultibulkLength);
        }
        if count > STRANGER_WORD_COUNT_MAX && !self.authenticated {
            return Err(ProtocolError::UnauthenticatedMultibulkLength);
        }
        Ok(count as u32)
    }
}
