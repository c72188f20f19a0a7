//! A line's words, quoted as odd as can be, are read back as they were.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proto::{Limits, Parser, Step, Word};

fuzz_target!(|data: &[u8]| {
    let line: Vec<u8> = data.iter().copied().filter(|&byte| byte != b'\n').chain(*b"\n").collect();
    let Some(found) = words(&line) else { return };
    let quoted: Vec<u8> = found.iter().flat_map(|word| quote(word)).chain(*b"\r\n").collect();
    assert_eq!(words(&quoted), Some(found));
});

/// The words of an inline request; `None` for anything else.
fn words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    if line.first() == Some(&b'*') {
        return None;
    }
    let mut found: Vec<Word> = Vec::new();
    let limits = Limits { inline_len_max: usize::MAX, ..Limits::default() };
    match Parser::default().next(line, 0, &mut found, &limits) {
        Ok(Step::Request(request)) => {
            assert_eq!(request.end, line.len());
            assert!(!line.contains(&b'"') && !line.contains(&b'\''));
            Some(request.words(&found).iter().map(|word| word.of(line).to_vec()).collect())
        }
        Ok(Step::Inline(request)) => {
            assert_eq!(request.end, line.len());
            Some(request.words)
        }
        Ok(Step::Incomplete { wanted, consumed }) => {
            assert_eq!((wanted, consumed), (0, line.len()), "only an empty line is no request");
            None
        }
        Err(_) => None,
    }
}

/// The word in hexadecimal, which leaves no byte its usual meaning.
fn quote(word: &[u8]) -> Vec<u8> {
    let mut out = b" \"".to_vec();
    for byte in word {
        out.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
    }
    out.push(b'"');
    out
}
