//! Payloads that others wrote: the first part is what Redis 7.0.15 dumps, the rest is put together by hand after the
//! layouts. Each is a type byte and a value, in hexadecimal.

use super::{read_all, reading, whole_stream};
use crate::Object;
use crate::rdb::Family::{self, Redis, Valkey};
use crate::rdb::{Slice, Value, skip};
use kit::text::write_f64;

struct Row {
    family: Family,
    name: &'static str,
    payload: &'static str,
    /// What is in it, see `tell`.
    told: &'static str,
}

const fn row(family: Family, name: &'static str, payload: &'static str, told: &'static str) -> Row {
    Row { family, name, payload, told }
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    row(
        Redis,
        "small number",
        "00c0fb",
        "-5",
    ),
    row(
        Redis,
        "number of two bytes",
        "00c1d4fe",
        "-300",
    ),
    row(
        Redis,
        "number of four bytes",
        "00c2a0860100",
        "100000",
    ),
    row(
        Redis,
        "text",
        "000568656c6c6f",
        "hello",
    ),
    row(
        Redis,
        "packed text",
        "00c30a405002616261e04201016162",
        "abababababababababababababababababababababababababababababababababababababababab",
    ),
    row(
        Redis,
        "list as a listpack",
        "120102c33b40761f760000000c0000017f01dfff02cfff02f1ffef03f1ff7f03f200008004f3ffff03ff7f05f420224000098009\
         8178028001e04079e036000142ff",
        "0 127 -1 4095 -4097 32767 -8388608 2147483647 -9223372036854775808 x  yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\
         yyyyyyyyyyyyyyyyyyyyyyyyyyyyyy",
    ),
    row(
        Redis,
        "list of three listpacks",
        "1203020d0d0000000200816102816202ff020d0d0000000200816302816402ff02090900000001000501ff",
        "a b c d 5",
    ),
    row(
        Redis,
        "list with an element alone",
        "1203020a0a0000000100816102ff01c30928017a7ae01b00017a7a020a0a0000000100816202ff",
        "a zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz b",
    ),
    row(
        Redis,
        "set of short numbers",
        "0b0e0200000003000000f9ff00002c01",
        "-7 0 300",
    ),
    row(
        Redis,
        "set of numbers of four bytes",
        "0b10040000000200000090eefeff01000000",
        "-70000 1",
    ),
    row(
        Redis,
        "set of long numbers",
        "0b18080000000200000090eefeffffffffff00f2052a01000000",
        "-70000 5000000000",
    ),
    row(
        Redis,
        "set",
        "0203026263c0010161",
        "1 a bc",
    ),
    row(
        Redis,
        "hash as a listpack",
        "101414000000040081610201018162028378797a04ff",
        "a=1 b=xyz",
    ),
    row(
        Redis,
        "large hash",
        "04020162c3094041017171e034000171710161c001",
        "a=1 b=qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq",
    ),
    row(
        Redis,
        "sorted set as a listpack",
        "112f2f0000000a00836c6f7704842d696e6605816102842d312e350581620200010c01030184686967680583696e6604ff",
        "low:-inf a:-1.5 b:0 12:3 high:inf",
    ),
    row(
        Redis,
        "large sorted set",
        "0502c3094041017777e03400017777000000000000314001629a9999999999b93f",
        "b:0.1 wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww:17",
    ),
    row(
        Redis,
        "stream with groups",
        "13011000000000000000050000000000000001c34046405012500000002000030101010201816102816202002009000020010501\
         0181780205600c601c0079200c400802dfff02201a017a022002000620260004a01006630203010601ff03090005010700040201\
         67050281ffffffffffffffff020000000000000005000000000000000100806e8774010000030000000000000005000000000000\
         00020068e5cf8b010000010205616c6963650068e5cf8b010000010000000000000005000000000000000103626f620068e5cf8b\
         010000010000000000000005000000000000000201680000000000",
        "5-1(a=1,b=x) 5-2(a=2,b=y) 9-0(c=3) last 9-0 deleted 7-0 added 4 group g 5-2 None consumer alice 17000\
         00000000 Some(1700000000000) [5-1] consumer bob 1700000000000 Some(1700000000000) [5-2] pending 5-1 1600\
         000000000 3 alice pending 5-2 1700000000000 1 bob group h 0-0 Some(0)",
    ),
    row(
        Redis,
        "old list",
        "01030161c0050162",
        "a 5 b",
    ),
    row(
        Redis,
        "old set",
        "02020161c005",
        "5 a",
    ),
    row(
        Redis,
        "old sorted set",
        "0304016103312e350162fe0163ff0164052d302e3235",
        "c:-inf d:-0.25 a:1.5 b:inf",
    ),
    row(
        Redis,
        "old hash",
        "040201610131c00700",
        "7= a=1",
    ),
    row(
        Redis,
        "list as a ziplist",
        "0a4184840100007a0100000c0000017803f102fd02fe0d03feff03c02c0104f000008005d0ffffff7f06e000000000000000800a\
         40407979797979797979797979797979797979797979797979797979797979797979797979797979797979797979797979797979\
         79797979797979797979797979794341047777777777777777777777777777777777777777777777777777777777777777777777\
         77777777777777777777777777777777777777777777777777777777777777777777777777777777777777777777777777777777\
         77777777777777777777777777777777777777777777777777777777777777777777777777777777777777777777777777777777\
         77777777777777777777777777777777777777777777777777777777777777777777777777777777777777777777777777777777\
         77777777777777777777777777777777777777777777777777777777777777777777777777777777777777777777777777777777\
         7777777777777777777777777777777777fe0701000003656e64ff",
        "x 0 12 13 -1 300 -8388608 2147483647 -9223372036854775808 yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\
         yyyyyyyyyyyyyyyyyy wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww\
         wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww\
         wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww end",
    ),
    row(
        Redis,
        "sorted set as a ziplist",
        "0c20200000001a000000060000016103042d312e3506016203f102f80203322e35ff",
        "a:-1.5 b:0 7:2.5",
    ),
    row(
        Redis,
        "hash as a ziplist",
        "0d181800000012000000040000016103f2020162030378797aff",
        "a=1 b=xyz",
    ),
    row(
        Redis,
        "hash as a zipmap",
        "0911020161010031026263030278797a3f3fff",
        "a=1 bc=xyz",
    ),
    row(
        Redis,
        "hash as a zipmap with a long value",
        "094136010161fe2c0100000076767676767676767676767676767676767676767676767676767676767676767676767676767676\
         76767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676\
         76767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676\
         76767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676\
         76767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676\
         76767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676\
         ff",
        "a=vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv\
         vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv\
         vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv",
    ),
    row(
        Redis,
        "list of ziplists",
        "0e0210100000000d000000020000016103f6ff0e0e0000000a0000000100000162ff",
        "a 5 b",
    ),
    row(
        Redis,
        "set as a listpack",
        "140f0f00000003008161020501816202ff",
        "5 a b",
    ),
    row(
        Redis,
        "hash of Redis 7.4 preview",
        "160281000001b8dac5b400016101310001620132",
        "a=1@1893456000000 b=2",
    ),
    row(
        Redis,
        "hash as a listpack of Redis 7.4 preview",
        "171d1d00000006008161020101f400b4c5dab80100000981620202010001ff",
        "a=1@1893456000000 b=2",
    ),
    row(
        Redis,
        "hash of Redis 8",
        "1800b4c5dab8010000030101610131000162013241f501630133",
        "a=1@1893456000000 b=2 c=3@1893456000500",
    ),
    row(
        Redis,
        "hash as a listpack of Redis 8",
        "1900b4c5dab80100002d2d00000009008161020101f400b4c5dab801000009816302817802f4f4b5c5dab8010000098162020201\
         0001ff",
        "a=1@1893456000000 b=2 c=x@1893456000500",
    ),
    row(
        Valkey,
        "hash of Valkey 9",
        "16020161013100b4c5dab801000001620132ffffffffffffffff",
        "a=1@1893456000000 b=2",
    ),
    row(
        Redis,
        "stream of Redis 5",
        "0f011000000000000000050000000000000001404040000000190002010101020181610281620200010201000100010101817802\
         050103010101dfff020201817902050100010401dfff02010181630203010601ff02090001016705010100000000000000050000\
         00000000000100806e8774010000030105616c6963650068e5cf8b0100000100000000000000050000000000000001",
        "5-1(a=1,b=x) 9-0(c=3) last 9-0 deleted 0-0 added 2 group g 5-1 Some(1) consumer alice 1700000000000 Some\
         (1700000000000) [5-1] pending 5-1 1600000000000 3 alice",
    ),
    row(
        Redis,
        "stream of Redis 7.2",
        "15011000000000000000050000000000000001404040000000190002010101020181610281620200010201000100010101817802\
         050103010101dfff020201817902050100010401dfff02010181630203010601ff0209000501060003010167050181ffffffffff\
         ffffff010000000000000005000000000000000100806e8774010000030105616c6963650068e5cf8b010000ffffffffffffffff\
         0100000000000000050000000000000001",
        "5-1(a=1,b=x) 9-0(c=3) last 9-0 deleted 6-0 added 3 group g 5-1 None consumer alice 1700000000000 None [5\
         -1] pending 5-1 1600000000000 3 alice",
    ),
];

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes().as_chunks().0.iter().map(|pair: &[u8; 2]| byte(*pair)).collect()
}

