//! Hashes against a plain map: content, counts, deadlines, forms, walks, chance, size.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

const LIMITS: Limits = Limits { fields: 16, text_len: 64 };

type Twin = BTreeMap<Vec<u8>, (Vec<u8>, Option<i64>)>;

fn content(hash: &Hash) -> Twin {
    hash.iter().map(|pair| (pair.field.to_vec(), (pair.value.to_vec(), pair.deadline))).collect()
}

fn check(hash: &Hash, twin: &Twin, note: &str) {
    assert_eq!(content(hash), *twin, "{note}");
    assert_eq!((hash.len(), hash.is_empty(), hash.iter().count()), (twin.len(), twin.is_empty(), twin.len()), "{note}");
    let deadlines: Vec<i64> = twin.values().filter_map(|(_, deadline)| *deadline).collect();
    assert_eq!((hash.timed_len(), hash.soonest()), (deadlines.len(), deadlines.iter().min().copied()), "{note}");
    let last = deadlines.iter().max().copied().unwrap_or(0);
    let all = deadlines.len() == twin.len();
    assert!(twin.is_empty() || (hash.is_all_due(last), hash.is_all_due(last - 1)) == (all, false), "{note}");
    if let Form::Table(table) = &hash.form {
        table.check();
    }
}

fn random_text(rng: &mut Rng) -> Vec<u8> {
    match rng.below(20) {
        0 => vec![b'x'; rng.index(200)],
        1 => vec![b'y'; rng.index(2000)],
        2..10 => (rng.next_u64() as i64 >> rng.below(64)).to_string().into_bytes(),
        _ => format!("text{}", rng.below(100)).into_bytes(),
    }
}

#[test]
fn agrees_with_a_twin() {
    for seed in 0..if cfg!(miri) { 2 } else { 20 } {
        let (mut rng, mut hash, mut twin) = (Rng::new(seed), Hash::new(), Twin::new());
        let field_count = [4, 12, 40, 400, 1500][seed as usize % 5];
        let limits =
            Limits { fields: if seed % 3 == 0 { 600 } else { 16 }, text_len: if seed % 2 == 0 { 64 } else { 5000 } };
        let timed = seed % 4 != 0;
        let removing = [2, 6][seed as usize / 5 % 2];
        for step in 0..2500i64 {
            let field = match rng.below(field_count) {
                number if number % 3 == 0 => number.to_string().into_bytes(),
                7 => vec![b'f'; 700],
                number => format!("field:{number}").into_bytes(),
            };
            let old = twin.get(&field).cloned();
            match rng.below(10) {
                what if what < removing => {
                    assert_eq!(hash.remove(&field), twin.remove(&field).is_some());
                }
                8 if timed => {
                    let deadline = (!rng.one_in(3)).then(|| step + rng.below(800) as i64);
                    assert_eq!(hash.set_deadline(&field, deadline), old.is_some());
                    if let Some((_, at)) = twin.get_mut(&field) {
                        *at = deadline;
                    }
                }
                9 if timed => {
                    let (mut names, mut budget) = (BTreeSet::new(), rng.index(20));
                    let asked = budget;
                    let more = hash.remove_due(step, &mut budget, &mut |name| assert!(names.insert(name.to_vec())));
                    assert_eq!(names.len(), asked - budget);
                    for name in names {
                        assert!(twin.remove(&name).is_some_and(|(_, at)| at.is_some_and(|at| at <= step)));
                    }
                    assert_eq!(more, twin.values().any(|(_, at)| at.is_some_and(|at| at <= step)));
                }
                _ => {
                    let value = random_text(&mut rng);
                    let life = match rng.below(4) {
                        0 if timed => Life::Until(step + rng.below(800) as i64),
                        1 => Life::Keep,
                        _ => Life::Forever,
                    };
                    let deadline = match life {
                        Life::Forever => None,
                        Life::Keep => old.as_ref().and_then(|(_, deadline)| *deadline),
                        Life::Until(deadline) => Some(deadline),
                    };
                    assert_eq!(hash.set(&field, &value, life, &limits), old.is_none());
                    twin.insert(field.clone(), (value, deadline));
                }
            }
            let found = hash.get(&field).map(|pair| (pair.value.to_vec(), pair.deadline));
            assert_eq!(found, twin.get(&field).cloned(), "seed {seed} step {step}");
            if step % 50 == 0 {
                check(&hash, &twin, &format!("seed {seed} step {step}"));
                let copy = hash.duplicate();
                check(&copy, &twin, "a copy");
                assert!(copy.mem_bytes() <= hash.mem_bytes() && copy.encoding() == hash.encoding());
                assert!(
                    twin.is_empty()
                        || hash.random(&mut rng).is_some_and(|pair| twin.contains_key(&pair.field.to_vec()))
                );
            }
        }
        check(&hash, &twin, &format!("seed {seed}"));
        for field in twin.keys() {
            assert!(hash.remove(field));
        }
        check(&hash, &Twin::new(), "emptied");
    }
}

