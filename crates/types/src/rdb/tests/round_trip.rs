//! What is written is read back: every type, in every form.

use super::{content, read_all, reading};
use crate::hash::{Life, Limits as HashLimits};
use crate::list::Limit;
use crate::rdb::{
    Buffered, Error, Family, Form, Progress, Reading, Slice, Source, Thresholds, Value, Writing, read, skip, write,
};
use crate::set::{Limits as SetLimits, Member};
use crate::sorted_set::Limits as SortedSetLimits;
use crate::stream::{ChunkLimits, Id};
use crate::{Hash, List, Object, Set, SortedSet, Stream, Type};
use kit::world::Rng;
use std::io::{self, Read};

/// Texts of all kinds: numbers of every width, empty, short, long, easy and hard to pack.
fn text(rng: &mut Rng) -> Vec<u8> {
    let len = [1, 5, 20, 30, 70, 130, 600, 5000][rng.index(8).min(rng.index(8))];
    match rng.below(8) {
        0 | 1 => (rng.next_u64() as i64 >> rng.below(64)).to_string().into_bytes(),
        2 => rng.below(12).to_string().into_bytes(),
        3 => b"abc".repeat(1 + rng.index(len)),
        4 => Vec::new(),
        _ => (0..1 + rng.index(len)).map(|_| rng.next_u64() as u8).collect(),
    }
}

fn list(rng: &mut Rng, count: usize) -> Object {
    let (mut list, limit) = (List::new(), Limit::default());
    for _ in 0..count {
        let element = text(rng);
        list.make_room(limit, element.len() + 11, 1);
        list.push(&element);
    }
    if rng.one_in(3) {
        let huge = text(rng).repeat(3000);
        list.make_room(limit, huge.len(), 1);
        list.push(&huge);
    }
    list.into()
}

fn hash(rng: &mut Rng, count: usize, timed: bool) -> Object {
    let (mut hash, limits) = (Hash::new(), HashLimits { fields: 100, text_len: 64 << rng.below(4) });
    for i in 0..count {
        let life = if timed && rng.one_in(2) {
            Life::Until(1 + rng.below(1 << 48) as i64 % ((1 << 48) - 2))
        } else {
            Life::Forever
        };
        hash.set(&[text(rng), i.to_string().into_bytes()].concat(), &text(rng), life, &limits);
    }
    hash.into()
}

fn set(rng: &mut Rng, count: usize) -> Object {
    let (mut set, limits) = (Set::new(), SetLimits { ints: 200, packed: 100, packed_value: 64 << rng.below(4) });
    let shift = rng.below(60);
    let ints = rng.one_in(3);
    for _ in 0..count {
        let member = text(rng);
        set.add(if ints { Member::Int(rng.next_u64() as i64 >> shift) } else { Member::of(&member) }, &limits);
    }
    set.into()
}

fn sorted_set(rng: &mut Rng, count: usize) -> Object {
    let (mut set, limits) = (SortedSet::new(), SortedSetLimits { entries: 100, value: 64 << rng.below(4) });
    for _ in 0..count {
        let score = match rng.below(6) {
            0 => rng.below(10) as f64,
            1 => -(rng.below(1 << 60) as f64),
            2 => [f64::INFINITY, f64::NEG_INFINITY, -0.0, f64::MAX, 5e-324, 9.3e18, -9_223_372_036_854_775_808.0]
                [rng.index(7)],
            3 => 0.1,
            _ => rng.next_u64() as i64 as f64 / 1e9,
        };
        set.insert(&text(rng), score, limits);
    }
    set.into()
}

fn stream(rng: &mut Rng, count: usize) -> Object {
    let mut stream = Stream::new();
    let limits = ChunkLimits { bytes: 4096, entries: 1 + rng.below(60) };
    let (mut ids, mut id) = (Vec::new(), Id::new(rng.below(1 << 40), 5));
    let common = [text(rng), text(rng)];
    for _ in 0..count {
        id = match rng.below(3) {
            0 => Id::new(id.ms + 1 + rng.below(1000), rng.below(4)),
            _ => id.next().expect("there are larger ones"),
        };
        let mut words: Vec<Vec<u8>> = (0..2 * (1 + rng.index(3))).map(|_| text(rng)).collect();
        if rng.below(4) > 0 {
            words = vec![common[0].clone(), text(rng), common[1].clone(), text(rng)];
        }
        stream.entries_mut().append(id, words.len(), |i| &words[i], limits);
        ids.push(id);
    }
    for _ in 0..rng.index(1 + ids.len()) {
        stream.entries_mut().delete(ids[rng.index(ids.len())]);
    }
    for g in 0..rng.below(4) {
        let name = [text(rng), vec![g as u8]].concat();
        let read = if rng.one_in(2) { Some(rng.below(1000)) } else { None };
        stream.add_group(&name, ids.last().copied().unwrap_or_default(), read);
        stream.in_group(&name, |_, group| {
            for c in 0..rng.below(4) {
                let (no, _) = group.make_consumer(&[text(rng), vec![c as u8]].concat(), rng.below(1 << 41) as i64);
                if rng.one_in(2) {
                    group.active(no, rng.below(1 << 41) as i64);
                }
                for id in &ids {
                    if rng.one_in(5) {
                        group.assign(*id, no, rng.below(1 << 41) as i64, rng.below(300) as u32);
                    }
                }
            }
        });
    }
    stream.into()
}

