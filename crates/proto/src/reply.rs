//! The reply buffer of a connection: what a command says, encoded as it is said.
//!
//! A command body writes once and does not ask which protocol the client speaks: each method here
//! encodes for RESP2 or RESP3. A length that is not known yet is written as 0 and put right when
//! the elements have been counted. What a body has written can be taken back to a mark, because a
//! body may fail halfway or be run again.
//!
//! Always true: only whole lines are written, and no text from outside can end a line early.

use std::io::IoSlice;
use std::sync::Arc;

use kit::text::{format_f64, format_i64};

use crate::error::Error;
use crate::parts::{Mark, Parts};

#[derive(Debug, Clone, Default)]
pub struct Reply {
    parts: Parts,
    resp3: bool,
}

/// A length to be told later. Finished with the innermost first; left alone, it says 0.
#[derive(Debug)]
#[must_use = "an array without its length reads as empty"]
pub struct Later {
    at: Mark,
    /// RESP2 knows no maps: a pair is two elements of an array.
    doubled: bool,
}

// 19 digits and a sign.
const DIGITS_MAX: usize = 20;
// Kind byte, digits, line end.
const LINE_LEN_MAX: usize = 1 + DIGITS_MAX + 2;

const LATER_LEN: usize = b"*0\r\n".len();

/// What a command says.
impl Reply {
    #[inline]
    pub fn ok(&mut self) {
        self.parts.push(b"+OK\r\n");
    }

    #[inline]
    pub fn pong(&mut self) {
        self.parts.push(b"+PONG\r\n");
    }

    #[inline]
    pub fn queued(&mut self) {
        self.parts.push(b"+QUEUED\r\n");
    }

    pub fn simple(&mut self, text: &str) {
        self.text_line(b'+', text);
    }

    #[cold]
    pub fn error(&mut self, error: &Error) {
        debug_assert!(!error.is_internal(), "{error:?} is not for clients");
        match (error, error.fixed_text()) {
            (Error::UnknownCommand(text) | Error::UnknownSubcommand(text), _) => self.byte_line(b'-', text),
            (_, "") => self.text_line(b'-', &error.to_string()),
            (_, text) => self.text_line(b'-', text),
        }
    }

    /// `text` is the whole line, its prefix included.
    #[cold]
    pub fn error_text(&mut self, text: &str) {
        self.text_line(b'-', text);
    }

    #[inline]
    pub fn int(&mut self, n: i64) {
        self.number_line(b':', n);
    }

    pub fn bool(&mut self, yes: bool) {
        self.parts.push(match (self.resp3, yes) {
            (true, true) => b"#t\r\n",
            (true, false) => b"#f\r\n",
            (false, true) => b":1\r\n",
            (false, false) => b":0\r\n",
        });
    }

    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        self.number_line(b'$', bytes.len() as i64);
        match self.parts.room(bytes.len() + 2) {
            Some(tail) => {
                tail.extend_from_slice(bytes);
                tail.extend_from_slice(b"\r\n");
            }
            None => self.bulk_body_slow(bytes),
        }
    }

    #[inline]
    pub fn bulk_str(&mut self, text: &str) {
        self.bulk(text.as_bytes());
    }

    /// A number as a bulk string, as INCRBYFLOAT's and SCAN's are.
    pub fn bulk_int(&mut self, n: i64) {
        self.bulk(format_i64(&mut [0; DIGITS_MAX], n));
    }

    #[inline]
    pub fn null(&mut self) {
        if self.resp3 {
            self.parts.push(b"_\r\n");
        } else {
            self.parts.push(b"$-1\r\n");
        }
    }

    #[inline]
    pub fn null_array(&mut self) {
        if self.resp3 {
            self.parts.push(b"_\r\n");
        } else {
            self.parts.push(b"*-1\r\n");
        }
    }

    #[inline]
    pub fn array(&mut self, count: usize) {
        self.number_line(b'*', count as i64);
    }

    /// Keys and values follow in turn.
    pub fn map(&mut self, pair_count: usize) {
        let (kind, doubled) = self.map_kind();
        self.number_line(kind, later_count(pair_count, doubled));
    }

    pub fn set(&mut self, count: usize) {
        let kind = self.set_kind();
        self.number_line(kind, count as i64);
    }

    /// A message out of turn; in RESP2 an array like any other.
    pub fn push(&mut self, count: usize) {
        self.number_line(if self.resp3 { b'>' } else { b'*' }, count as i64);
    }

    /// Whether attributes can be told at all: RESP2 has none, and then nothing is written and the
    /// pairs must be left out.
    #[must_use = "in RESP2 the pairs must be left out"]
    pub fn attribute(&mut self, pair_count: usize) -> bool {
        if self.resp3 {
            self.number_line(b'|', pair_count as i64);
        }
        self.resp3
    }

    pub fn double(&mut self, n: f64) {
        let text = format_f64(n);
        if self.resp3 {
            self.text_line(b',', &text);
        } else {
            self.bulk_str(&text);
        }
    }

    /// An integer of any length, in digits.
    pub fn big_number(&mut self, digits: &str) {
        if self.resp3 {
            self.text_line(b'(', digits);
        } else {
            self.bulk_str(digits);
        }
    }

    /// A text for people. `ext` is three letters: `txt` or `mkd`.
    pub fn verbatim(&mut self, ext: &str, text: &[u8]) {
        assert!(ext.len() == 3, "a verbatim kind is three letters, not {ext:?}");
        if !self.resp3 {
            return self.bulk(text);
        }
        self.number_line(b'=', text.len() as i64 + 4);
        self.parts.push(ext.as_bytes());
        self.parts.push(b":");
        self.bulk_body_slow(text);
    }

    /// Bytes that are RESP already.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.parts.push(bytes);
    }

    /// A message encoded once for many connections. Not copied unless it is small.
    pub fn shared(&mut self, bytes: Arc<[u8]>) {
        self.parts.push_shared(bytes);
    }
}

