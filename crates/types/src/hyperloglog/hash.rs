//! What an element is to a HyperLogLog: a register and a rank.
//!
//! The hash is MurmurHash64A with the seed that Redis uses: another one would make values of two servers
//! incomparable.

const SEED: u64 = 0xadc8_3b19;
const REGISTER_BITS: u32 = super::REGISTERS.trailing_zeros();

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Element {
    pub(super) register: usize,
    /// 1 to 51.
    pub(super) rank: u8,
}

impl Element {
    pub fn of(bytes: &[u8]) -> Element {
        let hash = murmur_64a(bytes, SEED);
        // A bit beyond the last, so that there is always an end.
        let rest = hash >> REGISTER_BITS | 1 << (64 - REGISTER_BITS);
        Element { register: hash as usize % super::REGISTERS, rank: rest.trailing_zeros() as u8 + 1 }
    }
}

fn murmur_64a(bytes: &[u8], seed: u64) -> u64 {
    const M: u64 = 0xc6a4_a793_5bd1_e995;
    const R: u32 = 47;
    let mut hash = seed ^ (bytes.len() as u64).wrapping_mul(M);
    let (chunks, tail) = bytes.as_chunks::<8>();
    for chunk in chunks {
        let mut k = u64::from_le_bytes(*chunk).wrapping_mul(M);
        k ^= k >> R;
        hash = (hash ^ k.wrapping_mul(M)).wrapping_mul(M);
    }
    if !tail.is_empty() {
        let mut last = [0; 8];
        last[..tail.len()].copy_from_slice(tail);
        hash = (hash ^ u64::from_le_bytes(last)).wrapping_mul(M);
    }
    hash ^= hash >> R;
    hash = hash.wrapping_mul(M);
    hash ^ hash >> R
}
