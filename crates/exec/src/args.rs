//! The words of one request, and the keys found among them.
//!
//! Words are ranges of the connection's input buffer: nothing is copied. The keys were found and
//! hashed when the batch was planned; `key(i)` hands that hash on.

use keyspace::KeyHash;
use kit::text;
use kit::world::UnixMs;
use proto::{Error, Word};

/// A key and its hash.
#[derive(Clone, Copy)]
pub struct Key<'a> {
    pub bytes: &'a [u8],
    pub hash: KeyHash,
}

/// Where a key stands among the words.
#[derive(Clone, Copy)]
pub struct KeyAt {
    pub word: u32,
    pub hash: KeyHash,
}

pub struct Args<'a> {
    buf: &'a [u8],
    words: &'a [Word],
    keys: &'a [KeyAt],
    /// Hashes a word that the plan did not know as a key.
    hasher: &'a dyn Fn(&[u8]) -> KeyHash,
    /// The words that name the command: 1, or 2 for a subcommand.
    pub name_words: usize,
}

impl<'a> Args<'a> {
    pub fn new(buf: &'a [u8], words: &'a [Word], keys: &'a [KeyAt], hasher: &'a dyn Fn(&[u8]) -> KeyHash) -> Args<'a> {
        Args { buf, words, keys, hasher, name_words: 1 }
    }

    /// Number of words, the command's name included.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Word `i`; 0 is the command's name. Panics when there is none: arity was checked before.
    pub fn get(&self, i: usize) -> &'a [u8] {
        let word = self.words[i];
        &self.buf[word.start as usize..word.start as usize + word.len as usize]
    }

    /// Bytes from the first word to the last, what stands between them included.
    #[inline]
    pub fn span_bytes(&self) -> usize {
        match (self.words.first(), self.words.last()) {
            (Some(first), Some(last)) => ((last.start + last.len) - first.start) as usize,
            _ => 0,
        }
    }

    pub fn opt(&self, i: usize) -> Option<&'a [u8]> {
        (i < self.words.len()).then(|| self.get(i))
    }

    pub fn iter_from(&self, i: usize) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a, '_> {
        (i..self.len().max(i)).map(|i| self.get(i))
    }

    /// Word `i` as a key.
    pub fn key(&self, i: usize) -> Key<'a> {
        let bytes = self.get(i);
        // The first key is the common case; keys of MSET and DEL stand in order, so a guess by
        // their distance from the first one nearly always hits.
        if let Some(first) = self.keys.first() {
            if first.word as usize == i {
                return Key { bytes, hash: first.hash };
            }
            if let Some(second) = self.keys.get(1) {
                let step = (second.word as usize).wrapping_sub(first.word as usize).max(1);
                let guess = i.wrapping_sub(first.word as usize) / step;
                if let Some(at) = self.keys.get(guess).filter(|at| at.word as usize == i) {
                    return Key { bytes, hash: at.hash };
                }
            }
        }
        self.as_key(bytes)
    }

    /// Any bytes as a key (a key that is an option's value, built by the body …).
    pub fn as_key<'b>(&self, bytes: &'b [u8]) -> Key<'b> {
        Key { bytes, hash: (self.hasher)(bytes) }
    }

    /// The keys that the plan found, in the order of the key specs.
    pub fn planned_keys(&self) -> &'a [KeyAt] {
        self.keys
    }

    /// Word `i` is this word, in any case.
    pub fn is(&self, i: usize, word: &str) -> bool {
        i < self.len() && text::eq_ignore_case(self.get(i), word.as_bytes())
    }

    pub fn int(&self, i: usize) -> Result<i64, Error> {
        text::parse_i64(self.get(i)).ok_or(Error::NotInteger)
    }

    pub fn float(&self, i: usize) -> Result<f64, Error> {
        text::parse_f64(self.get(i)).ok_or(Error::NotFloat)
    }

    /// A count that must not be negative.
    pub fn count(&self, i: usize) -> Result<usize, Error> {
        let n = text::parse_i64(self.get(i)).ok_or(Error::MustBePositive)?;
        usize::try_from(n).map_err(|_| Error::MustBePositive)
    }

    pub fn opt_count(&self, i: usize) -> Result<Option<usize>, Error> {
        if i < self.len() { self.count(i).map(Some) } else { Ok(None) }
    }

    /// Seconds a command may wait, as a moment; none for 0, which is for ever.
    pub fn timeout(&self, i: usize, now: UnixMs) -> Result<Option<UnixMs>, Error> {
        let secs = text::parse_f64(self.get(i)).ok_or(Error::TimeoutNotFloat)?;
        deadline(secs * 1000.0, now)
    }

    /// The same in milliseconds (XREAD BLOCK).
    pub fn timeout_ms(&self, i: usize, now: UnixMs) -> Result<Option<UnixMs>, Error> {
        let ms = text::parse_i64(self.get(i)).ok_or(Error::Static("ERR timeout is not an integer or out of range"))?;
        deadline(ms as f64, now)
    }

    /// All words as text, for logs and MONITOR (lossy).
    pub fn text(&self, i: usize) -> String {
        String::from_utf8_lossy(self.get(i)).into_owned()
    }

    pub fn buf(&self) -> &'a [u8] {
        self.buf
    }

    pub fn words(&self) -> &'a [Word] {
        self.words
    }
}

fn deadline(ms: f64, now: UnixMs) -> Result<Option<UnixMs>, Error> {
    if ms < 0.0 {
        return Err(Error::TimeoutNegative);
    }
    // Rounded up: nobody gives up before the time that was asked for.
    let ms = ms.ceil();
    if ms >= i64::MAX as f64 || now.0.checked_add(ms as i64).is_none() {
        return Err(Error::Static("ERR timeout is out of range"));
    }
    Ok((ms > 0.0).then(|| now.saturating_add_ms(ms as i64)))
}