fn object(rng: &mut Rng, ty: Type, timed: bool) -> Object {
    let most = [3, 40, 120, 400][rng.index(4)];
    let count = 1 + rng.index(most);
    match ty {
        Type::List => list(rng, count),
        Type::Set => set(rng, count),
        Type::SortedSet => sorted_set(rng, count),
        Type::Stream => stream(rng, count - 1),
        Type::Hash | Type::String => hash(rng, count, timed),
    }
}

/// Gives a few bytes at a time.
struct Drip<'a>(&'a [u8], Rng);

impl Read for Drip<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let len = (1 + self.1.index(300)).min(to.len()).min(self.0.len());
        to[..len].copy_from_slice(&self.0[..len]);
        self.0 = &self.0[len..];
        Ok(len)
    }
}

/// Writes it whole, and again in parts; the type byte comes first.
fn written(object: &Object, form: &Form, rng: &mut Rng) -> Vec<u8> {
    let mut writing = Writing::new(object, form).expect("the form holds it");
    let mut whole = vec![writing.type_byte()];
    write(object, form, &mut whole).expect("the form holds it");
    let (mut parts, mut steps) = (vec![writing.type_byte()], 0);
    loop {
        steps += 1;
        let before = parts.len();
        let budget = 1 + rng.index(4000);
        if writing.step(object, budget, &mut parts) == Progress::Done {
            break;
        }
        assert!(parts.len() - before >= budget, "an unfinished step uses its budget");
    }
    assert!(parts == whole, "{:?} in {form:?} in {steps} steps", object.encoding());
    whole
}

fn there_and_back(object: &Object, form: &Form, rng: &mut Rng) -> Object {
    let bytes = written(object, form, rng);
    let note = format!("{:?} {form:?}", object.encoding());
    let mut source = Slice::new(&bytes[1..]);
    skip(bytes[0], &mut source, form.family).expect("written just now");
    assert!(source.rest().is_empty(), "{note}");
    let value = read_all(bytes[0], &bytes[1..], &mut reading(form.family));
    let Value::Object(back) = value else { panic!("{note}: {value:?}") };
    assert_eq!(content(&back), content(object), "{note}");
    let drip = Drip(&bytes, Rng::new(bytes.len() as u64));
    let mut source = Buffered::new(drip, true);
    let type_byte = source.byte().expect("there is one");
    let shallow = &mut Reading::new(Thresholds::default(), form.family, None, false);
    match read(type_byte, &mut source, shallow) {
        Ok(Value::Object(back)) => assert!(content(&back) == content(object), "{note}"),
        other => panic!("{note}: {other:?}"),
    }
    assert_eq!((source.offset(), source.crc()), (bytes.len() as u64, kit::crc::crc64(&bytes)));
    back
}

const FORMS: [(u16, Family); 8] = [
    (7, Family::Redis),
    (8, Family::Redis),
    (9, Family::Redis),
    (10, Family::Redis),
    (11, Family::Redis),
    (12, Family::Redis),
    (11, Family::Valkey),
    (80, Family::Valkey),
];

#[test]
fn every_type_in_every_form() {
    for seed in 0..if cfg!(miri) { 1 } else { 12 } {
        let mut rng = Rng::new(seed);
        for ty in Type::ALL.into_iter().skip(1) {
            let object = object(&mut rng, ty, false);
            for (version, family) in FORMS {
                let form = Form { version, family, compress: rng.one_in(2) };
                if ty != Type::Stream {
                    let back = there_and_back(&object, &form, &mut rng);
                    assert_eq!(back.len(), object.len());
                } else if version > 10 {
                    there_and_back(&object, &form, &mut rng);
                } else if version < 9 {
                    let error = Writing::new(&object, &form).expect_err("there were no streams");
                    assert_eq!(error.to_string(), format!("RDB version {version} (Redis) cannot hold streams"));
                } else {
                    written(&object, &form, &mut rng);
                }
            }
        }
    }
}

