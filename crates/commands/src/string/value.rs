//! How bytes from a client are stored.

use exec::NewValue;
use types::string::encoding;

/// A number as a number when its text is the one we would print, other bytes as they are.
#[inline]
pub(crate) fn stored(bytes: &[u8]) -> NewValue<'_> {
    match encoding::is_int(bytes) {
        Some(n) => NewValue::Int(n),
        None => NewValue::Str(bytes),
    }
}
