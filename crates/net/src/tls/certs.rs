//! Certificates and keys from files, PEM as OpenSSL writes it.
//!
//! An error names the option, the file and what is wrong. Certificates of X.509 version 1 are fine for the server
//! itself and for authorities (Redis's own test script makes such ones), so what stands in ours is looked at by hand.

use super::{der, encrypted_key};
use kit::world::UnixMs;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use std::path::Path;
use std::sync::Arc;

/// An option that names a file, and the file.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub option: &'static str,
    pub path: &'a str,
}

impl Source<'_> {
    fn wrong(&self, what: impl std::fmt::Display) -> String {
        format!("{} '{}': {what}", self.option, self.path)
    }

    fn read(&self) -> Result<Vec<u8>, String> {
        std::fs::read(self.path).map_err(|error| self.wrong(plain(&error)))
    }
}

/// A certificate (and who vouches for it) with its key, which fit each other.
pub(super) fn identity(cert: Source, key: Source, password: &str, now: UnixMs) -> Result<CertifiedKey, String> {
    let chain = certificates(cert, &cert.read()?)?;
    let key_der = private_key(key, password)?;
    let signer = rustls::crypto::ring::sign::any_supported_type(&key_der).map_err(|error| key.wrong(error))?;
    let first = chain.first().and_then(|first| der::look_at_cert(first));
    let look = first.ok_or_else(|| cert.wrong("it is no certificate"))?;
    if !belong_together(signer.as_ref(), look.public_key) {
        return Err(key.wrong(format!("key values mismatch: it is not the key of '{}'", cert.path)));
    }
    if look.valid_until.is_some_and(|until| until < now.secs()) {
        kit::warning!("{}", cert.wrong("the certificate has expired, clients will refuse it"));
    }
    Ok(CertifiedKey::new(chain, signer))
}

fn belong_together(signer: &dyn SigningKey, public_key: &[u8]) -> bool {
    signer.public_key().is_none_or(|own| own.as_ref() == public_key)
}

fn certificates(source: Source, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|error| source.wrong(error))?;
    if all.is_empty() { Err(source.wrong("there is no certificate in it")) } else { Ok(all) }
}

fn private_key(source: Source, password: &str) -> Result<PrivateKeyDer<'static>, String> {
    const LOCKED: &str = "ENCRYPTED PRIVATE KEY-----";
    let pem = source.read()?;
    let text = String::from_utf8_lossy(&pem);
    if text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(source.wrong(
            "it is encrypted in the old form of PEM, which is not supported; this makes a new one: openssl pkcs8 \
             -topk8 -in OLD -out NEW",
        ));
    }
    if !text.contains(LOCKED) {
        return PrivateKeyDer::from_pem_slice(&pem).map_err(|error| source.wrong(format!("no private key: {error}")));
    }
    if password.is_empty() {
        return Err(source.wrong(format!("it is encrypted and {}-pass is not set", source.option)));
    }
    // The reader of PEM knows no such section, but only its title is different.
    let text = text.replace(LOCKED, "PRIVATE KEY-----");
    let locked = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| source.wrong(error))?;
    let key = encrypted_key::open(locked.secret_der(), password).map_err(|error| source.wrong(error))?;
    Ok(key.into())
}

/// Who may vouch for clients: the certificates of a file, and of all files of a folder.
pub(super) fn authorities(file: Source, folder: Source) -> Result<Arc<RootCertStore>, String> {
    let mut store = RootCertStore::empty();
    if !file.path.is_empty() {
        add(&mut store, file, certificates(file, &file.read()?)?);
    }
    if !folder.path.is_empty() {
        let entries = std::fs::read_dir(folder.path).map_err(|error| folder.wrong(plain(&error)))?;
        for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()) {
            add(&mut store, folder, in_folder(&path));
        }
    }
    if store.is_empty() {
        let source = if file.path.is_empty() { folder } else { file };
        return Err(source.wrong("there is no authority's certificate in it that can be used"));
    }
    Ok(Arc::new(store))
}

/// A folder may hold other things too.
fn in_folder(path: &Path) -> Vec<CertificateDer<'static>> {
    let pem = std::fs::read(path).unwrap_or_default();
    CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect()
}

fn add(store: &mut RootCertStore, source: Source, certificates: Vec<CertificateDer<'static>>) {
    let (_, unusable) = store.add_parsable_certificates(certificates);
    if unusable > 0 {
        kit::warning!("{}", source.wrong(format!("{unusable} of its certificates cannot be used and are left out")));
    }
}

/// "No such file or directory", without the number.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
