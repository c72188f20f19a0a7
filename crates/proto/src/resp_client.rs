//! Replies out of bytes: the client's side, for tests, benchmarks and a replica's handshake.
//!
//! Always true: nested replies are kept on a stack of ours, at most `DEPTH_MAX` deep, and memory
//! grows with the elements that arrived. The protocol comes out of the bytes: RESP2 and RESP3
//! share every spelling, so one decoder reads both.

use kit::text::{parse_i64, write_i64};

use crate::error::ProtocolError;

pub const DEPTH_MAX: usize = 128;

/// The longest line that is not a payload: an error text may be long, but not endless.
const LINE_LEN_MAX: usize = 1 << 20;

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Simple(String),
    /// Without the `-`. RESP3's bulk errors too.
    Error(String),
    Int(i64),
    Bulk(Vec<u8>),
    /// RESP2's `$-1` and RESP3's `_`.
    Null,
    /// RESP2's `*-1`.
    NullArray,
    Bool(bool),
    Double(f64),
    BigNumber(String),
    Verbatim {
        ext: String,
        text: Vec<u8>,
    },
    Array(Vec<Value>),
    Map(Vec<(Value, Value)>),
    Set(Vec<Value>),
    Push(Vec<Value>),
    /// What was said about a value, and the value.
    Attribute(Vec<(Value, Value)>, Box<Value>),
}

/// One whole value at the front of `buf`, and how many bytes it took.
pub fn decode(buf: &[u8]) -> Result<Option<(Value, usize)>, ProtocolError> {
    let (value, used) = Decoder::default().feed(buf)?;
    Ok(value.map(|value| (value, used)))
}

/// A command as clients send it.
pub fn encode_request(out: &mut Vec<u8>, words: &[&[u8]]) {
    let length = |out: &mut Vec<u8>, kind: u8, len: usize| {
        out.push(kind);
        write_i64(out, len as i64);
        out.extend_from_slice(b"\r\n");
    };
    length(out, b'*', words.len());
    for word in words {
        length(out, b'$', word.len());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}

/// Decodes a stream read by read: each byte of nested replies is looked at once.
#[derive(Debug, Default)]
pub struct Decoder {
    stack: Vec<Frame>,
}

/// A container whose elements are still arriving.
#[derive(Debug)]
struct Frame {
    kind: u8,
    left: u64,
    items: Vec<Value>,
}

/// What stands at the front of the bytes.
enum Item {
    Value(Value),
    Open(Frame),
    Missing,
}

impl Decoder {
    /// Takes elements off `buf` until a value is whole or bytes are missing. The count says how
    /// many bytes are done with; the next call begins behind them.
    pub fn feed(&mut self, buf: &[u8]) -> Result<(Option<Value>, usize), ProtocolError> {
        let mut used = 0;
        loop {
            let (item, item_len) = read_item(&buf[used..])?;
            used += item_len;
            let mut value = match item {
                Item::Missing => return Ok((None, used)),
                Item::Open(frame) => {
                    if self.stack.len() >= DEPTH_MAX {
                        return Err(ProtocolError::BadReply("nested too deep"));
                    }
                    self.stack.push(frame);
                    continue;
                }
                Item::Value(value) => value,
            };
            // A value may complete the container it is in, and that one the next.
            loop {
                let Some(mut frame) = self.stack.pop() else {
                    return Ok((Some(value), used));
                };
                frame.items.push(value);
                frame.left -= 1;
                if frame.left > 0 {
                    self.stack.push(frame);
                    break;
                }
                value = close(frame)?;
            }
        }
    }
}

fn read_item(buf: &[u8]) -> Result<(Item, usize), ProtocolError> {
    let window = &buf[..buf.len().min(LINE_LEN_MAX)];
    let Some(line_len) = window.windows(2).position(|pair| pair == b"\r\n") else {
        if buf.len() >= LINE_LEN_MAX {
            return Err(ProtocolError::BadReply("a line without end"));
        }
        return Ok((Item::Missing, 0));
    };
    let Some((&kind, line)) = window[..line_len].split_first() else {
        return Err(ProtocolError::BadReply("an empty line"));
    };
    let used = line_len + 2;
    let value = match kind {
        b'+' => Value::Simple(text(line)),
        b'-' => Value::Error(text(line)),
        b':' => Value::Int(parse_i64(line).ok_or(ProtocolError::BadReply("not an integer"))?),
        b'_' if line.is_empty() => Value::Null,
        b'#' if line == b"t" => Value::Bool(true),
        b'#' if line == b"f" => Value::Bool(false),
        b',' => Value::Double(text(line).parse().map_err(|_| ProtocolError::BadReply("not a double"))?),
        b'(' => Value::BigNumber(text(line)),
        b'$' | b'=' | b'!' => {
            let Some(len) = length(line)? else {
                return Ok((Item::Value(Value::Null), used));
            };
            let rest = &buf[used..];
            if (rest.len() as u64) < len.saturating_add(2) {
                return Ok((Item::Missing, 0));
            }
            let (body, end) = rest.split_at(len as usize);
            if !end.starts_with(b"\r\n") {
                return Err(ProtocolError::BadReply("a payload longer than its length"));
            }
            return Ok((Item::Value(payload(kind, body)?), used + body.len() + 2));
        }
        b'*' | b'%' | b'~' | b'>' | b'|' => {
            let Some(count) = length(line)? else {
                return Ok((Item::Value(Value::NullArray), used));
            };
            let left = if is_paired(kind) { count.saturating_mul(2) } else { count };
            let frame = Frame { kind, left, items: Vec::new() };
            // An attribute without pairs still has the value it is about.
            if kind == b'|' {
                return Ok((Item::Open(Frame { left: left.saturating_add(1), ..frame }), used));
            }
            if left > 0 {
                return Ok((Item::Open(frame), used));
            }
            close(frame)?
        }
        _ => return Err(ProtocolError::BadReply("an unknown kind of line")),
    };
    Ok((Item::Value(value), used))
}

fn payload(kind: u8, body: &[u8]) -> Result<Value, ProtocolError> {
    match (kind, body) {
        (b'$', _) => Ok(Value::Bulk(body.to_vec())),
        (b'!', _) => Ok(Value::Error(text(body))),
        (b'=', [a, b, c, b':', rest @ ..]) => Ok(Value::Verbatim { ext: text(&[*a, *b, *c]), text: rest.to_vec() }),
        _ => Err(ProtocolError::BadReply("a verbatim text without its kind")),
    }
}

fn close(frame: Frame) -> Result<Value, ProtocolError> {
    let Frame { kind, left: _, mut items } = frame;
    match kind {
        b'*' => Ok(Value::Array(items)),
        b'~' => Ok(Value::Set(items)),
        b'>' => Ok(Value::Push(items)),
        b'%' => Ok(Value::Map(pairs(items))),
        _ => {
            let value = items.pop().ok_or(ProtocolError::BadReply("an attribute of nothing"))?;
            Ok(Value::Attribute(pairs(items), Box::new(value)))
        }
    }
}

fn pairs(items: Vec<Value>) -> Vec<(Value, Value)> {
    let mut pairs = Vec::with_capacity(items.len() / 2);
    let mut items = items.into_iter();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        pairs.push((key, value));
    }
    pairs
}

