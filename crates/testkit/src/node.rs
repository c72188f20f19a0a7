//! A node in process: simulated clock and disk, one worker, any number of clients.

use crate::script::{self, Expect, Step};
use exec::acl::Identity;
use exec::client::ClientRecord;
use exec::seams::{Mail, Mailbox};
use exec::session::{OwnedRequest, Session};
use exec::{Command, Node, Parts, Worker};
use kit::opt::{AnyOpt, Config};
use kit::world::{Clock, SimClock, SimDisk};
use log::Log;
use parking_lot::Mutex;
use proto::Reply;
use proto::resp_client::{Value, decode};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Start of simulated time: 2026-01-01T00:00:00Z.
const START_MS: i64 = 1_767_225_600_000;

pub struct TestNode {
    pub node: Arc<Node>,
    pub worker: Worker,
    pub clock: Arc<SimClock>,
    pub log: Logged,
    mail: Arc<Post>,
    clients: BTreeMap<usize, Client>,
}

pub struct Client {
    pub session: Session,
    pub reply: Reply,
}

/// The node's log, which stays in memory, as text.
pub struct Logged(Arc<Log>);

impl Logged {
    /// Every unit logged so far, one line for each of its commands.
    pub fn units(&self) -> Vec<Vec<String>> {
        self.0.units().iter().map(|unit| unit.commands().map(|(_, resp)| line(resp)).collect()).collect()
    }

    /// Every command logged so far, one line each.
    pub fn lines(&self) -> Vec<String> {
        self.units().into_iter().flatten().collect()
    }
}

fn line(resp: &[u8]) -> String {
    let Ok(Some((Value::Array(words), _))) = decode(resp) else { panic!("not a command: {resp:?}") };
    let text = |word: &Value| match word {
        Value::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => panic!("not a word: {other:?}"),
    };
    words.iter().map(text).collect::<Vec<_>>().join(" ")
}

#[derive(Default)]
struct Post {
    mail: Mutex<Vec<Mail>>,
}

impl Mailbox for Post {
    fn send(&self, mail: Mail) {
        self.mail.lock().push(mail);
    }
}

