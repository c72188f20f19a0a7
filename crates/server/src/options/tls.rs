//! Encrypted connections.

use super::{INT_MAX, PORT_MAX, options};
use kit::opt::Opt;

options! {
    Int: Opt::int("tls-port", 0, 0..=PORT_MAX, "Port for encrypted connections; 0: none.");
    Text: Opt::text("tls-cert-file", "", "The server's certificate.");
    Text: Opt::text("tls-key-file", "", "The key of the certificate.");
    Text: Opt::text("tls-key-file-pass", "", "Password of the key.").sensitive();
    Text: Opt::text("tls-client-cert-file", "", "Certificate for connections to other servers.");
    Text: Opt::text("tls-client-key-file", "", "Its key.");
    Text: Opt::text("tls-client-key-file-pass", "", "Password of that key.").sensitive();
    Text: Opt::text("tls-dh-params-file", "", "Diffie-Hellman parameters, for old libraries.");
    Text: Opt::text("tls-ca-cert-file", "", "Certificates of those who sign peers'.");
    Text: Opt::text("tls-ca-cert-dir", "", "A folder of them.");
    Choice: Opt::choice(
        "tls-auth-clients",
        1,
        &[("no", 0), ("yes", 1), ("optional", 2)],
        "Whether clients must show a certificate.",
    );
    Choice: Opt::choice(
        "tls-auth-clients-user",
        0,
        &[("off", 0), ("CN", 1), ("URI", 2)],
        "Which field of a client's certificate names its user.",
    );
    Bool: Opt::bool("tls-replication", false, "Encrypts the connection to the master.");
    Bool: Opt::bool("tls-cluster", false, "Encrypts the cluster bus.");
    Text: Opt::text("tls-protocols", "", "Versions of the protocol; empty: 1.2 and 1.3.").multi_word();
    Text: Opt::text("tls-ciphers", "", "Ciphers for versions up to 1.2.");
    Text: Opt::text("tls-ciphersuites", "", "Cipher suites for version 1.3.");
    Bool: Opt::bool("tls-prefer-server-ciphers", false, "The server's order of ciphers counts, not the client's.");
    Bool: Opt::bool("tls-session-caching", true, "Clients may resume their sessions.");
    Int: Opt::int("tls-session-cache-size", 20 * 1024, 0..=INT_MAX, "Sessions kept.");
    Int: Opt::int("tls-session-cache-timeout", 300, 0..=INT_MAX, "Seconds for which they are kept.");
    Int: Opt::int("tls-auto-reload-interval", 0, 0..=INT_MAX, "Seconds after which certificates are read anew; 0: never.");
    Int: Opt::int("max-new-tls-connections-per-cycle", 1, 1..=1000, "Encrypted connections accepted in one turn.");
}