fn is_paired(kind: u8) -> bool {
    kind == b'%' || kind == b'|'
}

/// `None` is RESP2's -1.
fn length(line: &[u8]) -> Result<Option<u64>, ProtocolError> {
    match parse_i64(line) {
        Some(-1) => Ok(None),
        Some(len) => u64::try_from(len).map(Some).map_err(|_| ProtocolError::BadReply("a negative length")),
        None => Err(ProtocolError::BadReply("a length that is no number")),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(bytes: &str) -> Value {
        let (value, used) = decode(bytes.as_bytes()).unwrap().unwrap();
        assert_eq!(used, bytes.len(), "{bytes:?}");
        value
    }

    #[test]
    fn every_kind() {
        for (bytes, value) in [
            ("+OK\r\n", Value::Simple("OK".into())),
            ("-ERR no\r\n", Value::Error("ERR no".into())),
            ("!6\r\nERR\r\nx\r\n", Value::Error("ERR\r\nx".into())),
            (":-5\r\n", Value::Int(-5)),
            ("$3\r\na\r\n\r\n", Value::Bulk(b"a\r\n".to_vec())),
            ("$-1\r\n", Value::Null),
            ("_\r\n", Value::Null),
            ("*-1\r\n", Value::NullArray),
            ("#t\r\n", Value::Bool(true)),
            (",-inf\r\n", Value::Double(f64::NEG_INFINITY)),
            ("(123\r\n", Value::BigNumber("123".into())),
            ("=5\r\ntxt:a\r\n", Value::Verbatim { ext: "txt".into(), text: b"a".to_vec() }),
            ("*0\r\n", Value::Array(vec![])),
            ("~1\r\n:1\r\n", Value::Set(vec![Value::Int(1)])),
            (">1\r\n*0\r\n", Value::Push(vec![Value::Array(vec![])])),
            ("%1\r\n:1\r\n_\r\n", Value::Map(vec![(Value::Int(1), Value::Null)])),
            (
                "|1\r\n+a\r\n:1\r\n*1\r\n#f\r\n",
                Value::Attribute(
                    vec![(Value::Simple("a".into()), Value::Int(1))],
                    Box::new(Value::Array(vec![Value::Bool(false)])),
                ),
            ),
        ] {
            assert_eq!(whole(bytes), value, "{bytes:?}");
        }
    }

    #[test]
    fn a_stream_in_single_bytes_gives_the_same_value() {
        let bytes = b"*2\r\n%1\r\n$1\r\nk\r\n*2\r\n:1\r\n_\r\n$2\r\nab\r\n";
        let (mut decoder, mut buf, mut got) = (Decoder::default(), Vec::new(), None);
        for &byte in bytes {
            assert!(got.is_none());
            buf.push(byte);
            let (value, used) = decoder.feed(&buf).unwrap();
            buf.drain(..used);
            got = value;
        }
        assert_eq!(got, decode(bytes).unwrap().map(|(value, _)| value));
        assert!(buf.is_empty());
    }

    #[test]
    fn refuses_what_is_no_reply() {
        for bytes in ["x\r\n", "\r\n", ":x\r\n", "$-2\r\n", "$1\r\nabc\r\n", ",x\r\n", "#x\r\n", "=1\r\na\r\n"] {
            assert!(decode(bytes.as_bytes()).is_err(), "{bytes:?}");
        }
        assert!(decode(&b"*1\r\n".repeat(DEPTH_MAX)).unwrap().is_none());
        assert!(decode(&b"*1\r\n".repeat(DEPTH_MAX + 1)).is_err());
        assert!(decode(&vec![b'+'; LINE_LEN_MAX]).is_err());
    }

    #[test]
    fn announced_lengths_allocate_nothing() {
        for bytes in ["*9223372036854775807\r\n", "%9223372036854775807\r\n", "$9223372036854775807\r\nabc"] {
            assert_eq!(decode(bytes.as_bytes()), Ok(None), "{bytes:?}");
        }
    }
}