impl TestNode {
    pub fn new(commands: &'static [&'static Command]) -> TestNode {
        TestNode::with_options(commands, &[])
    }

    /// A node whose configuration has these settings besides the defaults.
    pub fn with_options(commands: &'static [&'static Command], settings: &[(&str, &str)]) -> TestNode {
        TestNode::with_lists(commands, &[], settings)
    }

    /// The same, for commands that read options of their own.
    pub fn with_lists(
        commands: &'static [&'static Command],
        options: &[&'static [&'static dyn AnyOpt]],
        settings: &[(&str, &str)],
    ) -> TestNode {
        let lists: Vec<_> = std::iter::once(exec::options::OPTIONS).chain(options.iter().copied()).collect();
        let config = Arc::new(Config::new(&lists));
        for (name, value) in settings {
            config.set(name, &[value]).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        let clock = Arc::new(SimClock::new(START_MS));
        let parts = Parts {
            commands: vec![commands],
            metrics: vec![exec::metrics::METRICS],
            clock: clock.clone(),
            disk: Arc::new(SimDisk::default()),
            log: Arc::new(Log::in_memory()),
            threads: 1,
            seed: 1,
        };
        let node = Node::new(parts, config);
        let (log, mail) = (Logged(node.log.clone()), Arc::new(Post::default()));
        let _ = node.mailboxes.set(vec![mail.clone()]);
        let worker = Worker::new(node.clone(), 0);
        TestNode { node, worker, clock, log, mail, clients: BTreeMap::new() }
    }

    /// Client `number`, connected at its first use.
    pub fn client(&mut self, number: usize) -> &mut Client {
        let node = &self.node;
        self.clients.entry(number).or_insert_with(|| {
            let id = node.clients.next_id();
            let addr = format!("127.0.0.1:{}", 50_000 + number);
            let record = ClientRecord::new(id, 10 + number as i32, addr, "127.0.0.1:6379".into(), node.now().0);
            let record = Arc::new(record);
            node.clients.add(record.clone());
            let user = Identity::of(node.acl.default_user());
            Client { session: Session::of(record, user, node.acl.default_is_open()), reply: Reply::new() }
        })
    }

    /// Sends one request and gives the bytes of its reply.
    pub fn ask<W: AsRef<[u8]>>(&mut self, client: usize, words: &[W]) -> Vec<u8> {
        self.client(client);
        let client = self.clients.get_mut(&client).expect("made above");
        self.worker.run_owned(&mut client.session, &mut client.reply, &OwnedRequest::from_words(words));
        while client.session.rest.is_some() {
            self.worker.resume(&mut client.session, &mut client.reply);
        }
        let bytes = client.reply.to_vec();
        client.reply.clear();
        self.deliver();
        bytes
    }

    /// Lends the worker and a client that was used before, to run what a conversation cannot say.
    pub fn run<R>(&mut self, client: usize, body: impl FnOnce(&mut Worker, &mut Client) -> R) -> R {
        body(&mut self.worker, self.clients.get_mut(&client).expect("a client that was used before"))
    }

    /// One request as text: `ask_line("SET k v")`.
    pub fn ask_line(&mut self, line: &str) -> Value {
        let words: Vec<&str> = line.split(' ').collect();
        let bytes = self.ask(1, &words);
        decode(&bytes).expect("well formed").expect("whole").0
    }

    pub fn advance(&mut self, ms: u64) {
        self.clock.advance_ms(ms);
        while self.worker.sweep_expired() == exec::Progress::More {}
        let now = self.clock.unix_ms();
        for client in self.clients.values_mut() {
            let Some(parked) = &client.session.parked else { continue };
            if parked.deadline.is_some_and(|at| at <= now) {
                match parked.why {
                    exec::session::Why::Blocked => {
                        self.worker.end_wait(&mut client.session, &mut client.reply, false);
                    }
                    exec::session::Why::Paused
                    | exec::session::Why::Away
                    | exec::session::Why::Looks
                    | exec::session::Why::Working => {
                        self.worker.resume(&mut client.session, &mut client.reply);
                    }
                }
            }
        }
        self.deliver();
    }

    /// Carries out the mail that other clients' commands sent.
    pub fn deliver(&mut self) {
        loop {
            let mail: Vec<Mail> = std::mem::take(&mut *self.mail.mail.lock());
            if mail.is_empty() {
                return;
            }
            for mail in mail {
                match mail {
                    Mail::Resume(id) => {
                        let client = self.clients.values_mut().find(|client| client.session.record.id == id);
                        if let Some(client) = client {
                            self.worker.resume(&mut client.session, &mut client.reply);
                        }
                    }
                    Mail::Unblock { client: id, with_error } => {
                        let client = self.clients.values_mut().find(|client| client.session.record.id == id);
                        if let Some(client) = client {
                            self.worker.end_wait(&mut client.session, &mut client.reply, with_error);
                        }
                    }
                    Mail::Served(id, answer, logged) => {
                        let client = self.clients.values_mut().find(|client| client.session.record.id == id);
                        if let Some(client) = client {
                            self.worker.served(&mut client.session, &mut client.reply, answer, logged);
                        }
                    }
                    Mail::Push(id, bytes) => {
                        let client = self.clients.values_mut().find(|client| client.session.record.id == id);
                        if let Some(client) = client {
                            client.reply.raw(&bytes);
                        }
                    }
                    Mail::Published { to, message } => {
                        for client in self.clients.values_mut() {
                            if to.contains(&client.session.record.id) {
                                message.deliver(&client.session, &mut client.reply);
                            }
                        }
                    }
                    Mail::Kill(id) => {
                        let number = self.clients.iter().find(|(_, client)| client.session.record.id == id);
                        if let Some(mut client) =
                            number.map(|(number, _)| *number).and_then(|n| self.clients.remove(&n))
                        {
                            self.worker.disconnect(&mut client.session);
                        }
                    }
                    Mail::Ask { .. } => {} // nobody asks from inside
                    Mail::Nudge => {
                        for client in self.clients.values_mut() {
                            if client
                                .session
                                .parked
                                .as_ref()
                                .is_some_and(|parked| parked.why == exec::session::Why::Paused)
                            {
                                self.worker.resume(&mut client.session, &mut client.reply);
                            }
                        }
                    }
                }
            }
        }
    }

    /// Takes the first of what a client got unasked.
    fn hear(&mut self, client: usize, expect: Option<&Expect>, text: &str) {
        let reply = &mut self.client(client).reply;
        let bytes = reply.to_vec();
        let heard = decode(&bytes).unwrap_or_else(|error| panic!("{text}: {error:?} in {bytes:?}"));
        match (expect, heard) {
            (None, None) if bytes.is_empty() => {}
            (Some(expect), Some((value, used))) => {
                assert!(script::fits(expect, &value), "{text}\n  got {value:?}");
                reply.consume(used);
            }
            _ => panic!("{text}\n  got {:?}", String::from_utf8_lossy(&bytes)),
        }
    }

    pub fn converse(&mut self, text: &str) {
        let mut steps = script::parse(text).into_iter().peekable();
        while let Some(step) = steps.next() {
            match step {
                Step::Advance { ms } => self.advance(ms),
                Step::Hear { client, expect, text } => self.hear(client, expect.as_ref(), &text),
                Step::Ask { client, words, expect, text } => {
                    let bytes = self.ask(client, &words);
                    let Some(expect) = expect else { continue };
                    if expect == Expect::Parked {
                        assert!(bytes.is_empty(), "{text}: a reply came: {:?}", String::from_utf8_lossy(&bytes));
                        assert!(self.clients[&client].session.parked.is_some(), "{text}: not parked");
                        continue;
                    }
                    let decoded = decode(&bytes).unwrap_or_else(|error| panic!("{text}: {error:?} in {bytes:?}"));
                    let Some((value, used)) = decoded else {
                        panic!("{text}: no whole reply in {:?}", String::from_utf8_lossy(&bytes))
                    };
                    assert!(script::fits(&expect, &value), "{text}\n  got {value:?}");
                    let rest = &bytes[used..];
                    let listens = matches!(steps.peek(), Some(Step::Hear { client: next, .. }) if *next == client);
                    assert!(
                        rest.is_empty() || listens,
                        "{text}: more than one reply: {:?}",
                        String::from_utf8_lossy(&bytes)
                    );
                    let reply = &mut self.client(client).reply;
                    let later = reply.take();
                    reply.raw(rest);
                    reply.append(later);
                }
            }
        }
    }
}
