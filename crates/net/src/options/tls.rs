//! The options of encrypted connections. They are there in a build without TLS too, which refuses `tls-port`.
//!
//! Setting one that names a file to what it was is a change: the file may be another one.

use kit::opt::{Bool, Choice, Int, Opt, Text};

pub static PORT: Opt<Int> = Opt::int("tls-port", 0, 0..=65_535, "TCP port for encrypted connections; 0: none.");
pub static CERT_FILE: Opt<Text> =
    Opt::text("tls-cert-file", "", "The server's certificate, then those that vouch for it, as PEM.").names_file();
pub static KEY_FILE: Opt<Text> =
    Opt::text("tls-key-file", "", "The private key of the certificate, as PEM.").names_file();
pub static KEY_FILE_PASS: Opt<Text> =
    Opt::text("tls-key-file-pass", "", "Password of the key, if it has one (PKCS #8 with AES).").sensitive();
pub static CLIENT_CERT_FILE: Opt<Text> = Opt::text(
    "tls-client-cert-file",
    "",
    "Certificate to show other servers; empty: the server's own. Checked, but there are no such connections yet.",
)
.names_file();
pub static CLIENT_KEY_FILE: Opt<Text> =
    Opt::text("tls-client-key-file", "", "The private key of `tls-client-cert-file`.").names_file();
pub static CLIENT_KEY_FILE_PASS: Opt<Text> =
    Opt::text("tls-client-key-file-pass", "", "Password of that key.").sensitive();
pub static DH_PARAMS_FILE: Opt<Text> =
    Opt::text("tls-dh-params-file", "", "Without effect: key exchange is by elliptic curves.").names_file();
pub static CA_CERT_FILE: Opt<Text> =
    Opt::text("tls-ca-cert-file", "", "Certificates of those who may vouch for clients, as PEM.").names_file();
pub static CA_CERT_DIR: Opt<Text> =
    Opt::text("tls-ca-cert-dir", "", "A folder of files like `tls-ca-cert-file`; all are read.").names_file();
pub static AUTH_CLIENTS: Opt<Choice> = Opt::choice(
    "tls-auth-clients",
    AUTH_YES,
    &[("no", AUTH_NO), ("yes", AUTH_YES), ("optional", AUTH_OPTIONAL)],
    "Whether clients must show a certificate; with `optional` one that is shown must be right.",
);
pub static PROTOCOLS: Opt<Text> =
    Opt::text("tls-protocols", "", "`TLSv1.2`, `TLSv1.3` or both; empty: both. Older ones are not supported.")
        .multi_word();
pub static CIPHERS: Opt<Text> =
    Opt::text("tls-ciphers", "", "Ciphers for TLS 1.2 in OpenSSL's language; empty: all that are supported.");
pub static CIPHERSUITES: Opt<Text> =
    Opt::text("tls-ciphersuites", "", "Cipher suites for TLS 1.3, with `:` between them; empty: all.");
pub static PREFER_SERVER_CIPHERS: Opt<Bool> =
    Opt::bool("tls-prefer-server-ciphers", false, "The server's order of ciphers counts, not the client's.");
pub static SESSION_CACHING: Opt<Bool> =
    Opt::bool("tls-session-caching", true, "Clients may resume a session, which spares most of a handshake.");
pub static SESSION_CACHE_SIZE: Opt<Int> =
    Opt::int("tls-session-cache-size", 20 * 1024, 0..=i32::MAX as i64, "Sessions kept; 0: no limit but their time.");
pub static SESSION_CACHE_TIMEOUT: Opt<Int> =
    Opt::int("tls-session-cache-timeout", 300, 0..=i32::MAX as i64, "Seconds for which a session is kept.");
pub static HANDSHAKES_A_TURN: Opt<Int> = Opt::int(
    "max-new-tls-connections-per-cycle",
    1,
    1..=1000,
    "Steps of handshakes that an event loop takes in one turn; they are long, and the other clients wait.",
);

pub const AUTH_NO: i64 = 0;
pub const AUTH_YES: i64 = 1;
pub const AUTH_OPTIONAL: i64 = 2;

/// Those that new connections begin with: a change of one makes all be read anew.
pub(crate) const OF_CONTEXT: &[&str] = &[
    "tls-cert-file",
    "tls-key-file",
    "tls-key-file-pass",
    "tls-client-cert-file",
    "tls-client-key-file",
    "tls-client-key-file-pass",
    "tls-dh-params-file",
    "tls-ca-cert-file",
    "tls-ca-cert-dir",
    "tls-auth-clients",
    "tls-protocols",
    "tls-ciphers",
    "tls-ciphersuites",
    "tls-prefer-server-ciphers",
    "tls-session-caching",
    "tls-session-cache-size",
    "tls-session-cache-timeout",
];
