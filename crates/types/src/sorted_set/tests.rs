//! Both forms against a plain ordered set.

use super::*;
use kit::world::Rng;
use std::collections::{BTreeMap, BTreeSet};

/// A float that can stand in a BTreeSet.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
struct Score(f64);
impl Eq for Score {}
#[allow(clippy::derive_ord_xor_partial_ord)]
impl Ord for Score {
    fn cmp(&self, other: &Score) -> Ordering {
        self.partial_cmp(other).expect("no NaN")
    }
}

#[derive(Default)]
struct Twin {
    members: BTreeMap<Vec<u8>, f64>,
    order: BTreeSet<(Score, Vec<u8>)>,
}

impl Twin {
    fn insert(&mut self, member: &[u8], score: f64) -> Option<f64> {
        let old = self.members.get(member).copied();
        if old == Some(score) {
            return old;
        }
        self.remove(member);
        self.members.insert(member.to_vec(), score);
        self.order.insert((Score(score), member.to_vec()));
        old
    }

    fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let old = self.members.remove(member)?;
        assert!(self.order.remove(&(Score(old), member.to_vec())));
        Some(old)
    }

    fn elements(&self) -> Vec<(&[u8], f64)> {
        self.order.iter().map(|(score, member)| (&member[..], score.0)).collect()
    }
}

impl SortedSet {
    fn check(&self) {
        if let Form::Tree(tree) = &self.form {
            tree.check();
        }
    }
}

fn agree(set: &SortedSet, twin: &Twin, rng: &mut Rng, note: &str) {
    set.check();
    let expected = twin.elements();
    assert_eq!(set.len(), expected.len(), "{note}");
    assert_eq!(set.iter().collect::<Vec<_>>(), expected, "{note}");
    let backwards: Vec<_> = expected.iter().rev().copied().collect();
    assert_eq!(set.range(0..usize::MAX, true).collect::<Vec<_>>(), backwards, "{note}");
    if expected.is_empty() {
        return;
    }
    for _ in 0..20 {
        let rank = rng.index(expected.len());
        let (member, score) = expected[rank];
        assert_eq!((set.rank(member), set.score(member)), (Some((rank, score)), Some(score)), "{note}");
        assert_eq!(set.at_rank(rank), Some((member, score)), "{note}");
        let below = |equal| expected.iter().filter(|(_, other)| *other < score || (equal && *other == score)).count();
        assert_eq!(
            (set.count_below(score, false), set.count_below(score, true)),
            (below(false), below(true)),
            "{note}"
        );
        let end = rank + rng.index(expected.len());
        let part = &expected[rank..end.min(expected.len())];
        assert_eq!(set.range(rank..end, false).collect::<Vec<_>>(), part, "{note}");
    }
}

fn member(rng: &mut Rng, space: u64, long: bool) -> Vec<u8> {
    let mut member = format!("m{}", rng.below(space)).into_bytes();
    if long && rng.one_in(10) {
        let len = [100, 1000, 5000, 70_000][(member.len() + usize::from(member[member.len() - 1])) % 4];
        member.resize(len, b'.');
    }
    member
}

fn score(rng: &mut Rng, kind: u64) -> f64 {
    match kind {
        0 => 0.0,
        1 => rng.below(5) as f64 - 2.0,
        2 => [f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 1e300][rng.index(5)],
        _ => rng.f64() * 1e6,
    }
}

#[test]
fn agrees_with_its_twin() {
    let (rounds, steps) = if cfg!(miri) { (2, 150) } else { (30, 2000) };
    for seed in 0..rounds {
        let (mut rng, mut set, mut twin) = (Rng::new(seed), SortedSet::new(), Twin::default());
        let limits = Limits { entries: [128, 0, 20, 100_000][rng.index(4)], value: [64, 6, 100_000][rng.index(3)] };
        let (space, kind, long) = ([30, 500, 100_000][rng.index(3)], rng.below(5), rng.one_in(4));
        for step in 0..steps {
            let note = format!("seed {seed} step {step}");
            let member = member(&mut rng, space, long);
            let shrinking = step / (steps / 5) % 2 == 1;
            match rng.below(20) {
                0..10 if !shrinking => {
                    let score = score(&mut rng, kind);
                    assert_eq!(set.insert(&member, score, limits), twin.insert(&member, score), "{note}");
                }
                10..12 => {
                    let more = |old: Option<f64>| old.map(|old| old + 1.0);
                    let old = set.update(&member, limits, more);
                    assert_eq!(old, twin.members.get(&member).copied(), "{note}");
                    if let Some(score) = more(old) {
                        twin.insert(&member, score);
                    }
                }
                12..14 => assert_eq!(set.remove(&member), twin.remove(&member), "{note}"),
                14..18 if shrinking && !set.is_empty() => {
                    let rank = if seed % 2 == 0 { 0 } else { rng.index(set.len()) };
                    let member = set.at_rank(rank).expect("it is there").0.to_vec();
                    assert_eq!(set.remove(&member), twin.remove(&member), "{note}");
                }
                18 if rng.one_in(if shrinking { 10 } else { 100 }) => {
                    let start = rng.index(set.len() + 1);
                    let end = start + rng.index(200);
                    let gone: Vec<Vec<u8>> = set.range(start..end, false).map(|(member, _)| member.to_vec()).collect();
                    assert_eq!(set.remove_ranks(start..end), gone.len(), "{note}");
                    for member in &gone {
                        twin.remove(member);
                    }
                }
                _ => assert_eq!(set.score(&member), twin.members.get(&member).copied(), "{note}"),
            }
            if step % 300 == 299 {
                agree(&set, &twin, &mut rng, &note);
                let copy = set.duplicate();
                agree(&copy, &twin, &mut rng, &note);
                assert!(copy.mem_bytes() <= set.mem_bytes(), "{note}");
            }
        }
    }
}

