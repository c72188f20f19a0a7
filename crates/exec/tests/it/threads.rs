//! Many threads at once: locks in order, the world lock, WATCH as a guard.

use crate::commands::COMMANDS;
use exec::client::ClientRecord;
use exec::session::{OwnedRequest, Session};
use exec::{Node, Parts, Worker};
use kit::opt::Config;
use kit::world::{RealClock, Rng, SimDisk};
use proto::Reply;
use std::sync::Arc;

const THREADS: usize = 4;

fn node() -> Arc<Node> {
    let parts = Parts {
        commands: vec![COMMANDS],
        metrics: vec![exec::metrics::METRICS],
        clock: Arc::new(RealClock::new()),
        disk: Arc::new(SimDisk::default()),
        log: Arc::new(log::Log::off()),
        threads: THREADS,
        seed: 7,
    };
    Node::new(parts, Arc::new(Config::new(&[exec::options::OPTIONS])))
}

struct Client {
    worker: Worker,
    session: Session,
    reply: Reply,
}

impl Client {
    fn new(node: &Arc<Node>, thread: usize) -> Client {
        let record = Arc::new(ClientRecord::new(node.clients.next_id(), 0, String::new(), String::new(), 0));
        Client { worker: Worker::new(node.clone(), thread), session: Session::new(record, true), reply: Reply::new() }
    }

    fn ask(&mut self, words: &[&str]) -> String {
        self.worker.run_owned(&mut self.session, &mut self.reply, &OwnedRequest::from_words(words));
        let text = String::from_utf8(self.reply.to_vec()).unwrap();
        self.reply.clear();
        text
    }
}

fn on_all_threads(node: &Arc<Node>, body: impl Fn(Client, Rng) + Sync) {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (node, body) = (node.clone(), &body);
            scope.spawn(move || body(Client::new(&node, thread), Rng::new(thread as u64)));
        }
    });
}

#[test]
fn two_keys_are_changed_as_one() {
    let node = node();
    on_all_threads(&node, |mut client, mut rng| {
        for _ in 0..2_000 {
            let (a, b) = (format!("k{}", rng.below(8)), format!("k{}", rng.below(8)));
            if a != b {
                assert_eq!(client.ask(&["COUNTUP", &a, &b]), "+OK\r\n");
            }
            if rng.one_in(200) {
                client.ask(&["TOTAL"]);
            }
        }
    });
    // Each COUNTUP added two in all.
    let mut client = Client::new(&node, 0);
    let total: i64 = (0..8)
        .map(|i| client.ask(&["TAKE", &format!("k{i}")]))
        .filter_map(|reply| reply.lines().nth(2).and_then(|number| number.parse::<i64>().ok()))
        .sum();
    let done: u64 = (0..node.commands.len() as u16)
        .filter(|&number| node.commands.row(number).full_name == "countup")
        .map(|number| node.command_stats.summary(number).calls)
        .sum();
    assert_eq!(total, 2 * done as i64);
}

#[test]
fn waits_for_locks_are_counted() {
    use exec::lock_waits::Lock;
    let node = node();
    let counts = || [Lock::Shard, Lock::World, Lock::Running].map(|lock| node.lock_waits.of(lock).count());
    let mut client = Client::new(&node, 1);
    client.ask(&["COUNTUP", "a", "b"]);
    assert_eq!(counts(), [0, 0, 0], "a free lock costs nothing");

    let shard = node.keyspace.hash(b"a").shard();
    let guard = node.keyspace.lock(shard);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| Client::new(&node, 2).ask(&["COUNTUP", "a", "b"]));
        std::thread::sleep(std::time::Duration::from_millis(30));
        drop(guard);
        asking.join().unwrap();
    });
    assert_eq!(counts(), [1, 0, 0]);
    let waited = node.lock_waits.of(Lock::Shard).sum_ns();
    assert!((1_000_000..10_000_000_000).contains(&waited), "{waited}");

    client.ask(&["MOVEALL"]);
    assert_eq!(counts(), [1, 1, 0]);

    let world = node.world.exclusive();
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| Client::new(&node, 2).ask(&["COUNTUP", "a", "b"]));
        std::thread::sleep(std::time::Duration::from_millis(30));
        drop(world);
        asking.join().unwrap();
    });
    assert_eq!(counts(), [1, 1, 1]);
}

#[test]
fn the_world_lock_sees_whole_commands() {
    let node = node();
    on_all_threads(&node, |mut client, mut rng| {
        for i in 0..1_000 {
            // A pair is written by one command; under the world lock it is there or not.
            let (a, b) = (format!("{i}a"), format!("{i}b"));
            client.ask(&["COUNTUP", &a, &b]);
            if rng.one_in(50) {
                let moved = client.ask(&["MOVEALL"]);
                let moved: i64 = moved.trim_start_matches(':').trim_end().parse().unwrap();
                assert_eq!(moved % 2, 0, "half a command was seen");
            }
        }
    });
}

#[test]
fn watch_guards_a_counter() {
    let node = node();
    const EACH: usize = 300;
    on_all_threads(&node, |mut client, _| {
        let mut done = 0;
        while done < EACH {
            client.ask(&["WATCH", "n"]);
            let old = client.ask(&["TAKE", "n"]);
            let old: i64 = old.lines().nth(2).and_then(|number| number.parse().ok()).unwrap_or(0);
            client.ask(&["MULTI"]);
            client.ask(&["PUT", "n", &(old + 1).to_string()]);
            if client.ask(&["EXEC"]) == "*1\r\n+OK\r\n" {
                done += 1;
            }
        }
    });
    let mut client = Client::new(&node, 0);
    assert_eq!(client.ask(&["TAKE", "n"]), format!("*1\r\n$4\r\n{}\r\n", THREADS * EACH));
}
