//! Intsets.
//!
//! ```text
//! intset := bytes of a number u32 (2, 4 or 8) | numbers u32 | number …      ascending; all with low bytes first
//! ```

use super::listpack::{Fault, little_endian};

const HEAD_LEN: usize = 8;

/// The numbers of an intset, checked, and how many bytes each has.
pub(super) fn read(blob: &[u8]) -> Result<(u8, &[u8]), Fault> {
    let Some((&[a, b, c, d, e, f, g, h], numbers)) = blob.split_first_chunk::<HEAD_LEN>() else {
        return Err("an intset without a head");
    };
    let width = match u32::from_le_bytes([a, b, c, d]) {
        2 => 2,
        4 => 4,
        8 => 8,
        _ => return Err("an intset of an unknown form"),
    };
    let count = u32::from_le_bytes([e, f, g, h]) as usize;
    if count * usize::from(width) != numbers.len() {
        return Err("an intset of another length than it says");
    }
    match numbers.chunks_exact(usize::from(width)).map(little_endian).is_sorted_by(|a, b| a < b) {
        true => Ok((width, numbers)),
        false => Err("an intset that is not sorted"),
    }
}

pub(super) fn write(width: u8, numbers: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&u32::from(width).to_le_bytes());
    out.extend_from_slice(&((numbers.len() / usize::from(width)) as u32).to_le_bytes());
    out.extend_from_slice(numbers);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_right() {
        let mut blob = Vec::new();
        write(2, &[0xff, 0xff, 1, 0, 0, 1], &mut blob);
        assert_eq!(read(&blob), Ok((2, &[0xff, 0xff, 1, 0, 0, 1][..])));
        for (at, byte) in [(0, 3), (0, 4), (4, 2), (7, 0x80), (9, 0x7f), (10, 0)] {
            let mut wrong = blob.clone();
            wrong[at] = byte;
            if at == 10 {
                wrong[11..].fill(0);
            }
            assert!(read(&wrong).is_err(), "{at}");
        }
        assert!(read(&blob[..7]).is_err() && read(&blob[..13]).is_err());
    }
}
