//! As much of HTTP/1.1 as a scraper needs: one GET, one answer, end.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// A request line and its headers; longer ones are refused.
const HEAD_BYTES_MAX: usize = 16 * 1024;
const TIME_MAX: Duration = Duration::from_secs(5);

pub(crate) struct Answer {
    pub code: u16,
    pub kind: &'static str,
    pub body: String,
}

impl Answer {
    pub(crate) fn text(code: u16, body: impl Into<String>) -> Answer {
        Answer { code, kind: "text/plain; charset=utf-8", body: body.into() }
    }
}

/// Reads one request and sends what `answer` says to its path.
pub(crate) fn serve(mut stream: &TcpStream, answer: impl FnOnce(&str) -> Answer) {
    let _ = stream.set_read_timeout(Some(TIME_MAX));
    let _ = stream.set_write_timeout(Some(TIME_MAX));
    let Some(head) = read_head(stream) else { return };
    let (answer, with_body) = match path(&head) {
        Ok((path, with_body)) => (answer(path), with_body),
        Err(refusal) => (refusal, true),
    };
    let reason = match answer.code {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        _ => "Service Unavailable",
    };
    let head = format!(
        "HTTP/1.1 {} {reason}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
        answer.code,
        answer.kind,
        answer.body.len()
    );
    let body = if with_body { answer.body.as_str() } else { "" };
    // The peer may have gone: nobody is left to tell.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
    let _ = stream.shutdown(Shutdown::Write);
}

/// Up to the empty line; `None` when it does not come, or is too long.
fn read_head(mut stream: &TcpStream) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let count = stream.read(&mut chunk).ok().filter(|&count| count > 0)?;
        head.extend_from_slice(&chunk[..count]);
        if head.len() > HEAD_BYTES_MAX {
            return None;
        }
    }
    Some(head)
}

/// The path without its query, and whether the body is wanted (HEAD: no).
fn path(head: &[u8]) -> Result<(&str, bool), Answer> {
    let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let line = std::str::from_utf8(line).map_err(|_| Answer::text(400, "not HTTP\n"))?;
    let mut words = line.split(' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    if !version.is_some_and(|version| version.starts_with("HTTP/1.")) {
        return Err(Answer::text(400, "not HTTP/1\n"));
    }
    let target = target.unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    match method {
        Some("GET") => Ok((path, true)),
        Some("HEAD") => Ok((path, false)),
        _ => Err(Answer::text(405, "only GET\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_get_and_head() {
        assert!(matches!(path(b"GET /metrics?x=1 HTTP/1.1\r\n\r\n"), Ok(("/metrics", true))));
        assert!(matches!(path(b"HEAD /health HTTP/1.0\r\n\r\n"), Ok(("/health", false))));
        let code = |head: &[u8]| path(head).err().map(|answer| answer.code);
        assert_eq!(code(b"POST / HTTP/1.1\r\n\r\n"), Some(405));
        assert_eq!(code(b"*1\r\n$4\r\nPING\r\n"), Some(400));
        assert_eq!(code(b"\xff\xfe\r\n"), Some(400));
    }
}
