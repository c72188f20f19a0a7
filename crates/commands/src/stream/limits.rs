//! How large the chunks of a stream become.

use exec::Ctx;
use kit::opt::{Int, Opt};
use types::stream::ChunkLimits;

pub static NODE_BYTES_MAX: Opt<Int> =
    Opt::int("stream-node-max-bytes", 4096, 0..=i64::MAX, "Bytes of a stream's chunk; 0: no limit.").memory();
pub static NODE_ENTRIES_MAX: Opt<Int> =
    Opt::int("stream-node-max-entries", 100, 0..=i64::MAX, "Entries of a stream's chunk; 0: no limit.");

pub(super) fn chunk_limits(ctx: &Ctx) -> ChunkLimits {
    let config = &ctx.node.config;
    ChunkLimits {
        bytes: config.get(&NODE_BYTES_MAX).unsigned_abs(),
        entries: config.get(&NODE_ENTRIES_MAX).unsigned_abs(),
    }
}
