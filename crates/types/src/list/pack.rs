//! Elements in a row in one `Thin`: a list's packed form, and each chunk of a large one.
//!
//! ```text
//! head 8: count u16 | width u8 | flags u8 | about u32      payload of each …      code of each, `width` bytes …
//! ```
//! Codes (see `element.rs`) stand together behind the payloads, so both ends are found without a search, and counting
//! over many elements reads few bytes. While all elements have one code there are none: `width` is 0, `about` is the
//! code; 64-byte elements then cost 64 bytes. Else `about` is the length that a listpack of them would have.
//!
//! The end where the payloads end is cheap to push and pop at, the other one moves all bytes. A pack whose first element
//! is used more is therefore kept *mirrored*, last element first: `flip` turns it around when the expensive end was
//! asked for several times (`strain` in the flags counts). Always true: an empty pack has no bytes.

use super::chunks::{BYTES_MAX, is_large};
use super::element::{Element, INT_CODE_MIN, Item, listpack_len, payload_len};
use crate::Thin;
use std::ops::Range;

pub(super) const HEAD_LEN: usize = 8;
/// What a listpack has beside its elements.
pub(super) const LISTPACK_HEAD: u64 = 7;
/// Most elements, whatever their size.
pub(super) const COUNT_MAX: usize = 32_768;
/// The first lengths that are no code of one byte, of two bytes: there stand the numbers.
const U8_LEN_END: u32 = INT_CODE_MIN & 0xff;
const U16_LEN_END: u32 = INT_CODE_MIN & 0xffff;
/// Longest element that a pack of several takes.
pub(super) const LEN_MAX: usize = U16_LEN_END as usize - 1;

/// Below this many bytes nothing is gained by turning a pack around.
const FLIP_BYTES_MIN: usize = 512;
/// So often may the expensive end be asked for, more than the other, before the pack is turned around.
const STRAIN_MAX: u8 = 3;
const MIRRORED: u8 = 0x80;

/// An end of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    Front,
    Back,
}

impl Side {
    pub fn other(self) -> Side {
        match self {
            Side::Front => Side::Back,
            Side::Back => Side::Front,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    count: u16,
    /// Bytes of a code: 0, 1 or 2.
    width: u8,
    flags: u8,
    about: u32,
}

impl Head {
    #[inline]
    fn read(bytes: &[u8]) -> Head {
        match bytes.first_chunk::<HEAD_LEN>() {
            Some(&[c0, c1, width, flags, a0, a1, a2, a3]) => {
                Head { count: u16::from_le_bytes([c0, c1]), width, flags, about: u32::from_le_bytes([a0, a1, a2, a3]) }
            }
            None => Head { count: 0, width: 0, flags: 0, about: 0 },
        }
    }

    #[inline]
    fn bytes(self) -> [u8; HEAD_LEN] {
        let ([c0, c1], [a0, a1, a2, a3]) = (self.count.to_le_bytes(), self.about.to_le_bytes());
        [c0, c1, self.width, self.flags, a0, a1, a2, a3]
    }

    #[inline]
    fn write(self, to: &mut Thin) {
        to[..HEAD_LEN].copy_from_slice(&self.bytes());
    }

    fn mirrored(self) -> bool {
        self.flags & MIRRORED != 0
    }
}

/// A pack, to be read.
#[derive(Clone, Copy)]
pub(super) struct Pack<'a> {
    head: Head,
    payload: &'a [u8],
    codes: &'a [u8],
}

impl<'a> Pack<'a> {
    #[inline]
    pub(super) fn of(bytes: &'a [u8]) -> Pack<'a> {
        let head = Head::read(bytes);
        let body = bytes.get(HEAD_LEN..).unwrap_or_default();
        let (payload, codes) = body.split_at(body.len() - usize::from(head.count) * usize::from(head.width));
        Pack { head, payload, codes }
    }

    #[inline]
    pub(super) fn len(self) -> usize {
        usize::from(self.head.count)
    }

    /// How long a listpack of the same elements would be.
    pub(super) fn listpack_len(self) -> u64 {
        match self.head.width {
            0 => LISTPACK_HEAD + u64::from(self.head.count) * listpack_len(self.head.about),
            _ => u64::from(self.head.about),
        }
    }

    /// The code of the element at a physical place.
    #[inline]
    fn code(self, place: usize) -> u32 {
        match self.head.width {
            0 => self.head.about,
            1 => widen_u8(self.codes[place]),
            _ => widen_u16([self.codes[2 * place], self.codes[2 * place + 1]]),
        }
    }

    /// Payload bytes before a physical place.
    fn offset(self, place: usize) -> usize {
        match self.head.width {
            0 => place * payload_len(self.head.about),
            // From the nearer end.
            width => {
                let at = place * usize::from(width);
                if 2 * place <= self.len() {
                    payload_sum(&self.codes[..at], width)
                } else {
                    self.payload.len() - payload_sum(&self.codes[at..], width)
                }
            }
        }
    }

    /// The physical places of a range of elements.
    fn places(self, range: Range<usize>) -> Range<usize> {
        if self.head.mirrored() { self.len() - range.end..self.len() - range.start } else { range }
    }

    pub(super) fn get(self, i: usize) -> Item<'a> {
        let Range { start: place, .. } = self.places(i..i + 1);
        let (code, offset) = (self.code(place), self.offset(place));
        Item::read(code, &self.payload[offset..offset + payload_len(code)])
    }

