//! Members packed into one buffer: a small set whole, or one bucket of a table.
//!
//! ```text
//! bucket := count u16 | tag u8 [count] | code u8 [count] | payload [count], in the same order
//! tag    := 8 bits of the member's hash
//! ```
//! The tags come first, so a lookup reads one cache line and nearly always compares one member; its payload is
//! found by adding up what stands before it. No bytes at all is the empty bucket.
//! Knows nothing of large members: of those a bucket holds a number, and the table what it stands for.

use super::member::{LARGE, Member, Record, Stored, payload_len};
use crate::Thin;

pub(super) const HEAD: usize = 2;
pub(super) const COUNT_MAX: usize = u16::MAX as usize;

#[inline]
pub(super) fn count(bucket: &[u8]) -> usize {
    match bucket {
        [a, b, ..] => usize::from(u16::from_le_bytes([*a, *b])),
        _ => 0,
    }
}

/// Bits of the hash that tell members of one bucket apart. They lie above those that choose the bucket.
#[inline]
pub(super) fn tag(hash: u64) -> u8 {
    (hash >> 24) as u8
}

#[inline]
fn tags(bucket: &[u8]) -> &[u8] {
    bucket.get(HEAD..HEAD + count(bucket)).unwrap_or_default()
}

#[inline]
fn codes(bucket: &[u8]) -> &[u8] {
    let count = count(bucket);
    bucket.get(HEAD + count..HEAD + 2 * count).unwrap_or_default()
}

/// Where payload `i` begins.
#[inline]
fn offset(codes: &[u8], i: usize) -> usize {
    HEAD + 2 * codes.len() + codes[..i].iter().map(|&code| payload_len(code)).sum::<usize>()
}

/// The place of a member that is written down like this.
#[inline]
pub(super) fn find(bucket: &[u8], tag: u8, record: &Record<'_>) -> Option<usize> {
    let (tags, codes, payload) = (tags(bucket), codes(bucket), record.payload());
    tags.iter().zip(codes).enumerate().find_map(|(i, (&has_tag, &code))| {
        if has_tag != tag || code != record.code {
            return None;
        }
        let start = offset(codes, i);
        (bucket[start..start + payload.len()] == *payload).then_some(i)
    })
}

/// The place of a large member whose number is the one.
pub(super) fn find_large(bucket: &[u8], tag: u8, mut is_it: impl FnMut(u32) -> bool) -> Option<usize> {
    let codes = codes(bucket);
    tags(bucket).iter().zip(codes).enumerate().find_map(|(i, (&has_tag, &code))| {
        let number = match get_if(bucket, codes, i, has_tag == tag && code == LARGE) {
            Some(Stored::Large(number)) => number,
            Some(Stored::Here(_)) | None => return None,
        };
        is_it(number).then_some(i)
    })
}

#[inline]
fn get_if<'a>(bucket: &'a [u8], codes: &[u8], i: usize, wanted: bool) -> Option<Stored<'a>> {
    wanted.then(|| {
        let start = offset(codes, i);
        Stored::read(codes[i], &bucket[start..start + payload_len(codes[i])])
    })
}

/// The member at a place.
#[inline]
pub(super) fn get(bucket: &[u8], i: usize) -> Stored<'_> {
    get_if(bucket, codes(bucket), i, true).expect("it is wanted")
}

/// Adds a member that is not there.
pub(super) fn push(bucket: &mut Thin, tag: u8, record: &Record<'_>) {
    let (count, payload) = (count(bucket), record.payload());
    assert!(count < COUNT_MAX, "members are spread over buckets by a seeded hash");
    let head = if bucket.is_empty() { HEAD } else { 0 };
    bucket.reserve(head + 2 + payload.len());
    bucket.extend(&[0; HEAD][..head]);
    let end = bucket.len();
    bucket.extend(&[0; 2]);
    bucket.extend(payload);
    let (tags_end, codes_end) = (HEAD + count, HEAD + 2 * count);
    bucket.copy_within(codes_end..end, codes_end + 2);
    bucket.copy_within(tags_end..codes_end, tags_end + 1);
    bucket[tags_end] = tag;
    bucket[codes_end + 1] = record.code;
    bucket[..HEAD].copy_from_slice(&(count as u16 + 1).to_le_bytes());
}

