//! A set in all its encodings against a plain twin; where the encodings end.

use super::*;
use crate::Encoding;
use std::collections::BTreeSet;

fn texts(set: &Set) -> BTreeSet<Vec<u8>> {
    let all: Vec<Vec<u8>> = set.iter().map(Member::to_vec).collect();
    let different: BTreeSet<Vec<u8>> = all.iter().cloned().collect();
    assert_eq!(all.len(), different.len());
    different
}

fn digest(set: &Set) -> BTreeSet<Vec<u8>> {
    let mut parts = BTreeSet::new();
    set.for_each_digest(&mut |member| assert!(parts.insert(member.concat())));
    parts
}

#[test]
fn agrees_with_a_twin() {
    let seeds = if cfg!(miri) { 2 } else { 60 };
    for seed in 0..seeds {
        let mut rng = Rng::new(seed);
        let limits = [
            Limits::USUAL,
            Limits { ints: 5, packed: 3, packed_value: 9 },
            Limits { ints: 0, packed: 0, packed_value: 0 },
        ];
        let limits = limits[rng.index(3)];
        let (mut set, mut twin) = (Set::new(), BTreeSet::new());
        let (range, texts_in) = ([10, 200, 3000][rng.index(3)], [0, 2, 100][rng.index(3)]);
        for step in 0..1500 {
            let number = rng.below(range);
            let text = match rng.below(100) < texts_in {
                true => format!("m{number:0>width$}", width = [1, 70, 250][rng.index(3)]).into_bytes(),
                false => (number as i64 - 5).to_string().into_bytes(),
            };
            let member = Member::of(&text);
            let before = set.mem_bytes();
            match rng.below(6) {
                0..4 => assert_eq!(set.add(member, &limits), twin.insert(text), "seed {seed} step {step}"),
                4 => assert_eq!(set.remove(member), twin.remove(&text), "seed {seed} step {step}"),
                _ => {
                    assert_eq!(set.contains(member), twin.contains(&text));
                    let place = set.random(&mut rng);
                    assert_eq!(place.is_none(), twin.is_empty());
                    if let Some(place) = place {
                        assert!(twin.contains(&set.at(place).to_vec()));
                        assert_eq!(set.find(set.at(place)), Some(place));
                    }
                    assert_eq!(set.mem_bytes(), before);
                }
            }
            assert_eq!((set.len(), set.is_empty()), (twin.len(), twin.is_empty()));
        }
        assert_eq!(texts(&set), twin);
        assert_eq!(digest(&set), twin);
        let copy = set.duplicate();
        assert_eq!((texts(&copy), copy.encoding()), (twin.clone(), set.encoding()));
        assert!(copy.mem_bytes() <= set.mem_bytes());
        let (mut seen, mut position) = (BTreeSet::new(), Some(0));
        while let Some(at) = position {
            position = set.scan(at, &mut |member| assert!(seen.insert(member.to_vec()), "at rest: once"));
        }
        assert_eq!(seen, twin);
    }
}

/// The encoding after adding these one by one to what the first would begin.
fn encoding(members: impl IntoIterator<Item = String>) -> Encoding {
    let mut members = members.into_iter().peekable();
    let mut set = Set::for_members(Member::of(members.peek().expect("one").as_bytes()), 1, &Limits::USUAL);
    members.for_each(|text| assert!(set.add(Member::of(text.as_bytes()), &Limits::USUAL)));
    set.encoding()
}

#[test]
fn encodings_end_where_those_of_redis_do() {
    use Encoding::{SetInts, SetPacked, SetTable};
    let ints = |n: usize| (0..n).map(|i| i.to_string());
    let texts = |n: usize| (0..n).map(|i| format!("t{i}"));
    let x = |len: usize| std::iter::once("x".repeat(len));
    assert_eq!(encoding(ints(1)), SetInts);
    assert_eq!(encoding(ints(512)), SetInts);
    assert_eq!(encoding(ints(513)), SetTable);
    assert_eq!(encoding(ints(127).chain(x(1))), SetPacked);
    assert_eq!(encoding(ints(128).chain(x(1))), SetTable);
    assert_eq!(encoding(texts(128)), SetPacked);
    assert_eq!(encoding(texts(129)), SetTable);
    assert_eq!(encoding(texts(100).chain(ints(29))), SetTable);
    assert_eq!(encoding(x(64)), SetPacked);
    assert_eq!(encoding(x(65)), SetTable);
    assert_eq!(encoding(ints(1).chain(x(65))), SetTable);
    assert_eq!(encoding(texts(1).chain(x(65))), SetTable);
    let begin = |first: &[u8], count| Set::for_members(Member::of(first), count, &Limits::USUAL).encoding();
    assert_eq!(
        [begin(b"1", 512), begin(b"1", 513), begin(b"a", 128), begin(b"a", 129)],
        [SetInts, SetTable, SetPacked, SetTable]
    );
    let mut set = Set::new();
    set.expect(512, &Limits::USUAL);
    assert_eq!(set.encoding(), SetInts);
    set.expect(513, &Limits::USUAL);
    assert_eq!(set.encoding(), SetTable);
    // Limits above what a bucket can hold.
    let wide = Limits { ints: usize::MAX, packed: usize::MAX, packed_value: usize::MAX };
    let mut set = Set::new();
    assert!(set.add(Member::of(&[b'x'; 240]), &wide) && set.encoding() == SetPacked);
    assert!(set.add(Member::of(&[b'x'; 241]), &wide) && set.encoding() == SetTable);
}

#[test]
fn bytes_a_member() {
    let mut set = Set::new();
    let (mut most, mut last) = (0.0f64, 0);
    for i in 0..if cfg!(miri) { 2000 } else { 200_000 } {
        assert!(set.add(Member::of(format!("member:{i:06}").as_bytes()), &Limits::USUAL));
        if i >= 1000 && i % 100 == 0 {
            most = most.max(set.mem_bytes() as f64 / (i + 1) as f64);
        }
        last = i + 1;
    }
    println!("{} bytes a member, at the most {most}", set.mem_bytes() as f64 / f64::from(last));
    assert!(most < 21.0, "{most}");
}
