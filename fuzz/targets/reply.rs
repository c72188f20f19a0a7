//! A reply decodes the same at once and byte by byte, and what is encoded from it decodes to it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proto::Reply;
use proto::resp_client::{Decoder, Value, decode};

fuzz_target!(|stream: &[u8]| {
    let at_once = decode(stream);
    let (mut decoder, mut buf) = (Decoder::default(), Vec::new());
    let mut in_bytes = Ok(None);
    for &byte in stream {
        buf.push(byte);
        match decoder.feed(&buf) {
            Ok((None, used)) => drop(buf.drain(..used)),
            Ok((Some(value), _)) => {
                in_bytes = Ok(Some(value));
                break;
            }
            Err(error) => {
                in_bytes = Err(error);
                break;
            }
        }
    }
    // By way of text: a NaN is not equal to itself.
    let at_once_value = at_once.map(|found| found.map(|(value, _)| value));
    assert_eq!(format!("{at_once_value:?}"), format!("{in_bytes:?}"));

    let Ok(Some(value)) = at_once_value else {
        return;
    };
    let mut reply = Reply::new();
    reply.set_resp3(true);
    if say(&mut reply, &value) {
        let again = decode(&reply.to_vec()).map(|found| found.map(|(value, _)| value));
        assert_eq!(format!("{again:?}"), format!("{:?}", Ok::<_, proto::ProtocolError>(Some(value))));
    }
});

/// Whether the value could be said as it is: a text with line ends in it could not.
fn say(reply: &mut Reply, value: &Value) -> bool {
    let one_line = |text: &str| !text.contains(['\r', '\n']);
    match value {
        Value::Simple(text) => {
            reply.simple(text);
            one_line(text)
        }
        Value::Error(text) => {
            reply.error_text(text);
            one_line(text)
        }
        Value::BigNumber(digits) => {
            reply.big_number(digits);
            one_line(digits)
        }
        Value::Int(n) => {
            reply.int(*n);
            true
        }
        Value::Bulk(bytes) => {
            reply.bulk(bytes);
            true
        }
        Value::Null => {
            reply.null();
            true
        }
        Value::NullArray => false,
        Value::Bool(yes) => {
            reply.bool(*yes);
            true
        }
        Value::Double(n) => {
            reply.double(*n);
            true
        }
        Value::Verbatim { ext, text } => {
            if ext.len() == 3 {
                reply.verbatim(ext, text);
            }
            ext.len() == 3
        }
        Value::Array(items) => {
            let at = reply.array_later();
            let said = items.iter().all(|item| say(reply, item));
            reply.array_finish(at, items.len());
            said
        }
        Value::Set(items) => {
            reply.set(items.len());
            items.iter().all(|item| say(reply, item))
        }
        Value::Push(items) => {
            reply.push(items.len());
            items.iter().all(|item| say(reply, item))
        }
        Value::Map(pairs) => {
            let at = reply.map_later();
            let said = pairs.iter().all(|(key, value)| say(reply, key) && say(reply, value));
            reply.map_finish(at, pairs.len());
            said
        }
        Value::Attribute(pairs, value) => {
            reply.attribute(pairs.len())
                && pairs.iter().all(|(key, value)| say(reply, key) && say(reply, value))
                && say(reply, value)
        }
    }
}