#[test]
fn deadlines_of_fields() {
    for seed in 0..if cfg!(miri) { 1 } else { 20 } {
        let mut rng = Rng::new(seed);
        let object = object(&mut rng, Type::Hash, true);
        if !object.has_deadlines() {
            continue;
        }
        for (version, family) in FORMS {
            let form = Form { version, family, compress: rng.one_in(2) };
            match version {
                12 | 80 => drop(there_and_back(&object, &form, &mut rng)),
                _ => {
                    let error = Writing::new(&object, &form).expect_err("it cannot");
                    assert_eq!(
                        error.to_string(),
                        format!("RDB version {version} ({family:?}) cannot hold deadlines of fields")
                    );
                }
            }
        }
        let form = Form::for_dump(&object, false);
        assert_eq!(form, Form { version: 12, family: Family::Redis, compress: false });
        let bytes = written(&object, &form, &mut rng);
        // Half of the deadlines are over by then; at the end of time all are.
        let middle = object.soonest_deadline().map(|first| first.midpoint(1 << 48));
        let mut reading = Reading::new(Thresholds::default(), Family::Redis, middle, true);
        let gone = match read_all(bytes[0], &bytes[1..], &mut reading) {
            Value::Object(back) => {
                assert!(back.soonest_deadline().is_none_or(|first| Some(first) > middle));
                object.len() - back.len()
            }
            Value::Expired => object.len(),
            other => panic!("{other:?}"),
        };
        assert!(gone > 0);
        reading.now = Some(i64::MAX);
        let mut only_timed = Hash::new();
        only_timed.set(b"f", b"v", Life::Until(5), &HashLimits { fields: rng.index(2), text_len: 64 });
        let bytes = written(&only_timed.into(), &form, &mut rng);
        assert!(matches!(read_all(bytes[0], &bytes[1..], &mut reading), Value::Expired));
    }
}

#[test]
fn dump_takes_the_oldest_form() {
    let mut rng = Rng::new(1);
    let mut plain = hash(&mut rng, 3, false);
    assert_eq!(Form::for_dump(&plain, true).version, 10);
    if let Object::Hash(hash) = &mut plain {
        hash.set(b"f", b"v", Life::Until(5), &HashLimits { fields: 10, text_len: 64 });
        assert_eq!(Form::for_dump(&plain, true).version, 12);
    }
    if let Object::Hash(hash) = &mut plain {
        hash.set(b"f", b"v", Life::Forever, &HashLimits { fields: 10, text_len: 64 });
        let form = Form::for_dump(&plain, true);
        assert_eq!(form.version, 10, "deadlines that are gone do not count");
        there_and_back(&plain, &form, &mut rng);
    }
    let mut stream = Stream::new();
    stream.add_group(b"g", Id::MIN, None);
    stream.in_group(b"g", |_, group| {
        let (no, _) = group.make_consumer(b"c", 5);
        group.active(no, 5);
    });
    let form = Form::for_dump(&stream.duplicate().into(), true);
    assert_eq!(form.version, 10);
    there_and_back(&stream.duplicate().into(), &form, &mut rng);
    stream.in_group(b"g", |_, group| group.find_consumer(b"c").map(|no| group.seen(no, 6)));
    assert_eq!(Form::for_dump(&stream.into(), true).version, 11);
}

#[test]
fn every_cut_is_short() {
    for seed in 0..12 {
        let mut rng = Rng::new(seed);
        for ty in Type::ALL.into_iter().skip(1) {
            let object = object(&mut rng, ty, seed % 2 == 0);
            let (version, family) = if seed % 3 == 0 { (80, Family::Valkey) } else { (12, Family::Redis) };
            let bytes = written(&object, &Form { version, family, compress: false }, &mut rng);
            for _ in 0..20 {
                let cut = &bytes[1..1 + rng.index(bytes.len() - 1)];
                let result = read(bytes[0], &mut Slice::new(cut), &mut reading(family));
                assert!(matches!(result, Err(Error::Short { .. })), "{ty:?} {result:?}");
                let result = skip(bytes[0], &mut Slice::new(cut), family);
                assert!(matches!(result, Err(Error::Short { .. })), "{ty:?} {result:?}");
            }
        }
    }
}

#[test]
fn thresholds_count() {
    let (mut rng, family) = (Rng::new(3), Family::Redis);
    for ty in Type::ALL.into_iter().skip(1) {
        for form in [Form { version: 12, family, compress: true }, Form { version: 7, family, compress: true }] {
            if ty == Type::Stream {
                continue;
            }
            let object = object(&mut rng, ty, false);
            let bytes = written(&object, &form, &mut rng);
            let none = Thresholds {
                hash: HashLimits { fields: 0, text_len: 0 },
                list: Limit::from_setting(1),
                set: SetLimits { ints: 0, packed: 0, packed_value: 0 },
                sorted_set: SortedSetLimits { entries: 0, value: 0 },
            };
            match read_all(bytes[0], &bytes[1..], &mut Reading::new(none, family, None, true)) {
                Value::Object(back) => {
                    assert_eq!(content(&back), content(&object));
                    let name = back.encoding().name();
                    assert!(
                        ["hashtable", "skiplist", "quicklist"].contains(&name) || object.len() == 1,
                        "{ty:?} {name}"
                    );
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
