//! What the commands of consumer groups share: their errors.

use super::say::shown;
use exec::{Ctx, Error, Key};
use types::Stream;
use types::stream::Group;

pub(super) fn no_group(key: &[u8], group: &[u8]) -> Error {
    Error::text(format!("NOGROUP No such consumer group '{}' for key name '{}'", shown(group), shown(key)))
}

pub(super) fn no_key_or_group(key: &[u8], group: &[u8]) -> Error {
    Error::text(format!("NOGROUP No such key '{}' or consumer group '{}'", shown(key), shown(group)))
}

/// There must be such a group.
pub(super) fn must_exist(ctx: &mut Ctx, key: Key, group: &[u8]) -> Result<(), Error> {
    let found = ctx.db.read_before_write::<Stream>(key)?.is_some_and(|stream| stream.group(group).is_some());
    if found { Ok(()) } else { Err(no_key_or_group(key.bytes, group)) }
}

/// Milliseconds since `then`, never negative.
pub(super) fn idle(now_ms: i64, then_ms: i64) -> i64 {
    now_ms.saturating_sub(then_ms).max(0)
}

/// `entries_read` as it is shown.
pub(super) fn entries_read(group: &Group) -> Option<i64> {
    group.entries_read.map(|read| i64::try_from(read).unwrap_or(i64::MAX))
}
