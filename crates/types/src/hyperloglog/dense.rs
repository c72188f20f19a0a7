//! Registers of 6 bits, one after the other, low bits first.

use super::{Element, REGISTERS};

pub(super) const LEN: usize = REGISTERS * 6 / 8;

pub(super) fn get(registers: &[u8], register: usize) -> u8 {
    let (at, shift) = place(register);
    let next = registers.get(at + 1).copied().unwrap_or(0);
    (u16::from_le_bytes([registers[at], next]) >> shift) as u8 & 63
}

/// True when it was lower before.
pub(super) fn raise(registers: &mut [u8], element: Element) -> bool {
    if get(registers, element.register) >= element.rank {
        return false;
    }
    let (at, shift) = place(element.register);
    let (mask, bits) = ((63u16 << shift).to_le_bytes(), (u16::from(element.rank) << shift).to_le_bytes());
    registers[at] = registers[at] & !mask[0] | bits[0];
    if mask[1] != 0 {
        registers[at + 1] = registers[at + 1] & !mask[1] | bits[1];
    }
    true
}

/// Calls `f` with each register's number and rank. Three bytes are four registers.
pub(super) fn each(registers: &[u8], mut f: impl FnMut(usize, u8)) {
    let (threes, _) = registers.as_chunks::<3>();
    for (i, three) in threes.iter().enumerate() {
        let bits = u32::from_le_bytes([three[0], three[1], three[2], 0]);
        (0..4).for_each(|j| f(4 * i + j, (bits >> (6 * j)) as u8 & 63));
    }
}

/// First byte, and bits before the register in it.
fn place(register: usize) -> (usize, usize) {
    (register * 6 / 8, register * 6 % 8)
}
