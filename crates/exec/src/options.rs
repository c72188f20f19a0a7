//! The executor's options, and what happens when one of them changes.

use crate::acl;
use crate::client::ClientRecord;
use crate::node::{Node, alarm};
use crate::{compat, evict, evict_clients, latency, memory, notify, slowlog, tracking};
use kit::opt::{AnyOpt, Bool, Choice, Config, Int, Opt, Text, Words};
use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;

pub static DATABASES: Opt<Int> =
    Opt::int("databases", 16, 1..=65_000, "Number of databases, chosen with SELECT.").immutable();
pub static CLUSTER_ENABLED: Opt<Bool> =
    Opt::bool("cluster-enabled", false, "Cluster mode: keys are spread over nodes by slot.").immutable();
pub static REQUIREPASS: Opt<Text> =
    Opt::text("requirepass", "", "Password of the default user; empty: none is asked for.").sensitive();
pub static NOTIFY: Opt<Text> = Opt::text(
    "notify-keyspace-events",
    "",
    "Keyspace events that are published: K and E for the two kinds of channel, then classes.",
)
.check(notify_classes);
pub static LATENCY_TRACKING: Opt<Bool> = Opt::bool("latency-tracking", true, "Keeps a latency histogram per command.");
pub static PROTO_MAX_BULK: Opt<Int> = Opt::int(
    "proto-max-bulk-len",
    512 * 1024 * 1024,
    1024 * 1024..=i64::MAX,
    "Longest single word of a request, and longest string, in bytes.",
)
.memory();
pub static LAZY_EXPIRE: Opt<Bool> =
    Opt::bool("lazyfree-lazy-expire", true, "Values of expired keys are freed in the background.");
pub static LAZY_EVICTION: Opt<Bool> =
    Opt::bool("lazyfree-lazy-eviction", true, "Values of evicted keys are freed in the background.");
pub static LAZY_SERVER_DEL: Opt<Bool> =
    Opt::bool("lazyfree-lazy-server-del", true, "Values that a command replaces are freed in the background.");
pub static LAZY_USER_DEL: Opt<Bool> = Opt::bool("lazyfree-lazy-user-del", true, "DEL frees like UNLINK.");
pub static LAZY_USER_FLUSH: Opt<Bool> =
    Opt::bool("lazyfree-lazy-user-flush", true, "FLUSHALL and FLUSHDB free like with ASYNC.");
pub static RENAME_COMMAND: Opt<Words> = Opt::words(
    "rename-command",
    &[],
    "Gives a command another name, or none with an empty one. ACL rules are the better way.",
)
.check(rename_pairs)
.lines(rename_lines)
.gathers()
.immutable()
.hidden()
.file_only();
pub static RDB_COMPRESSION: Opt<Bool> =
    Opt::bool("rdbcompression", true, "Compresses strings in snapshots and in what DUMP gives.");

pub static IMPORT_MODE: Opt<Bool> =
    Opt::bool("import-mode", false, "Valkey: expiry and eviction are left to the tool that imports data.");

/// Who may use something dangerous: `enable-…` options.
const WHO: &[(&str, i64)] =
    &[("no", Allowed::No as i64), ("yes", Allowed::Yes as i64), ("local", Allowed::Local as i64)];

pub static ENABLE_PROTECTED: Opt<Choice> = Opt::choice(
    "enable-protected-configs",
    Allowed::No as i64,
    WHO,
    "Whether CONFIG SET may change options that could be used to attack the machine (`dir`, `dbfilename`).",
)
.immutable();
pub static ENABLE_DEBUG: Opt<Choice> = Opt::choice(
    "enable-debug-command",
    Allowed::No as i64,
    WHO,
    "Whether DEBUG may be used: by nobody, everybody, or clients of this machine.",
)
.immutable();
pub static ENABLE_MODULE: Opt<Choice> = Opt::choice(
    "enable-module-command",
    Allowed::No as i64,
    WHO,
    "Whether MODULE may be used: by nobody, everybody, or clients of this machine.",
)
.immutable();

