//! Streams against a plain map.

use super::*;
use kit::world::Rng;
use std::collections::BTreeMap;

type Words = Vec<Vec<u8>>;
type Twin = BTreeMap<Id, Words>;

const LIMITS: ChunkLimits = ChunkLimits { bytes: 4096, entries: 100 };

fn words_of(entry: Entry<'_>) -> Words {
    assert_eq!(entry.pairs().count(), entry.field_count());
    entry.pairs().flat_map(|(field, value)| [field.to_vec(), value.bytes(&mut [0; 20]).to_vec()]).collect()
}

fn random_words(rng: &mut Rng) -> Words {
    let value = |rng: &mut Rng| match rng.below(5) {
        0 => rng.below(100).to_string().into_bytes(),
        1 => (rng.next_u64() as i64).to_string().into_bytes(),
        2 => vec![rng.next_u64() as u8; rng.index(20)],
        3 => b"007".to_vec(),
        _ => vec![b'v'; rng.index(400)],
    };
    match rng.below(8) {
        0..6 => vec![b"name".to_vec(), value(rng), b"1".to_vec(), value(rng)],
        6 => vec![b"name".to_vec(), value(rng)],
        _ => vec![vec![b'f'; rng.index(300)], value(rng), b"".to_vec(), value(rng), b"x".to_vec(), value(rng)],
    }
}

fn check(stream: &Stream, twin: &Twin) {
    let entries = stream.entries();
    let all: Vec<_> = entries.range(Id::MIN, Id::MAX).map(|entry| (entry.id, words_of(entry))).collect();
    assert!(all.iter().map(|(id, words)| (id, words)).eq(twin.iter()));
    assert!(entries.range_back(Id::MIN, Id::MAX).map(|entry| entry.id).eq(twin.keys().rev().copied()));
    assert_eq!((stream.len(), stream.is_empty()), (twin.len(), twin.is_empty()));
    assert_eq!(entries.first_id(), twin.keys().next().copied());
    assert_eq!(entries.final_id(), twin.keys().last().copied());
    assert_eq!(entries.final_entry().map(|entry| entry.id), twin.keys().last().copied());
    let copy = stream.duplicate();
    assert_eq!(format!("{copy:?}"), format!("{stream:?}"));
    assert!(copy.mem_bytes() <= stream.mem_bytes(), "{} {}", copy.mem_bytes(), stream.mem_bytes());
    assert_eq!(copy.effort(), stream.effort());
}

#[test]
fn agrees_with_a_map() {
    for seed in 0..40 {
        let (mut rng, mut stream, mut twin) = (Rng::new(seed), Stream::new(), Twin::new());
        let mut last = Id::new(rng.below(3), 1);
        let limits = match seed % 4 {
            0 => ChunkLimits { bytes: 0, entries: 0 },
            1 => ChunkLimits { bytes: 4096, entries: 7 },
            2 => ChunkLimits { bytes: 300, entries: 0 },
            _ => LIMITS,
        };
        let mut added = 0;
        for step in 0..800 {
            let near = |rng: &mut Rng, twin: &Twin| {
                let keys: Vec<Id> = twin.keys().copied().collect();
                let id = if keys.is_empty() { Id::new(5, 5) } else { keys[rng.index(keys.len())] };
                match rng.below(4) {
                    0 => id.next().unwrap_or(Id::MAX),
                    1 => id.previous().unwrap_or(Id::MIN),
                    _ => id,
                }
            };
            match rng.below(if step < 500 { 14 } else { 20 }) {
                0..10 => {
                    last = match rng.below(4) {
                        0 => Id::new(last.ms + 1 + rng.below(10_000), rng.below(3)),
                        1 => Id::new(last.ms, last.seq + 1 + rng.below(300)),
                        _ => Id::new(last.ms + rng.below(2), last.seq + 1),
                    };
                    let words = random_words(&mut rng);
                    stream.entries_mut().append(last, words.len(), |i| &words[i], limits);
                    twin.insert(last, words);
                    added += 1;
                    assert_eq!((stream.entries().last_id(), stream.entries().added), (last, added));
                }
                10 => {
                    let (from, to) = (near(&mut rng, &twin), near(&mut rng, &twin));
                    let expected: Vec<Id> =
                        if from <= to { twin.range(from..=to).map(|(id, _)| *id).collect() } else { vec![] };
                    let ids: Vec<Id> = stream.entries().range(from, to).map(|entry| entry.id).collect();
                    assert_eq!(ids, expected, "{from} {to}");
                    let mut back: Vec<Id> = stream.entries().range_back(from, to).map(|entry| entry.id).collect();
                    back.reverse();
                    assert_eq!(back, expected, "{from} {to}");
                }
                11 => {
                    let id = near(&mut rng, &twin);
                    assert_eq!(stream.entries().get(id).map(words_of).as_ref(), twin.get(&id));
                    assert_eq!(stream.entries().contains(id), twin.contains_key(&id));
                }
                12 if rng.below(4) == 0 => {
                    let (keep, rough) = (rng.below(twin.len() as u64 + 2), rng.below(2) == 0);
                    let trim = if rough { Trim::Roughly(rng.below(30)) } else { Trim::Exactly };
                    let gone = stream.entries_mut().trim_to_len(keep, trim);
                    assert!(rough || stream.len() as u64 == keep.min(twin.len() as u64));
                    (0..gone).for_each(|_| drop(twin.pop_first()));
                    assert!(gone == 0 || twin.len() as u64 >= keep);
                }
                13 if rng.below(4) == 0 => {
                    let (id, rough) = (near(&mut rng, &twin), rng.below(2) == 0);
                    let trim = if rough { Trim::Roughly(rng.below(30)) } else { Trim::Exactly };
                    let gone = stream.entries_mut().trim_below(id, trim);
                    let below = twin.range(..id).count() as u64;
                    assert!(if rough { gone <= below } else { gone == below }, "{gone} of {below}");
                    (0..gone).for_each(|_| drop(twin.pop_first()));
                }
                _ => {
                    let (id, deleted) = (near(&mut rng, &twin), stream.entries().max_deleted);
                    let there = twin.remove(&id).is_some();
                    assert_eq!(stream.entries_mut().delete(id), there);
                    assert_eq!(stream.entries().max_deleted, if there { deleted.max(id) } else { deleted });
                }
            }
            if step % 40 == 0 {
                check(&stream, &twin);
            }
        }
        check(&stream, &twin);
    }
}

