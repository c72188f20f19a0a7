//! Messages in the mail: who left gets none, and publishers do not run away from the receivers' threads.

use exec::client::{ClientRecord, flag};
use exec::pubsub::{self, Counts, Kind};
use exec::seams::{Mail, Mailbox};
use exec::session::{OwnedRequest, Session, Why};
use exec::{Arity, Command, Deadline, Flags, KeySpec, NewValue, Node, Parts, REPLACE, Worker};
use kit::opt::Config;
use kit::world::{SimClock, SimDisk};
use parking_lot::Mutex;
use proto::Reply;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

static SAY: Command = Command {
    name: "SAY",
    arity: Arity::Exactly(3),
    flags: Flags::MAY_REPLICATE,
    run: |ctx, args| {
        ctx.reply.int(pubsub::publish(ctx.node, args.get(1), args.get(2)) as i64);
        Ok(())
    },
    ..Command::BASE
};

static PUT: Command = Command {
    name: "PUT",
    arity: Arity::Exactly(3),
    flags: Flags::WRITE,
    keys: &[KeySpec::at(1, REPLACE)],
    run: |ctx, args| {
        ctx.db.set(args.key(1), NewValue::Str(args.get(2)), Deadline::None);
        ctx.reply.ok();
        Ok(())
    },
    ..Command::BASE
};

static COMMANDS: &[&Command] = &[&SAY, &PUT];

/// Letters that nobody reads until the test does.
#[derive(Default)]
struct Letters(Mutex<Vec<Mail>>);

impl Mailbox for Letters {
    fn send(&self, mail: Mail) {
        self.0.lock().push(mail);
    }
}

impl Letters {
    fn take(&self) -> Vec<Mail> {
        std::mem::take(&mut *self.0.lock())
    }

    /// What of it a client gets.
    fn deliver(&self, session: &Session) -> String {
        let mut reply = Reply::new();
        for mail in self.take() {
            let Mail::Published { to, message } = mail else { panic!("another letter") };
            assert!(to.contains(&session.record.id));
            message.deliver(session, &mut reply);
        }
        String::from_utf8(reply.to_vec()).unwrap()
    }
}

fn node(threads: usize, settings: &[(&str, &str)]) -> (Arc<Node>, Vec<Arc<Letters>>) {
    let config = Config::new(&[exec::options::OPTIONS]);
    for (name, value) in settings {
        config.set(name, &[value]).unwrap();
    }
    let parts = Parts {
        commands: vec![COMMANDS],
        metrics: vec![exec::metrics::METRICS],
        clock: Arc::new(SimClock::new(1_000_000)),
        disk: Arc::new(SimDisk::default()),
        log: Arc::new(log::Log::off()),
        threads,
        seed: 7,
    };
    let node = Node::new(parts, Arc::new(config));
    let boxes: Vec<Arc<Letters>> = (0..threads).map(|_| Arc::default()).collect();
    let mailboxes = boxes.iter().map(|it| Arc::clone(it) as Arc<dyn Mailbox>).collect();
    assert!(node.mailboxes.set(mailboxes).is_ok());
    (node, boxes)
}

fn client(node: &Node, thread: usize) -> Session {
    let record = ClientRecord::new(node.clients.next_id(), 0, String::new(), String::new(), 0);
    record.thread.store(thread, Relaxed);
    Session::new(Arc::new(record), true)
}

const HI: &str = "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n";

#[test]
fn one_letter_for_each_thread() {
    let (node, boxes) = node(3, &[]);
    let mut sessions: Vec<Session> = [0, 2, 2, 0, 2].map(|thread| client(&node, thread)).into_iter().collect();
    for session in &mut sessions {
        pubsub::subscribe(&node, session, Kind::Channel, b"a");
    }
    assert_eq!(pubsub::publish(&node, b"a", b"hi"), 5);
    for (thread, ids) in [(0, vec![1, 4]), (1, vec![]), (2, vec![2, 3, 5])] {
        let letters = boxes[thread].take();
        assert_eq!(letters.len(), usize::from(!ids.is_empty()));
        for mail in letters {
            let Mail::Published { to, .. } = mail else { panic!("another letter") };
            assert_eq!(to.iter().map(|id| id.0).collect::<Vec<u64>>(), ids);
        }
    }
}

#[test]
fn who_left_gets_nothing_that_was_under_way() {
    let (node, boxes) = node(1, &[]);
    let mut session = client(&node, 0);
    let say = || pubsub::publish(&node, b"a", b"hi");
    pubsub::subscribe(&node, &mut session, Kind::Channel, b"a");
    assert_eq!((say(), boxes[0].deliver(&session).as_str()), (1, HI));

    say();
    pubsub::unsubscribe(&node, &mut session, Kind::Channel, b"a");
    assert_eq!(boxes[0].deliver(&session), "", "it left everything");

    pubsub::subscribe(&node, &mut session, Kind::Channel, b"a");
    pubsub::subscribe(&node, &mut session, Kind::Channel, b"b");
    say();
    pubsub::unsubscribe(&node, &mut session, Kind::Channel, b"a");
    assert_eq!(boxes[0].deliver(&session), "", "it left this one");

    pubsub::subscribe(&node, &mut session, Kind::Channel, b"a");
    say();
    pubsub::unsubscribe(&node, &mut session, Kind::Channel, b"b");
    assert_eq!(boxes[0].deliver(&session), HI, "it left another one");

    say();
    pubsub::leave_all(&node, &mut session);
    pubsub::subscribe(&node, &mut session, Kind::Channel, b"b");
    assert_eq!(boxes[0].deliver(&session), "", "it left all and came back for another one");

    // The kinds are told apart, though the names are the same.
    pubsub::subscribe(&node, &mut session, Kind::Shard, b"a");
    pubsub::subscribe(&node, &mut session, Kind::Pattern, b"a");
    assert_eq!((say(), pubsub::publish_to_shard(&node, b"a", b"hi")), (1, 1));
    pubsub::unsubscribe(&node, &mut session, Kind::Pattern, b"a");
    assert_eq!(boxes[0].deliver(&session), HI.replace("message", "smessage").replace("$7", "$8"));
}

