//! The moment a field dies at, as a request says it.

use exec::Error;
use kit::text;
use kit::world::UnixMs;

/// The last moment; Redis's.
const LAST: i64 = (1 << 46) - 1;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Unit {
    pub(super) ms: i64,
    pub(super) relative: bool,
}

pub(super) const EX: Unit = Unit { ms: 1000, relative: true };
pub(super) const PX: Unit = Unit { ms: 1, relative: true };
pub(super) const EXAT: Unit = Unit { ms: 1000, relative: false };
pub(super) const PXAT: Unit = Unit { ms: 1, relative: false };

/// The units of options, by their words.
pub(super) const WORDS: [(&str, Unit); 4] = [("EX", EX), ("PX", PX), ("EXAT", EXAT), ("PXAT", PXAT)];

impl Unit {
    /// `command` is named in the error.
    pub(super) fn moment(self, number: &[u8], now: UnixMs, command: &'static str) -> Result<i64, Error> {
        let number = text::parse_i64(number).ok_or(Error::NotInteger)?;
        if number < 0 {
            return Err(Error::Static("ERR invalid expire time, must be >= 0"));
        }
        let base = if self.relative { now.0 } else { 0 };
        let moment = number.checked_mul(self.ms).and_then(|ms| ms.checked_add(base));
        moment.filter(|&moment| moment <= LAST).ok_or(Error::InvalidExpire(command))
    }
}
