//! How lists are kept in memory.

use exec::Ctx;
use kit::opt::{Int, Opt};
use types::list::Limit;

const C_INT: std::ops::RangeInclusive<i64> = i32::MIN as i64..=i32::MAX as i64;

pub static MAX_LISTPACK_SIZE: Opt<Int> = Opt::int(
    "list-max-listpack-size",
    -2,
    C_INT,
    "Elements up to which a list is packed, or, negative, its size: -1 to -5 for 4 to 64 KiB.",
)
.aliases(&["list-max-ziplist-size"]);

/// Kept for CONFIG and for files that have it; it has no effect.
pub static COMPRESS_DEPTH: Opt<Int> = Opt::int(
    "list-compress-depth",
    0,
    0..=i32::MAX as i64,
    "Accepted, without effect: no part of a list is compressed.",
);

/// Up to where a list is packed.
#[inline]
pub(crate) fn limit(ctx: &Ctx) -> Limit {
    Limit::from_setting(ctx.node.config.get(&MAX_LISTPACK_SIZE))
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn older_names() {
        node(&[("list-max-ziplist-size", "3")]).converse(
            "CONFIG GET list-max-listpack-size -> [list-max-listpack-size 3]; CONFIG GET list-max-ziplist-size -> [list-max-ziplist-size 3]; CONFIG SET list-compress-depth 2 -> +OK; CONFIG GET list-compress-depth -> [list-compress-depth 2]",
        );
    }

    #[test]
    fn the_limit_by_elements() {
        check(
            "CONFIG SET list-max-listpack-size 0; RPUSH l a -> :1; OBJECT ENCODING l -> listpack; RPUSH l b -> :2; OBJECT ENCODING l -> quicklist; LPOP l -> a; OBJECT ENCODING l -> quicklist",
        );
        check(
            "CONFIG SET list-max-listpack-size 3; RPUSH l a b c -> :3; OBJECT ENCODING l -> listpack; RPUSH l d -> :4; OBJECT ENCODING l -> quicklist; RPOP l 2; OBJECT ENCODING l -> quicklist; RPOP l; OBJECT ENCODING l -> listpack",
        );
        let grown = [
            "RPUSH l d",
            "LPUSH l d",
            "RPUSHX l d",
            "LINSERT l AFTER b d",
            "LSET l 0 d",
            "RPUSH m a; LMOVE m l LEFT LEFT",
            "LMOVE l l LEFT RIGHT",
        ];
        for line in grown {
            let stays = line.starts_with("LMOVE l l");
            let encoding = if stays { "listpack" } else { "quicklist" };
            check(&format!(
                "CONFIG SET list-max-listpack-size 3; RPUSH l a b c; {line} -> *; OBJECT ENCODING l -> {encoding}"
            ));
        }
        for line in ["LREM l 3 a", "LTRIM l 3 3", "RPOP l 3", "LPOP l 3", "LMPOP 1 l LEFT COUNT 3"] {
            check(&format!(
                "CONFIG SET list-max-listpack-size 3; RPUSH l a a a d; OBJECT ENCODING l -> quicklist; {line} -> *; OBJECT ENCODING l -> listpack"
            ));
        }
    }

    #[test]
    fn the_limit_by_bytes() {
        let large = "x".repeat(8192);
        check(&format!(
            "RPUSH l {large}; OBJECT ENCODING l -> quicklist; RPUSH l a b -> :3; RPOP l 2 -> [b a]; OBJECT ENCODING l -> quicklist; LSET l -1 c -> +OK; OBJECT ENCODING l -> listpack"
        ));
        check(&format!(
            "RPUSH l a b c; LINSERT l AFTER b {large} -> :4; OBJECT ENCODING l -> quicklist; LREM l 1 {large} -> :1; OBJECT ENCODING l -> listpack"
        ));
        check(&format!("RPUSH m {large}; RPUSH l a; RPOPLPUSH m l -> {large}; OBJECT ENCODING l -> quicklist"));
        let (much, more) = ("x".repeat(60_000), "x".repeat(5536));
        check(&format!(
            "CONFIG SET list-max-listpack-size -6; RPUSH l {much}; OBJECT ENCODING l -> listpack; RPUSH l {more}; OBJECT ENCODING l -> quicklist"
        ));
    }
}
