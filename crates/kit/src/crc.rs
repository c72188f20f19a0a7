//! Checksums: crc16 for cluster slots, crc64 for RDB files, crc32c for our own formats.
//!
//! Tables are computed at compile time; eight bytes are taken a step, through eight tables. Speeds:
//! examples/speed.rs.

/// CRC-16/XMODEM: polynomial 0x1021, most significant bit first, start 0.
pub fn crc16(bytes: &[u8]) -> u16 {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let crc = chunks.iter().fold(0u16, |crc, chunk| {
        let word = u64::from_be_bytes(*chunk) ^ u64::from(crc) << 48;
        let byte = |at: usize| CRC16[at][(word >> (8 * at)) as usize & 255];
        ((byte(0) ^ byte(1)) ^ (byte(2) ^ byte(3))) ^ ((byte(4) ^ byte(5)) ^ (byte(6) ^ byte(7)))
    });
    rest.iter().fold(crc, |crc, &b| (crc << 8) ^ CRC16[0][usize::from((crc >> 8) as u8 ^ b)])
}

/// CRC-64 with Jones's polynomial, reflected, start 0.
pub fn crc64(bytes: &[u8]) -> u64 {
    crc64_update(0, bytes)
}

/// Goes on from the checksum of what came before.
pub fn crc64_update(crc: u64, bytes: &[u8]) -> u64 {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let crc = chunks.iter().fold(crc, |crc, chunk| {
        let word = crc ^ u64::from_le_bytes(*chunk);
        let byte = |at: usize| CRC64[7 - at][(word >> (8 * at)) as usize & 255];
        // In pairs, so that the eight look-ups do not wait for each other.
        ((byte(0) ^ byte(1)) ^ (byte(2) ^ byte(3))) ^ ((byte(4) ^ byte(5)) ^ (byte(6) ^ byte(7)))
    });
    rest.iter().fold(crc, |crc, &b| CRC64[0][usize::from(crc as u8 ^ b)] ^ (crc >> 8))
}

/// CRC-32C (Castagnoli), as iSCSI and ext4 use it.
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc32c_update(0, bytes)
}

/// Goes on from the checksum of what came before.
pub fn crc32c_update(crc: u32, bytes: &[u8]) -> u32 {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let crc = chunks.iter().fold(!crc, |crc, chunk| {
        let word = u64::from(crc) ^ u64::from_le_bytes(*chunk);
        let byte = |at: usize| CRC32C[7 - at][(word >> (8 * at)) as usize & 255];
        // In pairs, so that the eight look-ups do not wait for each other.
        ((byte(0) ^ byte(1)) ^ (byte(2) ^ byte(3))) ^ ((byte(4) ^ byte(5)) ^ (byte(6) ^ byte(7)))
    });
    !rest.iter().fold(crc, |crc, &b| CRC32C[0][usize::from(crc as u8 ^ b)] ^ (crc >> 8))
}

// Table k tells what a byte does that has k more bytes behind it in its chunk of eight.
static CRC16: [[u16; 256]; 8] = {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc << 1) ^ (0x1021 * (crc >> 15));
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut at = 256;
    while at < 8 * 256 {
        let before = tables[at / 256 - 1][at % 256];
        tables[at / 256][at % 256] = (before << 8) ^ tables[0][(before >> 8) as usize];
        at += 1;
    }
    tables
};

// Jones's 0xad93d23594c935a9 with its bits reversed.
static CRC64: [[u64; 256]; 8] = reflected(0x95ac_9329_ac4b_c9b5);

// Castagnoli's 0x1edc6f41 with its bits reversed. All values fit 32 bits, as the polynomial does.
static CRC32C: [[u32; 256]; 8] = {
    let wide = reflected(0x82f6_3b78);
    let mut tables = [[0; 256]; 8];
    let mut at = 0;
    while at < 8 * 256 {
        tables[at / 256][at % 256] = wide[at / 256][at % 256] as u32;
        at += 1;
    }
    tables
};

const fn reflected(polynomial: u64) -> [[u64; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (polynomial * (crc & 1));
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut at = 256;
    while at < 8 * 256 {
        let before = tables[at / 256 - 1][at % 256];
        tables[at / 256][at % 256] = (before >> 8) ^ tables[0][(before & 255) as usize];
        at += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn published_values() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(crc64(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!((crc16(b""), crc64(b""), crc32c(b"")), (0, 0, 0));
    }

    proptest! {
        #[test]
        fn eight_at_a_time_is_one_at_a_time(bytes: Vec<u8>, cut: prop::sample::Index) {
            let (head, tail) = bytes.split_at(cut.index(bytes.len() + 1));
            let ones64 = bytes.iter().fold(0, |crc, b| crc64_update(crc, &[*b]));
            let ones32 = bytes.iter().fold(0, |crc, b| crc32c_update(crc, &[*b]));
            let ones16 = bytes.iter().fold(0u16, |crc, b| (crc << 8) ^ CRC16[0][usize::from((crc >> 8) as u8 ^ b)]);
            prop_assert_eq!(crc16(&bytes), ones16);
            prop_assert_eq!(crc64(&bytes), ones64);
            prop_assert_eq!(crc64_update(crc64(head), tail), ones64);
            prop_assert_eq!(crc32c(&bytes), ones32);
            prop_assert_eq!(crc32c_update(crc32c(head), tail), ones32);
        }
    }
}
