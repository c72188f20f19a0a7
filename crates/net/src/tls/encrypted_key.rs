//! Private keys under a password: PKCS #8 with PBES2, which is what OpenSSL writes today.
//!
//! The password and a salt make a key (PBKDF2), which opens the content (AES in CBC mode). Older forms are named and
//! refused; `openssl pkcs8 -topk8` turns them into this one.

use super::der::{INTEGER, OCTETS, OID, SEQUENCE, expect, next};
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, KeyIvInit};
use ring::pbkdf2;
use rustls::pki_types::PrivatePkcs8KeyDer;
use std::num::NonZeroU32;

// Identifiers as they stand in the file.
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
const HMAC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02]; // and which
const AES: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01]; // and which

// A thousand times what OpenSSL uses; more would only stop the server for minutes.
const ROUNDS_MAX: u32 = 10_000_000;

const OTHER_FORM: &str = "its encryption is of a kind that is not supported; this makes one that is: \
                          openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD -out NEW";
const WRONG_PASSWORD: &str = "the password is wrong";

/// Opens the DER form of an EncryptedPrivateKeyInfo.
pub(super) fn open(mut der: &[u8], password: &str) -> Result<PrivatePkcs8KeyDer<'static>, String> {
    let locked = read(&mut der).ok_or("it is damaged")??;
    let mut key = [0; 32];
    let key = &mut key[..locked.key_len];
    pbkdf2::derive(locked.hash, locked.rounds, locked.salt, password.as_bytes(), key);
    let mut content = locked.content.to_vec();
    let opened = match locked.key_len {
        16 => decrypt::<aes::Aes128>(key, locked.iv, &mut content),
        24 => decrypt::<aes::Aes192>(key, locked.iv, &mut content),
        _ => decrypt::<aes::Aes256>(key, locked.iv, &mut content),
    };
    // The wrong key makes noise: it may end like a text by chance, but does not begin like a key.
    let opened = opened.filter(|opened| expect(&mut { *opened }, SEQUENCE).is_some()).ok_or(WRONG_PASSWORD)?;
    Ok(opened.to_vec().into())
}

struct Locked<'a> {
    hash: pbkdf2::Algorithm,
    rounds: NonZeroU32,
    salt: &'a [u8],
    key_len: usize,
    iv: &'a [u8],
    content: &'a [u8],
}

/// `None`: it is no such thing at all.
fn read<'a>(der: &mut &'a [u8]) -> Option<Result<Locked<'a>, String>> {
    let mut all = expect(der, SEQUENCE)?;
    let mut how = expect(&mut all, SEQUENCE)?;
    let content = expect(&mut all, OCTETS)?;
    if expect(&mut how, OID)? != PBES2 {
        return Some(Err(OTHER_FORM.into()));
    }
    let mut how = expect(&mut how, SEQUENCE)?;
    let (mut kdf, mut cipher) = (expect(&mut how, SEQUENCE)?, expect(&mut how, SEQUENCE)?);
    if expect(&mut kdf, OID)? != PBKDF2 {
        return Some(Err(OTHER_FORM.into()));
    }
    let mut kdf = expect(&mut kdf, SEQUENCE)?;
    let salt = expect(&mut kdf, OCTETS)?;
    let rounds = expect(&mut kdf, INTEGER)?.iter().fold(0u32, |n, byte| n.saturating_mul(256) | u32::from(*byte));
    let mut hash = Some(pbkdf2::PBKDF2_HMAC_SHA1);
    while let Some(element) = next(&mut kdf) {
        if element.tag == SEQUENCE {
            hash = expect(&mut { element.content }, OID).and_then(hash_of);
        }
    }
    let key_len = match expect(&mut cipher, OID)?.strip_prefix(AES) {
        Some([0x02]) => Some(16),
        Some([0x16]) => Some(24),
        Some([0x2a]) => Some(32),
        _ => None,
    };
    let (Some(hash), Some(key_len)) = (hash, key_len) else { return Some(Err(OTHER_FORM.into())) };
    let iv = expect(&mut cipher, OCTETS)?;
    let rounds = NonZeroU32::new(rounds).filter(|rounds| rounds.get() <= ROUNDS_MAX)?;
    Some(Ok(Locked { hash, rounds, salt, key_len, iv, content }))
}

fn hash_of(oid: &[u8]) -> Option<pbkdf2::Algorithm> {
    match oid.strip_prefix(HMAC)? {
        [0x07] => Some(pbkdf2::PBKDF2_HMAC_SHA1),
        [0x09] => Some(pbkdf2::PBKDF2_HMAC_SHA256),
        [0x0a] => Some(pbkdf2::PBKDF2_HMAC_SHA384),
        [0x0b] => Some(pbkdf2::PBKDF2_HMAC_SHA512),
        _ => None,
    }
}

fn decrypt<'a, A>(key: &[u8], iv: &[u8], content: &'a mut [u8]) -> Option<&'a [u8]>
where
    A: aes::cipher::BlockCipherDecrypt + aes::cipher::KeyInit,
{
    cbc::Decryptor::<A>::new_from_slices(key, iv).ok()?.decrypt_padded::<Pkcs7>(content).ok()
}
