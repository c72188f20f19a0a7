//! Connections to other servers that are kept for a while after they were used (MIGRATE).
//!
//! One is taken out while somebody uses it, so no two do. It is found by where it leads and as whom: what was opened
//! with a password serves nobody who does not give the same one. Kept for ten seconds, and not more than 64.

use parking_lot::Mutex;
use std::net::TcpStream;

const KEPT_NS: u64 = 10_000_000_000;
const KEPT_MAX: usize = 64;

#[derive(Default)]
pub struct Links {
    /// The one that was used last at the end.
    kept: Mutex<Vec<(Link, u64)>>,
}

pub struct Link {
    pub to: Goal,
    pub stream: TcpStream,
    /// The database that is selected there.
    pub db: i64,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Goal {
    pub host: String,
    pub port: u16,
    /// The words of AUTH.
    pub auth: Vec<Vec<u8>>,
}

impl Links {
    /// One that leads there and that the other side has not closed.
    pub fn take(&self, to: &Goal, now_ns: u64) -> Option<Link> {
        loop {
            let link = {
                let mut kept = self.kept.lock();
                let at = kept.iter().rposition(|(link, until)| link.to == *to && *until > now_ns)?;
                kept.remove(at).0
            };
            if is_quiet(&link.stream) {
                return Some(link);
            }
        }
    }

    pub fn keep(&self, link: Link, now_ns: u64) {
        let mut kept = self.kept.lock();
        let oldest = (kept.len() >= KEPT_MAX).then(|| kept.remove(0));
        kept.push((link, now_ns + KEPT_NS));
        drop(kept);
        drop(oldest);
    }

    /// Closes those whose time is over.
    pub fn tidy(&self, now_ns: u64) {
        let mut kept = self.kept.lock();
        let over = kept.iter().take_while(|(_, until)| *until <= now_ns).count();
        let over: Vec<_> = kept.drain(..over).collect();
        drop(kept);
        drop(over);
    }

    pub fn len(&self) -> usize {
        self.kept.lock().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Neither closed nor with something to say: nobody has asked.
fn is_quiet(stream: &TcpStream) -> bool {
    let look = || {
        stream.set_nonblocking(true)?;
        let seen = stream.peek(&mut [0]);
        stream.set_nonblocking(false)?;
        seen
    };
    look().is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;

    #[test]
    fn are_found_by_goal_while_they_are_young_and_whole() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let goal = |password: &str| Goal { host: "127.0.0.1".into(), port, auth: vec![password.as_bytes().to_vec()] };
        let open = |password: &str, db| {
            let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            (Link { to: goal(password), stream, db }, listener.accept().unwrap().0)
        };
        let links = Links::default();
        let (first, _first) = open("a", 1);
        links.keep(first, 5);
        assert!(links.take(&goal("b"), 6).is_none(), "nobody rides on another one's password");
        assert!(links.take(&goal("a"), 5 + KEPT_NS).is_none(), "too old");
        assert_eq!(links.take(&goal("a"), 6).map(|link| link.db), Some(1));
        assert!(links.is_empty());

        let ((closed, other), (talks, mut voice)) = (open("a", 2), open("a", 3));
        let (good, _good) = open("a", 4);
        [good, closed, talks].into_iter().for_each(|link| links.keep(link, 5));
        drop(other);
        voice.write_all(b"-ERR who are you").unwrap();
        let (deadline, mut found) = (std::time::Instant::now() + std::time::Duration::from_secs(5), None);
        while !links.is_empty() && std::time::Instant::now() < deadline {
            match links.take(&goal("a"), 6) {
                Some(link) if link.db != 4 => links.keep(link, 5), // its end is still on the way
                link => found = link,
            }
        }
        assert_eq!(found.map(|link| link.db), Some(4));
    }

    #[test]
    fn are_bounded_and_close() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let links = Links::default();
        for db in 0..=KEPT_MAX as i64 {
            let to = Goal { host: "h".into(), port: 1, auth: Vec::new() };
            links.keep(Link { to, stream: TcpStream::connect(addr).unwrap(), db }, db as u64);
            listener.accept().unwrap();
        }
        assert_eq!(links.len(), KEPT_MAX);
        links.tidy(KEPT_NS + 2);
        assert_eq!(links.len(), KEPT_MAX - 2);
        links.tidy(u64::MAX);
        assert!(links.is_empty());
    }
}
