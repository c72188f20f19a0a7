//! Scripts on threads of their own, and scripts beside each other: what they hold, who waits, who does not.

use exec::client::ClientRecord;
use exec::seams::{Mail, Mailbox};
use exec::session::{OwnedRequest, Session, Why};
use exec::{Command, Node, Parts, Worker};
use kit::opt::Config;
use kit::world::{RealClock, SimDisk};
use log::Log;
use parking_lot::Mutex;
use proto::Reply;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

struct Post(Mutex<Sender<Mail>>);

impl Mailbox for Post {
    fn send(&self, mail: Mail) {
        let _ = self.0.lock().send(mail);
    }
}

/// A node of `threads` event loops, which this test plays, and real script threads.
fn server(threads: usize, settings: &[(&str, &str)]) -> (Arc<Node>, Vec<Receiver<Mail>>) {
    let config = Config::new(&[exec::options::OPTIONS, commands::OPTIONS, script::OPTIONS]);
    for (name, value) in settings {
        config.set(name, &[value]).unwrap();
    }
    let commands: Vec<&'static [&'static Command]> =
        commands::COMMANDS.iter().copied().chain([script::COMMANDS]).collect();
    let parts = Parts {
        commands,
        metrics: vec![exec::metrics::METRICS],
        clock: Arc::new(RealClock::new()),
        disk: Arc::new(SimDisk::default()),
        log: Arc::new(Log::in_memory()),
        threads,
        seed: 1,
    };
    let node = Node::new(parts, Arc::new(config));
    let (posts, mail): (Vec<_>, Vec<_>) = (0..threads)
        .map(|_| {
            let (sender, receiver) = channel();
            (Arc::new(Post(Mutex::new(sender))) as Arc<dyn Mailbox>, receiver)
        })
        .unzip();
    let _ = node.mailboxes.set(posts);
    script::start(&node);
    (node, mail)
}

struct Client {
    worker: Worker,
    session: Session,
    mail: Receiver<Mail>,
}

impl Client {
    fn new(node: &Arc<Node>, thread: usize, mail: Receiver<Mail>) -> Client {
        let id = node.clients.next_id();
        let record = ClientRecord::new(id, 1, "a:1".into(), "b:1".into(), 0);
        record.thread.store(thread, std::sync::atomic::Ordering::Relaxed);
        let record = Arc::new(record);
        node.clients.add(Arc::clone(&record));
        Client { worker: Worker::new(Arc::clone(node), thread), session: Session::new(record, true), mail }
    }

    /// Sends without waiting; empty when the client was parked.
    fn send(&mut self, words: &[&str]) -> String {
        let mut reply = Reply::new();
        self.worker.run_owned(&mut self.session, &mut reply, &OwnedRequest::from_words(words));
        String::from_utf8_lossy(&reply.to_vec()).into_owned()
    }

    /// Waits for the reply, as an event loop would.
    fn ask(&mut self, words: &[&str]) -> String {
        let text = self.send(words);
        text + &self.wait()
    }

    fn wait(&mut self) -> String {
        let mut text = String::new();
        while let Some(parked) = &self.session.parked {
            let why = parked.why;
            let mut reply = Reply::new();
            match self.mail.recv_timeout(Duration::from_millis(if why == Why::Paused { 10 } else { 20_000 })) {
                Ok(Mail::Served(_, answer, logged)) => {
                    self.worker.served(&mut self.session, &mut reply, answer, logged);
                }
                Ok(Mail::Nudge) | Err(_) if why == Why::Paused => self.worker.resume(&mut self.session, &mut reply),
                Ok(_) => {}
                Err(error) => panic!("no reply: {error}"),
            }
            text.push_str(&String::from_utf8_lossy(&reply.to_vec()));
        }
        text
    }
}

const SPIN: &str = "while true do redis.call('get', KEYS[1]) end";

#[test]
fn a_long_script_keeps_only_its_shards() {
    let (node, mut mail) = server(2, &[]);
    let mut second = Client::new(&node, 1, mail.pop().unwrap());
    let mut first = Client::new(&node, 0, mail.pop().unwrap());
    assert_eq!(first.send(&["EVAL", SPIN, "1", "a"]), "", "runs elsewhere");
    assert_eq!(first.session.parked.as_ref().map(|parked| parked.why), Some(Why::Working));
    while node.scripts.running().is_empty() {
        std::thread::yield_now();
    }
    let begin = Instant::now();
    let mut turned_away = 0;
    for i in 0..256 {
        let key = format!("k{i}");
        if second.send(&["SET", &key, "x"]).is_empty() {
            assert_eq!(second.session.parked.as_ref().map(|parked| parked.why), Some(Why::Paused));
            second.worker.unpark(&mut second.session);
            turned_away += 1;
        }
    }
    assert!(turned_away <= 8, "{turned_away} keys of 256 in one shard of 256");
    assert!(begin.elapsed() < Duration::from_secs(2));
    assert_eq!(second.send(&["SET", "a", "x"]), "", "this one waits");
    assert_eq!(second.send(&["PING"]), "+PONG\r\n");
    second.worker.unpark(&mut second.session);
    assert_eq!(second.ask(&["SCRIPT", "KILL"]), "+OK\r\n");
    let reply = first.wait();
    assert!(reply.contains("Script killed by user with SCRIPT KILL"), "{reply}");
    assert_eq!(second.ask(&["SET", "a", "x"]), "+OK\r\n");
    assert_eq!(second.ask(&["SCRIPT", "KILL"]), "-NOTBUSY No scripts in execution right now.\r\n");
}