#[test]
fn chunks_are_as_large_as_they_may() {
    let fill = |limits: ChunkLimits, count: u64| {
        let mut stream = Stream::new();
        for n in 1..=count {
            let value = (n % 10).to_string().into_bytes();
            let words = [&b"field"[..], &value, b"other", b"ten bytes."];
            stream.entries_mut().append(Id::new(n, 0), 4, |i| words[i], limits);
        }
        stream
    };
    assert_eq!(fill(LIMITS, 1_000).entries().chunk_count(), 10);
    assert_eq!(fill(ChunkLimits { bytes: 0, entries: 0 }, 1_000).entries().chunk_count(), 1);
    assert!(fill(ChunkLimits { bytes: 100, entries: 0 }, 1_000).entries().chunk_count() > 100);
    let bytes = fill(LIMITS, 10_000).mem_bytes();
    assert!(bytes < 200_000, "{bytes} bytes for 10000 entries of 11 bytes");
}

#[test]
fn rough_trimming_takes_whole_chunks() {
    let mut stream = Stream::new();
    for n in 1..=101 {
        stream.entries_mut().append(
            Id::new(n, 0),
            2,
            |i| if i == 0 { b"f" } else { b"v" },
            ChunkLimits { bytes: 4096, entries: 10 },
        );
    }
    assert_eq!(stream.entries_mut().trim_to_len(55, Trim::Roughly(30)), 30);
    assert_eq!(stream.entries_mut().trim_to_len(55, Trim::Roughly(30)), 10);
    assert_eq!(stream.entries_mut().trim_to_len(0, Trim::Roughly(9)), 0);
    assert_eq!(stream.entries_mut().trim_below(Id::new(71, 0), Trim::Roughly(0)), 30);
    assert_eq!(stream.entries_mut().trim_below(Id::new(75, 0), Trim::Roughly(0)), 0);
    assert_eq!(stream.entries_mut().trim_below(Id::new(75, 0), Trim::Exactly), 4);
    assert_eq!(stream.entries_mut().trim_to_len(0, Trim::Roughly(0)), 27);
    assert_eq!((stream.len(), stream.entries().last_id(), stream.entries().chunk_count()), (0, Id::new(101, 0), 0));
}

#[test]
fn groups_are_counted() {
    let mut stream = Stream::new();
    let empty = stream.mem_bytes();
    assert!(
        stream.add_group(b"g", Id::MIN, None)
            && !stream.add_group(b"g", Id::MAX, None)
            && stream.add_group(b"a", Id::MIN, Some(1))
    );
    for n in 0..1_000 {
        stream.in_group(b"g", |_, group| {
            let name = [b'a' + (n % 7) as u8];
            let (consumer, _) = group.make_consumer(&name, 0);
            group.deliver(Id::new(n, 0), consumer, 5);
        });
    }
    let sum = |stream: &Stream| stream.groups().iter().map(Group::mem_bytes).sum::<usize>();
    assert_eq!(stream.body().group_bytes, sum(&stream));
    assert!(sum(&stream) < 70 * 1_000, "{}", sum(&stream));
    assert!(stream.effort() > 32);
    let copy = stream.duplicate();
    assert_eq!(copy.body().group_bytes, sum(&copy));
    copy.groups().iter().for_each(Group::check);
    assert!(stream.group(b"g").is_some_and(|group| group.pending().len() == 1_000 && group.consumer_count() == 7));
    assert!(stream.remove_group(b"g") && !stream.remove_group(b"g") && stream.remove_group(b"a"));
    assert_eq!((stream.body().group_bytes, stream.body().group_effort, stream.groups().len()), (0, 0, 0));
    assert!(stream.mem_bytes() >= empty && stream.in_group(b"g", |_, _| ()).is_none());
}

#[test]
fn a_long_gap_between_times() {
    let mut stream = Stream::new();
    let ids = [Id::new(0, 1), Id::new(0, u64::MAX), Id::new(1_641_544_570_597, 0), Id::new(u64::MAX, u64::MAX)];
    for id in ids {
        stream.entries_mut().append(id, 2, |i| if i == 0 { b"f" } else { b"-1" }, LIMITS);
    }
    assert_eq!(stream.entries().range(Id::MIN, Id::MAX).map(|entry| entry.id).collect::<Vec<_>>(), ids);
    assert_eq!(stream.entries_mut().trim_below(ids[2], Trim::Exactly), 2);
    assert_eq!(stream.entries().first_id(), Some(ids[2]));
}
