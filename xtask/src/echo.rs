//! The server that does nothing: every request is answered `+OK`, none is understood.
//!
//! What a real server cannot beat on this machine: one read, one write and one look at epoll (level-triggered) for each
//! batch, a thread per core, connections dealt out in turn. Requests are counted by their `*`: redis-benchmark sends
//! keys and values without one. A request is answered when its first byte is there, and inline ones are not.

use parking_lot::Mutex;
use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;

const OK: &[u8] = b"+OK\r\n";
const READ_BYTES: usize = 64 * 1024;
const EVENTS: usize = 128;

struct Thread {
    epoll: OwnedFd,
    streams: Mutex<HashMap<u64, Arc<TcpStream>>>,
}

pub(crate) fn run(words: &[&str]) -> Result<(), String> {
    let (mut port, mut threads) = (7777, 2);
    for pair in words.chunks(2) {
        let number = |text: &str| text.parse::<u16>().map_err(|_| format!("{}: a number, not '{text}'", pair[0]));
        match pair {
            ["--port", text] => port = number(text)?,
            ["--threads", text] => threads = number(text)?.max(1),
            _ => return Err(format!("echo takes --port P and --threads N, not '{}'", pair.join(" "))),
        }
    }
    serve(port, threads).map_err(|error| format!("echo on port {port}: {error}"))
}

fn serve(port: u16, thread_count: u16) -> std::io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    let mut threads = Vec::new();
    for _ in 0..thread_count {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let thread = Arc::new(Thread { epoll, streams: Mutex::default() });
        threads.push(Arc::clone(&thread));
        std::thread::spawn(move || thread.serve());
    }
    println!("echo: {thread_count} threads. Ready to accept connections on {}", listener.local_addr()?);
    for (id, stream) in (0..).zip(listener.incoming()) {
        let stream = stream?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let thread = &threads[(id % u64::from(thread_count)) as usize];
        let stream = Arc::new(stream);
        thread.streams.lock().insert(id, Arc::clone(&stream));
        epoll::add(&thread.epoll, &stream, epoll::EventData::new_u64(id), epoll::EventFlags::IN)?;
    }
    Ok(())
}

impl Thread {
    fn serve(&self) {
        let mut events: Vec<epoll::Event> = Vec::with_capacity(EVENTS);
        let mut buf = vec![0; READ_BYTES];
        let mut answers = Vec::new();
        loop {
            events.clear();
            if epoll::wait(&self.epoll, spare_capacity(&mut events), None).is_err() {
                continue; // a signal
            }
            for event in &events {
                let id = event.data.u64();
                let mut streams = self.streams.lock();
                let Some(stream) = streams.get(&id).cloned() else { continue };
                match (&*stream).read(&mut buf) {
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Ok(0) | Err(_) => {
                        // The last owner closes it, and so takes it out of epoll.
                        streams.remove(&id);
                    }
                    Ok(len) => {
                        drop(streams);
                        let count = buf[..len].iter().filter(|byte| **byte == b'*').count();
                        answers.clear();
                        (0..count).for_each(|_| answers.extend_from_slice(OK));
                        // 13,107 answers fit a read; far below what a socket's buffer takes, so no write is ever short
                        // unless the client stopped reading, and then it is dropped.
                        if (&*stream).write_all(&answers).is_err() {
                            self.streams.lock().remove(&id);
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_each_request_once() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        std::thread::spawn(move || serve(free, 2).unwrap());
        let mut stream = (0..200)
            .find_map(|_| {
                std::thread::sleep(std::time::Duration::from_millis(10));
                TcpStream::connect(("127.0.0.1", free)).ok()
            })
            .expect("the server listens");
        stream.write_all(b"*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n").unwrap();
        let mut answer = [0; 10];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"+OK\r\n+OK\r\n");
    }

    #[test]
    fn refuses_unknown_words() {
        assert!(run(&["--prot", "1"]).unwrap_err().contains("--prot 1"));
        assert!(run(&["--port", "many"]).unwrap_err().contains("many"));
    }
}
