//! Lists beside a `VecDeque` of texts.

use super::pack::Side::{self, Back, Front};
use super::*;
use crate::Encoding;
use kit::world::Rng;
use std::collections::VecDeque;

const ROUNDS: u64 = if cfg!(miri) { 2 } else { 24 };
const STEPS: u64 = if cfg!(miri) { 60 } else { 250 };

/// What the elements of a round are like.
#[derive(Clone, Copy, Debug)]
enum Taste {
    Numbers,
    SameLength,
    Short,
    All,
}

fn element(rng: &mut Rng, taste: Taste) -> Vec<u8> {
    let bytes = |len: u64, rng: &mut Rng| (0..len).map(|_| b'a' + rng.below(4) as u8).collect();
    match (taste, rng.below(10)) {
        (Taste::Numbers, _) => ((rng.next_u64() as i64) >> rng.below(64)).to_string().into_bytes(),
        (Taste::SameLength, _) => bytes(64, rng),
        (Taste::Short, _) => {
            let len = rng.below(3);
            bytes(len, rng)
        }
        (Taste::All, 0) => bytes([0, 249, 250, 2000, 8190, 9000, 40_000, 70_000][rng.below(8) as usize], rng),
        (Taste::All, 1) => rng.below(300).to_string().into_bytes(),
        (Taste::All, _) => {
            let len = rng.below(300);
            bytes(len, rng)
        }
    }
}

fn side(rng: &mut Rng) -> Side {
    if rng.one_in(2) { Front } else { Back }
}

fn texts(list: &List, from: Side, skip: usize) -> Vec<Vec<u8>> {
    list.walk(from, skip).map(Item::to_vec).collect()
}

fn check(list: &List, twin: &VecDeque<Vec<u8>>, rng: &mut Rng, note: &str) {
    assert_eq!((list.len(), list.is_empty()), (twin.len(), twin.is_empty()), "{note}");
    let skip = rng.below(twin.len() as u64 + 2) as usize;
    assert_eq!(texts(list, Front, skip), twin.iter().skip(skip).cloned().collect::<Vec<_>>(), "{note}");
    assert_eq!(texts(list, Back, skip), twin.iter().rev().skip(skip).cloned().collect::<Vec<_>>(), "{note}");
    let i = rng.below(twin.len() as u64 + 1) as usize;
    assert_eq!(list.get(i).map(Item::to_vec), twin.get(i).cloned(), "{note}");
    assert_eq!(list.end(Front).map(Item::to_vec), twin.front().cloned(), "{note}");
    assert_eq!(list.end(Back).map(Item::to_vec), twin.back().cloned(), "{note}");
    let listpack: u64 = twin.iter().map(|text| element::listpack_len(Element::new(text).code)).sum();
    match &list.form {
        Form::Packed(bytes) if bytes.is_empty() => {}
        Form::Packed(bytes) => assert_eq!(Pack::of(bytes).listpack_len(), 7 + listpack, "{note}"),
        Form::Chunks(chunks) => assert_eq!(chunks.listpack_len(u64::MAX), 7 + listpack, "{note}"),
    }
}