/// Lengths told later.
impl Reply {
    pub fn array_later(&mut self) -> Later {
        self.later(b'*', false)
    }

    pub fn map_later(&mut self) -> Later {
        let (kind, doubled) = self.map_kind();
        self.later(kind, doubled)
    }

    pub fn set_later(&mut self) -> Later {
        let kind = self.set_kind();
        self.later(kind, false)
    }

    /// `count` elements have been written since.
    pub fn array_finish(&mut self, later: Later, count: usize) {
        let Later { at, doubled } = later;
        // The kind byte stands there already.
        let line = NumberLine::new(0, later_count(count, doubled));
        self.parts.replace(Mark(at.0 + 1), LATER_LEN - 1, &line.as_bytes()[1..]);
    }

    /// `pair_count` keys and as many values have been written since.
    pub fn map_finish(&mut self, later: Later, pair_count: usize) {
        self.array_finish(later, pair_count);
    }

    pub fn set_finish(&mut self, later: Later, count: usize) {
        self.array_finish(later, count);
    }

    fn later(&mut self, kind: u8, doubled: bool) -> Later {
        let at = self.parts.push_whole(&[kind, b'0', b'\r', b'\n']);
        Later { at, doubled }
    }
}

/// The buffer behind it.
impl Reply {
    pub fn new() -> Reply {
        Reply::default()
    }

    pub fn is_resp3(&self) -> bool {
        self.resp3
    }

    pub fn set_resp3(&mut self, resp3: bool) {
        self.resp3 = resp3;
    }

    /// Bytes not sent yet.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Allocated bytes. A shared chunk counts in full for each connection that holds it.
    pub fn mem_bytes(&self) -> usize {
        self.parts.mem_bytes()
    }

    /// Parts with bytes in them.
    pub fn chunk_count(&self) -> usize {
        self.parts.count()
    }

    /// Where the next byte goes. Sending earlier bytes leaves it right; finishing a length that
    /// was announced before it does not.
    pub fn mark(&self) -> Mark {
        self.parts.mark()
    }

    /// Takes back all that was written after `mark`.
    pub fn truncate(&mut self, mark: Mark) {
        self.parts.truncate(mark);
    }

    /// `truncate` by the name CLIENT REPLY knows it: the command ran, its answer is not wanted.
    pub fn discard_from(&mut self, mark: Mark) {
        self.parts.truncate(mark);
    }

    /// Bytes written between `mark` and now.
    pub fn len_since(&self, mark: Mark) -> usize {
        self.parts.mark().0.saturating_sub(mark.0) as usize
    }

    /// Appends what `other` holds. Parts change hands, only small ones are copied.
    pub fn append(&mut self, other: Reply) {
        self.parts.append(other.parts);
    }

    /// The first bytes to be sent, as many as lie in one piece. Empty when there is nothing.
    pub fn front(&self) -> &[u8] {
        self.parts.first()
    }

    /// The first `len_max` bytes into an array on the stack; how many pieces it took.
    pub fn fill_slices<'a>(&'a self, out: &mut [IoSlice<'a>], len_max: usize) -> usize {
        self.parts.fill_slices(out, len_max)
    }