pub static OPTIONS: &[&dyn AnyOpt] = &[
    &DATABASES,
    &CLUSTER_ENABLED,
    &compat::SAMPLE_RATIO,
    &REQUIREPASS,
    &IMPORT_MODE,
    &NOTIFY,
    &LATENCY_TRACKING,
    &PROTO_MAX_BULK,
    &LAZY_EXPIRE,
    &LAZY_EVICTION,
    &LAZY_SERVER_DEL,
    &LAZY_USER_DEL,
    &LAZY_USER_FLUSH,
    &RENAME_COMMAND,
    &RDB_COMPRESSION,
    &ENABLE_PROTECTED,
    &ENABLE_DEBUG,
    &ENABLE_MODULE,
    &acl::USER_LINES,
    &acl::ACL_FILE,
    &acl::LOG_LEN_MAX,
    &acl::CHANNELS_DEFAULT,
    &crate::scripts::BUSY_THRESHOLD,
    &slowlog::SLOWER_THAN,
    &slowlog::MAX_LEN,
    &slowlog::REQUEST_LARGER,
    &slowlog::LARGE_REQUESTS_MAX,
    &slowlog::REPLY_LARGER,
    &slowlog::LARGE_REPLIES_MAX,
    &latency::THRESHOLD,
    &tracking::TABLE_MAX_KEYS,
    &memory::MAXMEMORY,
    &evict_clients::LIMIT,
    &evict::POLICY,
    &evict::SAMPLES,
    &evict::TENACITY,
    &evict::LFU_LOG_FACTOR,
    &evict::LFU_DECAY_TIME,
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i64)]
enum Allowed {
    No = 0,
    Yes = 1,
    Local = 2,
}

/// Does this `enable-…` option let the client do it?
pub fn allows(config: &Config, option: &Opt<Choice>, client: &ClientRecord) -> bool {
    match config.get(option) {
        n if n == Allowed::No as i64 => false,
        n if n == Allowed::Local as i64 => client.is_local(),
        _ => true,
    }
}

fn notify_classes(text: &str) -> Result<String, String> {
    match notify::parse(text) {
        Some(classes) => Ok(notify::show(classes)),
        None => Err("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".into()),
    }
}

fn rename_pairs(words: &[String]) -> Result<Vec<String>, String> {
    match words.len() % 2 {
        0 => Ok(words.to_vec()),
        _ => Err("wrong number of arguments".into()),
    }
}

fn rename_lines(words: &[String]) -> Vec<String> {
    words.chunks(2).map(kit::text::join_words).collect()
}

/// `rename-command` rules: lower-case name to new name.
pub fn renames(config: &Config) -> HashMap<String, String> {
    let words = config.get(&RENAME_COMMAND);
    words.chunks_exact(2).map(|pair| (pair[0].to_ascii_lowercase(), pair[1].clone())).collect()
}

/// Takes over settings that are kept ready elsewhere for speed. Called at start and after CONFIG SET.
pub fn apply_all(node: &Node) {
    node.acl.take_over_requirepass(node);
    node.notify.store(notify::parse(&node.config.get(&NOTIFY)).unwrap_or(0), Relaxed);
    let limit = node.config.get(&memory::MAXMEMORY).max(0) as u64;
    node.memory.limit.store(limit, Relaxed);
    node.alarms.set(alarm::MAXMEMORY, limit > 0);
    node.alarms.set(alarm::COMPATIBILITY, node.config.get(&compat::SAMPLE_RATIO) > 0);
    tracking::trim_all(node);
    node.memory.clients_limit.store(evict_clients::limit_of(&node.config), Relaxed);
    node.memory.clients_stuck.store(false, Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{ClientId, flag};

    #[test]
    fn dangerous_things_are_for_nobody_this_machine_or_all() {
        let client = |addr: &str| ClientRecord::new(ClientId(1), 0, addr.into(), String::new(), 0);
        let socket = client("/tmp/socket:0");
        socket.set_flag(flag::UNIX_SOCKET, true);
        let clients =
            [client("127.0.0.1:5"), client("[::1]:5"), socket, client("10.0.0.1:5"), client("[2001:db8::1]:5")];
        let config = Config::new(&[OPTIONS]);
        for option in [&ENABLE_PROTECTED, &ENABLE_DEBUG, &ENABLE_MODULE] {
            for (setting, who) in [
                ("no", [false, false, false, false, false]),
                ("local", [true, true, true, false, false]),
                ("yes", [true, true, true, true, true]),
            ] {
                config.set(option.name(), &[setting]).expect("a setting");
                let allowed = clients.each_ref().map(|client| allows(&config, option, client));
                assert_eq!(allowed, who, "{} {setting}", option.name());
            }
        }
    }
}