fn step(list: &mut List, twin: &mut VecDeque<Vec<u8>>, rng: &mut Rng, taste: Taste) {
    let len = twin.len();
    let place = |rng: &mut Rng| rng.below(len as u64 + 1) as usize;
    match rng.below(16) {
        0..5 => {
            // Often several at one end.
            let side = side(rng);
            for _ in 0..rng.below(30) {
                let text = element(rng, taste);
                list.push_at(side, &text);
                if side == Front { twin.push_front(text) } else { twin.push_back(text) }
            }
        }
        5..8 => {
            let (side, count) = (side(rng), rng.below(12) as usize);
            for _ in 0..count {
                list.pop(side, 1);
                let _ = if side == Front { twin.pop_front() } else { twin.pop_back() };
            }
        }
        8 => {
            let (side, count) = (side(rng), place(rng) / 2);
            list.pop(side, count);
            if side == Front {
                twin.drain(..count)
            } else {
                twin.drain(len - count..)
            };
        }
        9 | 10 => {
            let (i, text) = (place(rng), element(rng, taste));
            list.insert(i, &text);
            twin.insert(i, text);
        }
        11 | 12 if len > 0 => {
            let (i, text) = (place(rng).min(len - 1), element(rng, taste));
            list.replace(i, &text);
            twin[i] = text;
        }
        13 => {
            let (a, b) = (place(rng), place(rng));
            let range = a.min(b)..a.max(b).min(a.min(b) + 40);
            list.remove(range.clone());
            twin.drain(range);
        }
        14 if len > 0 => {
            let (text, from) = (twin[place(rng).min(len - 1)].clone(), side(rng));
            let max = [1, 2, 3, usize::MAX][rng.below(4) as usize];
            let removed = list.remove_equal(&Element::new(&text), from, max);
            let mut left = max;
            let mut keep = |other: &Vec<u8>| {
                let goes = *other == text && left > 0;
                left -= usize::from(goes);
                !goes
            };
            let mut flags: Vec<bool> = match from {
                Front => twin.iter().map(&mut keep).collect(),
                Back => twin.iter().rev().map(&mut keep).collect(),
            };
            if from == Back {
                flags.reverse();
            }
            let mut flags = flags.into_iter();
            twin.retain(|_| flags.next().unwrap());
            assert_eq!(removed, len - twin.len());
        }
        _ => {
            let limit = Limit::from_setting([-1, -2, -5, 0, 3, 100][rng.below(6) as usize]);
            match rng.below(3) {
                0 => list.make_room(limit, rng.below(5000) as usize, 3),
                1 => list.shrunk(limit),
                _ => list.settle(limit),
            }
            let copy = list.duplicate();
            assert!(copy.mem_bytes() <= list.mem_bytes(), "tight");
            let old = std::mem::replace(list, copy);
            assert_eq!(texts(&old, Front, 0), texts(list, Front, 0));
        }
    }
}

#[test]
fn agrees_with_a_deque() {
    for seed in 0..ROUNDS {
        let (mut rng, mut list, mut twin) = (Rng::new(seed), List::new(), VecDeque::new());
        let taste = [Taste::Numbers, Taste::SameLength, Taste::Short, Taste::All][rng.below(4) as usize];
        for at in 0..STEPS {
            step(&mut list, &mut twin, &mut rng, taste);
            if at % 8 == 0 || at + 1 == STEPS {
                check(&list, &twin, &mut rng, &format!("seed {seed} step {at} {taste:?}"));
            }
        }
    }
}

#[test]
fn form_follows_the_limit() {
    let limit = Limit::from_setting(3);
    let mut list = List::new();
    for (text, encoding) in [
        ("a", Encoding::ListPacked),
        ("b", Encoding::ListPacked),
        ("c", Encoding::ListPacked),
        ("d", Encoding::ListChunks),
    ] {
        list.make_room(limit, 1, 1);
        list.push(text.as_bytes());
        assert_eq!(list.encoding(), encoding, "{text}");
    }
    for (left, encoding) in [(3, Encoding::ListChunks), (2, Encoding::ListChunks), (1, Encoding::ListPacked)] {
        list.pop(Back, 1);
        list.shrunk(limit);
        assert_eq!((list.len(), list.encoding()), (left, encoding));
    }
    list.push(b"b");
    list.push(b"c");
    list.make_room(limit, 1, 1);
    assert_eq!(list.encoding(), Encoding::ListChunks);
    list.settle(limit);
    assert_eq!(list.encoding(), Encoding::ListPacked);
    // To the byte: 6 and 1 of the listpack, 2 for the element's head, 3 for its length behind it.
    for (len, encoding) in [(8185, Encoding::ListPacked), (8186, Encoding::ListChunks)] {
        let mut list = List::new();
        list.make_room(Limit::default(), len, 1);
        assert_eq!(list.encoding(), encoding);
    }
}

