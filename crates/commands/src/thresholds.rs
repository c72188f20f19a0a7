//! Up to where small collections are made, for whoever makes whole ones: loading, RESTORE.

use crate::{hash, list, set, sorted_set};
use kit::opt::{Config, Int, Opt};
use types::rdb::Thresholds;

/// As the options of the types say now.
pub fn thresholds(config: &Config) -> Thresholds {
    let get = |option: &Opt<Int>| usize::try_from(config.get(option)).unwrap_or(usize::MAX);
    Thresholds {
        hash: types::hash::Limits {
            fields: get(&hash::limits::FIELDS_MAX),
            text_len: get(&hash::limits::TEXT_LEN_MAX),
        },
        list: types::list::Limit::from_setting(config.get(&list::options::MAX_LISTPACK_SIZE)),
        set: types::set::Limits {
            ints: get(&set::limits::INTS),
            packed: get(&set::limits::PACKED),
            packed_value: get(&set::limits::PACKED_VALUE),
        },
        sorted_set: types::sorted_set::Limits {
            entries: get(&sorted_set::limits::ENTRIES),
            value: get(&sorted_set::limits::VALUE),
        },
    }
}
