//! Bytes that are wrong: whatever comes, it is an error or a value that works, and memory stays within bounds.

use super::content;
use crate::list::Side;
use crate::rdb::{Family, Form, Reading, Slice, Source, Thresholds, Value, Writing, read, skip, write};
use crate::set::{Limits as SetLimits, Member};
use crate::sorted_set::Limits as SortedSetLimits;
use crate::stream::{ChunkLimits, Id};
use crate::{Hash, List, Object, Set, SortedSet, Stream};
use kit::world::Rng;

/// Reads a payload, and if there is a value, does with it what commands do.
pub(super) fn look(payload: &[u8], family: Family) {
    let Some((type_byte, value)) = payload.split_first() else { return };
    let mut source = Slice::new(value);
    let read = read(*type_byte, &mut source, &mut Reading::new(Thresholds::default(), family, None, true));
    let taken = source.offset();
    let Ok(value_read) = read else { return };
    let mut skipping = Slice::new(value);
    if skip(*type_byte, &mut skipping, family).is_ok() {
        assert_eq!(skipping.offset(), taken, "of type {type_byte}");
    }
    if let Value::Object(object) = value_read {
        assert!(object.mem_bytes() <= 20_000 + 300 * payload.len(), "{} of {}", object.mem_bytes(), payload.len());
        use_it(object);
    }
}

fn use_it(mut object: Object) {
    let all = content(&object);
    assert_eq!(all.len(), object.len() + usize::from(matches!(object, Object::Stream(_))));
    let form = Form::for_dump(&object, true);
    let mut again = Vec::new();
    write(&object, &form, &mut again).expect("a form that holds it");
    let type_byte = Writing::new(&object, &form).expect("a form that holds it").type_byte();
    let back = read(type_byte, &mut Slice::new(&again), &mut super::reading(form.family));
    match back {
        Ok(Value::Object(back)) => assert_eq!(content(&back), all),
        other => panic!("{other:?}"),
    }
    match &mut object {
        Object::List(list) => {
            while let Some(item) = list.end(Side::Back) {
                item.to_vec();
                list.pop(Side::Back, 1);
            }
        }
        Object::Hash(hash) => {
            let fields: Vec<Vec<u8>> = hash.iter().map(|pair| pair.field.to_vec()).collect();
            fields.iter().for_each(|field| assert!(hash.remove(field)));
        }
        Object::Set(set) => {
            let members: Vec<Vec<u8>> = set.iter().map(Member::to_vec).collect();
            members.iter().for_each(|member| assert!(set.remove(Member::of(member))));
        }
        Object::SortedSet(set) => {
            assert!(set.iter().is_sorted_by(|a, b| a.1 < b.1 || (a.1 == b.1 && a.0 < b.0)));
            let members: Vec<Vec<u8>> = set.iter().map(|(member, _)| member.to_vec()).collect();
            members.iter().for_each(|member| assert!(set.remove(member).is_some()));
        }
        Object::Stream(stream) => {
            let ids: Vec<Id> = stream.entries().range(Id::MIN, Id::MAX).map(|entry| entry.id).collect();
            ids.iter().for_each(|id| assert!(stream.entries_mut().delete(*id)));
            let names: Vec<Vec<u8>> = stream.groups().iter().map(|group| group.name.to_vec()).collect();
            for name in names {
                stream.in_group(&name, |_, group| {
                    let ids: Vec<Id> = group.pending().iter().map(|record| record.id).collect();
                    ids.iter().for_each(|id| assert!(group.acknowledge(*id)));
                });
            }
        }
    }
    assert!(object.is_empty());
}