/// Takes out the member at a place; those behind it move up.
pub(super) fn remove(bucket: &mut Thin, i: usize) {
    let count = count(bucket);
    if count == 1 {
        return bucket.clear();
    }
    let codes = codes(bucket);
    let (start, len) = (offset(codes, i), payload_len(codes[i]));
    let (end, codes_at) = (bucket.len(), HEAD + count);
    bucket.copy_within(HEAD + i + 1..codes_at + i, HEAD + i);
    bucket.copy_within(codes_at + i + 1..start, codes_at + i - 1);
    bucket.copy_within(start + len..end, start - 2);
    bucket[..HEAD].copy_from_slice(&(count as u16 - 1).to_le_bytes());
    bucket.truncate(end - len - 2);
}

/// Gives another number to the large member at a place.
pub(super) fn renumber(bucket: &mut Thin, i: usize, number: u32) {
    let codes = codes(bucket);
    debug_assert_eq!(codes[i], LARGE);
    let start = offset(codes, i);
    let record = Record::large(number);
    bucket[start..start + record.payload().len()].copy_from_slice(record.payload());
}

/// Two new buckets, no larger than they need be: of the members that stay and of those that go.
pub(super) fn split(bucket: &[u8], goes: &[bool]) -> (Thin, Thin) {
    let half = |wanted: bool| {
        let chosen = goes.iter().zip(codes(bucket)).filter(|(goes, _)| **goes == wanted);
        let (count, payload) =
            chosen.fold((0, 0), |(count, payload), (_, &code)| (count + 1, payload + payload_len(code)));
        if count == 0 {
            return Thin::new();
        }
        let mut new = zeroed(HEAD + 2 * count + payload);
        new[..HEAD].copy_from_slice(&(count as u16).to_le_bytes());
        let (mut i, mut to, mut from) = (0, HEAD + 2 * count, HEAD + 2 * goes.len());
        for ((&goes, &tag), &code) in goes.iter().zip(tags(bucket)).zip(codes(bucket)) {
            let len = payload_len(code);
            if goes == wanted {
                new[HEAD + i] = tag;
                new[HEAD + count + i] = code;
                new[to..to + len].copy_from_slice(&bucket[from..from + len]);
                (i, to) = (i + 1, to + len);
            }
            from += len;
        }
        new
    };
    (half(false), half(true))
}

/// Both in one, no larger than it need be.
pub(super) fn join(one: &[u8], two: &[u8]) -> Thin {
    let counts = [count(one), count(two)];
    if counts.contains(&0) {
        return Thin::from(if counts[0] == 0 { two } else { one });
    }
    let total = counts[0] + counts[1];
    assert!(total <= COUNT_MAX, "members are spread over buckets by a seeded hash");
    let payload = |bucket: &[u8], count: usize| HEAD + 2 * count..bucket.len();
    let mut new = Thin::with_capacity(one.len() + two.len() - HEAD);
    new.extend(&(total as u16).to_le_bytes());
    for part in
        [tags(one), tags(two), codes(one), codes(two), &one[payload(one, counts[0])], &two[payload(two, counts[1])]]
    {
        new.extend(part);
    }
    new
}

fn zeroed(len: usize) -> Thin {
    const ZEROES: [u8; 512] = [0; 512];
    let mut thin = Thin::with_capacity(len);
    while thin.len() < len {
        let more = (len - thin.len()).min(ZEROES.len());
        thin.extend(&ZEROES[..more]);
    }
    thin
}

pub(super) fn iter(bucket: &[u8]) -> Iter<'_> {
    let codes = codes(bucket);
    Iter { codes: codes.iter(), payload: bucket.get(HEAD + 2 * codes.len()..).unwrap_or_default() }
}