    /// All pieces to be sent.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        self.parts.slices()
    }

    /// The first `count` bytes have been sent.
    pub fn consume(&mut self, count: usize) {
        self.parts.consume(count);
    }

    /// The content, leaving this buffer empty with the same protocol.
    pub fn take(&mut self) -> Reply {
        Reply { parts: self.parts.take(), resp3: self.resp3 }
    }

    /// Throws the content away. A first part of the usual size stays for the next reply.
    pub fn clear(&mut self) {
        self.parts.clear();
    }

    /// Ready for another connection: empty, RESP2, with the first part's allocation kept.
    pub fn recycle(&mut self) {
        self.clear();
        self.resp3 = false;
    }

    /// Gives all memory back if there is nothing to send: for a connection gone idle.
    pub fn shrink(&mut self) {
        self.parts.shrink();
    }

    /// A copy of all bytes: for tests and for the log.
    pub fn to_vec(&self) -> Vec<u8> {
        self.slices().flatten().copied().collect()
    }

    fn map_kind(&self) -> (u8, bool) {
        if self.resp3 { (b'%', false) } else { (b'*', true) }
    }

    fn set_kind(&self) -> u8 {
        if self.resp3 { b'~' } else { b'*' }
    }

    /// `kind`, the number, the line end, in one append. Nearly every length has at most
    /// three digits.
    #[inline]
    fn number_line(&mut self, kind: u8, n: i64) {
        let digit = |n: i64| b'0' + n as u8;
        match n {
            0..10 => self.parts.push(&[kind, digit(n), b'\r', b'\n']),
            10..100 => self.parts.push(&[kind, digit(n / 10), digit(n % 10), b'\r', b'\n']),
            100..1000 => {
                let (hundreds, tens, ones) = (digit(n / 100), digit(n / 10 % 10), digit(n % 10));
                self.parts.push(&[kind, hundreds, tens, ones, b'\r', b'\n']);
            }
            _ => self.long_number_line(kind, n),
        }
    }

    #[inline(never)]
    fn long_number_line(&mut self, kind: u8, n: i64) {
        self.parts.push(NumberLine::new(kind, n).as_bytes());
    }

    #[cold]
    #[inline(never)]
    fn bulk_body_slow(&mut self, bytes: &[u8]) {
        if self.parts.room(bytes.len()).is_some() {
            self.parts.push(bytes);
        } else {
            self.parts.push_slow(bytes, 2);
        }
        self.parts.push(b"\r\n");
    }

    fn text_line(&mut self, kind: u8, text: &str) {
        self.byte_line(kind, text.trim_end_matches(['\r', '\n']).as_bytes());
    }

    fn byte_line(&mut self, kind: u8, text: &[u8]) {
        self.parts.push(&[kind]);
        for (idx, piece) in text.split(|byte| matches!(byte, b'\r' | b'\n')).enumerate() {
            if idx > 0 {
                self.parts.push(b" ");
            }
            self.parts.push(piece);
        }
        self.parts.push(b"\r\n");
    }
}

fn later_count(count: usize, doubled: bool) -> i64 {
    count as i64 * if doubled { 2 } else { 1 }
}

/// A line with a number in it, put together on the stack so that it is one append.
struct NumberLine {
    bytes: [u8; LINE_LEN_MAX],
    len: usize,
}

