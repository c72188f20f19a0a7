//! The small form: all pairs in a row in one `Thin`.
//!
//! ```text
//! packed := pair …                               (HEAD)
//! timed  := fields with a deadline u16 | pair …  (HEAD_TIMED)
//! ```
//! Nothing at all when it is empty. Each function is told how long the head is: only a timed one has deadlines. How many
//! pairs there are is counted when it is asked; whoever writes walks over them anyway, and two bytes less can be a
//! whole size class of the allocator.

use super::far::Far;
use super::pairs::{self, Pair, Pairs, Place};
use super::text::Coded;
use crate::Thin;

pub(super) const HEAD: usize = 0;
pub(super) const HEAD_TIMED: usize = 2;
const TIMED_AT: usize = 0;

/// Limits of ours, whatever is configured: a change moves what stands behind it.
pub(super) const BYTES_MAX: usize = 1 << 24;
pub(super) const COUNT_MAX: usize = u16::MAX as usize;
/// A longer field or value does not come here.
pub(super) const TEXT_LEN_MAX: usize = 1 << 16;

/// Long texts stand among the others.
static NOWHERE: Far = Far::NONE;

#[inline]
pub(super) fn read(bytes: &[u8]) -> Pairs<'_> {
    Pairs::new(bytes, &NOWHERE)
}

#[inline]
pub(super) fn len(bytes: &[u8], head: usize) -> usize {
    read(bytes).count(head)
}

/// Fields with a deadline of a timed hash.
pub(super) fn timed(bytes: &[u8]) -> usize {
    number_at(bytes, TIMED_AT)
}

pub(super) fn iter(bytes: &[u8], head: usize) -> impl Iterator<Item = Pair<'_>> {
    read(bytes).places(head).map(|place| read(bytes).pair(place))
}

#[inline]
pub(super) fn get<'a>(bytes: &'a [u8], head: usize, field: &[u8]) -> Option<Pair<'a>> {
    find(bytes, head, &Coded::new(field)).map(|place| read(bytes).pair(place))
}

#[inline]
pub(super) fn find(bytes: &[u8], head: usize, field: &Coded) -> Option<Place> {
    read(bytes).find(head, field).ok()
}

/// Sets a value, and its deadline unless that is to stay. True when the field is new; None when there is no room.
pub(super) fn set(
    bytes: &mut Thin,
    head: usize,
    field: &[u8],
    value: &[u8],
    deadline: Option<Option<i64>>,
    count_max: usize,
) -> Option<bool> {
    let (key, value) = (Coded::new(field), Coded::new(value));
    let found = read(bytes).find(head, &key);
    if let Ok(place) = found {
        let had_deadline = read(bytes).deadline(place).is_some();
        pairs::set_value(bytes, place, &value);
        if let Some(deadline) = deadline
            && (deadline.is_some() || had_deadline)
        {
            set_deadline(bytes, field, deadline);
        }
        return Some(false);
    }
    if found.is_err_and(|count| count >= count_max.min(COUNT_MAX)) || bytes.len() >= BYTES_MAX {
        return None;
    }
    let deadline = deadline.flatten();
    if bytes.is_empty() {
        bytes.reserve(head + pairs::len_of(&key, deadline, &value));
        bytes.extend(&[0; HEAD_TIMED][..head]);
    }
    pairs::push(bytes, &key, deadline, &value);
    if deadline.is_some() {
        add_at(bytes, TIMED_AT, 1);
    }
    Some(true)
}

pub(super) fn remove(bytes: &mut Thin, head: usize, field: &[u8]) -> bool {
    let Some(place) = find(bytes, head, &Coded::new(field)) else { return false };
    remove_at(bytes, head, place);
    true
}

fn remove_at(bytes: &mut Thin, head: usize, place: Place) {
    if (place.start, place.end) == (head, bytes.len()) {
        return bytes.clear();
    }
    if read(bytes).deadline(place).is_some() {
        add_at(bytes, TIMED_AT, -1);
    }
    bytes.remove(place.start..place.end);
}

/// Of a timed hash. False when there is no such field.
pub(super) fn set_deadline(bytes: &mut Thin, field: &[u8], deadline: Option<i64>) -> bool {
    let Some(place) = find(bytes, HEAD_TIMED, &Coded::new(field)) else { return false };
    let before = read(bytes).deadline(place).is_some();
    pairs::set_deadline(bytes, place, deadline);
    add_at(bytes, TIMED_AT, i32::from(deadline.is_some()) - i32::from(before));
    true
}

/// Of a timed hash: removes up to `budget` fields whose deadline has come, and says their names to `f`. True when
/// more are due. One pass: who stays moves up.
pub(super) fn remove_due(bytes: &mut Thin, now: i64, budget: &mut usize, f: &mut dyn FnMut(&[u8])) -> bool {
    let (mut at, mut to, mut gone, mut more) = (HEAD_TIMED, HEAD_TIMED, 0, false);
    while at < bytes.len() {
        let pairs = read(bytes);
        let place = pairs.place(at);
        let due = pairs.deadline(place).is_some_and(|deadline| deadline <= now);
        if due && *budget > 0 {
            *budget -= 1;
            gone += 1;
            f(pairs.field(place).bytes(&mut [0; 20]));
        } else {
            more |= due;
            bytes.copy_within(place.start..place.end, to);
            to += place.end - place.start;
        }
        at = place.end;
    }
    if to == HEAD_TIMED {
        bytes.clear();
    } else if gone > 0 {
        bytes.truncate(to);
        add_at(bytes, TIMED_AT, -gone);
    }
    more
}

/// Makes room in the head of a hash that gets its first deadline.
pub(super) fn make_timed(mut bytes: Thin) -> Thin {
    if !bytes.is_empty() {
        bytes.insert(HEAD, &[0; HEAD_TIMED - HEAD]);
    }
    bytes
}

#[inline]
fn number_at(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..at + 2).map_or(0, |number| usize::from(u16::from_le_bytes([number[0], number[1]])))
}

fn add_at(bytes: &mut [u8], at: usize, more: i32) {
    let number = number_at(bytes, at) as i32 + more;
    let number = u16::try_from(number).expect("counts fit, and what is counted down was counted up");
    bytes[at..at + 2].copy_from_slice(&number.to_le_bytes());
}
