//! Where small encodings of the data types end.

use super::{INT_MAX, INT_MIN, options};
use kit::opt::Opt;

options! {
    Int: Opt::int("hash-max-listpack-entries", 512, 0..=i64::MAX, "Fields up to which a hash is packed.")
        .aliases(&["hash-max-ziplist-entries"]);
    Int: Opt::int("hash-max-listpack-value", 64, 0..=i64::MAX, "Bytes of a field or value up to which it is packed.")
        .memory()
        .aliases(&["hash-max-ziplist-value"]);
    Int: Opt::int("set-max-intset-entries", 512, 0..=i64::MAX, "Members up to which a set of integers is an array.");
    Int: Opt::int("set-max-listpack-entries", 128, 0..=i64::MAX, "Members up to which a set is packed.");
    Int: Opt::int("set-max-listpack-value", 64, 0..=i64::MAX, "Bytes of a member up to which it is packed.");
    Int: Opt::int("zset-max-listpack-entries", 128, 0..=i64::MAX, "Members up to which a sorted set is packed.")
        .aliases(&["zset-max-ziplist-entries"]);
    Int: Opt::int("zset-max-listpack-value", 64, 0..=i64::MAX, "Bytes of a member up to which it is packed.")
        .memory()
        .aliases(&["zset-max-ziplist-value"]);
    Int: Opt::int(
        "list-max-listpack-size",
        -2,
        INT_MIN..=INT_MAX,
        "Elements of a list's chunk, or its size: -1 to -5 for 4 to 64 KiB.",
    )
    .aliases(&["list-max-ziplist-size"]);
    Int: Opt::int("list-compress-depth", 0, 0..=INT_MAX, "Chunks at both ends that stay uncompressed; 0: all do.");
    Int: Opt::int("hll-sparse-max-bytes", 3000, 0..=i64::MAX, "Bytes up to which a HyperLogLog stays sparse.").memory();
    Int: Opt::int("stream-node-max-bytes", 4096, 0..=i64::MAX, "Bytes of a stream's chunk; 0: no limit.").memory();
    Int: Opt::int("stream-node-max-entries", 100, 0..=i64::MAX, "Entries of a stream's chunk; 0: no limit.");
    Int: Opt::int("stream-idmp-duration", 100, 1..=86_400, "Seconds for which a producer's ids are remembered.");
    Int: Opt::int("stream-idmp-maxsize", 100, 1..=10_000, "Ids that are remembered for a producer.");
}