#[test]
fn what_wrote_cannot_be_killed_and_others_hear_busy() {
    let (node, mut mail) = server(2, &[("busy-reply-threshold", "20")]);
    let mut second = Client::new(&node, 1, mail.pop().unwrap());
    let mut first = Client::new(&node, 0, mail.pop().unwrap());
    let script = "redis.call('set', KEYS[1], 1) local n = 0 while n < 3e7 do n = n + 1 end return n";
    assert_eq!(first.send(&["EVAL", script, "1", "a"]), "");
    let mut busy = String::new();
    let begin = Instant::now();
    while !busy.starts_with("-BUSY") && begin.elapsed() < Duration::from_secs(10) {
        busy = second.send(&["GET", "a"]);
        second.worker.unpark(&mut second.session);
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(busy.starts_with("-BUSY Redis is busy running a script."), "{busy}");
    assert!(second.send(&["SCRIPT", "KILL"]).starts_with("-UNKILLABLE"));
    assert!(second.send(&["PING"]).starts_with("-BUSY"), "everybody hears it");
    assert_eq!(first.wait(), ":30000000\r\n");
    assert_eq!(second.ask(&["GET", "a"]), "$1\r\n1\r\n");
}

#[test]
fn pcall_does_not_survive_a_kill() {
    let (node, mut mail) = server(1, &[]);
    let mut client = Client::new(&node, 0, mail.pop().unwrap());
    for script in [
        "while true do pcall(function() while true do end end) end",
        "while true do xpcall(function() while true do end end, function() while true do end end) end",
        "local c = coroutine.create(function() while true do end end) while true do coroutine.resume(c) c = coroutine.create(function() while true do end end) end",
        "local f = coroutine.wrap(function() while true do end end) while true do pcall(f) f = coroutine.wrap(function() while true do end end) end",
        "while true do pcall(redis.call, 'get', 'x') end",
    ] {
        assert_eq!(client.send(&["EVAL", script, "0"]), "", "{script}");
        while node.scripts.running().is_empty() {
            std::thread::yield_now();
        }
        for running in node.scripts.running() {
            running.kill.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        let reply = client.wait();
        assert!(reply.contains("Script killed by user"), "{script}: {reply}");
    }
}

#[test]
fn short_scripts_run_where_their_client_is() {
    let (node, mut mail) = server(1, &[]);
    let mut client = Client::new(&node, 0, mail.pop().unwrap());
    let script = "if ARGV[1] == 'long' then local n = 0 while n < 2e6 do n = n + 1 end return n end return redis.call('incr', KEYS[1])";
    assert_eq!(client.ask(&["EVAL", script, "1", "a"]), ":1\r\n");
    // Its first run may have been slow by chance; then it is tried there a few times more.
    for i in 2..40 {
        let reply = client.send(&["EVAL", script, "1", "a"]);
        if !reply.is_empty() {
            assert_eq!(reply, format!(":{i}\r\n"));
            // And is taken away when it turns out to be long after all.
            assert_eq!(client.send(&["EVAL", script, "1", "a", "long"]), "");
            assert_eq!(client.wait(), ":2000000\r\n");
            return;
        }
        assert_eq!(client.wait(), format!(":{i}\r\n"));
    }
    panic!("never short");
}

#[test]
fn machines_give_memory_back() {
    let (node, mut mail) = server(1, &[]);
    let mut client = Client::new(&node, 0, mail.pop().unwrap());
    let used = || node.scripts.lua_bytes.load(Relaxed);
    assert_eq!(client.ask(&["EVAL", "return redis.call('incr', KEYS[1])", "1", "a"]), ":1\r\n");
    let start = Instant::now();
    while used() > 0 {
        assert!(start.elapsed() < Duration::from_secs(20), "the thread keeps {} bytes", used());
        std::thread::sleep(Duration::from_millis(10));
    }
    for i in 2..=3000 {
        assert_eq!(client.ask(&["EVAL", "return redis.call('incr', KEYS[1])", "1", "a"]), format!(":{i}\r\n"));
    }
    assert!(client.ask(&["INFO", "memory"]).contains("used_memory_lua:"));
    // Two: the last one may have run on a script thread.
    assert!(used() < 2 * (60 << 10), "{} bytes", used());
}

#[test]
fn counts_what_a_cluster_would_refuse() {
    let (node, mut mail) = server(1, &[("cluster-compatibility-sample-ratio", "100")]);
    let mut client = Client::new(&node, 0, mail.pop().unwrap());
    let library = "#!lua name=lib\nredis.register_function{function_name='f', callback=function() return 1 end, flags={'no-cluster'}}";
    let mset = "redis.call('mset', KEYS[1], 0, KEYS[2], 0)";
    let undeclared = "redis.call('mset', 'foo', 0, 'bar', 0)";
    let mixed = format!("#!lua flags=allow-cross-slot-keys\n{undeclared} {mset}");
    for (words, count) in [
        (&["FUNCTION", "LOAD", library][..], 0),
        (&["FCALL", "f", "0"], 1),
        (&["EVAL", "#!lua flags=no-cluster\nreturn 1", "0"], 2),
        (&["EVAL", "#!lua\nreturn 1", "0"], 2),
        (&["EVAL", mset, "2", "foo", "bar"], 3),
        (&["EVAL", mset, "2", "foo", "{foo}"], 3),
        (&["EVAL", undeclared, "0"], 4),
        (&["EVAL", &mixed, "2", "foo", "{foo}"], 5),
        (&["EVAL", "redis.call('set', 'foo', 0) redis.call('set', 'bar', 0)", "0"], 5),
    ] {
        assert!(!client.ask(words).contains("-ERR"), "{words:?}");
        assert_eq!(node.tallies.sum(&exec::metrics::CLUSTER_INCOMPATIBLE), count, "{words:?}");
    }
}

/// Runs `body` with a client on every event loop at once.
fn on_all_loops<R: Send>(
    node: &Arc<Node>,
    mail: Vec<Receiver<Mail>>,
    body: impl Fn(usize, &mut Client) -> R + Sync,
) -> Vec<R> {
    std::thread::scope(|scope| {
        let handles: Vec<_> = mail
            .into_iter()
            .enumerate()
            .map(|(thread, mail)| {
                let body = &body;
                std::thread::Builder::new()
                    .stack_size(exec::script::STACK_BYTES)
                    .spawn_scoped(scope, move || body(thread, &mut Client::new(node, thread, mail)))
                    .unwrap()
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    })
}

/// What the keys `k0` to `k6` were counted up to, together.
fn counted(node: &Arc<Node>) -> u32 {
    let (_, mail) = channel();
    let mut client = Client::new(node, 0, mail);
    let counts = (0..7).map(|i| client.ask(&["GET", &format!("k{i}")]));
    counts.map(|reply| reply.split("\r\n").nth(1).unwrap().parse::<u32>().unwrap()).sum()
}

#[test]
fn two_threads_with_keys_that_are_not_declared() {
    let (node, mail) = server(2, &[]);
    let script = "redis.call('incr', ARGV[1]) redis.call('incr', ARGV[2]) return 1";
    let refused = on_all_loops(&node, mail, |thread, client| {
        let mut refused = 0;
        for i in 0..3_000u32 {
            let (a, b) = (format!("k{}", i % 7), format!("k{}", (i * 5 + thread as u32) % 7));
            match client.ask(&["EVAL", script, "0", &a, &b]).as_str() {
                ":1\r\n" => {}
                reply => {
                    assert!(reply.starts_with("-TRYAGAIN"), "{reply}");
                    refused += 1;
                }
            }
        }
        refused
    });
    let (sum, refused) = (counted(&node), refused.iter().sum::<u32>());
    assert!((12_000 - refused..=12_000).contains(&sum), "{sum}, {refused} refused");
    assert!(refused < 10, "after the first of them it takes all shards: {refused}");
}

#[test]
fn undeclared_keys_beside_commands_of_many_keys() {
    let (node, mail) = server(3, &[]);
    // All its keys are known before it writes: it waits for those that stand above, and tries the others.
    let script = "redis.call('exists', ARGV[1], ARGV[2]) return redis.call('incr', ARGV[1])";
    on_all_loops(&node, mail, |thread, client| {
        let key = |i: usize| format!("k{}", i % 7);
        for i in 0..3_000 {
            if thread == 2 {
                let others: Vec<String> = (0..14).step_by(2).map(|j| format!("m{}", (i + j) % 9)).collect();
                let pairs = others.iter().flat_map(|key| [key.as_str(), "x"]);
                assert_eq!(client.ask(&["MSET"].into_iter().chain(pairs).collect::<Vec<_>>()), "+OK\r\n");
                let gone = [key(i), key(i + 3), key(i + 5)].map(|key| format!("gone:{key}"));
                assert_eq!(client.ask(&["DEL", &gone[0], &gone[1], &gone[2]]), ":0\r\n");
                assert_eq!(client.ask(&["EXISTS", &key(i), &key(i + 1), &key(i + 2), "none"]).len(), 4);
            } else {
                let reply = client.ask(&["EVAL", script, "0", &key(i), &key(i * 5 + thread)]);
                assert!(reply.starts_with(':'), "{reply}");
            }
        }
    });
    assert_eq!(counted(&node), 6_000);
}
