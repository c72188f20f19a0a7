//! The payload of DUMP and RESTORE: one value, sealed.
//!
//! ```text
//! payload := type byte | value | version of the format u16 | CRC-64 of all before it u64        low bytes first
//! ```
//! FUNCTION DUMP seals its libraries the same way.

use super::{CannotHold, Family, Form, STRING, Writing};
use crate::Object;
use kit::crc::crc64;

const FOOTER_LEN: usize = 10;
/// The last versions that Redis and Valkey have, as far as we know them; those between are nobody's.
const REDIS_MAX: u16 = 12;
const VALKEY: u16 = 80;

/// The payload of an object.
pub fn dump(object: &Object, form: &Form) -> Result<Vec<u8>, CannotHold> {
    let writing = Writing::new(object, form)?;
    let mut out = vec![writing.type_byte()];
    super::write(object, form, &mut out)?;
    seal_payload(form.version, &mut out);
    Ok(out)
}

/// The payload of a string, which `write` writes.
pub fn dump_string(form: &Form, write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = vec![STRING];
    write(&mut out);
    seal_payload(form.version, &mut out);
    out
}

/// Adds the footer.
pub fn seal_payload(version: u16, out: &mut Vec<u8>) {
    out.extend_from_slice(&version.to_le_bytes());
    out.extend_from_slice(&crc64(out).to_le_bytes());
}

/// What is before the footer, and whose format it is; None when the version or the checksum is wrong.
pub fn open_payload(payload: &[u8], check_crc: bool) -> Option<(&[u8], Family)> {
    let (sealed, crc) = payload.split_last_chunk()?;
    let (content, version) = sealed.split_last_chunk()?;
    let version = u16::from_le_bytes(*version);
    if !(version <= REDIS_MAX || version == VALKEY) {
        return None;
    }
    if check_crc && crc64(sealed) != u64::from_le_bytes(*crc) {
        return None;
    }
    Some((content, Family::of_version(version)))
}

const _: () = assert!(FOOTER_LEN == size_of::<u16>() + size_of::<u64>());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_what_is_right() {
        let payload = dump_string(&Form::for_dump_of_string(true), |out| out.extend_from_slice(b"\x01a"));
        // As Redis 7.0 dumps it.
        assert_eq!(payload, b"\0\x01a\n\0\xbf\xfe\xef\x9b\x8f\x36\x7d\xb4");
        assert_eq!(open_payload(&payload, true), Some((&b"\0\x01a"[..], Family::Redis)));
        for at in 0..payload.len() {
            let mut wrong = payload.clone();
            wrong[at] ^= 1;
            assert_eq!(open_payload(&wrong, true), None, "{at}");
            assert!(at == 4 || open_payload(&wrong, false).is_some(), "{at}: the version counts in any case");
        }
        for (version, family) in [
            (0, Some(Family::Redis)),
            (12, Some(Family::Redis)),
            (13, None),
            (79, None),
            (80, Some(Family::Valkey)),
            (81, None),
        ] {
            let mut sealed = b"\0\x01a".to_vec();
            seal_payload(version, &mut sealed);
            assert_eq!(open_payload(&sealed, true).map(|(_, family)| family), family, "{version}");
        }
        assert_eq!((open_payload(&payload[..9], false), open_payload(b"", true)), (None, None));
    }
}