impl NumberLine {
    #[inline]
    fn new(kind: u8, n: i64) -> NumberLine {
        let mut buf = [0; DIGITS_MAX];
        let digits = format_i64(&mut buf, n);
        let mut bytes = [kind; LINE_LEN_MAX];
        let end = 1 + digits.len();
        bytes[1..end].copy_from_slice(digits);
        bytes[end..end + 2].copy_from_slice(b"\r\n");
        NumberLine { bytes, len: end + 2 }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(say: impl Fn(&mut Reply)) -> (String, String) {
        let said = |resp3| {
            let mut reply = Reply::new();
            reply.set_resp3(resp3);
            say(&mut reply);
            String::from_utf8(reply.to_vec()).unwrap()
        };
        (said(false), said(true))
    }

    #[track_caller]
    fn says(say: impl Fn(&mut Reply), resp2: &str, resp3: &str) {
        assert_eq!(both(say), (resp2.to_string(), resp3.to_string()));
    }

    #[test]
    fn the_same_in_both_protocols() {
        for (say, text) in [
            (Reply::ok as fn(&mut Reply), "+OK\r\n"),
            (Reply::pong, "+PONG\r\n"),
            (Reply::queued, "+QUEUED\r\n"),
            (|r| r.simple("Background saving started"), "+Background saving started\r\n"),
            (|r| r.error(&Error::Syntax), "-ERR syntax error\r\n"),
            (|r| r.error(&Error::wrong_arity("GET")), "-ERR wrong number of arguments for 'get' command\r\n"),
            (|r| r.int(0), ":0\r\n"),
            (|r| r.int(42), ":42\r\n"),
            (|r| r.int(-1), ":-1\r\n"),
            (|r| r.int(i64::MIN), ":-9223372036854775808\r\n"),
            (|r| r.bulk(b""), "$0\r\n\r\n"),
            (|r| r.bulk_str("twelve bytes"), "$12\r\ntwelve bytes\r\n"),
            (|r| r.bulk_int(-100), "$4\r\n-100\r\n"),
            (|r| r.array(0), "*0\r\n"),
            (|r| r.array(1000), "*1000\r\n"),
            (|r| r.raw(b":7\r\n"), ":7\r\n"),
            (|r| r.shared(Arc::from(*b":8\r\n")), ":8\r\n"),
        ] {
            says(say, text, text);
        }
    }

    #[test]
    fn different_in_resp3() {
        says(Reply::null, "$-1\r\n", "_\r\n");
        says(Reply::null_array, "*-1\r\n", "_\r\n");
        says(|r| r.bool(true), ":1\r\n", "#t\r\n");
        says(|r| r.bool(false), ":0\r\n", "#f\r\n");
        says(|r| r.map(60), "*120\r\n", "%60\r\n");
        says(|r| r.set(3), "*3\r\n", "~3\r\n");
        says(|r| r.push(3), "*3\r\n", ">3\r\n");
        says(|r| assert_eq!(r.attribute(1), r.is_resp3()), "", "|1\r\n");
        says(|r| r.double(1.5), "$3\r\n1.5\r\n", ",1.5\r\n");
        says(|r| r.double(3.0), "$1\r\n3\r\n", ",3\r\n");
        says(|r| r.double(f64::NEG_INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n");
        says(|r| r.big_number("123"), "$3\r\n123\r\n", "(123\r\n");
        says(|r| r.verbatim("txt", b"ab"), "$2\r\nab\r\n", "=6\r\ntxt:ab\r\n");
    }

    #[test]
    fn no_text_ends_a_line_early() {
        says(|r| r.error_text("ERR a\r\nb\n\r\n"), "-ERR a  b\r\n", "-ERR a  b\r\n");
        says(|r| r.simple("a\rb"), "+a b\r\n", "+a b\r\n");
    }

    #[test]
    fn lengths_told_later() {
        let nested = |reply: &mut Reply| {
            let outer = reply.map_later();
            for key in 0..12 {
                reply.int(key);
                let inner = reply.set_later();
                (0..key).for_each(|n| reply.int(n));
                reply.set_finish(inner, key as usize);
            }
            reply.map_finish(outer, 12);
        };
        let known = |reply: &mut Reply| {
            reply.map(12);
            for key in 0..12 {
                reply.int(key);
                reply.set(key as usize);
                (0..key).for_each(|n| reply.int(n));
            }
        };
        assert_eq!(both(nested), both(known));
    }

    #[test]
    fn bulks_of_all_sizes_meet_part_ends() {
        for lead in REPLY_PART_BYTES - 20..=REPLY_PART_BYTES {
            for len in [0, 5, 16, 200, 20_000] {
                let (mut reply, word) = (Reply::new(), vec![b'x'; len]);
                reply.raw(&vec![b'-'; lead]);
                reply.bulk(&word);
                let mut expected = vec![b'-'; lead];
                expected.extend_from_slice(format!("${len}\r\n").as_bytes());
                expected.extend_from_slice(&word);
                expected.extend_from_slice(b"\r\n");
                assert_eq!(reply.to_vec(), expected);
            }
        }
    }

    #[test]
    fn a_failed_body_leaves_no_trace() {
        let mut reply = Reply::new();
        reply.ok();
        let mark = reply.mark();
        reply.array(2);
        reply.bulk(&[b'x'; 100_000]);
        assert_eq!(reply.len_since(mark), reply.len() - 5);
        reply.truncate(mark);
        reply.error(&Error::WrongType);
        assert!(reply.to_vec().starts_with(b"+OK\r\n-WRONGTYPE "));
        reply.discard_from(mark);
        assert_eq!(reply.to_vec(), b"+OK\r\n");
    }

    #[test]
    fn taken_and_recycled() {
        let mut reply = Reply::new();
        reply.set_resp3(true);
        reply.ok();
        let taken = reply.take();
        assert!(taken.is_resp3() && reply.is_resp3() && reply.is_empty());
        reply.append(taken);
        assert_eq!((reply.front(), reply.chunk_count()), (b"+OK\r\n".as_slice(), 1));
        reply.recycle();
        assert!(!reply.is_resp3() && reply.is_empty() && reply.mem_bytes() == REPLY_PART_BYTES);
    }

    use crate::parts::REPLY_PART_BYTES;
}
