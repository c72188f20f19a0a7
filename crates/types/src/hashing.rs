//! The hash that tables inside collections are kept by: of members and fields.
//!
//! Seeded once a process, by the kernel, so that no client can choose members that all fall into one bucket. The order
//! of such a table (ZSCAN, SSCAN) therefore differs from run to run; nothing but that order may depend on it.

use foldhash::SharedSeed;
use foldhash::fast::FoldHasher;
use kit::world::Rng;
use std::hash::Hasher;
use std::sync::OnceLock;

struct Seeds {
    hasher: u64,
    shared: SharedSeed,
}

static SEEDS: OnceLock<Seeds> = OnceLock::new();

#[inline]
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let seeds = SEEDS.get_or_init(|| {
        // Tests repeat.
        let mut rng = if cfg!(test) { Rng::new(1) } else { Rng::from_entropy() };
        Seeds { hasher: rng.next_u64(), shared: SharedSeed::from_u64(rng.next_u64()) }
    });
    let mut hasher = FoldHasher::with_seed(seeds.hasher, &seeds.shared);
    hasher.write(bytes);
    hasher.finish()
}
