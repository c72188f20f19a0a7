//! Which hashes of members were seen: finds a member that comes twice while a small collection is loaded.
//!
//! Only says "maybe": equal hashes are looked at by who asks. Large collections find doubles by themselves.

use super::read::trim;
use crate::list::PackBuilder;

/// Room for making small collections, used again for the next one.
pub(crate) struct Bench {
    pub(crate) seen: Seen,
    /// The small form, as far as it is.
    pub(crate) bytes: Vec<u8>,
    /// And of it what stands elsewhere.
    pub(crate) codes: Vec<u8>,
    pub(crate) tags: Vec<u8>,
    /// Of a list.
    pub(crate) pack: PackBuilder,
}

impl Bench {
    /// `looks`: are members that come twice looked for?
    pub(crate) fn new(looks: bool) -> Bench {
        Bench {
            seen: Seen::new(looks),
            bytes: Vec::new(),
            codes: Vec::new(),
            tags: Vec::new(),
            pack: PackBuilder::default(),
        }
    }

    /// Gives back what one huge value needed.
    pub(super) fn trim(&mut self) {
        trim(&mut self.bytes);
        trim(self.pack.room());
    }
}

/// See the top of the file. One serves many collections, one after the other.
pub(crate) struct Seen {
    /// Hashes, 0 for none; a power of two of them, at most half full.
    slots: Vec<u64>,
    used: usize,
    looks: bool,
}

const SLOTS_MIN: usize = 64;

impl Seen {
    fn new(looks: bool) -> Seen {
        Seen { slots: Vec::new(), used: 0, looks }
    }

    pub(crate) fn looks(&self) -> bool {
        self.looks
    }

    /// Forgets all. Costs about as much as was seen.
    pub(crate) fn reset(&mut self) {
        self.slots.clear();
        self.slots.resize(SLOTS_MIN, 0);
        self.used = 0;
    }

    /// False when it was there.
    #[inline]
    pub(crate) fn insert(&mut self, hash: u64) -> bool {
        if 2 * self.used >= self.slots.len() {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let hash = hash | 1;
        let mut at = (hash >> 20) as usize & mask;
        while self.slots[at] != 0 {
            if self.slots[at] == hash {
                return false;
            }
            at = (at + 1) & mask;
        }
        self.slots[at] = hash;
        self.used += 1;
        true
    }

    fn grow(&mut self) {
        let slots = (2 * self.slots.len()).max(SLOTS_MIN);
        let old = std::mem::replace(&mut self.slots, vec![0; slots]);
        self.used = 0;
        old.into_iter().filter(|&hash| hash != 0).for_each(|hash| {
            self.insert(hash);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_comes_twice() {
        let mut seen = Seen::new(true);
        for round in 0..2 {
            for i in 0..1000 * (1 - round) + 10u64 {
                assert!(seen.insert(i.wrapping_mul(0x9e37_79b9_7f4a_7c14) & !1), "{i}");
            }
            assert!((0..10u64).all(|i| !seen.insert(i.wrapping_mul(0x9e37_79b9_7f4a_7c14) & !1)));
            seen.reset();
        }
        assert!(seen.insert(0) && !seen.insert(0));
    }
}
