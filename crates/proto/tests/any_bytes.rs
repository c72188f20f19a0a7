//! What holds for any bytes: however a stream is cut, whatever it contains, whatever is said.

use proptest::collection::vec;
use proptest::prelude::*;

use proto::resp_client::{Decoder, Value, decode, encode_request};
use proto::{Limits, Parser, ProtocolError, Reply, Step, Word};

type Words = Vec<Vec<u8>>;

/// Feeds the stream in reads of the given lengths, the rest in one; throws consumed bytes away
/// after a read when `compact` says so, as a connection does now and then.
fn parse(stream: &[u8], cuts: &[usize], compact: bool, limits: &Limits) -> (Vec<Words>, Option<ProtocolError>) {
    let (mut parser, mut buf, mut from, mut rest) = (Parser::default(), Vec::new(), 0, stream);
    let mut out = Vec::new();
    let mut cuts = cuts.iter();
    loop {
        let (read, later) = rest.split_at(cuts.next().map_or(rest.len(), |cut| rest.len().min(*cut)));
        rest = later;
        buf.extend_from_slice(read);
        let mut words: Vec<Word> = Vec::new();
        loop {
            match parser.next(&buf, from, &mut words, limits) {
                Ok(Step::Request(request)) => {
                    assert!(from <= request.start && request.start < request.end && request.end <= buf.len());
                    out.push(request.words(&words).iter().map(|word| word.of(&buf).to_vec()).collect());
                    from = request.end;
                }
                Ok(Step::Inline(request)) => {
                    assert!(from <= request.start && request.start < request.end && request.end <= buf.len());
                    out.push(request.words);
                    from = request.end;
                }
                Ok(Step::Incomplete { wanted: _, consumed }) => {
                    assert!(from <= consumed && consumed <= buf.len());
                    from = consumed;
                    break;
                }
                Err(error) => return (out, Some(error)),
            }
        }
        // Eight bytes a word, a word at least six bytes; a vector may be twice what it holds.
        let arrived = stream.len() - rest.len();
        assert!(words.capacity() * 8 <= 4 * arrived + 64);
        assert!(parser.mem_bytes() <= 4 * arrived + 64);
        if compact {
            buf.drain(..from);
            from = 0;
        }
        if rest.is_empty() {
            return (out, None);
        }
    }
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let word = || vec(any::<u8>(), 0..130);
    prop_oneof![
        8 => vec(word(), 1..14).prop_map(|words| {
            let mut out = Vec::new();
            encode_request(&mut out, &words.iter().map(Vec::as_slice).collect::<Vec<_>>());
            out
        }),
        2 => "[a-zA-Z0-9 \t]{0,40}\r?\n".prop_map(String::into_bytes),
        1 => "([a-z]* *\"([a-z ]|\\\\[nrtba\"\\\\]|\\\\x[0-9a-f]{2})*\" *| *'[a-z ]*' ){0,4}\r?\n".prop_map(String::into_bytes),
        1 => prop::sample::select(vec!["\r\n", "\n", "*0\r\n", "*-1\r\n", " \r\n"]).prop_map(|s| s.as_bytes().to_vec()),
    ]
}

/// Nearly requests: the bytes that mean something, in any order.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        4 => prop::sample::select(vec!["*", "$", "\r\n", "\r", "\n", "1", "2", "10", "0", "-", "\"", "'", "\\x4", "a", " "])
            .prop_map(|s| s.as_bytes().to_vec()),
        1 => Just(b"*2\r\n$3\r\nGET\r\n$1".to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
        1 => prop::sample::select(vec!["*2147483647\r\n", "$536870912\r\n", "*99999999999\r\n", "%9223372036854775807\r\n"])
            .prop_map(|s| s.as_bytes().to_vec()),
    ];
    vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![vec(0usize..6, 0..400), vec(0usize..200, 0..30)]
}

