//! Requests out of bytes: a state machine that can stop anywhere.
//!
//! A request is a range of the connection's input buffer for each word, so that parsing copies
//! nothing. The common request (short lengths, everything there) is read in one go with its
//! lengths looked at in fixed places. When bytes are missing, the parser keeps what it has found,
//! relative to the request's start, because the caller may move unread bytes to the front of the
//! buffer in between: a request of a million words is read once, however many reads it takes.
//!
//! Always true: how the stream was cut into reads does not change the requests found or the error
//! given; memory grows with words that arrived, never with a count that was announced.
//! After an error the stream has no meaning any more: answer it and close.

use kit::text::{parse_i64, split_words};

use crate::error::ProtocolError;
use crate::inline;
use crate::request::{InlineRequest, Limits, POSITION_MAX, Request, Step, Word};

// Room for words kept for the next request on the connection; a large request's is given back.
const HELD_WORDS_KEPT: usize = 64;

/// One per connection. Positions are relative to the start of the request under way.
#[derive(Debug, Default)]
pub struct Parser {
    /// Words still to come; 0 between requests.
    words_left: u32,
    /// First byte not understood yet.
    at: usize,
    /// Bytes from `at` on that hold no line end, so that a line arriving in drops is searched once.
    searched: usize,
    /// Length of the word under way, when its header has been read.
    word_len: Option<u32>,
    held: Vec<Word>,
}

impl Parser {
    /// The next request in `buf[from..]`; its words are added to `words`.
    ///
    /// `from` is the `end` or `consumed` of the call before, moved with the bytes if they moved.
    #[inline]
    pub fn next(
        &mut self,
        buf: &[u8],
        from: usize,
        words: &mut Vec<Word>,
        limits: &Limits,
    ) -> Result<Step, ProtocolError> {
        if buf.len() > POSITION_MAX {
            return Err(ProtocolError::RequestTooBig);
        }
        if self.words_left > 0 {
            return self.go_on(buf, from, words, limits);
        }
        let mut start = from;
        loop {
            match buf[start..].first() {
                Some(b'*') => {}
                Some(_) => match self.inline(buf, start, words, limits)? {
                    Some(step) => return Ok(step),
                    None => {
                        start += self.at;
                        self.at = 0;
                        continue;
                    }
                },
                None => {
                    return Ok(Step::Incomplete { wanted: 0, consumed: start });
                }
            }
            let line = &buf[start..];
            let (count, used) = match short_length(line) {
                Some((count, used)) => (i64::from(count), used),
                None => match self.line_number(line, limits.inline_len_max) {
                    LineNumber::Is(count, used) => (count, used),
                    LineNumber::Bad => return Err(ProtocolError::InvalidMultibulkLength),
                    LineNumber::TooLong => return Err(ProtocolError::TooBigMultibulkCount),
                    LineNumber::Missing => {
                        return Ok(Step::Incomplete { wanted: 0, consumed: start });
                    }
                },
            };
            if count <= 0 {
                start += used;
                continue;
            }
            let count = limits.check_word_count(count as u64)?;
            let first_word = words.len();
            let task = Task { buf, at: start + used, left: count, word_len: None, origin: 0 };
            return match self.read_words(task, words, limits) {
                Ok(Progress::Whole { end }) => {
                    Ok(Step::Request(Request { first_word: first_word as u32, word_count: count, start, end }))
                }
                Ok(Progress::Part { wanted, at }) => {
                    self.at = at - start;
                    let relative = |word: Word| Word { start: word.start - start as u32, len: word.len };
                    self.held.extend(words.drain(first_word..).map(relative));
                    Ok(Step::Incomplete { wanted, consumed: start })
                }
                Err(error) => {
                    words.truncate(first_word);
                    Err(error)
                }
            };
        }
    }

    /// Whether part of a request has been understood and the rest is missing. Bytes that are not
    /// even a whole line may still lie in the buffer when this is false.
    pub fn in_request(&self) -> bool {
        self.words_left > 0
    }

