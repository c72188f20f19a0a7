//! One hash per key, and what its bits mean.
//!
//! ```text
//! shard 8 | unused 0..8 | tag 16 | ... | bucket bits 32        (from the high bits down)
//! ```
//! Seeded, so that a client cannot choose keys that all fall into one bucket. The three fields do not
//! overlap, so within a bucket of a shard all tags are equally likely.

use std::hash::Hasher;

use foldhash::SharedSeed;
use foldhash::fast::FoldHasher;

pub const SHARDS: usize = 256;
pub const SLOTS: u16 = 16384;
const SLOTS_PER_SHARD: u16 = SLOTS / SHARDS as u16;
const _: () = assert!((SLOTS as usize).is_multiple_of(SHARDS), "a shard owns whole slots");

const SHARD_SHIFT: u32 = 56;
const TAG_SHIFT: u32 = 40;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct KeyHash(pub u64);

impl KeyHash {
    #[inline]
    pub fn shard(self) -> usize {
        (self.0 >> SHARD_SHIFT) as usize
    }

    /// 16 bits that tell the entries of a bucket apart; never 0, which marks links.
    #[inline]
    pub fn tag(self) -> u16 {
        ((self.0 >> TAG_SHIFT) as u16).max(1)
    }

    /// The bits that choose the bucket, least significant first.
    #[inline]
    pub fn bits(self) -> u32 {
        self.0 as u32
    }

    /// Where the key stands in the order of SCAN and of the snapshot walk. A bucket is an interval of
    /// positions, and splitting it halves the interval: that is why the order survives growing.
    #[inline]
    pub fn position(self) -> u32 {
        self.bits().reverse_bits()
    }
}

/// A hash slot of cluster mode.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Slot(u16);

impl Slot {
    pub fn of(key: &[u8]) -> Slot {
        Slot(kit::crc::crc16(hash_tag(key)) % SLOTS)
    }

    pub fn new(slot: u16) -> Option<Slot> {
        (slot < SLOTS).then_some(Slot(slot))
    }

    pub fn number(self) -> u16 {
        self.0
    }

    pub fn shard(self) -> usize {
        usize::from(self.0 / SLOTS_PER_SHARD)
    }
}

/// What stands in the first `{...}` of a key, when that is not empty; else the whole key.
fn hash_tag(key: &[u8]) -> &[u8] {
    let Some(open) = key.iter().position(|&b| b == b'{') else { return key };
    let rest = &key[open + 1..];
    match rest.iter().position(|&b| b == b'}') {
        None | Some(0) => key,
        Some(close) => &rest[..close],
    }
}

/// What chooses a key's shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placement {
    ByHash,
    /// 64 cluster slots to a shard.
    BySlot,
}

#[derive(Clone)]
pub(crate) struct KeyHasher {
    start: u64,
    seeds: SharedSeed,
    placement: Placement,
}

impl KeyHasher {
    pub(crate) fn new(seed: u64, placement: Placement) -> KeyHasher {
        KeyHasher { start: seed.rotate_left(32) ^ 0x9e37_79b9_7f4a_7c15, seeds: SharedSeed::from_u64(seed), placement }
    }

    pub(crate) fn placement(&self) -> Placement {
        self.placement
    }

    #[inline]
    pub(crate) fn hash(&self, key: &[u8]) -> KeyHash {
        let hash = self.raw(key);
        match self.placement {
            Placement::ByHash => KeyHash(hash),
            Placement::BySlot => {
                let below = hash & ((1 << SHARD_SHIFT) - 1);
                KeyHash((Slot::of(key).shard() as u64) << SHARD_SHIFT | below)
            }
        }
    }

    /// Bucket bits alone: what splitting a bucket needs. Costs no CRC.
    #[inline]
    pub(crate) fn bits(&self, key: &[u8]) -> u32 {
        KeyHash(self.raw(key)).bits()
    }

    #[inline]
    fn raw(&self, key: &[u8]) -> u64 {
        let mut hasher = FoldHasher::with_seed(self.start, &self.seeds);
        hasher.write(key);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_redis_slots() {
        assert_eq!(Slot::of(b"foo").number(), 12182);
        assert_eq!(Slot::of(b"{foo}.bar").number(), 12182);
        assert_eq!(Slot::of(b"123456789").number(), 0x31c3);
        assert_eq!(hash_tag(b"a{}b"), b"a{}b");
        assert_eq!(hash_tag(b"a{b"), b"a{b");
        assert_eq!(hash_tag(b"a{{b}}"), b"{b");
        assert!(Slot::new(SLOTS).is_none());
    }

    #[test]
    fn placement_by_slot_changes_the_shard_only() {
        let (by_hash, by_slot) = (KeyHasher::new(7, Placement::ByHash), KeyHasher::new(7, Placement::BySlot));
        for number in 0..1000 {
            let key = format!("key:{number}");
            let (one, other) = (by_hash.hash(key.as_bytes()), by_slot.hash(key.as_bytes()));
            assert_eq!((one.tag(), one.bits()), (other.tag(), other.bits()));
            assert_eq!(other.shard(), Slot::of(key.as_bytes()).shard());
            assert_eq!(by_slot.bits(key.as_bytes()), other.bits());
        }
    }

    #[test]
    fn every_field_is_even_for_keys_that_differ_little() {
        let hasher = KeyHasher::new(1, Placement::ByHash);
        let (mut shards, mut low, mut tags) = (vec![0u32; 256], vec![0u32; 256], vec![0u32; 256]);
        for number in 0..256_000 {
            let hash = hasher.hash(format!("key:{number:012}").as_bytes());
            shards[hash.shard()] += 1;
            low[hash.bits() as usize & 255] += 1;
            tags[usize::from(hash.tag()) & 255] += 1;
        }
        for counts in [shards, low, tags] {
            // 1000 expected in each; six standard deviations are 190.
            assert!(counts.iter().all(|&count| (810..1190).contains(&count)), "{counts:?}");
        }
    }
}