/// One payload of each type byte that is written.
fn payloads(rng: &mut Rng) -> Vec<(Vec<u8>, Family)> {
    let mut all = Vec::new();
    for large in [false, true] {
        let count = if large { 30 } else { 6 };
        let (mut list, mut hash, mut set) = (List::new(), Hash::new(), Set::new());
        let (mut ints, mut sorted, mut stream) = (Set::new(), SortedSet::new(), Stream::new());
        let fields = if large { 0 } else { 100 };
        let limits = crate::hash::Limits { fields, text_len: 64 };
        for i in 0..count {
            let text = format!("{}{}", "text".repeat(rng.index(5)), rng.below(100_000));
            list.push(text.as_bytes());
            let life = if i % 3 == 0 { crate::hash::Life::Until(1 << 40) } else { crate::hash::Life::Forever };
            hash.set(text.as_bytes(), b"value", life, &limits);
            set.add(Member::of(text.as_bytes()), &SetLimits { ints: fields, packed: fields, packed_value: 64 });
            ints.add(Member::Int(rng.below(1 << 40) as i64), &SetLimits::USUAL);
            sorted.insert(text.as_bytes(), rng.f64(), SortedSetLimits { entries: fields, value: 64 });
            let id = Id::new(5 + i, 1);
            let limits = ChunkLimits { bytes: 100, entries: 10 };
            stream.entries_mut().append(id, 2, |at| [text.as_bytes(), b"x"][at], limits);
            stream.add_group(b"group", id, Some(1));
            stream.in_group(b"group", |_, group| {
                let (no, _) = group.make_consumer(&[b'a' + i as u8 % 3], 5);
                group.assign(id, no, 7, 1);
            });
        }
        let plain = {
            let mut plain = hash.duplicate();
            let names: Vec<Vec<u8>> = plain.iter().map(|pair| pair.field.to_vec()).collect();
            names.iter().for_each(|name| assert!(plain.set_deadline(name, None)));
            plain
        };
        let objects: [Object; 7] =
            [list.into(), hash.into(), plain.into(), set.into(), ints.into(), sorted.into(), stream.into()];
        for object in &objects {
            for (version, family) in
                [(7, Family::Redis), (10, Family::Redis), (12, Family::Redis), (80, Family::Valkey)]
            {
                let form = Form { version, family, compress: false };
                let Ok(writing) = Writing::new(object, &form) else { continue };
                let mut payload = vec![writing.type_byte()];
                write(object, &form, &mut payload).expect("it holds it");
                all.push((payload, family));
            }
        }
    }
    all
}

#[test]
fn random_changes() {
    for seed in 0..if cfg!(miri) { 1 } else { 3 } {
        let mut rng = Rng::new(seed);
        for (payload, family) in payloads(&mut rng) {
            look(&payload, family);
            for _ in 0..60 {
                let mut payload = payload.clone();
                for _ in 0..1 + rng.below(3) {
                    let at = rng.index(payload.len());
                    match rng.below(5) {
                        0 => payload[at] = rng.next_u64() as u8,
                        1 => payload[at] ^= 1 << rng.below(8),
                        2 => payload[at] = [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0x81, 0xc0, 0xc3, 0xfe, 0xff][rng.index(11)],
                        3 => drop(payload.remove(at)),
                        _ => payload.insert(at, rng.next_u64() as u8),
                    }
                    if payload.len() < 2 {
                        break;
                    }
                }
                look(&payload, family);
            }
        }
    }
}

#[test]
fn lengths_that_never_come() {
    let huge = [0x81, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    for type_byte in 0..=30u8 {
        for family in [Family::Redis, Family::Valkey] {
            for (before, behind) in [(0, &b""[..]), (0, b"\x01a\x01b"), (8, b"\0\0\0\0\0"), (0, b"\x02\x01a")] {
                if before > 0 && type_byte < 24 {
                    continue;
                }
                let payload = [&[type_byte][..], &vec![0; before], &huge, behind].concat();
                let mut source = Slice::new(&payload[1..]);
                let result = read(type_byte, &mut source, &mut Reading::new(Thresholds::default(), family, None, true));
                assert!(result.is_err(), "{type_byte} {result:?}");
                assert!(skip(type_byte, &mut Slice::new(&payload[1..]), family).is_err());
            }
        }
    }
}

#[test]
fn modules_are_named() {
    // "ReJSON-RL", version 3.
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let id = b"ReJSON-RL"
        .iter()
        .fold(0u64, |id, letter| id << 6 | letters.iter().position(|other| other == letter).expect("a letter") as u64);
    let payload = [&[0x81][..], &(id << 10 | 3).to_be_bytes()].concat();
    let error = read(7, &mut Slice::new(&payload), &mut super::reading(Family::Redis)).expect_err("no module");
    assert_eq!(error.to_string(), "a value of the module 'ReJSON-RL', at byte 0");
    let error = read(40, &mut Slice::new(&payload), &mut super::reading(Family::Redis)).expect_err("no type");
    assert_eq!(error.to_string(), "unknown type 40, at byte 0");
}

/// 0 is a time in one form and none in others.
#[test]
fn deadlines_at_the_beginning_of_time() {
    let field = |name: u8| [1, name, 1, b'v'];
    let valkey = [&[22, 2][..], &field(b'f'), &0i64.to_le_bytes(), &field(b'g'), &5i64.to_le_bytes()].concat();
    let redis = [&[24][..], &[0; 8], &[2, 1], &field(b'f'), &[6], &field(b'g')].concat();
    for (payload, family) in [(valkey, Family::Valkey), (redis, Family::Redis)] {
        look(&payload, family);
        let value = super::read_all(payload[0], &payload[1..], &mut super::reading(family));
        assert!(matches!(value, Value::Object(object) if object.len() == 2 && object.soonest_deadline() == Some(1)));
    }
}
