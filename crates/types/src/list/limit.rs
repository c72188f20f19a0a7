//! When a list leaves its packed form and when it returns: `list-max-listpack-size`, as Redis reads it.

/// Bytes by -1, -2 … -5; what is below -5 counts as -5.
const SIZES: [u64; 5] = [4096, 8192, 16_384, 32_768, 65_536];
/// A limit by number of elements holds up to this size.
const SAFE_BYTES: u64 = 8192;

/// How much a packed list may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limit {
    /// Bytes that a listpack of it would take.
    bytes: u64,
    count: u64,
}

impl Limit {
    /// From the setting: elements (0 is 1), or, negative, one of five sizes.
    pub fn from_setting(setting: i64) -> Limit {
        match usize::try_from(setting) {
            Ok(count) => Limit { bytes: SAFE_BYTES, count: (count as u64).max(1) },
            Err(_) => {
                let size = setting.unsigned_abs().min(SIZES.len() as u64) - 1;
                Limit { bytes: SIZES[size as usize], count: u64::MAX }
            }
        }
    }

    pub(super) fn admits(self, bytes: u64, count: u64) -> bool {
        bytes <= self.bytes && count <= self.count
    }

    /// To become packed again a list must be half as large, so that it does not change with every element.
    pub(super) fn half(self) -> Limit {
        let by_count = self.count < u64::MAX;
        // The safe size is no setting that could be halved.
        Limit { bytes: if by_count { self.bytes } else { self.bytes / 2 }, count: self.count / 2 }
    }
}

impl Default for Limit {
    fn default() -> Limit {
        Limit::from_setting(-2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings() {
        for (setting, bytes, count) in [
            (-1, 4096, u64::MAX),
            (-2, 8192, u64::MAX),
            (-5, 65_536, u64::MAX),
            (-6, 65_536, u64::MAX),
            (i64::MIN, 65_536, u64::MAX),
            (0, 8192, 1),
            (1, 8192, 1),
            (128, 8192, 128),
        ] {
            let limit = Limit::from_setting(setting);
            assert_eq!(limit, Limit { bytes, count }, "{setting}");
            assert!(limit.admits(bytes, 1) && !limit.admits(bytes + 1, 1));
            assert!(count == u64::MAX || !limit.admits(1, count + 1));
        }
        assert_eq!(Limit::from_setting(3).half(), Limit { bytes: 8192, count: 1 });
        assert!(Limit::from_setting(-1).half().admits(2048, 1 << 40));
        assert!(!Limit::from_setting(-1).half().admits(2049, 1));
    }
}