    /// Bytes from the start of a request of which a part is missing up to the first that is not understood yet. Of a word
    /// that has not come whole the length is, and no more.
    pub fn understood(&self) -> usize {
        if self.in_request() { self.at } else { 0 }
    }

    /// Allocated bytes, for the client's memory count.
    pub fn mem_bytes(&self) -> usize {
        self.held.capacity() * size_of::<Word>()
    }

    /// Goes on with a request of which some words have been found.
    #[cold]
    fn go_on(
        &mut self,
        buf: &[u8],
        start: usize,
        words: &mut Vec<Word>,
        limits: &Limits,
    ) -> Result<Step, ProtocolError> {
        let mut held = std::mem::take(&mut self.held);
        let task = Task {
            buf,
            at: start + self.at,
            left: self.words_left,
            word_len: self.word_len.take(),
            origin: start as u32,
        };
        match self.read_words(task, &mut held, limits)? {
            Progress::Part { wanted, at } => {
                self.held = held;
                self.at = at - start;
                Ok(Step::Incomplete { wanted, consumed: start })
            }
            Progress::Whole { end } => {
                let first_word = words.len() as u32;
                let absolute = |word: &Word| Word { start: word.start + start as u32, len: word.len };
                words.extend(held.iter().map(absolute));
                let word_count = held.len() as u32;
                if held.capacity() <= HELD_WORDS_KEPT {
                    held.clear();
                    self.held = held;
                }
                self.at = 0;
                self.words_left = 0;
                Ok(Step::Request(Request { first_word, word_count, start, end }))
            }
        }
    }

    /// Reads words until the request is whole or the bytes end. Saves what is left to do in
    /// `words_left`, `word_len` and `searched`; the caller saves the position.
    #[inline]
    fn read_words(&mut self, task: Task, out: &mut Vec<Word>, limits: &Limits) -> Result<Progress, ProtocolError> {
        let Task { buf, mut at, mut left, mut word_len, origin } = task;
        let len_max = limits.word_len_max();
        while left > 0 {
            let len = match word_len.take() {
                Some(len) => len,
                None => {
                    let line = &buf[at..];
                    let (len, used) = match short_length(line) {
                        Some((len, used)) if line[0] == b'$' => (i64::from(len), used),
                        Some(_) => return Err(ProtocolError::ExpectedBulk(line[0])),
                        None => match self.line_number(line, limits.inline_len_max) {
                            LineNumber::Is(len, used) if line[0] == b'$' => (len, used),
                            LineNumber::Bad if line[0] == b'$' => {
                                return Err(ProtocolError::InvalidBulkLength);
                            }
                            LineNumber::Is(..) | LineNumber::Bad => {
                                return Err(ProtocolError::ExpectedBulk(line[0]));
                            }
                            LineNumber::TooLong => return Err(ProtocolError::TooBigBulkCount),
                            LineNumber::Missing => {
                                self.words_left = left;
                                return Ok(Progress::Part { wanted: 0, at });
                            }
                        },
                    };
                    at += used;
                    // A negative length is larger than any limit once it is unsigned.
                    if len as u64 > len_max {
                        return Err(limits.refuse_word_len(len));
                    }
                    len as u32
                }
            };
            // The two bytes behind a word are not looked at: Redis does not either, and a client that it
            // serves must not fail here.
            let end = at as u64 + u64::from(len) + 2;
            if end > buf.len() as u64 {
                self.words_left = left;
                self.word_len = Some(len);
                return Ok(Progress::Part { wanted: (end - buf.len() as u64) as usize, at });
            }
            out.push(Word { start: at as u32 - origin, len });
            at = end as usize;
            left -= 1;
        }
        Ok(Progress::Whole { end: at })
    }