#[test]
fn nothing_is_left_of_clients_that_are_gone() {
    let (node, _) = node(1, &[]);
    let mut sessions: Vec<Session> = (0..10).map(|_| client(&node, 0)).collect();
    for (n, session) in sessions.iter_mut().enumerate() {
        for topic in 0..1000 {
            let name = format!("{}", topic * (n + 1));
            for kind in [Kind::Channel, Kind::Pattern, Kind::Shard] {
                pubsub::subscribe(&node, session, kind, name.as_bytes());
            }
        }
        assert!(session.record.has(flag::PUBSUB));
        assert_eq!(session.record.patterns.load(Relaxed), 1000);
    }
    let mut worker = Worker::new(node.clone(), 0);
    for session in &mut sessions {
        worker.disconnect(session);
        assert!(session.subscriptions.is_none() && !session.record.has(flag::PUBSUB));
        assert_eq!(session.record.subscriptions_mem.load(Relaxed), 0);
    }
    assert_eq!(node.pubsub.counts(), Counts { channels: 0, patterns: 0, shard_channels: 0 });
    assert_eq!(pubsub::publish(&node, b"0", b"hi"), 0);
}

#[test]
fn publishers_wait_when_receivers_are_far_behind() {
    let (node, boxes) = node(1, &[]);
    let mut listener = client(&node, 0);
    pubsub::subscribe(&node, &mut listener, Kind::Channel, b"a");
    let mut worker = Worker::new(node.clone(), 0);
    let (mut session, mut reply) = (client(&node, 0), Reply::new());
    let text = "x".repeat(10_000);
    let mut said = 0;
    while session.parked.is_none() {
        worker.run_owned(&mut session, &mut reply, &OwnedRequest::from_words(&["SAY", "a", &text]));
        said += 1;
        assert!(said < 2000, "nobody stopped it");
    }
    assert_eq!(session.parked.as_ref().map(|parked| parked.why), Some(Why::Paused));
    assert!(said > 800);

    // Who sends no messages goes on, and so does who listens.
    let (mut other, mut answer) = (client(&node, 0), Reply::new());
    worker.run_owned(&mut other, &mut answer, &OwnedRequest::from_words(&["PUT", "k", "v"]));
    assert_eq!(answer.to_vec(), b"+OK\r\n");

    // Nobody has read the mail: it goes on waiting. Then somebody has.
    worker.resume(&mut session, &mut reply);
    assert!(session.parked.is_some());
    assert_eq!(boxes[0].deliver(&listener).matches("message").count(), said - 1);
    worker.resume(&mut session, &mut reply);
    assert!(session.parked.is_none());
    assert_eq!(boxes[0].take().len(), 1);
    assert_eq!(node.alarms.get(), 0);
}

#[test]
fn so_do_writers_whose_changes_are_announced() {
    let (node, boxes) = node(1, &[("notify-keyspace-events", "KEAn")]);
    let mut listener = client(&node, 0);
    pubsub::subscribe(&node, &mut listener, Kind::Pattern, b"*");
    let mut worker = Worker::new(node.clone(), 0);
    let (mut session, mut reply) = (client(&node, 0), Reply::new());
    let mut changes = 0;
    while session.parked.is_none() {
        let key = format!("{changes:0>5000}");
        worker.run_owned(&mut session, &mut reply, &OwnedRequest::from_words(&["PUT", &key, "v"]));
        changes += 1;
        assert!(changes < 4000, "nobody stopped it");
    }
    drop(boxes[0].take());
    worker.resume(&mut session, &mut reply);
    assert!(session.parked.is_none());
}

#[test]
fn many_threads_come_and_go() {
    const THREADS: usize = 4;
    let (node, boxes) = node(THREADS, &[]);
    std::thread::scope(|scope| {
        for (thread, mail) in boxes.iter().enumerate() {
            let node = &node;
            scope.spawn(move || {
                let mut session = client(node, thread);
                let mut heard = 0;
                for round in 0..2000 {
                    let mine = [b"a", b"b", b"c"][round % 3];
                    pubsub::subscribe(node, &mut session, Kind::Channel, mine);
                    pubsub::publish(node, [b"a", b"b", b"c"][round / 3 % 3], b"hi");
                    if round % 2 == 0 {
                        pubsub::unsubscribe(node, &mut session, Kind::Channel, mine);
                    }
                    let allowed = pubsub::names(&session, Kind::Channel);
                    for letter in mail.take() {
                        let Mail::Published { message, .. } = letter else { panic!("another letter") };
                        let mut reply = Reply::new();
                        if message.deliver(&session, &mut reply) {
                            let text = reply.to_vec();
                            assert!(allowed.iter().any(|name| text[21] == name[0]), "{text:?}");
                            heard += 1;
                        }
                    }
                }
                pubsub::leave_all(node, &mut session);
                assert!(heard > 0);
            });
        }
    });
    assert_eq!(node.pubsub.counts(), Counts { channels: 0, patterns: 0, shard_channels: 0 });
}