#[test]
fn forms() {
    use crate::Encoding::{HashPacked, HashTable, HashTimed};
    let mut hash = Hash::new();
    (0..16).for_each(|i| assert!(hash.set(format!("f{i}").as_bytes(), b"v", Life::Forever, &LIMITS)));
    assert_eq!(hash.encoding(), HashPacked);
    assert!(!hash.set_deadline(b"none", None) && hash.set_deadline(b"f3", None));
    assert_eq!(hash.encoding(), HashPacked);
    assert!(hash.set_deadline(b"f3", Some(5)));
    assert_eq!((hash.encoding(), hash.timed_len()), (HashTimed, 1));
    assert!(!hash.set(b"f3", b"w", Life::Forever, &LIMITS));
    assert_eq!((hash.encoding(), hash.timed_len()), (HashTimed, 0));
    hash.set(b"f3", b"w", Life::Until(9), &LIMITS);
    assert!(hash.set(b"one more", b"v", Life::Forever, &LIMITS));
    assert_eq!((hash.encoding(), hash.soonest(), hash.len()), (HashTable, Some(9), 17));
    for (field, value) in [(65, 1), (1, 65)] {
        let mut hash = Hash::new();
        hash.set(b"a", b"b", Life::Forever, &LIMITS);
        hash.set(&vec![b'f'; field], &vec![b'v'; value], Life::Forever, &LIMITS);
        assert_eq!((hash.encoding(), hash.len()), (HashTable, 2));
    }
    let mut hash = Hash::new();
    hash.set(b"a", b"b", Life::Forever, &Limits { fields: 0, text_len: 64 });
    assert_eq!(hash.encoding(), HashTable);
}

/// Every field that is there all the time is told, whatever the table does meanwhile.
#[test]
fn scans_while_it_grows_and_shrinks() {
    for seed in 0..20 {
        let mut rng = Rng::new(seed);
        let mut hash = Hash::new();
        let set = |hash: &mut Hash, i: u64| hash.set(format!("f{i}").as_bytes(), b"v", Life::Forever, &LIMITS);
        let staying = 500;
        (0..staying + 3000 * (seed % 2)).for_each(|i| assert!(set(&mut hash, i)));
        let (mut seen, mut position, mut told) = (BTreeSet::new(), Some(0), 0);
        let (mut low, mut high) = (staying, staying + 3000 * (seed % 2));
        while let Some(at) = position {
            position = hash.scan(at, &mut |pair| {
                told += 1;
                seen.insert(pair.field.to_vec());
            });
            assert!(position.is_none_or(|next| next > at));
            for _ in 0..rng.below(60) {
                if seed % 2 == 0 {
                    set(&mut hash, high);
                    high += 1;
                } else if low < high {
                    hash.remove(format!("f{low}").as_bytes());
                    low += 1;
                }
            }
        }
        assert!((0..staying).all(|i| seen.contains(format!("f{i}").as_bytes())), "seed {seed}");
        assert!(told < 12_000);
    }
}

#[test]
fn chance_is_fair() {
    let (mut rng, mut hash) = (Rng::new(1), Hash::new());
    (0..100).for_each(|i| assert!(hash.set(format!("f{i}").as_bytes(), b"v", Life::Forever, &LIMITS)));
    let mut counts = BTreeMap::new();
    for _ in 0..100_000 {
        *counts.entry(hash.random(&mut rng).expect("not empty").field.to_vec()).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 100);
    assert!(counts.values().all(|&count| (840..1160).contains(&count)), "{counts:?}");
}

/// Redis 7.0.15 takes 72 to 80 bytes for such a field in a large hash.
#[test]
fn is_as_small_as_promised() {
    let mut hash = Hash::new();
    let count = 100_000;
    for i in 0..count {
        hash.set(format!("f:{i:06}").as_bytes(), format!("v:{i:06}").as_bytes(), Life::Forever, &LIMITS);
    }
    let bytes = hash.mem_bytes() as f64 / f64::from(count);
    assert!(bytes < 25.0, "{bytes} bytes a field");
    let mut hash = Hash::new();
    (0..8).for_each(|i| assert!(hash.set(format!("field{i}").as_bytes(), b"value6", Life::Forever, &LIMITS)));
    assert_eq!(hash.mem_bytes(), 128);
}