#[test]
fn long_members_stand_among_short_ones() {
    let (mut rng, mut set, mut twin) = (Rng::new(1), SortedSet::new(), Twin::default());
    for step in 0..if cfg!(miri) { 100 } else { 1500 } {
        let mut member = format!("{}", rng.below(10_000)).into_bytes();
        member.resize([3, 30, 4000, 9000][rng.index(4)], b'x');
        let score = rng.below(100) as f64;
        if step % 3 == 2 {
            let at = rng.index(set.len());
            member = set.at_rank(at).expect("it is there").0.to_vec();
            assert_eq!(set.remove(&member), twin.remove(&member));
        } else {
            assert_eq!(set.insert(&member, score, Limits::default()), twin.insert(&member, score));
        }
    }
    agree(&set, &twin, &mut rng, "at the end");
}

#[test]
fn order_of_members_at_one_score() {
    let mut set = SortedSet::new();
    let count = if cfg!(miri) { 200 } else { 20_000 };
    let names: Vec<String> = (0..count).map(|i| format!("{i:05}")).collect();
    let mut shuffled: Vec<&String> = names.iter().collect();
    Rng::new(3).shuffle(&mut shuffled);
    for name in shuffled {
        set.insert(name.as_bytes(), 1.0, Limits::default());
    }
    set.check();
    for i in (0..count).step_by(77) {
        let name = names[i].as_bytes();
        assert_eq!((set.count_below_lex(name, false), set.count_below_lex(name, true)), (i, i + 1));
    }
    assert_eq!((set.count_below_lex(b"", true), set.count_below_lex(b"9999999", false)), (0, count));
}

#[test]
fn a_scan_keeps_its_promise() {
    for seed in 0..if cfg!(miri) { 1 } else { 8 } {
        let (mut rng, mut set) = (Rng::new(seed), SortedSet::new());
        let grow = seed % 2 == 0;
        let count = if cfg!(miri) { 300 } else { 6000 };
        for i in 0..300 {
            set.insert(format!("stays:{i}").as_bytes(), rng.f64(), Limits::default());
        }
        let mut passing: Vec<String> = (0..count).map(|i| format!("passing:{i}")).collect();
        if !grow {
            for name in &passing {
                set.insert(name.as_bytes(), 0.0, Limits::default());
            }
        }
        let (mut position, mut seen) = (0, BTreeSet::new());
        loop {
            let mut told = 0;
            position = set.scan(position, 10, &mut |member, _| {
                told += 1;
                if member.starts_with(b"stays") {
                    seen.insert(member.to_vec());
                }
            });
            assert!(told < 150, "{told}");
            if position == 0 {
                break;
            }
            for name in passing.drain(passing.len() - passing.len().min(100)..) {
                if grow {
                    set.insert(name.as_bytes(), 0.0, Limits::default());
                } else {
                    set.remove(name.as_bytes());
                }
            }
        }
        assert_eq!(seen.len(), 300, "seed {seed}");
    }
}

#[test]
fn both_forms_have_the_same_digest() {
    let digest = |set: &SortedSet| {
        let mut parts = Vec::new();
        set.for_each_digest(&mut |element| parts.push(element.concat()));
        parts.sort();
        parts
    };
    let mut set = SortedSet::new();
    for i in 0..100 {
        set.insert(format!("{i}").as_bytes(), f64::from(i) / 3.0, Limits::default());
    }
    let small = digest(&set);
    assert_eq!(set.encoding().name(), "listpack");
    set.grow_up();
    assert_eq!((set.encoding().name(), set.len()), ("skiplist", 100));
    assert_eq!(digest(&set), small);
}

#[test]
fn limits_choose_the_form() {
    let limits = Limits { entries: 3, value: 4 };
    let mut set = SortedSet::new();
    for name in ["a", "b", "c", "a"] {
        set.insert(name.as_bytes(), 1.0, limits);
    }
    assert_eq!(set.encoding().name(), "listpack");
    set.insert(b"d", 1.0, limits);
    assert_eq!(set.encoding().name(), "skiplist");
    let mut set = SortedSet::new();
    set.insert(b"abcd", 1.0, limits);
    assert_eq!(set.encoding().name(), "listpack");
    set.insert(b"abcde", 1.0, limits);
    assert_eq!((set.encoding().name(), set.len()), ("skiplist", 2));
}
