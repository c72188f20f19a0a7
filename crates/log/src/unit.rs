//! A unit: what one command, transaction or script did, as the commands that reproduce it, in RESP.

/// All of a unit's commands are in the log after a crash, or none.
#[derive(Default, Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    bytes: Vec<u8>,
    /// Of each command: its database, and where it ends in `bytes`.
    ends: Vec<(u32, usize)>,
}

impl Unit {
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many commands.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        // A transaction of a million commands must not keep its memory for good.
        if self.bytes.capacity() > KEPT_BYTES_MAX {
            self.bytes = Vec::new();
            self.ends = Vec::new();
        }
    }

    pub fn push<'w>(&mut self, db: usize, words: impl ExactSizeIterator<Item = &'w [u8]>) {
        head(&mut self.bytes, b'*', words.len());
        for word in words {
            head(&mut self.bytes, b'$', word.len());
            self.bytes.extend_from_slice(word);
            self.bytes.extend_from_slice(b"\r\n");
        }
        self.ends.push((db as u32, self.bytes.len()));
    }

    /// Adds the commands of another unit.
    pub fn append(&mut self, other: &Unit) {
        let from = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.ends.extend(other.ends.iter().map(|&(db, end)| (db, from + end)));
    }

    /// The words of each command with its database.
    pub fn commands(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let mut from = 0;
        self.ends.iter().map(move |&(db, end)| {
            let bytes = &self.bytes[from..end];
            from = end;
            (db as usize, bytes)
        })
    }
}

const KEPT_BYTES_MAX: usize = 1 << 20;

/// `*3\r\n`, `$11\r\n`.
pub(crate) fn head(out: &mut Vec<u8>, kind: u8, number: usize) {
    if number < 10 {
        out.extend_from_slice(&[kind, b'0' + number as u8, b'\r', b'\n']);
        return;
    }
    let mut digits = [0; 24];
    let mut at = digits.len();
    let mut rest = number;
    while rest > 0 {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.push(kind);
    out.extend_from_slice(&digits[at..]);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_commands_as_resp() {
        let mut unit = Unit::default();
        unit.push(0, [&b"SET"[..], b"k", b"0123456789ab"].into_iter());
        unit.push(3, [&b"DEL"[..], b""].into_iter());
        let commands: Vec<_> = unit.commands().collect();
        assert_eq!(commands[0], (0, &b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$12\r\n0123456789ab\r\n"[..]));
        assert_eq!(commands[1], (3, &b"*2\r\n$3\r\nDEL\r\n$0\r\n\r\n"[..]));
        unit.clear();
        assert!(unit.is_empty());
    }
}