fn any_limits() -> impl Strategy<Value = Limits> {
    (any::<bool>(), prop::sample::select(vec![8usize, 60, 65_536])).prop_map(|(authenticated, inline_len_max)| Limits {
        authenticated,
        inline_len_max,
        ..Limits::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn cuts_do_not_change_requests(pieces in vec(piece(), 0..12), cuts in cuts(), compact: bool, limits in any_limits()) {
        let stream = pieces.concat();
        prop_assert_eq!(parse(&stream, &cuts, compact, &limits), parse(&stream, &[], false, &limits));
    }

    #[test]
    fn cuts_do_not_change_refusals(stream in noise(), cuts in cuts(), compact: bool, limits in any_limits()) {
        prop_assert_eq!(parse(&stream, &cuts, compact, &limits), parse(&stream, &[], false, &limits));
    }

    #[test]
    fn requests_come_back(requests in vec(vec(vec(any::<u8>(), 0..2000), 1..9), 0..9), cuts in cuts()) {
        let mut stream = Vec::new();
        for words in &requests {
            encode_request(&mut stream, &words.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }
        prop_assert_eq!(parse(&stream, &cuts, true, &Limits::default()), (requests, None));
    }

    #[test]
    fn any_bytes_to_the_decoder(stream in prop_oneof![noise(), vec(any::<u8>(), 0..200)]) {
        let _ = decode(&stream);
    }

    #[test]
    fn replies_come_back(values in vec(value(), 1..6), resp3: bool, step in 1usize..5000) {
        let mut reply = Reply::new();
        reply.set_resp3(resp3);
        for value in &values {
            say(&mut reply, value, false);
        }
        let mut later = Reply::new();
        later.set_resp3(resp3);
        for value in &values {
            say(&mut later, value, true);
        }
        prop_assert_eq!(reply.to_vec(), later.to_vec());

        let (mut decoder, mut buf, mut got) = (Decoder::default(), Vec::new(), Vec::new());
        while !reply.is_empty() {
            let len = reply.front().len().min(step);
            buf.extend_from_slice(&reply.front()[..len]);
            reply.consume(len);
            loop {
                let (value, used) = decoder.feed(&buf).unwrap();
                buf.drain(..used);
                match value {
                    Some(value) => got.push(value),
                    None => break,
                }
            }
        }
        prop_assert!(buf.is_empty());
        let expected: Vec<Value> = values.into_iter().map(|value| if resp3 { in_resp3(value) } else { in_resp2(value) }).collect();
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn truncate_restores(before in vec(value(), 0..4), after in vec(value(), 0..4), resp3: bool) {
        let (mut reply, mut twin) = (Reply::new(), Reply::new());
        reply.set_resp3(resp3);
        twin.set_resp3(resp3);
        before.iter().for_each(|value| say(&mut reply, value, true));
        before.iter().for_each(|value| say(&mut twin, value, true));
        let (mark, bytes) = (reply.mark(), reply.to_vec());
        after.iter().for_each(|value| say(&mut reply, value, true));
        reply.truncate(mark);
        prop_assert_eq!(reply.to_vec(), bytes);
        prop_assert_eq!(reply.mark(), mark);
        after.iter().for_each(|value| say(&mut reply, value, false));
        after.iter().for_each(|value| say(&mut twin, value, false));
        prop_assert_eq!(reply.to_vec(), twin.to_vec());
    }
}

fn value() -> impl Strategy<Value = Value> {
    let text = "[ -~]{0,40}";
    let leaf = prop_oneof![
        text.prop_map(Value::Simple),
        text.prop_map(Value::Error),
        any::<i64>().prop_map(Value::Int),
        (-120i64..1200).prop_map(Value::Int),
        vec(any::<u8>(), 0..200).prop_map(Value::Bulk),
        (10_000usize..40_000).prop_map(|len| Value::Bulk(vec![b'x'; len])),
        Just(Value::Null),
        Just(Value::NullArray),
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(|n| Value::Double(f64::from(n) / 8.0)),
        "[1-9][0-9]{0,40}".prop_map(Value::BigNumber),
        vec(any::<u8>(), 0..50).prop_map(|text| Value::Verbatim { ext: "txt".into(), text }),
    ];
    leaf.prop_recursive(4, 60, 13, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..13).prop_map(Value::Array),
            vec(inner.clone(), 0..13).prop_map(Value::Set),
            vec((inner.clone(), inner), 0..7).prop_map(Value::Map),
        ]
    })
}

fn say(reply: &mut Reply, value: &Value, lengths_later: bool) {
    let all = |reply: &mut Reply, items: &[Value]| items.iter().for_each(|item| say(reply, item, lengths_later));
    match value {
        Value::Simple(text) => reply.simple(text),
        Value::Error(text) => reply.error_text(text),
        Value::Int(n) => reply.int(*n),
        Value::Bulk(bytes) => reply.bulk(bytes),
        Value::Null => reply.null(),
        Value::NullArray => reply.null_array(),
        Value::Bool(yes) => reply.bool(*yes),
        Value::Double(n) => reply.double(*n),
        Value::BigNumber(digits) => reply.big_number(digits),
        Value::Verbatim { ext, text } => reply.verbatim(ext, text),
        Value::Array(items) if lengths_later => {
            let at = reply.array_later();
            all(reply, items);
            reply.array_finish(at, items.len());
        }
        Value::Set(items) if lengths_later => {
            let at = reply.set_later();
            all(reply, items);
            reply.set_finish(at, items.len());
        }
        Value::Map(pairs) if lengths_later => {
            let at = reply.map_later();
            for (key, value) in pairs {
                all(reply, &[key.clone(), value.clone()]);
            }
            reply.map_finish(at, pairs.len());
        }
        Value::Array(items) => {
            reply.array(items.len());
            all(reply, items);
        }
        Value::Set(items) => {
            reply.set(items.len());
            all(reply, items);
        }
        Value::Map(pairs) => {
            reply.map(pairs.len());
            for (key, value) in pairs {
                all(reply, &[key.clone(), value.clone()]);
            }
        }
        Value::Push(_) | Value::Attribute(..) => unreachable!("not generated"),
    }
}

/// How a value reads when it has been said in RESP2.
fn in_resp2(value: Value) -> Value {
    match value {
        Value::Bool(yes) => Value::Int(i64::from(yes)),
        Value::Double(n) => Value::Bulk(n.to_string().into_bytes()),
        Value::BigNumber(digits) => Value::Bulk(digits.into_bytes()),
        Value::Verbatim { ext: _, text } => Value::Bulk(text),
        Value::Array(items) | Value::Set(items) | Value::Push(items) => {
            Value::Array(items.into_iter().map(in_resp2).collect())
        }
        Value::Map(pairs) => {
            Value::Array(pairs.into_iter().flat_map(|(key, value)| [in_resp2(key), in_resp2(value)]).collect())
        }
        same @ (Value::Simple(_)
        | Value::Error(_)
        | Value::Int(_)
        | Value::Bulk(_)
        | Value::Null
        | Value::NullArray
        | Value::Attribute(..)) => same,
    }
}

/// The same in RESP3, which knows one null only.
fn in_resp3(value: Value) -> Value {
    match value {
        Value::NullArray => Value::Null,
        Value::Array(items) => Value::Array(items.into_iter().map(in_resp3).collect()),
        Value::Set(items) => Value::Set(items.into_iter().map(in_resp3).collect()),
        Value::Map(pairs) => {
            Value::Map(pairs.into_iter().map(|(key, value)| (in_resp3(key), in_resp3(value))).collect())
        }
        other => other,
    }
}