    /// A line that is not a counted request. `None`: it was empty, and `at` says how long.
    #[cold]
    fn inline(
        &mut self,
        buf: &[u8],
        start: usize,
        words: &mut Vec<Word>,
        limits: &Limits,
    ) -> Result<Option<Step>, ProtocolError> {
        let rest = &buf[start..];
        let line_len = match self.find_line_end(rest, limits.inline_len_max, |byte| byte == b'\n' || byte == 0) {
            LineEnd::At(at) if rest[at] == 0 => return Err(ProtocolError::NulInInline),
            LineEnd::At(at) => at,
            LineEnd::TooFar => return Err(ProtocolError::TooBigInline),
            LineEnd::Missing => {
                return Ok(Some(Step::Incomplete { wanted: 0, consumed: start }));
            }
        };
        let line = &rest[..line_len];
        let end = start + line_len + 1;
        if inline::has_quotes(line) {
            // A carriage return at the end is a blank, unless a quote is open, and then it is an error anyway.
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let words = split_words(line).ok_or(ProtocolError::UnbalancedQuotes)?;
            assert!(!words.is_empty(), "a quote opens a word");
            return Ok(Some(Step::Inline(InlineRequest { words, start, end })));
        }
        let first_word = words.len();
        words.extend(inline::plain_words(line).map(|(at, len)| Word { start: (start + at) as u32, len: len as u32 }));
        let word_count = words.len() - first_word;
        if word_count == 0 {
            self.at = line_len + 1;
            return Ok(None);
        }
        Ok(Some(Step::Request(Request { first_word: first_word as u32, word_count: word_count as u32, start, end })))
    }

    /// The number between a line's first byte and its carriage return. One more byte belongs to
    /// the line and must be there.
    fn line_number(&mut self, line: &[u8], len_max: usize) -> LineNumber {
        let line_len = match self.find_line_end(line, len_max, |byte| byte == b'\r') {
            LineEnd::At(at) if at + 1 < line.len() => at,
            LineEnd::At(at) => {
                self.remember_searched(at);
                return LineNumber::Missing;
            }
            LineEnd::TooFar => return LineNumber::TooLong,
            LineEnd::Missing => return LineNumber::Missing,
        };
        // The line may be nothing but its end: then there is no first byte to step over.
        match parse_i64(line.get(1..line_len).unwrap_or_default()) {
            Some(number) => LineNumber::Is(number, line_len + 2),
            None => LineNumber::Bad,
        }
    }

    /// Where the line ends. A line longer than `len_max` is too far whether its end is there or
    /// not, or the answer would depend on how the stream was cut.
    fn find_line_end(&mut self, line: &[u8], len_max: usize, is_end: impl Fn(u8) -> bool) -> LineEnd {
        let window = &line[..line.len().min(len_max.saturating_add(1))];
        let from = self.searched.min(window.len());
        match window[from..].iter().position(|&byte| is_end(byte)) {
            Some(at) => {
                self.searched = 0;
                LineEnd::At(from + at)
            }
            None if line.len() > len_max => LineEnd::TooFar,
            None => {
                self.remember_searched(window.len());
                LineEnd::Missing
            }
        }
    }

    /// A line this short may still be read by `short_length`, which does not know of `searched`
    /// and would leave it behind for the next line.
    fn remember_searched(&mut self, len: usize) {
        self.searched = if len > SHORT_LENGTH_LINE_MAX { len } else { 0 };
    }
}

/// What `read_words` starts from; `origin` is taken off every position it writes.
struct Task<'a> {
    buf: &'a [u8],
    at: usize,
    left: u32,
    word_len: Option<u32>,
    origin: u32,
}

enum Progress {
    Whole { end: usize },
    Part { wanted: usize, at: usize },
}

enum LineEnd {
    At(usize),
    TooFar,
    Missing,
}

enum LineNumber {
    /// The number, and the bytes of its line.
    Is(i64, usize),
    Bad,
    TooLong,
    Missing,
}

const SHORT_LENGTH_LINE_MAX: usize = 6;