    #[inline]
    pub(super) fn end(self, side: Side) -> Item<'a> {
        self.walk(side, 0).next().expect("a pack that is asked has an element")
    }

    /// From one end to the other, without the first `skip`.
    #[inline]
    pub(super) fn walk(self, from: Side, skip: usize) -> Walk<'a> {
        let backwards = (from == Side::Back) != self.head.mirrored();
        let left = self.len().saturating_sub(skip);
        let place = if backwards { left } else { self.len() - left };
        let offset = if place == self.len() { self.payload.len() } else { self.offset(place) };
        Walk { pack: self, left, backwards, place, offset }
    }

    /// Is pushing and popping at this side free of moving all bytes?
    pub(super) fn is_cheap(self, side: Side) -> bool {
        self.head.mirrored() == (side == Side::Front)
    }

    /// Bytes that one more element takes; an upper bound.
    pub(super) fn grown_len(self, element: &Element) -> usize {
        let mut codes = self.codes.len();
        if self.head.width > 0 || element.code != self.head.about {
            let width = width_of(element.code).max(usize::from(self.head.width));
            let width = if self.head.width == 0 { width.max(width_of(self.head.about)) } else { width };
            codes = (self.len() + 1) * width;
        }
        HEAD_LEN + self.payload.len() + payload_len(element.code) + codes
    }
}

/// Elements of a pack, in either direction.
#[derive(Clone)]
pub(super) struct Walk<'a> {
    pack: Pack<'a>,
    left: usize,
    backwards: bool,
    /// Physical place of the next element, or, backwards, the one behind it; and where its payload is.
    place: usize,
    offset: usize,
}

