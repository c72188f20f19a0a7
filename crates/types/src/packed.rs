//! The simplest small form: byte strings one after the other in a `Thin`.
//!
//! ```text
//! element := length (7 bits a byte, low ones first, high bit: more follows) | bytes
//! ```
//! Counting walks over all elements, so it is for a few hundred bytes. Types that need more (a way backwards,
//! numbers in short form) bring their own form.

use crate::Thin;

pub fn push(to: &mut Thin, element: &[u8]) {
    let mut head = [0; 10];
    let head_len = write_len(&mut head, element.len());
    to.reserve(head_len + element.len());
    to.extend(&head[..head_len]);
    to.extend(element);
}

pub fn iter(bytes: &[u8]) -> Iter<'_> {
    Iter { rest: bytes }
}

#[derive(Clone)]
pub struct Iter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let (len, behind) = read_len(self.rest);
        let (element, rest) = behind.split_at(len);
        self.rest = rest;
        Some(element)
    }
}

fn write_len(to: &mut [u8; 10], mut len: usize) -> usize {
    let mut used = 0;
    loop {
        let more = len > 0x7f;
        to[used] = (len & 0x7f) as u8 | if more { 0x80 } else { 0 };
        used += 1;
        len >>= 7;
        if !more {
            return used;
        }
    }
}

/// The length, and what stands behind it.
fn read_len(bytes: &[u8]) -> (usize, &[u8]) {
    let mut len = 0;
    for (i, &byte) in bytes.iter().enumerate() {
        len |= usize::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return (len, &bytes[i + 1..]);
        }
    }
    unreachable!("elements are written whole")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn gives_what_was_pushed(elements in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20)) {
            let mut thin = Thin::new();
            elements.iter().for_each(|element| push(&mut thin, element));
            prop_assert_eq!(iter(&thin).map(<[u8]>::to_vec).collect::<Vec<_>>(), elements);
        }
    }
}