/// The members in the order they came.
#[derive(Clone, Debug)]
pub(super) struct Iter<'a> {
    codes: std::slice::Iter<'a, u8>,
    payload: &'a [u8],
}

impl<'a> Iterator for Iter<'a> {
    type Item = Stored<'a>;

    #[inline]
    fn next(&mut self) -> Option<Stored<'a>> {
        let &code = self.codes.next()?;
        let (payload, rest) = self.payload.split_at(payload_len(code));
        self.payload = rest;
        Some(Stored::read(code, payload))
    }
}

/// The member, where it is known that there are no large ones.
#[inline]
pub(super) fn small(stored: Stored<'_>) -> Member<'_> {
    match stored {
        Stored::Here(member) => member,
        Stored::Large(_) => unreachable!("a packed set has no large members"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::world::Rng;

    fn random_member(rng: &mut Rng) -> Vec<u8> {
        match rng.below(4) {
            0 => rng.below(40).to_string().into_bytes(),
            1 => format!("{}", rng.next_u64() as i64 >> rng.below(64)).into_bytes(),
            2 => format!("m{}", rng.below(50)).into_bytes(),
            _ => vec![b'x'; rng.below(241) as usize],
        }
    }

    fn members(bucket: &[u8]) -> Vec<Vec<u8>> {
        iter(bucket).map(|stored| small(stored).to_vec()).collect()
    }

    #[test]
    fn agrees_with_a_twin() {
        let seeds = if cfg!(miri) { 2 } else { 100 };
        for seed in 0..seeds {
            let (mut rng, mut bucket, mut twin) = (Rng::new(seed), Thin::new(), Vec::<Vec<u8>>::new());
            for step in 0..300 {
                let text = random_member(&mut rng);
                let member = Member::of(&text);
                let (tag, record) = (tag(member.hash()), Record::of(member).expect("short"));
                let place = find(&bucket, tag, &record);
                assert_eq!(place, twin.iter().position(|it| *it == text), "seed {seed} step {step}");
                match place {
                    None => {
                        push(&mut bucket, tag, &record);
                        twin.push(text);
                    }
                    Some(i) => {
                        assert_eq!(get(&bucket, i), Stored::Here(member));
                        remove(&mut bucket, i);
                        twin.remove(i);
                    }
                }
                assert_eq!((members(&bucket), count(&bucket)), (twin.clone(), twin.len()));
                assert_eq!(bucket.is_empty(), twin.is_empty());
            }
            let goes: Vec<bool> = twin.iter().map(|_| rng.one_in(3)).collect();
            let (stay, go) = split(&bucket, &goes);
            let part = |wanted| {
                let chosen = twin.iter().zip(&goes).filter(move |(_, goes)| **goes == wanted);
                chosen.map(|(text, _)| text.clone()).collect::<Vec<_>>()
            };
            assert_eq!((members(&stay), members(&go)), (part(false), part(true)));
            let joined = join(&stay, &go);
            assert_eq!(members(&joined), [part(false), part(true)].concat());
            assert_eq!(joined.mem_bytes(), bucket.clone().mem_bytes());
            for (i, text) in members(&joined).iter().enumerate() {
                let member = Member::of(text);
                assert_eq!(find(&joined, tag(member.hash()), &Record::of(member).expect("short")), Some(i));
            }
            assert_eq!(members(&join(&[], &go)), part(true));
        }
    }

    #[test]
    fn large_ones_are_numbers() {
        let mut bucket = Thin::new();
        push(&mut bucket, 1, &Record::of(Member::Text(b"a")).expect("short"));
        push(&mut bucket, 7, &Record::large(5));
        push(&mut bucket, 7, &Record::large(6));
        assert_eq!(find_large(&bucket, 7, |number| number == 6), Some(2));
        assert_eq!(find_large(&bucket, 1, |_| true), None);
        renumber(&mut bucket, 1, 9);
        assert_eq!(get(&bucket, 1), Stored::Large(9));
        assert_eq!(get(&bucket, 2), Stored::Large(6));
    }
}
