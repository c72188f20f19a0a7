//! Cuts of a request stream do not change what is understood.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proto::{Limits, Parser, ProtocolError, Step};

fuzz_target!(|data: &[u8]| {
    let Some((&how, stream)) = data.split_first() else {
        return;
    };
    let cut_len = usize::from(how >> 2) + 1;
    // A short limit, or no stream of a fuzzer's size would ever meet it.
    let inline_len_max = if how & 1 == 0 { 24 } else { 65_536 };
    let limits = Limits { authenticated: how & 2 == 0, inline_len_max, ..Limits::default() };
    assert_eq!(parse(stream, cut_len, &limits), parse(stream, usize::MAX, &limits));
});

fn parse(stream: &[u8], cut_len: usize, limits: &Limits) -> (Vec<Vec<Vec<u8>>>, Option<ProtocolError>) {
    let (mut parser, mut buf, mut words, mut out) = (Parser::default(), Vec::new(), Vec::new(), Vec::new());
    for read in stream.chunks(cut_len) {
        buf.extend_from_slice(read);
        words.clear();
        let mut from = 0;
        loop {
            match parser.next(&buf, from, &mut words, limits) {
                Ok(Step::Request(request)) => {
                    assert!(from <= request.start && request.start < request.end);
                    out.push(request.words(&words).iter().map(|word| word.of(&buf).to_vec()).collect());
                    from = request.end;
                }
                Ok(Step::Inline(request)) => {
                    assert!(from <= request.start && request.start < request.end);
                    out.push(request.words);
                    from = request.end;
                }
                Ok(Step::Incomplete { wanted: _, consumed }) => {
                    assert!(from <= consumed);
                    buf.drain(..consumed);
                    break;
                }
                Err(error) => return (out, Some(error)),
            }
        }
        assert!(parser.mem_bytes() <= 4 * stream.len() + 64);
    }
    (out, None)
}