/// Bytes of memory for each of many elements.
fn cost(side: Side, elements: impl Iterator<Item = Vec<u8>>) -> f64 {
    let mut list = List::new();
    elements.for_each(|element| {
        list.make_room(Limit::default(), element.len(), 1);
        list.push_at(side, &element);
    });
    assert_eq!(list.encoding(), Encoding::ListChunks);
    list.mem_bytes() as f64 / list.len() as f64
}

#[test]
fn elements_cost_little_more_than_their_bytes() {
    let n = 100_000;
    let of_len = |len: usize| (0..n).map(move |i| format!("{i:x>len$}").into_bytes());
    for side in [Front, Back] {
        // Redis 7.0: 67.5, 10.0, 6.05 (eight digits), 22.2 (1 to 39 bytes).
        assert!(cost(side, of_len(64)) < 64.2, "{}", cost(side, of_len(64)));
        assert!(cost(side, of_len(8)) < 8.1, "{}", cost(side, of_len(8)));
        assert!(cost(side, (0..n).map(|i| (10_000_000 + i * 7).to_string().into_bytes())) < 4.1);
        assert!(cost(side, (0..n).map(|i| vec![b'x'; 1 + i * 7919 % 39])) < 21.2);
    }
    let mut list = List::new();
    ["one", "two", "six"].iter().for_each(|text| list.push(text.as_bytes()));
    assert_eq!(list.mem_bytes(), 32);
}

#[test]
fn a_queue_needs_no_more_than_it_holds() {
    for (to, from) in [(Front, Back), (Back, Front)] {
        let mut list = List::new();
        for i in 0..20_000u32 {
            list.push_at(to, format!("element {i}").as_bytes());
            if i >= 1000 {
                assert_eq!(list.end(from).unwrap().to_vec(), format!("element {}", i - 1000).as_bytes());
                list.pop(from, 1);
            }
        }
        assert_eq!(list.len(), 1000);
        assert!(list.mem_bytes() < 100_000, "{}", list.mem_bytes());
    }
}

#[test]
fn large_elements_stand_alone() {
    let mut list = List::new();
    let large = vec![b'x'; 100_000];
    for i in 0..50 {
        list.push(i.to_string().as_bytes());
    }
    list.insert(25, &large);
    list.replace(0, &large);
    list.push_at(Front, &large);
    assert_eq!(list.len(), 52);
    let Form::Chunks(chunks) = &list.form else { panic!("large") };
    assert_eq!(chunks.effort(), 2 + 5, "three large ones and what stands around them");
    assert_eq!(list.iter().filter(|item| *item == Item::Bytes(&large)).count(), 3);
    list.replace(1, b"small");
    assert_eq!(list.get(1), Some(Item::Bytes(b"small")));
}

#[test]
fn equal_ones_are_found_in_chunks_that_are_joined() {
    for from in [Front, Back] {
        let mut list = List::new();
        list.make_room(Limit::from_setting(1), 0, 2);
        for i in 0..2000 {
            list.push(if i % 2 == 0 { b"xxxx" } else { b"yyyy" });
        }
        // Rather than moving all that, another chunk.
        (0..10).for_each(|i| list.push_at(Front, if i % 2 == 0 { b"xxxx" } else { b"yyyy" }));
        let Form::Chunks(chunks) = &list.form else { panic!("not packed") };
        assert_eq!(chunks.effort(), 2 + 2, "two chunks");
        assert_eq!(list.remove_equal(&Element::new(b"xxxx"), from, usize::MAX), 1005);
        assert!(list.len() == 1005 && list.iter().all(|item| item == Item::Bytes(b"yyyy")));
        let Form::Chunks(chunks) = &list.form else { panic!("not packed") };
        assert_eq!(chunks.effort(), 2 + 1, "joined");
    }
}
