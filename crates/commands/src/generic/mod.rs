//! Commands that work on keys of any type.

pub mod copy;
pub mod del;
pub mod dump;
pub mod exists;
pub mod expire;
pub mod keys;
pub mod migrate;
pub mod move_key;
pub mod object;
mod pattern_reach;
pub mod persist;
pub mod randomkey;
pub mod rename;
pub mod restore;
pub mod scan;
pub(crate) mod scan_options;
pub mod sort;
mod sort_words;
pub mod touch;
pub mod ttl;
pub mod type_of;
pub mod wait;
pub mod waitaof;

use exec::{Arg, ArgKind, Command};

pub static COMMANDS: &[&Command] = &[
    &copy::COPY,
    &del::DEL,
    &del::UNLINK,
    &dump::DUMP,
    &exists::EXISTS,
    &expire::EXPIRE,
    &expire::EXPIREAT,
    &expire::PEXPIRE,
    &expire::PEXPIREAT,
    &keys::KEYS,
    &migrate::MIGRATE,
    &move_key::MOVE,
    &object::OBJECT,
    &persist::PERSIST,
    &randomkey::RANDOMKEY,
    &rename::RENAME,
    &rename::RENAMENX,
    &restore::RESTORE,
    &restore::RESTORE_ASKING,
    &scan::SCAN,
    &sort::SORT,
    &sort::SORT_RO,
    &touch::TOUCH,
    &ttl::EXPIRETIME,
    &ttl::PEXPIRETIME,
    &ttl::PTTL,
    &ttl::TTL,
    &type_of::TYPE,
    &wait::WAIT,
    &waitaof::WAITAOF,
];

/// The only key, and any number of keys, in `COMMAND DOCS`.
const KEY: Arg = Arg { name: "key", kind: ArgKind::Key, key_spec: Some(0), ..Arg::BASE };
const MANY_KEYS: Arg = Arg { multiple: true, ..KEY };
/// Tips of commands that a proxy may split by key, adding up the answers.
const SPLIT_BY_KEY: &[&str] = &["request_policy:multi_shard", "response_policy:agg_sum"];
/// Tip of commands whose answer depends on time or on what was used when.
const NEVER_THE_SAME: &[&str] = &["nondeterministic_output"];
