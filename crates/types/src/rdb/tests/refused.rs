//! What is whole but makes no sense is refused, each thing by its name.

use super::reading;
use crate::list::Item;
use crate::rdb::listpack::Writer;
use crate::rdb::{Error, Family, Slice, read, write_len, write_string};

fn listpack(items: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut pack = Writer::new(&mut out);
    items.iter().for_each(|item| pack.text(item.as_bytes()));
    pack.finish();
    out
}

/// A listpack as a string.
fn packed(items: &[&str]) -> Vec<u8> {
    string(&listpack(items))
}

fn string(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write_string(bytes, false, &mut out);
    out
}

fn len(len: u64) -> Vec<u8> {
    let mut out = Vec::new();
    write_len(len, &mut out);
    out
}

fn refusal(type_byte: u8, family: Family, value: &[u8]) -> String {
    match read(type_byte, &mut Slice::new(value), &mut reading(family)) {
        Err(Error::Corrupt { what, .. }) => what.to_owned(),
        other => panic!("{type_byte}: {other:?}"),
    }
}

#[test]
fn members_that_come_twice() {
    let many: Vec<String> = (0..20).map(|i| format!("m{i}")).collect();
    let many = |last: &'static str| many.iter().map(String::as_str).chain([last]).collect::<Vec<_>>();
    let pairs = |members: Vec<&'static str>| members.iter().flat_map(|member| [*member, "1"]).collect::<Vec<_>>();
    for (twice, what) in [(vec!["a", "b", "a"], "few"), (vec!["5", "05", "5"], "numbers")] {
        assert_eq!(refusal(20, Family::Redis, &packed(&twice)), "a member that comes twice", "{what}");
        assert_eq!(refusal(16, Family::Redis, &packed(&pairs(twice.clone()))), "a field that comes twice", "{what}");
        assert_eq!(refusal(17, Family::Redis, &packed(&pairs(twice.clone()))), "a member that comes twice", "{what}");
        for count in [3, 1000] {
            // The larger count makes the large form.
            let texts: Vec<u8> = twice.iter().flat_map(|text| string(text.as_bytes())).collect();
            assert_eq!(refusal(2, Family::Redis, &[len(count), texts].concat()), "a member that comes twice");
            let texts: Vec<u8> = pairs(twice.clone()).iter().flat_map(|text| string(text.as_bytes())).collect();
            assert_eq!(refusal(4, Family::Redis, &[len(count), texts].concat()), "a field that comes twice");
            let texts: Vec<u8> = twice.iter().flat_map(|text| [string(text.as_bytes()), vec![0; 8]].concat()).collect();
            assert_eq!(refusal(5, Family::Redis, &[len(count), texts].concat()), "a member that comes twice");
        }
    }
    assert_eq!(refusal(20, Family::Redis, &packed(&many("m7"))), "a member that comes twice");
    let pairs: Vec<&str> = many("m7").into_iter().flat_map(|member| [member, "1"]).collect();
    assert_eq!(refusal(16, Family::Redis, &packed(&pairs)), "a field that comes twice");
    assert_eq!(refusal(17, Family::Redis, &packed(&pairs)), "a member that comes twice");
}

#[test]
fn scores_and_deadlines() {
    for score in ["nan", "x", "", "1x"] {
        assert_eq!(refusal(17, Family::Redis, &packed(&["a", score])), "a score that is no number", "{score}");
    }
    assert_eq!(refusal(17, Family::Redis, &packed(&["a"])), "a listpack that lacks an element");
    let nan = [len(1), string(b"a"), f64::NAN.to_le_bytes().to_vec()].concat();
    assert_eq!(refusal(5, Family::Redis, &nan), "a score that is no number");
    assert_eq!(refusal(3, Family::Redis, &[len(1), string(b"a"), vec![253]].concat()), "a score that is no number");
    let order = "deadlines of fields out of order";
    for (items, what) in [
        (&["f", "v", "9", "g", "v", "8"][..], order),
        (&["f", "v", "0", "g", "v", "8"], order),
        (&["f", "v", "-1"], "a deadline of a field out of range"),
        (&["f", "v", "281474976710656"], "a deadline of a field out of range"),
        (&["f", "v", "x"], "a text where a number belongs"),
        (&["f", "v"], "a listpack that lacks an element"),
    ] {
        assert_eq!(refusal(23, Family::Redis, &packed(items)), what, "{items:?}");
        assert_eq!(refusal(25, Family::Redis, &[vec![0; 8], packed(items)].concat()), what, "{items:?}");
    }
    let valkey = [len(1), string(b"f"), string(b"v"), (-2i64).to_le_bytes().to_vec()].concat();
    assert_eq!(refusal(22, Family::Valkey, &valkey), "a deadline of a field out of range");
    let late = [len(1), len(1 << 48), string(b"f"), string(b"v")].concat();
    assert_eq!(refusal(22, Family::Redis, &late), "a deadline of a field out of range");
    assert!(matches!(
        read(24, &mut Slice::new(&[0; 9]), &mut reading(Family::Valkey)),
        Err(Error::UnknownType { type_byte: 24, .. })
    ));
}

