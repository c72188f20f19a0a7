//! As much of DER as certificates and keys need to be looked at: one element after the other.

/// One element: what it is, its content, and all of it.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    pub tag: u8,
    pub content: &'a [u8],
    pub whole: &'a [u8],
}

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERAL_TIME: u8 = 0x18;
/// The version of a certificate; those of the first version have none.
const VERSION: u8 = 0xa0;

/// Takes the next element away from the front.
pub(super) fn next<'a>(bytes: &mut &'a [u8]) -> Option<Element<'a>> {
    let all = *bytes;
    let (&tag, rest) = all.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut len = usize::from(first);
    if first >= 0x80 {
        let digits = usize::from(first & 0x7f);
        if digits == 0 || digits > 4 {
            return None;
        }
        let (number, after) = rest.split_at_checked(digits)?;
        len = number.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
        rest = after;
    }
    let (content, after) = rest.split_at_checked(len)?;
    *bytes = after;
    Some(Element { tag, content, whole: &all[..all.len() - after.len()] })
}

/// The same, if it is one of this kind; its content.
pub(super) fn expect<'a>(bytes: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    next(bytes).filter(|element| element.tag == tag).map(|element| element.content)
}

/// What we want to know of a certificate, of any version.
pub(super) struct CertLook<'a> {
    /// SubjectPublicKeyInfo.
    pub public_key: &'a [u8],
    /// Seconds since 1970.
    pub valid_until: Option<i64>,
}

pub(super) fn look_at_cert(mut der: &[u8]) -> Option<CertLook<'_>> {
    let mut cert = expect(&mut der, SEQUENCE)?;
    let mut body = expect(&mut cert, SEQUENCE)?;
    let first = next(&mut body)?;
    if first.tag == VERSION {
        next(&mut body)?; // serial number
    }
    next(&mut body)?; // algorithm
    next(&mut body)?; // issuer
    let mut validity = expect(&mut body, SEQUENCE)?;
    next(&mut body)?; // subject
    let public_key = next(&mut body)?.whole;
    next(&mut validity)?;
    Some(CertLook { public_key, valid_until: next(&mut validity).and_then(time) })
}

/// `YYMMDDhhmmssZ` or `YYYYMMDDhhmmssZ`.
fn time(element: Element) -> Option<i64> {
    let text = str::from_utf8(element.content).ok()?.strip_suffix('Z')?;
    let (year, rest) = match element.tag {
        UTC_TIME => {
            let year: i64 = text.get(..2)?.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, text.get(2..)?)
        }
        GENERAL_TIME => (text.get(..4)?.parse().ok()?, text.get(4..)?),
        _ => return None,
    };
    let field = |at: usize| rest.get(at..at + 2)?.parse::<i64>().ok();
    let (month, day) = (field(0)?, field(2)?);
    // Days since 1970, in years that begin in March: so the leap day is the last one.
    let (years, months) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = years * 365 + years / 4 - years / 100 + years / 400 + (months * 153 + 2) / 5 + day - 1 - 719_468;
    Some(((days * 24 + field(4)?) * 60 + field(6)?) * 60 + field(8)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements() {
        let mut bytes = &[0x30, 3, 1, 2, 3, 0x04, 0x81, 1, 9][..];
        assert_eq!(expect(&mut bytes, SEQUENCE), Some(&[1, 2, 3][..]));
        assert_eq!(next(&mut bytes).map(|it| (it.tag, it.content, it.whole.len())), Some((OCTETS, &[9][..], 4)));
        for broken in [&[0x30][..], &[0x30, 5, 1], &[0x30, 0x80], &[0x30, 0x85, 1, 1, 1, 1, 1], &[0x30, 0x82, 1]] {
            assert!(next(&mut { broken }).is_none(), "{broken:?}");
        }
    }

    #[test]
    fn times() {
        let at = |tag, text: &'static str| time(Element { tag, content: text.as_bytes(), whole: &[] });
        assert_eq!(at(UTC_TIME, "700101000000Z"), Some(0));
        assert_eq!(at(UTC_TIME, "261126172920Z"), Some(1_795_714_160));
        assert_eq!(at(GENERAL_TIME, "20000301000001Z"), Some(951_868_801));
        assert_eq!(at(GENERAL_TIME, "2000Z"), None);
        assert_eq!(at(INTEGER, "700101000000Z"), None);
    }
}