impl<'a> Iterator for Walk<'a> {
    type Item = Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Item<'a>> {
        self.left = self.left.checked_sub(1)?;
        if self.backwards {
            self.place -= 1;
            let code = self.pack.code(self.place);
            let end = self.offset;
            self.offset -= payload_len(code);
            Some(Item::read(code, &self.pack.payload[self.offset..end]))
        } else {
            let code = self.pack.code(self.place);
            let start = self.offset;
            self.place += 1;
            self.offset += payload_len(code);
            Some(Item::read(code, &self.pack.payload[start..self.offset]))
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

#[inline]
fn widen_u8(code: u8) -> u32 {
    let code = u32::from(code);
    if code < U8_LEN_END { code } else { code | 0xffff_ff00 }
}

#[inline]
fn widen_u16(code: [u8; 2]) -> u32 {
    let code = u32::from(u16::from_le_bytes(code));
    if code < U16_LEN_END { code } else { code | 0xffff_0000 }
}

/// Bytes of a code that this one needs, when not all are the same.
fn width_of(code: u32) -> usize {
    match code {
        0..U8_LEN_END | INT_CODE_MIN.. => 1,
        U8_LEN_END..U16_LEN_END => 2,
        // Such an element stands alone.
        _ => 4,
    }
}

/// Payload bytes behind these codes.
fn payload_sum(codes: &[u8], width: u8) -> usize {
    if width == 1 {
        // In blocks, so that it is done many at a time; numbers are rare among lengths, or the other way round.
        return codes.chunks(128).map(block_sum).sum();
    }
    codes.chunks_exact(2).map(|code| payload_len(widen_u16([code[0], code[1]]))).sum()
}

fn block_sum(codes: &[u8]) -> usize {
    let (mut sum, mut max) = (0u32, 0u8);
    for &code in codes {
        sum += u32::from(code);
        max = max.max(code);
    }
    if u32::from(max) < U8_LEN_END {
        return sum as usize;
    }
    codes.iter().map(|&code| payload_len(widen_u8(code))).sum()
}

/// Puts an element in before the `i`-th.
pub(super) fn insert(bytes: &mut Thin, i: usize, element: &Element) {
    let pack = Pack::of(bytes);
    let mut head = pack.head;
    if head.count == 0 {
        let head = Head { count: 1, width: 0, flags: head.flags, about: element.code };
        bytes.clear();
        bytes.reserve(HEAD_LEN + element.payload().len());
        bytes.extend(&head.bytes());
        return bytes.extend(element.payload());
    }
    debug_assert!(pack.len() < COUNT_MAX);
    let place = if head.mirrored() { pack.len() - i } else { i };
    let offset = HEAD_LEN + pack.offset(place);
    bytes.reserve(pack.grown_len(element) - bytes.len());
    if head.width > 0 || element.code != head.about {
        head = make_width(bytes, head, element.code);
        let count = usize::from(head.count);
        let width = usize::from(head.width);
        let code_at = bytes.len() - (count - place) * width;
        bytes.insert(code_at, &element.code.to_le_bytes()[..width]);
        head.about += listpack_len(element.code) as u32;
    }
    bytes.insert(offset, element.payload());
    head.count += 1;
    head.write(bytes);
}

/// Codes of their own for each element, wide enough for this one.
fn make_width(bytes: &mut Thin, mut head: Head, code: u32) -> Head {
    let count = usize::from(head.count);
    if head.width == 0 {
        let width = width_of(code).max(width_of(head.about));
        let codes = head.about.to_le_bytes()[..width].repeat(count);
        bytes.extend(&codes);
        head.about = (LISTPACK_HEAD + count as u64 * listpack_len(head.about)) as u32;
        head.width = width as u8;
    } else if width_of(code) > usize::from(head.width) {
        let codes_at = bytes.len() - count;
        let wide: Vec<u8> = bytes[codes_at..].iter().flat_map(|&code| (widen_u8(code) as u16).to_le_bytes()).collect();
        bytes.splice(codes_at..bytes.len(), &wide);
        head.width = 2;
    }
    head
}

/// Takes elements out.
pub(super) fn remove(bytes: &mut Thin, range: Range<usize>) {
    let pack = Pack::of(bytes);
    let mut head = pack.head;
    if range.is_empty() {
        return;
    }
    if range.len() == pack.len() {
        return bytes.clear();
    }
    let places = pack.places(range);
    let start = pack.offset(places.start);
    let end = if places.end == pack.len() { pack.payload.len() } else { pack.offset(places.end) };
    head.count -= places.len() as u16;
    if head.width > 0 {
        let width = usize::from(head.width);
        let removed: u64 = places.clone().map(|place| listpack_len(pack.code(place))).sum();
        head.about -= removed as u32;
        let codes_at = bytes.len() - pack.codes.len();
        bytes.remove(codes_at + places.start * width..codes_at + places.end * width);
    }
    bytes.remove(HEAD_LEN + start..HEAD_LEN + end);
    head.write(bytes);
}

/// Puts an element in the place of the `i`-th.
pub(super) fn replace(bytes: &mut Thin, i: usize, element: &Element) {
    let pack = Pack::of(bytes);
    let Range { start: place, .. } = pack.places(i..i + 1);
    if pack.code(place) == element.code {
        let at = HEAD_LEN + pack.offset(place);
        return bytes[at..at + element.payload().len()].copy_from_slice(element.payload());
    }
    remove(bytes, i..i + 1);
    insert(bytes, i, element);
}

pub(super) fn push(bytes: &mut Thin, side: Side, element: &Element) {
    strain(bytes, side);
    let i = if side == Side::Front { 0 } else { Pack::of(bytes).len() };
    if bytes.is_empty() && side == Side::Front {
        insert(bytes, 0, element);
        return set_flags(bytes, MIRRORED);
    }
    insert(bytes, i, element);
}

/// Takes `count` elements away from one end; there are so many.
pub(super) fn pop(bytes: &mut Thin, side: Side, count: usize) {
    let len = Pack::of(bytes).len();
    if count < len {
        strain(bytes, side);
    }
    remove(bytes, if side == Side::Front { 0..count } else { len - count..len });
}

/// Notes which end is used, and turns the pack around when it is the wrong one too often.
#[inline]
fn strain(bytes: &mut Thin, side: Side) {
    if bytes.len() < FLIP_BYTES_MIN {
        return;
    }
    let pack = Pack::of(bytes);
    let strain = pack.head.flags & !MIRRORED;
    if pack.is_cheap(side) {
        if strain > 0 {
            set_flags(bytes, pack.head.flags - 1);
        }
    } else if strain < STRAIN_MAX {
        set_flags(bytes, pack.head.flags + 1);
    } else {
        flip(bytes);
    }
}

fn set_flags(bytes: &mut Thin, flags: u8) {
    Head { flags, ..Head::read(bytes) }.write(bytes);
}

/// The same elements the other way round.
fn flip(bytes: &mut Thin) {
    let mut turned = bytes.clone();
    let pack = Pack::of(bytes);
    Head { flags: (pack.head.flags & MIRRORED) ^ MIRRORED, ..pack.head }.write(&mut turned);
    let (payload, codes) = turned[HEAD_LEN..].split_at_mut(pack.payload.len());
    let mut end = payload.len();
    let mut start = 0;
    for place in 0..pack.len() {
        let len = payload_len(pack.code(place));
        payload[end - len..end].copy_from_slice(&pack.payload[start..start + len]);
        start += len;
        end -= len;
    }
    if pack.head.width > 0 {
        let width = usize::from(pack.head.width);
        let theirs = pack.codes.chunks_exact(width).rev();
        codes.chunks_exact_mut(width).zip(theirs).for_each(|(code, theirs)| code.copy_from_slice(theirs));
    }
    *bytes = turned;
}

/// A pack that is made at once.
#[derive(Default)]
pub(crate) struct PackBuilder {
    payload: Vec<u8>,
    codes: Vec<u32>,
    /// Have all elements the code of the first?
    mixed: bool,
    /// Bytes of a code, if they are mixed.
    width: usize,
    listpack_len: u64,
}

impl PackBuilder {
    /// Has it room for this one? An empty one has.
    #[inline]
    pub(super) fn takes(&self, element: &Element) -> bool {
        let len = HEAD_LEN + self.payload.len() + payload_len(element.code);
        self.codes.is_empty()
            || (!is_large(element.code)
                && !is_large(self.codes[0])
                && self.codes.len() < COUNT_MAX
                && len + 2 * (self.codes.len() + 1) <= BYTES_MAX)
    }

    #[inline]
    pub(super) fn push(&mut self, element: &Element) {
        self.payload.extend_from_slice(element.payload());
        self.codes.push(element.code);
        self.mixed |= element.code != self.codes[0];
        self.width = self.width.max(width_of(element.code));
        self.listpack_len += listpack_len(element.code);
    }

    /// The pack; it is empty again.
    pub(super) fn finish(&mut self) -> Thin {
        let Some(&first) = self.codes.first() else { return Thin::new() };
        let (width, about) = match self.mixed {
            true => (self.width, (LISTPACK_HEAD + self.listpack_len) as u32),
            false => (0, first),
        };
        let head = Head { count: self.codes.len() as u16, width: width as u8, flags: 0, about };
        let mut pack = Thin::with_capacity(HEAD_LEN + self.payload.len() + width * self.codes.len());
        pack.extend(&head.bytes());
        pack.extend(&self.payload);
        if width > 0 {
            let codes: Vec<u8> =
                self.codes.iter().flat_map(|code| code.to_le_bytes().into_iter().take(width)).collect();
            pack.extend(&codes);
        }
        self.clear();
        pack
    }

    /// Where the elements' bytes are gathered.
    pub(crate) fn room(&mut self) -> &mut Vec<u8> {
        &mut self.payload
    }

    pub(super) fn clear(&mut self) {
        self.payload.clear();
        self.codes.clear();
        (self.mixed, self.width, self.listpack_len) = (false, 0, 0);
    }
}

/// The elements from the `i`-th on, which `bytes` loses.
pub(super) fn split_off(bytes: &mut Thin, i: usize) -> Thin {
    let pack = Pack::of(bytes);
    let len = pack.len();
    let places = pack.places(i..len);
    let (start, end) = (pack.offset(places.start), pack.offset(places.end));
    let width = usize::from(pack.head.width);
    let mut head = Head { count: places.len() as u16, ..pack.head };
    if width > 0 {
        let sum: u64 = places.clone().map(|place| listpack_len(pack.code(place))).sum();
        head.about = (LISTPACK_HEAD + sum) as u32;
    }
    let codes = &pack.codes[places.start * width..places.end * width];
    let mut tail = Thin::with_capacity(HEAD_LEN + (end - start) + codes.len());
    tail.extend(&head.bytes());
    tail.extend(&pack.payload[start..end]);
    tail.extend(codes);
    remove(bytes, i..len);
    tail
}

/// Adds all elements of another pack behind the last one. Both together must not be too many.
pub(super) fn append(bytes: &mut Thin, more: &[u8]) {
    let more = Pack::of(more);
    bytes.reserve(more.payload.len() + more.codes.len());
    let len = Pack::of(bytes).len();
    for (i, item) in more.walk(Side::Front, 0).enumerate() {
        insert(bytes, len + i, &item.into());
    }
}

/// Takes out the elements at these places, ascending.
pub(super) fn remove_many(bytes: &mut Thin, doomed: &[usize]) {
    if let [one] = doomed {
        return remove(bytes, *one..*one + 1);
    }
    let mut kept = Thin::new();
    let mut doomed = doomed.iter().peekable();
    let mut len = 0;
    for (i, item) in Pack::of(bytes).walk(Side::Front, 0).enumerate() {
        if doomed.next_if(|next| **next == i).is_none() {
            insert(&mut kept, len, &item.into());
            len += 1;
        }
    }
    *bytes = kept;
}