#[test]
fn nodes_of_lists() {
    let node = |container: u64, node: Vec<u8>| [len(1), len(container), node].concat();
    assert_eq!(refusal(18, Family::Redis, &node(1, string(b""))), "a node of a list with nothing in it");
    assert_eq!(refusal(18, Family::Redis, &node(3, string(b"x"))), "a node of a list of an unknown form");
    assert_eq!(refusal(18, Family::Redis, &node(2, string(b"x"))), "a listpack without a head");
    assert_eq!(refusal(18, Family::Redis, &node(2, string(b"5"))), "a number where a packed value belongs");
}

#[test]
fn streams() {
    let id = |ms: u64| [ms.to_be_bytes(), [0; 8]].concat();
    let chunk = |base: u64, items: &[&str]| [string(&id(base)), packed(items)].concat();
    let good = ["1", "0", "1", "f", "0", "2", "0", "0", "v", "4"];
    let odd = "a chunk of a stream that is not in order";
    // Counts that are wrong, a field too few, an unknown flag, an entry before its base, a wrong end.
    for (at, item) in [(0, "2"), (1, "1"), (2, "2"), (4, "1"), (5, "8"), (6, "-1"), (9, "5")] {
        let mut items = good;
        items[at] = item;
        let what = refusal(15, Family::Redis, &[len(1), chunk(9, &items)].concat());
        assert!(what == odd || what.contains("listpack") || what.contains("a number belongs"), "{at}: {what}");
    }
    assert_eq!(refusal(15, Family::Redis, &[len(2), chunk(9, &good), chunk(9, &good)].concat()), odd);
    assert_eq!(
        refusal(15, Family::Redis, &[len(1), string(b"short"), packed(&good)].concat()),
        "a chunk of a stream without its ID"
    );
    let start = [len(1), chunk(9, &good), len(1), len(9), len(0)].concat();
    let group = [string(b"g"), len(0), len(0)].concat();
    let pending = |ms: u64| [id(ms), vec![0; 8], len(1)].concat();
    let consumer = |name: &[u8], ids: &[u64]| {
        let ids: Vec<Vec<u8>> = [len(ids.len() as u64)].into_iter().chain(ids.iter().map(|ms| id(*ms))).collect();
        [string(name), vec![0; 8], ids.concat()].concat()
    };
    for (groups, what) in [
        ([len(2), group.clone(), len(0), len(0), group.clone(), len(0), len(0)].concat(), "a group of a stream"),
        (
            [len(1), group.clone(), len(2), pending(9), pending(9)].concat(),
            "a pending entry of a group that comes twice",
        ),
        (
            [len(1), group.clone(), len(1), pending(9), len(0)].concat(),
            "a pending entry of a group that no consumer has",
        ),
        (
            [len(1), group.clone(), len(0), len(1), consumer(b"c", &[9])].concat(),
            "a pending entry of a consumer that its group does not know",
        ),
        (
            [len(1), group.clone(), len(1), pending(9), len(2), consumer(b"c", &[9]), consumer(b"d", &[9])].concat(),
            "a pending entry of two consumers",
        ),
        (
            [len(1), group.clone(), len(0), len(2), consumer(b"c", &[]), consumer(b"c", &[])].concat(),
            "Duplicate stream consumer detected",
        ),
    ] {
        let told = match read(15, &mut Slice::new(&[start.clone(), groups].concat()), &mut reading(Family::Redis)) {
            Err(Error::Corrupt { what, .. }) => what,
            other => panic!("{what}: {other:?}"),
        };
        assert!(told.starts_with(what), "{told} is not {what}");
    }
}

#[test]
fn listpacks_are_walked_through() {
    let good = listpack(&["a", "5", "300", "-70000", "9000000000", &"x".repeat(100), &"y".repeat(5000)]);
    let walk = |bytes: &[u8]| -> Result<Vec<String>, &'static str> {
        let mut pack = crate::rdb::listpack::Reader::new(bytes)?;
        let mut all = Vec::new();
        while let Some(item) = pack.next()? {
            all.push(match item {
                Item::Int(int) => int.to_string(),
                Item::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            });
        }
        Ok(all)
    };
    assert_eq!(walk(&good).expect("good")[..5], ["a", "5", "300", "-70000", "9000000000"]);
    for (at, byte) in [(0, 1), (4, 6), (4, 8), (6, 0x82), (8, 3), (9, 0xff), (9, 0xf5), (good.len() - 1, 0)] {
        let mut wrong = good.clone();
        wrong[at] = byte;
        assert!(walk(&wrong).is_err(), "{at}");
    }
    let mut unknown_count = good.clone();
    unknown_count[4..6].fill(0xff);
    assert_eq!(walk(&unknown_count), walk(&good));
    for len in 0..good.len() {
        assert!(walk(&good[..len]).is_err());
    }
}
