//! The options of sockets and threads.

pub mod tls;

use crate::limits::{self, OutputLimits};
use crate::listen::Bind;
use kit::opt::{AnyOpt, Bool, Config, Int, Opt, Text, Words};

pub static BIND: Opt<Words> = Opt::words(
    "bind",
    &["*", "-::*"],
    "Addresses to listen on: `*` for all of IPv4, `::*` of IPv6; with a `-` before it, it may be missing.",
)
.check(|words| {
    if words.len() > BIND_COUNT_MAX {
        return Err("Too many bind addresses specified.".into());
    }
    // `bind ""` in a file is one empty word.
    Ok(words.iter().filter(|word| !word.is_empty()).cloned().collect())
});
pub static PORT: Opt<Int> = Opt::int("port", 6379, 0..=65_535, "TCP port; 0: none is opened.");
pub static UNIX_SOCKET: Opt<Text> =
    Opt::text("unixsocket", "", "Path of a unix socket to listen on; empty: none.").immutable();
pub static UNIX_SOCKET_PERM: Opt<Int> =
    Opt::int("unixsocketperm", 0, 0..=0o777, "Permissions of the unix socket; 0: as the umask says.")
        .octal()
        .immutable();
pub static BACKLOG: Opt<Int> =
    Opt::int("tcp-backlog", 511, 0..=i32::MAX as i64, "Connections that may wait to be accepted.").immutable();
pub static KEEPALIVE: Opt<Int> = Opt::int(
    "tcp-keepalive",
    300,
    0..=i32::MAX as i64,
    "Seconds of silence before a peer is probed for being alive; 0: never.",
);
pub static TIMEOUT: Opt<Int> =
    Opt::int("timeout", 0, 0..=i32::MAX as i64, "Seconds after which an idle client is closed; 0: never.");
pub static MAX_CLIENTS: Opt<Int> =
    Opt::int("maxclients", 10_000, 1..=u32::MAX as i64, "Clients connected at one time.");
pub static PROTECTED_MODE: Opt<Bool> =
    Opt::bool("protected-mode", true, "Refuses clients from other machines while the default user has no password.");
pub static IO_THREADS: Opt<Int> = Opt::int(
    "io-threads",
    0,
    0..=THREAD_COUNT_MAX as i64,
    "Event-loop threads, which read, run commands and answer; 0: one for each core.",
)
.immutable();
pub static QUERY_LIMIT: Opt<Int> = Opt::int(
    "client-query-buffer-limit",
    1 << 30,
    1 << 20..=i64::MAX,
    "Bytes of a request under way; a client with more is closed.",
)
.memory();
pub static OUTPUT_LIMIT: Opt<Words> = Opt::words(
    "client-output-buffer-limit",
    &["normal", "0", "0", "0", "slave", "268435456", "67108864", "60", "pubsub", "33554432", "8388608", "60"],
    "Unread replies after which a client is closed, for each class: hard limit, soft limit, soft seconds.",
)
.merge(limits::merge)
.lines(limits::lines);
pub static BIND_SOURCE: Opt<Text> =
    Opt::text("bind-source-addr", "", "Address that outgoing connections (replica, cluster) come from.");
pub static SOCKET_MARK: Opt<Int> = Opt::int(
    "socket-mark-id",
    0,
    0..=u32::MAX as i64,
    "Mark on the packets of listening sockets, for routing and filters; 0: none.",
)
.immutable();

pub static OPTIONS: &[&dyn AnyOpt] = &[
    &BIND,
    &PORT,
    &UNIX_SOCKET,
    &UNIX_SOCKET_PERM,
    &BACKLOG,
    &KEEPALIVE,
    &TIMEOUT,
    &MAX_CLIENTS,
    &PROTECTED_MODE,
    &IO_THREADS,
    &QUERY_LIMIT,
    &OUTPUT_LIMIT,
    &BIND_SOURCE,
    &SOCKET_MARK,
    &tls::PORT,
    &tls::CERT_FILE,
    &tls::KEY_FILE,
    &tls::KEY_FILE_PASS,
    &tls::CLIENT_CERT_FILE,
    &tls::CLIENT_KEY_FILE,
    &tls::CLIENT_KEY_FILE_PASS,
    &tls::DH_PARAMS_FILE,
    &tls::CA_CERT_FILE,
    &tls::CA_CERT_DIR,
    &tls::AUTH_CLIENTS,
    &tls::PROTOCOLS,
    &tls::CIPHERS,
    &tls::CIPHERSUITES,
    &tls::PREFER_SERVER_CIPHERS,
    &tls::SESSION_CACHING,
    &tls::SESSION_CACHE_SIZE,
    &tls::SESSION_CACHE_TIMEOUT,
    &tls::HANDSHAKES_A_TURN,
];

pub const THREAD_COUNT_MAX: usize = 128;
const BIND_COUNT_MAX: usize = 16;

/// How many event-loop threads a node made from this configuration should have (`Parts::threads`).
pub fn thread_count(config: &Config) -> usize {
    match config.get(&IO_THREADS) {
        0 => std::thread::available_parallelism().map_or(1, usize::from).min(THREAD_COUNT_MAX),
        count => count as usize,
    }
}

pub(crate) fn binds(config: &Config) -> Vec<Bind> {
    config.get(&BIND).iter().map(|word| Bind::parse(word)).collect()
}

/// What a loop looks at all the time, read anew when an option changed.
pub(crate) struct Settings {
    generation: u64,
    pub output: OutputLimits,
    pub query_bytes_max: usize,
    pub bulk_len_max: u64,
    pub timeout_ms: i64,
    pub handshakes_a_turn: i64,
    /// CLIENT LIST shows its own request in `qbuf`, as Redis does when it has no threads.
    pub show_own_query: bool,
}

impl Settings {
    pub(crate) fn read(config: &Config) -> Settings {
        Settings {
            generation: config.generation(),
            output: OutputLimits::of(&config.get(&OUTPUT_LIMIT)),
            query_bytes_max: usize::try_from(config.get(&QUERY_LIMIT)).unwrap_or(usize::MAX),
            bulk_len_max: config.get(&exec::options::PROTO_MAX_BULK).max(0) as u64,
            timeout_ms: config.get(&TIMEOUT).saturating_mul(1000),
            handshakes_a_turn: config.get(&tls::HANDSHAKES_A_TURN),
            show_own_query: config.get(&IO_THREADS) == 1,
        }
    }

    /// True when something changed.
    #[inline]
    pub(crate) fn refresh(&mut self, config: &Config) -> bool {
        let changed = config.generation() != self.generation;
        if changed {
            *self = Settings::read(config);
        }
        changed
    }
}
