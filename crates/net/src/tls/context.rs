//! What new encrypted connections begin with: certificate, authorities, ciphers, sessions, from the options.
//!
//! Read at start and when one of the options is set, files included. What cannot be used is refused and the old one
//! stays; connections that are there keep what they began with. Always true: sessions are not resumed across a change,
//! so nobody slips by what it demands.

use super::certs::{self, Source};
use super::{Tls, ciphers, sessions};
use crate::options::tls as options;
use exec::Node;
use parking_lot::RwLock;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, SupportedProtocolVersion, version};
use std::sync::Arc;

pub(crate) struct Context {
    current: RwLock<Option<Arc<ServerConfig>>>,
}

impl Context {
    pub(crate) fn new() -> Context {
        Context { current: RwLock::new(None) }
    }

    /// Reads the options and the files that they name.
    pub(crate) fn load(&self, node: &Node) -> Result<(), String> {
        let new = Arc::new(build(node)?);
        *self.current.write() = Some(new);
        Ok(())
    }

    /// The server's side of a new connection. `refusal` is what it gets to hear and no more.
    pub(crate) fn accept(&self, refusal: Option<&'static [u8]>) -> Option<Tls> {
        let config = self.current.read().clone()?;
        Tls::new(config, refusal)
    }
}

fn build(node: &Node) -> Result<ServerConfig, String> {
    let config = &node.config;
    let suites = ciphers::chosen(&config.get(&options::CIPHERS), &config.get(&options::CIPHERSUITES))?;
    let provider = Arc::new(CryptoProvider { cipher_suites: suites, ..default_provider() });
    let identity = identity(node)?;
    check_client_identity(node)?;

    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions(&config.get(&options::PROTOCOLS))?)
        .map_err(|error| error.to_string())?;
    let auth = config.get(&options::AUTH_CLIENTS);
    let builder = if auth == options::AUTH_NO {
        builder.with_no_client_auth()
    } else {
        let (file, folder) = (config.get(&options::CA_CERT_FILE), config.get(&options::CA_CERT_DIR));
        if file.is_empty() && folder.is_empty() {
            return Err("Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-auth-clients is \
                        enabled!"
                .into());
        }
        let file = Source { option: "tls-ca-cert-file", path: &file };
        let roots = certs::authorities(file, Source { option: "tls-ca-cert-dir", path: &folder })?;
        let mut verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
        if auth == options::AUTH_OPTIONAL {
            verifier = verifier.allow_unauthenticated();
        }
        builder.with_client_cert_verifier(verifier.build().map_err(|error| error.to_string())?)
    };
    let mut made = builder.with_cert_resolver(Arc::new(Only(Arc::new(identity))));
    made.ignore_client_order = config.get(&options::PREFER_SERVER_CIPHERS);
    // One ticket is enough for clients that resume at all, and they get a new one with each connection.
    made.send_tls13_tickets = usize::from(config.get(&options::SESSION_CACHING));
    made.session_storage = if config.get(&options::SESSION_CACHING) {
        let count_max = usize::try_from(config.get(&options::SESSION_CACHE_SIZE)).unwrap_or(0);
        let life_secs = config.get(&options::SESSION_CACHE_TIMEOUT).unsigned_abs();
        Arc::new(sessions::Sessions::new(Arc::clone(&node.clock), count_max, life_secs))
    } else {
        Arc::new(NoServerSessionStorage {})
    };
    if !config.get(&options::DH_PARAMS_FILE).is_empty() {
        kit::notice!("'tls-dh-params-file' has no effect: key exchange is by elliptic curves only");
    }
    Ok(made)
}

fn identity(node: &Node) -> Result<CertifiedKey, String> {
    let config = &node.config;
    let (cert, key) = (config.get(&options::CERT_FILE), config.get(&options::KEY_FILE));
    if cert.is_empty() {
        return Err("No tls-cert-file configured!".into());
    }
    if key.is_empty() {
        return Err("No tls-key-file configured!".into());
    }
    let cert = Source { option: "tls-cert-file", path: &cert };
    let key = Source { option: "tls-key-file", path: &key };
    certs::identity(cert, key, &config.get(&options::KEY_FILE_PASS), node.now())
}

/// The one for connections to other servers: wrong files are told of now and not when it is needed.
fn check_client_identity(node: &Node) -> Result<(), String> {
    let config = &node.config;
    let (cert, key) = (config.get(&options::CLIENT_CERT_FILE), config.get(&options::CLIENT_KEY_FILE));
    if cert.is_empty() {
        return Ok(());
    }
    if key.is_empty() {
        return Err("tls-client-cert-file needs a tls-client-key-file".into());
    }
    let cert = Source { option: "tls-client-cert-file", path: &cert };
    let key = Source { option: "tls-client-key-file", path: &key };
    certs::identity(cert, key, &config.get(&options::CLIENT_KEY_FILE_PASS), node.now()).map(|_| ())
}

fn versions(text: &str) -> Result<Vec<&'static SupportedProtocolVersion>, String> {
    let mut versions = Vec::new();
    for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
        match word.to_ascii_lowercase().as_str() {
            "tlsv1.2" => versions.push(&version::TLS12),
            "tlsv1.3" => versions.push(&version::TLS13),
            "tlsv1" | "tlsv1.1" => kit::warning!("tls-protocols: '{word}' is no longer safe and is left out"),
            _ => {
                return Err("Invalid tls-protocols specified. Use a combination of 'TLSv1.2' and 'TLSv1.3'.".into());
            }
        }
    }
    if versions.is_empty() {
        if !text.trim().is_empty() {
            return Err("tls-protocols: neither 'TLSv1.2' nor 'TLSv1.3' is allowed".into());
        }
        versions = vec![&version::TLS12, &version::TLS13];
    }
    Ok(versions)
}

/// Whatever name the client asks for.
#[derive(Debug)]
struct Only(Arc<CertifiedKey>);

impl ResolvesServerCert for Only {
    fn resolve(&self, _: ClientHello) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols() {
        assert_eq!(versions("").unwrap().len(), 2);
        assert_eq!(versions("TLSv1.2").unwrap(), [&version::TLS12]);
        assert_eq!(versions("TLSv1.1 tlsv1.3").unwrap(), [&version::TLS13]);
        assert!(versions("TLSv1").is_err() && versions("SSLv3").is_err());
    }
}
