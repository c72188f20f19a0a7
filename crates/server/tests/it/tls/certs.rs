//! Authorities and certificates, made for one test.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// In a folder: `ca`, `other-ca`; of the first `server`, `server2`, `client`, and `expired`; of the other `stranger`.
/// Each has a `.crt` and a `.key`.
pub(crate) struct Certs {
    dir: PathBuf,
}

impl Certs {
    pub(crate) fn new() -> Certs {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("basalt-certs-{}-{}", std::process::id(), NEXT.fetch_add(1, Relaxed));
        let certs = Certs { dir: std::env::temp_dir().join(name) };
        fs::create_dir_all(&certs.dir).expect("a folder");
        let (ca, other) = (certs.authority("ca"), certs.authority("other-ca"));
        for name in ["server", "server2", "client", "expired"] {
            certs.sign(name, &ca);
        }
        certs.sign("stranger", &other);
        certs
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.dir.join(name).to_string_lossy().into_owned()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir.join(name)).expect("a file")
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.dir.join(name), text).expect("a file");
    }

    fn authority(&self, name: &str) -> Issuer<'static, KeyPair> {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        self.write(&format!("{name}.crt"), &params.self_signed(&key).expect("a certificate").pem());
        Issuer::new(params, key)
    }

    fn sign(&self, name: &str, issuer: &Issuer<'static, KeyPair>) {
        let mut params = CertificateParams::new(vec!["localhost".into(), "127.0.0.1".into()]).expect("names");
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        if name == "expired" {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        }
        let key = KeyPair::generate().expect("a key");
        let cert = params.signed_by(&key, issuer).expect("a certificate");
        self.write(&format!("{name}.crt"), &cert.pem());
        self.write(&format!("{name}.key"), &key.serialize_pem());
    }
}

impl Drop for Certs {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}
