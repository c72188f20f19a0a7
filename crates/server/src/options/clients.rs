//! Scripts, tracking, limits of clients and what is told of commands.

use super::{INT_MAX, options};
use kit::opt::Opt;

options! {
    Bool: Opt::bool("lua-enable-deprecated-api", false, "Redis: offers functions to scripts that were withdrawn.")
        .immutable()
        .hidden();
    Bool: Opt::bool("lua-enable-insecure-api", false, "Valkey: offers functions to scripts that were withdrawn.");
    Bool: Opt::bool("hide-user-data-from-log", false, "Keeps data of clients out of the log.");
    Int: Opt::int("max-new-connections-per-cycle", 10, 1..=1000, "Connections accepted in one turn.");
    Text: Opt::text("unixsocketgroup", "", "Valkey: group of the unix socket.").immutable().hidden();
    Bool: Opt::bool("mptcp", false, "Valkey: multipath TCP for clients.").immutable().hidden();
    Text: Opt::text("rdma-bind", "", "Valkey: addresses for clients that use RDMA.").multi_word();
    Int: Opt::int("rdma-port", 0, 0..=super::PORT_MAX, "Valkey: port for clients that use RDMA; 0: none.");
    Int: Opt::int("rdma-rx-size", 1 << 20, 1 << 16..=16 << 20, "Valkey: receive buffer of an RDMA connection.").immutable().hidden();
    Int: Opt::int("rdma-completion-vector", -1, -1..=1024, "Valkey: completion vector of RDMA.").immutable().hidden();
    Bool: Opt::bool("extended-redis-compatibility", false, "Valkey: answers as Redis in more places.");
    Int: Opt::int("active-expire-effort", 1, 1..=10, "How much time the search for expired keys may take.");
    Int: Opt::int("lookahead", 16, 1..=INT_MAX, "Redis 8.4: requests of a client that are parsed ahead.");
}