/// A line of one kind byte and a number of one to three digits, with the bytes it takes: nearly
/// every length there is. Looking at fixed places costs half of a search for the line's end.
#[inline(always)]
fn short_length(line: &[u8]) -> Option<(u32, usize)> {
    let value = |digit: u8| u32::from(digit - b'0');
    match *line {
        [_, ones @ b'0'..=b'9', b'\r', _, ..] => Some((value(ones), 4)),
        [_, tens @ b'1'..=b'9', ones @ b'0'..=b'9', b'\r', _, ..] => Some((value(tens) * 10 + value(ones), 5)),
        [_, hundreds @ b'1'..=b'9', tens @ b'0'..=b'9', ones @ b'0'..=b'9', b'\r', _, ..] => {
            Some((value(hundreds) * 100 + value(tens) * 10 + value(ones), 6))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All requests of a stream that arrives in the given reads, as `net` would take them: bytes
    /// done with are thrown away after each read, so positions move.
    fn requests(reads: &[&[u8]], limits: &Limits) -> (Vec<Vec<Vec<u8>>>, Option<ProtocolError>) {
        let (mut parser, mut buf, mut out) = (Parser::default(), Vec::new(), Vec::new());
        for read in reads {
            buf.extend_from_slice(read);
            let (mut from, mut words) = (0, Vec::new());
            loop {
                match parser.next(&buf, from, &mut words, limits) {
                    Ok(Step::Request(request)) => {
                        let texts = request.words(&words).iter().map(|word| word.of(&buf).to_vec());
                        out.push(texts.collect());
                        assert!(from <= request.start && request.start < request.end);
                        from = request.end;
                    }
                    Ok(Step::Inline(request)) => {
                        out.push(request.words);
                        from = request.end;
                    }
                    Ok(Step::Incomplete { wanted: _, consumed }) => {
                        assert!(from <= consumed && consumed <= buf.len());
                        buf.drain(..consumed);
                        break;
                    }
                    Err(error) => return (out, Some(error)),
                }
            }
        }
        (out, None)
    }

    fn one_read(bytes: &[u8]) -> (Vec<Vec<Vec<u8>>>, Option<ProtocolError>) {
        requests(&[bytes], &Limits::default())
    }

    fn in_bytes(bytes: &[u8], limits: &Limits) -> (Vec<Vec<Vec<u8>>>, Option<ProtocolError>) {
        requests(&bytes.chunks(1).collect::<Vec<_>>(), limits)
    }

    fn refusal(bytes: &[u8], limits: &Limits) -> String {
        let (_, error) = requests(&[bytes], limits);
        assert_eq!(in_bytes(bytes, limits).1, error, "cut otherwise");
        error.map_or_else(|| "none".into(), |error| error.to_string())
    }

    fn texts(requests: &[&[&str]]) -> Vec<Vec<Vec<u8>>> {
        requests.iter().map(|words| words.iter().map(|word| word.as_bytes().to_vec()).collect()).collect()
    }

    #[test]
    fn whole_requests_in_one_read() {
        let (got, error) = one_read(b"*2\r\n$3\r\nGET\r\n$11\r\nhello\r\nkey1\r\n*1\r\n$0\r\n\r\n");
        assert_eq!((got, error), (texts(&[&["GET", "hello\r\nkey1"], &[""]]), None));
    }

    #[test]
    fn positions_are_the_buffers() {
        let buf = b"junk\r\n*1\r\n$4\r\nPING\r\nrest";
        let mut words = vec![Word { start: 7, len: 7 }];
        let step = Parser::default().next(buf, 4, &mut words, &Limits::default());
        assert_eq!(step, Ok(Step::Request(Request { first_word: 1, word_count: 1, start: 6, end: 20 })));
        assert_eq!(words[1], Word { start: 14, len: 4 });
    }

    #[test]
    fn lengths_of_every_width() {
        for len in [0, 1, 9, 10, 99, 100, 999, 1000, 12_345, 100_000] {
            let word = "x".repeat(len);
            let mut stream = Vec::new();
            crate::resp_client::encode_request(&mut stream, &[b"ECHO", word.as_bytes()]);
            assert_eq!(one_read(&stream), (texts(&[&["ECHO", &word]]), None), "{len}");
        }
        for count in [9, 10, 11, 99, 100, 101, 1001] {
            let mut stream = Vec::new();
            crate::resp_client::encode_request(&mut stream, &vec![b"w".as_slice(); count]);
            let expected = vec![vec![b"w".to_vec(); count]];
            assert_eq!(one_read(&stream), (expected.clone(), None));
            assert_eq!(in_bytes(&stream, &Limits::default()), (expected, None));
        }
    }

    #[test]
    fn nothing_asked_is_skipped() {
        let stream = b"\r\n\n*0\r\n*-1\r\n*-10\r\n  \t\r\nPING\r\n\r\n*1\r\n$4\r\nPING\r\n\r\n";
        let expected = (texts(&[&["PING"], &["PING"]]), None);
        assert_eq!(one_read(stream), expected);
        assert_eq!(in_bytes(stream, &Limits::default()), expected);
    }

    #[test]
    fn skipped_bytes_are_reported() {
        let mut words = Vec::new();
        let step = Parser::default().next(b"\r\n*0\r\n\n*1", 0, &mut words, &Limits::default());
        assert_eq!(step, Ok(Step::Incomplete { wanted: 0, consumed: 7 }));
    }

    #[test]
    fn inline_requests() {
        let stream = b"PING\r\nSET k v\n  GET\t\"a b\" x'\\''y z\r\n";
        let (got, error) = one_read(&stream[..19]);
        assert_eq!((got, error), (texts(&[&["PING"], &["SET", "k", "v"]]), None));
        assert_eq!(one_read(stream).1, Some(ProtocolError::UnbalancedQuotes));
        let stream = b"SET \"a b\" 'it\\'s' \"\\x41\\n\"\r\nGET ' '\n";
        let expected = (texts(&[&["SET", "a b", "it's", "A\n"], &["GET", " "]]), None);
        assert_eq!(one_read(stream), expected);
        assert_eq!(in_bytes(stream, &Limits::default()), expected);
    }

    #[test]
    fn wanted_is_what_is_missing() {
        let (mut parser, mut words, limits) = (Parser::default(), Vec::new(), Limits::default());
        let mut wanted = |buf: &[u8]| match parser.next(buf, 0, &mut words, &limits) {
            Ok(Step::Incomplete { wanted, consumed: 0 }) => wanted,
            other => panic!("{other:?}"),
        };
        assert_eq!(wanted(b"*2\r\n"), 0);
        assert_eq!(wanted(b"*2\r\n$3\r"), 0);
        assert_eq!(wanted(b"*2\r\n$3\r\n"), 5);
        assert_eq!(wanted(b"*2\r\n$3\r\nGET\r"), 1);
        assert_eq!(wanted(b"*2\r\n$3\r\nGET\r\n$100000\r\nabc"), 99_999);
        assert!(words.is_empty() && parser.in_request());
    }

    #[test]
    fn refuses_in_rediss_words() {
        let limits = Limits::default();
        let long = |start: &str, byte: &str| format!("{start}{}", byte.repeat(limits.inline_len_max + 1));
        for (stream, text) in [
            ("*3000000000\r\n", "Protocol error: invalid multibulk length"),
            ("*x\r\n", "Protocol error: invalid multibulk length"),
            ("*01\r\n", "Protocol error: invalid multibulk length"),
            ("*\r\n", "Protocol error: invalid multibulk length"),
            ("*1\r\n$-1\r\n", "Protocol error: invalid bulk length"),
            ("*1\r\n$blabla\r\n", "Protocol error: invalid bulk length"),
            ("*1\r\n$2000000000\r\n", "Protocol error: invalid bulk length"),
            ("*1\r\n$99999999999999999999\r\n", "Protocol error: invalid bulk length"),
            ("*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n", "Protocol error: expected '$', got 'f'"),
            ("*1\r\n:1\r\n", "Protocol error: expected '$', got ':'"),
            ("*1\r\n\r\n", "Protocol error: expected '$', got '\r'"),
            ("set x \"a\r\n", "Protocol error: unbalanced quotes in request"),
            ("\0AAAA", "Protocol error: NUL byte in inline request"),
            (&long("", "a"), "Protocol error: too big inline request"),
            (&long("*\0", "A"), "Protocol error: too big mbulk count string"),
            (&long("*1\r\n$", "A"), "Protocol error: too big bulk count string"),
        ] {
            assert_eq!(refusal(stream.as_bytes(), &limits), text, "{:?}", &stream[..stream.len().min(40)]);
        }
    }

    #[test]
    fn a_long_line_is_too_long_even_with_its_end() {
        let limits = Limits { inline_len_max: 10, ..Limits::default() };
        assert_eq!(requests(&[b"0123456789\n"], &limits), (texts(&[&["0123456789"]]), None));
        assert_eq!(refusal(b"0123456789a\n", &limits), "Protocol error: too big inline request");
    }

    #[test]
    fn strangers_get_little() {
        let limits = Limits { authenticated: false, ..Limits::default() };
        assert_eq!(refusal(b"*10\r\n$16384\r\n", &limits), "none");
        assert_eq!(refusal(b"*11\r\n", &limits), "Protocol error: unauthenticated multibulk length");
        assert_eq!(refusal(b"*1\r\n$16385\r\n", &limits), "Protocol error: unauthenticated bulk length");
        assert_eq!(refusal(b"*1\r\n$-5\r\n", &limits), "Protocol error: invalid bulk length");
    }

    #[test]
    fn words_before_an_error_are_taken_back() {
        let mut words = vec![Word { start: 0, len: 0 }];
        let step = Parser::default().next(b"*2\r\n$1\r\nx\r\nbad\r\n", 0, &mut words, &Limits::default());
        assert_eq!(step, Err(ProtocolError::ExpectedBulk(b'b')));
        assert_eq!(words.len(), 1);
    }

    #[test]
    fn a_line_end_not_at_its_place_is_searched_anew() {
        // The first line arrives without its end, but short enough for the fast path next time.
        let limits = Limits::default();
        let (got, error) = requests(&[b"*100\r", b"\n$-1\r\n"], &limits);
        assert_eq!((got.len(), error), (0, Some(ProtocolError::InvalidBulkLength)));
        let (got, error) = requests(&[b"*100", b"\r", b"\n$123456", b"\r\n"], &limits);
        assert_eq!((got.len(), error), (0, None));
        let (got, error) = requests(&[b"*1\r", b"\n$000000001", b"\r\n"], &limits);
        assert_eq!((got.len(), error), (0, Some(ProtocolError::InvalidBulkLength)));
    }

    #[test]
    fn memory_follows_what_arrived() {
        let (mut parser, mut words) = (Parser::default(), Vec::new());
        let buf = b"*2147483647\r\n$1\r\na\r\n$536870912\r\n";
        let step = parser.next(buf, 0, &mut words, &Limits::default());
        assert!(matches!(step, Ok(Step::Incomplete { .. })));
        assert!(parser.mem_bytes() < 256 && words.capacity() < 64);
    }

    #[test]
    fn a_million_words_in_small_reads() {
        let mut stream = b"*1000000\r\n".to_vec();
        for _ in 0..1_000_000 {
            stream.extend_from_slice(b"$1\r\nx\r\n");
        }
        let (mut parser, mut words, limits) = (Parser::default(), Vec::new(), Limits::default());
        let mut got = None;
        for end in (0..stream.len() + 16_384).step_by(16_384).map(|end| end.min(stream.len())) {
            match parser.next(&stream[..end], 0, &mut words, &limits).unwrap() {
                Step::Incomplete { consumed, .. } => assert_eq!(consumed, 0),
                step => got = Some(step),
            }
        }
        assert!(matches!(got, Some(Step::Request(request)) if request.word_count == 1_000_000));
        assert_eq!(parser.mem_bytes(), 0, "a large request's words are given back");
        assert_eq!(words.last().unwrap().of(&stream), b"x");
    }
}
