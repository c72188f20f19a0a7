//! Encrypted connections: what is left of it. Those to clients are there (`net::options::tls`).

use super::{INT_MAX, options};
use kit::opt::Opt;

options! {
    Choice: Opt::choice(
        "tls-auth-clients-user",
        0,
        &[("off", 0), ("CN", 1), ("URI", 2)],
        "Which field of a client's certificate names its user.",
    );
    Bool: Opt::bool("tls-replication", false, "Encrypts the connection to the master.");
    Bool: Opt::bool("tls-cluster", false, "Encrypts the cluster bus.");
    Int: Opt::int("tls-auto-reload-interval", 0, 0..=INT_MAX, "Seconds after which certificates are read anew; 0: never.");
}