fn byte(pair: [u8; 2]) -> u8 {
    let digit = |digit: u8| (digit as char).to_digit(16).expect("a digit") as u8;
    digit(pair[0]) << 4 | digit(pair[1])
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn tell(object: &Object) -> String {
    let mut all: Vec<String> = match object {
        Object::List(list) => return list.iter().map(|item| text(&item.to_vec())).collect::<Vec<_>>().join(" "),
        Object::SortedSet(set) => {
            let tell = |(member, score): (&[u8], f64)| {
                let mut told = [member, b":"].concat();
                write_f64(&mut told, score);
                text(&told)
            };
            return set.iter().map(tell).collect::<Vec<_>>().join(" ");
        }
        Object::Stream(stream) => {
            let tell = |entry: crate::stream::Entry<'_>| {
                let pairs: Vec<String> = entry
                    .pairs()
                    .map(|(field, value)| format!("{}={}", text(field), text(value.bytes(&mut [0; 20]))))
                    .collect();
                format!("{}({}) ", entry.id, pairs.join(","))
            };
            let entries = stream.entries().range(crate::stream::Id::MIN, crate::stream::Id::MAX);
            let told = entries.map(tell).collect::<String>() + &whole_stream(stream);
            return told.replace(" first Some(5-1)", "");
        }
        Object::Set(set) => set.iter().map(|member| text(&member.to_vec())).collect(),
        Object::Hash(hash) => hash
            .iter()
            .map(|pair| {
                let deadline = pair.deadline.map(|deadline| format!("@{deadline}")).unwrap_or_default();
                format!("{}={}{deadline}", text(&pair.field.to_vec()), text(&pair.value.to_vec()))
            })
            .collect(),
    };
    all.sort_by_key(|element| {
        (element.trim_start_matches('-').parse::<i64>().is_err(), element.parse::<i64>().ok(), element.clone())
    });
    all.join(" ")
}

#[test]
fn are_read() {
    for row in ROWS {
        let payload = bytes(row.payload);
        let told = match read_all(payload[0], &payload[1..], &mut reading(row.family)) {
            Value::Int(int) => int.to_string(),
            Value::Bytes(bytes) => text(&bytes),
            Value::Object(object) => tell(&object),
            Value::Empty | Value::Expired => "nothing".to_owned(),
        };
        assert_eq!(told, row.told, "{}", row.name);
        let mut source = Slice::new(&payload[1..]);
        skip(payload[0], &mut source, row.family).unwrap_or_else(|error| panic!("{}: {error}", row.name));
        assert!(source.rest().is_empty(), "{}", row.name);
    }
}

/// Every byte of every payload, made wrong in some ways: an error or another value, never a panic.
#[test]
fn may_be_wrong() {
    for row in ROWS {
        let payload = bytes(row.payload);
        for at in 0..payload.len() {
            for wrong in [0, 1, 0x7f, 0x80, 0xff, payload[at] ^ 1, payload[at] ^ 0x80, payload[at].wrapping_add(1)] {
                let mut payload = payload.clone();
                payload[at] = wrong;
                super::hostile::look(&payload, row.family);
            }
        }
    }
}
