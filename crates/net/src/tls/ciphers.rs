//! Which ciphers: `tls-ciphers` in OpenSSL's language, `tls-ciphersuites` as names.
//!
//! There are few here, all with forward secrecy and authentication: what OpenSSL knows beyond them (RSA key exchange,
//! CBC, DHE) is not offered, and a list of nothing else is refused.

use rustls::SupportedCipherSuite;
use rustls::crypto::ring::cipher_suite as suite;

struct Old {
    suite: SupportedCipherSuite,
    name: &'static str,
    /// Groups of OpenSSL that it belongs to, beside `COMMON`.
    groups: &'static [&'static str],
}

const COMMON: &[&str] = &["ALL", "DEFAULT", "HIGH", "TLSv1.2", "ECDHE", "EECDH", "kECDHE", "kEECDH"];

static OLD: &[Old] = &[
    Old {
        suite: suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        name: "ECDHE-ECDSA-AES256-GCM-SHA384",
        groups: &["ECDSA", "aECDSA", "AES", "AESGCM", "AES256", "SHA384"],
    },
    Old {
        suite: suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        name: "ECDHE-RSA-AES256-GCM-SHA384",
        groups: &["aRSA", "AES", "AESGCM", "AES256", "SHA384"],
    },
    Old {
        suite: suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        name: "ECDHE-ECDSA-AES128-GCM-SHA256",
        groups: &["ECDSA", "aECDSA", "AES", "AESGCM", "AES128", "SHA256"],
    },
    Old {
        suite: suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        name: "ECDHE-RSA-AES128-GCM-SHA256",
        groups: &["aRSA", "AES", "AESGCM", "AES128", "SHA256"],
    },
    Old {
        suite: suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        name: "ECDHE-ECDSA-CHACHA20-POLY1305",
        groups: &["ECDSA", "aECDSA", "CHACHA20"],
    },
    Old {
        suite: suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        name: "ECDHE-RSA-CHACHA20-POLY1305",
        groups: &["aRSA", "CHACHA20"],
    },
];

static NEW: &[(SupportedCipherSuite, &str)] = &[
    (suite::TLS13_AES_256_GCM_SHA384, "TLS_AES_256_GCM_SHA384"),
    (suite::TLS13_AES_128_GCM_SHA256, "TLS_AES_128_GCM_SHA256"),
    (suite::TLS13_CHACHA20_POLY1305_SHA256, "TLS_CHACHA20_POLY1305_SHA256"),
];

// OpenSSL has them too, so lists may name them.
const NEW_ELSEWHERE: &[&str] = &["TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"];

/// Both lists, the better ones first; an empty text stands for all.
pub(super) fn chosen(old: &str, new: &str) -> Result<Vec<SupportedCipherSuite>, String> {
    let mut suites = new_ones(new)?;
    suites.extend(old_ones(old)?.iter().map(|it| it.suite));
    Ok(suites)
}

fn new_ones(text: &str) -> Result<Vec<SupportedCipherSuite>, String> {
    if text.is_empty() {
        return Ok(NEW.iter().map(|(suite, _)| *suite).collect());
    }
    let mut chosen = Vec::new();
    for name in words(text) {
        match NEW.iter().find(|(_, known)| *known == name) {
            Some((suite, _)) => chosen.push(*suite),
            None if NEW_ELSEWHERE.contains(&name) => {}
            None => return Err(format!("tls-ciphersuites: unknown cipher suite '{name}'")),
        }
    }
    if chosen.is_empty() {
        let known: Vec<&str> = NEW.iter().map(|(_, name)| *name).collect();
        return Err(format!("tls-ciphersuites: none of them is supported, which are {}", known.join(", ")));
    }
    Ok(chosen)
}

fn old_ones(text: &str) -> Result<Vec<&'static Old>, String> {
    let mut chosen: Vec<&Old> = Vec::new();
    let mut banned: Vec<&str> = Vec::new();
    for word in words(if text.is_empty() { "ALL" } else { text }) {
        let (sign, group) = match word.as_bytes()[0] {
            sign @ (b'!' | b'-' | b'+') => (sign, &word[1..]),
            b'@' => continue, // how to sort, how strong: all are strong
            _ => (b' ', word),
        };
        let (fits, others): (Vec<&Old>, Vec<&Old>) = OLD.iter().partition(|it| belongs(it, group));
        let stays = |it: &&Old| others.iter().any(|other| other.name == it.name);
        match sign {
            b'+' => {
                let moved: Vec<&Old> = chosen.iter().copied().filter(|it| !stays(it)).collect();
                chosen.retain(stays);
                chosen.extend(moved);
            }
            b' ' => {
                let is_new = |it: &&Old| !banned.contains(&it.name) && !chosen.iter().any(|old| old.name == it.name);
                let added: Vec<&Old> = fits.into_iter().filter(is_new).collect();
                chosen.extend(added);
            }
            _ => {
                chosen.retain(stays);
                if sign == b'!' {
                    banned.extend(fits.iter().map(|it| it.name));
                }
            }
        }
    }
    if chosen.is_empty() {
        let known: Vec<&str> = OLD.iter().map(|it| it.name).collect();
        return Err(format!("tls-ciphers: none of them is supported, which are {}", known.join(", ")));
    }
    Ok(chosen)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([':', ' ', ',', ';']).filter(|word| !word.is_empty())
}

/// `ECDHE+AESGCM`: it is in all of these groups.
fn belongs(it: &Old, groups: &str) -> bool {
    groups.split('+').all(|group| group == it.name || COMMON.contains(&group) || it.groups.contains(&group))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn old(text: &str) -> String {
        match old_ones(text) {
            Ok(chosen) => chosen.iter().map(|it| it.name.trim_start_matches("ECDHE-")).collect::<Vec<_>>().join(" "),
            Err(_) => "refused".into(),
        }
    }

    #[test]
    fn the_language_of_openssl() {
        let all = old("");
        assert_eq!(all.split(' ').count(), 6);
        assert_eq!(
            (old("DEFAULT"), old("HIGH:!aNULL:!MD5"), old("DEFAULT:-AES128-SHA256")),
            (all.clone(), all.clone(), all)
        );
        assert_eq!(old("ECDHE-RSA-AES128-GCM-SHA256"), "RSA-AES128-GCM-SHA256");
        assert_eq!(
            old("ECDHE+CHACHA20:ECDHE+AESGCM+AES128+aRSA"),
            "ECDSA-CHACHA20-POLY1305 RSA-CHACHA20-POLY1305 RSA-AES128-GCM-SHA256"
        );
        assert_eq!(old("aRSA:-AES256:+AES128:@STRENGTH"), "RSA-CHACHA20-POLY1305 RSA-AES128-GCM-SHA256");
        assert_eq!(old("!CHACHA20,aECDSA CHACHA20:!AES128"), "ECDSA-AES256-GCM-SHA384");
        assert_eq!(
            (old("AES128-SHA256:AES256-SHA256"), old("nonsense"), old("ALL:!ALL")),
            ("refused".into(), "refused".into(), "refused".into())
        );
    }

    #[test]
    fn names_of_the_new_ones() {
        assert_eq!(new_ones("").unwrap().len(), 3);
        let two = new_ones("TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_128_GCM_SHA256").unwrap();
        assert_eq!(two, [NEW[2].0, NEW[1].0]);
        assert!(new_ones("TLS_NONE").is_err() && new_ones("TLS_AES_128_CCM_SHA256").is_err());
        assert_eq!(chosen("", "TLS_AES_128_GCM_SHA256").unwrap().len(), 7);
    }
}
