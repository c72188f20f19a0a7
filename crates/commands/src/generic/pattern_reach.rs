//! Where the keys that fit a pattern can be.
//!
//! A pattern without wildcards is a key. In cluster mode all keys with one `{tag}` are in one slot, hence
//! in one shard, when the pattern fixes the tag: nothing but plain bytes up to the closing brace.

use keyspace::{Keyspace, Placement, Slot};
use kit::glob;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PatternReach {
    Everywhere,
    Shard(u8),
    /// The pattern itself is the only key that fits it.
    OneKey,
}

impl PatternReach {
    pub(super) fn of<X>(pattern: &[u8], keyspace: &Keyspace<X>) -> PatternReach {
        if glob::is_literal(pattern) {
            return PatternReach::OneKey;
        }
        match keyspace.placement() {
            Placement::ByHash => PatternReach::Everywhere,
            Placement::BySlot => match slot(pattern) {
                Some(slot) => PatternReach::Shard(slot.shard() as u8),
                None => PatternReach::Everywhere,
            },
        }
    }
}

/// The slot of every key that fits.
pub(super) fn slot(pattern: &[u8]) -> Option<Slot> {
    let open = pattern.iter().position(|&byte| byte == b'{')?;
    let close = open + pattern[open..].iter().position(|&byte| byte == b'}')?;
    // `{}` is no tag.
    let fixed = close > open + 1 && glob::is_literal(&pattern[..close]);
    fixed.then(|| Slot::of(&pattern[..=close]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_of_patterns() {
        for pattern in ["{foo}-*", "x{foo}*", "{foo}?{bar}", "{foo}}*"] {
            assert_eq!(slot(pattern.as_bytes()), Some(Slot::of(b"foo")), "{pattern}");
        }
        for pattern in ["*{foo}", "{}*", "{f*}", "{foo*", "foo}*", "\\{foo}*", "{f?o}", "[{]foo}", "*"] {
            assert_eq!(slot(pattern.as_bytes()), None, "{pattern}");
        }
    }
}
