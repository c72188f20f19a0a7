//! The running server, seen from outside: over sockets, through real clients, beside real Redis.
//!
//! Each test starts its own `basalt` on a free port in a folder of its own and stops it at its end, so tests run in
//! parallel. `BASALT_TEST_SERVER=path` puts another server in its place (Redis's own, to test the tests).
//! What Redis 7.0 cannot do is left out then, by `Server::is_redis`.

mod bad_input;
mod cli;
mod client;
mod client_memory;
mod clients;
mod clients_types;
mod command_table;
mod conversations;
mod crash;
mod differential;
mod harness;
mod lists;
mod long_replies;
mod many_connections;
mod metrics;
mod migrate;
mod persistence;
mod pubsub;
mod report;
#[cfg(feature = "tls")]
mod tls;
mod tracking;
