//! A connection that cuts the server's bytes into replies without reading them.
//!
//! Nearly all replies are the same on both servers, byte for byte, and then nobody needs to know what they say: that
//! is what makes a million calls cheap. What differs is decoded and judged (`compare.rs`).

use crate::client::encode;
use crate::harness::Server;
use proto::resp_client::{Value, decode};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::time::Duration;

/// Longer than any answer takes on a busy machine.
const REPLY_MAX: Duration = Duration::from_secs(30);

pub(super) type Words = Vec<Vec<u8>>;

pub(super) struct Link {
    stream: TcpStream,
    buf: Vec<u8>,
    used: usize,
    pub(super) id: i64,
}

/// Replies in the order they came.
#[derive(Default)]
pub(super) struct Replies {
    bytes: Vec<u8>,
    ranges: Vec<Range<usize>>,
}

impl Replies {
    pub(super) fn get(&self, index: usize) -> &[u8] {
        &self.bytes[self.ranges[index].clone()]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.ranges.iter().map(|range| &self.bytes[range.clone()])
    }

    pub(super) fn values(&self) -> Vec<Value> {
        self.iter().map(value).collect()
    }
}

pub(super) fn value(frame: &[u8]) -> Value {
    decode(frame).expect("a well-formed reply").expect("a whole reply").0
}

impl Link {
    pub(super) fn new(server: &Server) -> Link {
        let stream = TcpStream::connect(("127.0.0.1", server.port)).expect("a connection");
        stream.set_nodelay(true).expect("nodelay");
        stream.set_read_timeout(Some(REPLY_MAX)).expect("a timeout");
        let mut link = Link { stream, buf: Vec::new(), used: 0, id: 0 };
        let Value::Int(id) = link.ask_line("CLIENT ID") else { panic!("CLIENT ID answers with a number") };
        link.id = id;
        link
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server takes bytes");
    }

    pub(super) fn replies(&mut self, count: usize) -> Replies {
        let mut replies = Replies::default();
        self.buf.drain(..self.used);
        self.used = 0;
        while replies.ranges.len() < count {
            match frame_len(&self.buf[self.used..]) {
                Some(len) => {
                    replies.ranges.push(self.used..self.used + len);
                    self.used += len;
                }
                None => assert!(self.read(), "the server closed the connection, or says nothing for {REPLY_MAX:?}"),
            }
        }
        replies.bytes.extend_from_slice(&self.buf[..self.used]);
        replies
    }

    /// Has a whole reply arrived? Waits at most this long.
    pub(super) fn has_reply_within(&mut self, time: Duration) -> bool {
        if frame_len(&self.buf[self.used..]).is_some() {
            return true;
        }
        self.stream.set_read_timeout(Some(time.max(Duration::from_millis(1)))).expect("a timeout");
        self.read();
        self.stream.set_read_timeout(Some(REPLY_MAX)).expect("a timeout");
        frame_len(&self.buf[self.used..]).is_some()
    }

    fn read(&mut self) -> bool {
        let mut chunk = [0; 64 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(len) => {
                self.buf.extend_from_slice(&chunk[..len]);
                len > 0
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => true,
            Err(_) => false,
        }
    }

    pub(super) fn send_all(&mut self, calls: &[Words]) {
        let mut bytes = Vec::new();
        calls.iter().for_each(|words| encode(&mut bytes, words));
        self.send(&bytes);
    }

    /// One trip for all of them. The calls must be few enough that neither side waits for the other to read.
    pub(super) fn ask_all(&mut self, calls: &[Words]) -> Replies {
        self.send_all(calls);
        self.replies(calls.len())
    }

    pub(super) fn ask(&mut self, words: &Words) -> Value {
        value(self.ask_all(std::slice::from_ref(words)).get(0))
    }

    pub(super) fn ask_line(&mut self, line: &str) -> Value {
        self.ask(&split(line))
    }
}

pub(super) fn split(line: &str) -> Words {
    line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}

/// The length of the whole reply that stands at the front.
fn frame_len(buf: &[u8]) -> Option<usize> {
    let (mut at, mut left) = (0, 1u64);
    while left > 0 {
        let end = at + buf[at..].iter().position(|&byte| byte == b'\r')?;
        if end + 2 > buf.len() {
            return None;
        }
        let kind = buf[at];
        let line = &buf[at + 1..end];
        let number = || std::str::from_utf8(line).ok().and_then(|text| text.parse::<i64>().ok());
        at = end + 2;
        left -= 1;
        match kind {
            b'$' | b'=' | b'!' => {
                if let Ok(len) = usize::try_from(number().expect("a length")) {
                    at += len + 2;
                }
            }
            b'*' | b'~' | b'>' => left += u64::try_from(number().expect("a count")).unwrap_or(0),
            b'%' => left += 2 * u64::try_from(number().expect("a count")).unwrap_or(0),
            _ => {}
        }
        if at > buf.len() {
            return None;
        }
    }
    Some(at)
}

#[test]
fn cuts_replies() {
    let whole: [&[u8]; 8] = [
        b"+OK\r\n",
        b":12\r\n",
        b"$-1\r\n",
        b"$0\r\n\r\n",
        b"$3\r\na\rb\r\n",
        b"*2\r\n*-1\r\n$1\r\nx\r\n",
        b"%1\r\n+a\r\n~1\r\n,1.5\r\n",
        b"*0\r\n",
    ];
    for frame in whole {
        assert_eq!(frame_len(frame), Some(frame.len()));
        assert_eq!(frame_len(&[frame, b"+x\r\n"].concat()), Some(frame.len()));
        (0..frame.len()).for_each(|len| assert_eq!(frame_len(&frame[..len]), None, "{:?}", &frame[..len]));
    }
}
