//! Publish/subscribe: who listens to what, and messages on their way. Keyspace events go out here too.
//!
//! A topic (a channel, a pattern, a shard channel) knows its subscribers, and a session its topics. A
//! message is encoded once, whatever its receivers speak: the protocols differ in the head line only,
//! and that is written on delivery. Each event-loop thread gets one letter with the ids of all its
//! receivers; the publisher's own copy goes the same way, so it comes after the reply of its PUBLISH.
//!
//! Always true: who was told that it left a topic gets no message of it any more, though one may be in
//! the mail: delivery asks the session. It need not ask when the message is younger than the session's
//! last leave, which is nearly always.
//! Messages of one publisher keep their order, and so do those of one key: events are mailed under the
//! key's lock. What is under way is bounded: beyond `UNDER_WAY_BYTES_MAX` the gates hold publishers back.

use crate::changes::Event;
use crate::client::{ClientId, ClientRecord, flag};
use crate::node::{Alarms, Node, alarm};
use crate::notify;
use crate::seams::Mail;
use crate::session::Session;
use kit::glob;
use parking_lot::RwLock;
use proto::Reply;
use smallvec::{SmallVec, smallvec};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

// 8 MiB are ten thousand short messages to a hundred clients each: a thread is behind with them for a
// tenth of a second.
const UNDER_WAY_BYTES_MAX: usize = 8 << 20;

// What a message takes besides its bytes and its receivers' ids.
const MESSAGE_FIXED_BYTES: usize = 192;

// What a subscription takes besides its name: two places in maps, a part of a topic.
const SUBSCRIPTION_FIXED_BYTES: usize = 128;

// A client that leaves may leave many topics; others get the lock in between.
const LEAVES_PER_LOCK: usize = 256;

pub type Name = Arc<[u8]>;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Channel,
    Pattern,
    Shard,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Channel, Kind::Pattern, Kind::Shard];

    /// The first word of its messages.
    fn word(self) -> &'static [u8] {
        match self {
            Kind::Channel => b"message",
            Kind::Pattern => b"pmessage",
            Kind::Shard => b"smessage",
        }
    }
}

/// A node's topics.
#[derive(Default)]
pub struct PubSub {
    topics: RwLock<Topics>,
    /// Channels and patterns there are: nothing is said when nobody listens.
    open: AtomicUsize,
    under_way_bytes: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Topics {
    channels: HashMap<Name, Subscribers>,
    /// In order, so that who listens to several of them gets a message in the same order each time.
    patterns: BTreeMap<Name, Subscribers>,
    shard_channels: HashMap<Name, Subscribers>,
    /// How often a client has left a topic.
    leaves: u64,
}

type Subscribers = BTreeMap<ClientId, Arc<ClientRecord>>;

/// The topics of one client.
#[derive(Default)]
pub struct Subscriptions {
    channels: BTreeSet<Name>,
    patterns: BTreeSet<Name>,
    shard_channels: BTreeSet<Name>,
    name_bytes: usize,
    /// `Topics::leaves` after this client left a topic last, or when it had none yet.
    left_at: u64,
}

/// A message on its way to the subscribers of one topic.
pub struct Message {
    kind: Kind,
    topic: Name,
    /// All its words, encoded.
    body: Arc<[u8]>,
    word_count: usize,
    /// `Topics::leaves` when it was published.
    leaves: u64,
    bytes: usize,
    under_way_bytes: Arc<AtomicUsize>,
}

/// What INFO tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counts {
    pub channels: usize,
    pub patterns: usize,
    pub shard_channels: usize,
}

/// The client listens from now on. Nothing happens when it does already.
pub fn subscribe(node: &Node, session: &mut Session, kind: Kind, name: &[u8]) {
    if is_subscribed(session, kind, name) {
        return;
    }
    let mut topics = node.pubsub.topics.write();
    if !session.internal && !session.user.may_listen(kind, name) {
        // Its user lost the channel after the gates had let it pass; others of the kind have just been closed.
        drop(topics);
        return session.close_after_reply();
    }
    let name = topics.join(kind, name, &session.record);
    node.pubsub.open.store(topics.open(), Relaxed);
    let leaves = topics.leaves;
    drop(topics);
    let mine =
        session.subscriptions.get_or_insert_with(|| Box::new(Subscriptions { left_at: leaves, ..Default::default() }));
    mine.name_bytes += name.len();
    mine.of_mut(kind).insert(name);
    tell(&session.record, session.subscriptions.as_deref());
}

/// The client listens no more. Nothing happens when it did not.
pub fn unsubscribe(node: &Node, session: &mut Session, kind: Kind, name: &[u8]) {
    let Some(mine) = session.subscriptions.as_mut() else { return };
    if !mine.of_mut(kind).remove(name) {
        return;
    }
    mine.name_bytes -= name.len();
    let mut topics = node.pubsub.topics.write();
    topics.leave(kind, name, session.record.id);
    mine.left_at = topics.leaves;
    node.pubsub.open.store(topics.open(), Relaxed);
    drop(topics);
    if mine.is_empty() {
        session.subscriptions = None;
    }
    tell(&session.record, session.subscriptions.as_deref());
}

/// The client leaves all topics: it is gone, or asked for RESET.
pub fn leave_all(node: &Node, session: &mut Session) {
    let Some(mine) = session.subscriptions.take() else { return };
    for kind in Kind::ALL {
        let names: Vec<&Name> = mine.of(kind).iter().collect();
        for some in names.chunks(LEAVES_PER_LOCK) {
            let mut topics = node.pubsub.topics.write();
            for name in some {
                topics.leave(kind, name, session.record.id);
            }
            node.pubsub.open.store(topics.open(), Relaxed);
        }
    }
    tell(&session.record, None);
}

/// What the client listens to.
pub fn names(session: &Session, kind: Kind) -> Vec<Name> {
    session.subscriptions.as_ref().map_or_else(Vec::new, |mine| mine.of(kind).iter().cloned().collect())
}

/// The number that confirmations tell: of channels and patterns together, or of shard channels.
pub fn count(session: &Session, kind: Kind) -> usize {
    session.subscriptions.as_ref().map_or(0, |mine| match kind {
        Kind::Channel | Kind::Pattern => mine.channels.len() + mine.patterns.len(),
        Kind::Shard => mine.shard_channels.len(),
    })
}

fn is_subscribed(session: &Session, kind: Kind, name: &[u8]) -> bool {
    session.subscriptions.as_ref().is_some_and(|mine| mine.of(kind).contains(name))
}

/// Writes down for everybody what the client listens to.
fn tell(record: &ClientRecord, mine: Option<&Subscriptions>) {
    let count = |kind| mine.map_or(0, |mine| mine.of(kind).len());
    record.subscriptions.store(count(Kind::Channel), Relaxed);
    record.patterns.store(count(Kind::Pattern), Relaxed);
    record.shard_subscriptions.store(count(Kind::Shard), Relaxed);
    record.subscriptions_mem.store(mine.map_or(0, Subscriptions::mem_bytes), Relaxed);
    record.set_flag(flag::PUBSUB, mine.is_some());
}

/// Sends a message to who listens to this channel; how many times it was sent.
pub fn publish(node: &Node, channel: &[u8], text: &[u8]) -> usize {
    let topics = node.pubsub.topics.read();
    let mut sent = 0;
    if let Some((name, subscribers)) = topics.channels.get_key_value(channel) {
        sent += post(node, &topics, Kind::Channel, name, &[channel, text], subscribers);
    }
    for (pattern, subscribers) in &topics.patterns {
        if glob::matches(pattern, channel, false) {
            sent += post(node, &topics, Kind::Pattern, pattern, &[pattern, channel, text], subscribers);
        }
    }
    sent
}

/// The same for shard channels, which no pattern sees.
pub fn publish_to_shard(node: &Node, channel: &[u8], text: &[u8]) -> usize {
    let topics = node.pubsub.topics.read();
    match topics.shard_channels.get_key_value(channel) {
        Some((name, subscribers)) => post(node, &topics, Kind::Shard, name, &[channel, text], subscribers),
        None => 0,
    }
}

/// Publishes what happened to a key, in the two ways there are.
pub(crate) fn announce(node: &Node, event: &Event) {
    if node.pubsub.open.load(Relaxed) == 0 {
        return;
    }
    let wanted = node.notify.load(Relaxed);
    let channel = |space: &str, tail: &[u8]| [format!("__{space}@{}__:", event.db).as_bytes(), tail].concat();
    if wanted & notify::KEYSPACE != 0 {
        publish(node, &channel("keyspace", &event.key), event.name.as_bytes());
    }
    if wanted & notify::KEYEVENT != 0 {
        publish(node, &channel("keyevent", event.name.as_bytes()), &event.key);
    }
}

/// One letter for each thread that has a receiver.
fn post(node: &Node, topics: &Topics, kind: Kind, topic: &Name, words: &[&[u8]], to: &Subscribers) -> usize {
    let mut by_thread: SmallVec<[Vec<ClientId>; 8]> = smallvec![Vec::new(); node.threads];
    for record in to.values() {
        if let Some(ids) = by_thread.get_mut(record.thread.load(Relaxed)) {
            ids.push(record.id);
        }
    }
    let body = encode(kind.word(), words);
    let bytes = MESSAGE_FIXED_BYTES + body.len() + to.len() * size_of::<ClientId>();
    let under_way_bytes = Arc::clone(&node.pubsub.under_way_bytes);
    if under_way_bytes.fetch_add(bytes, Relaxed) + bytes > UNDER_WAY_BYTES_MAX {
        node.alarms.set(alarm::MESSAGES, true);
    }
    let topic = Arc::clone(topic);
    let (word_count, leaves) = (1 + words.len(), topics.leaves);
    let message = Arc::new(Message { kind, topic, body, word_count, leaves, bytes, under_way_bytes });
    for (thread, to) in by_thread.into_iter().enumerate() {
        if !to.is_empty() {
            node.send_to(thread, Mail::Published { to, message: Arc::clone(&message) });
        }
    }
    to.len()
}

fn encode(first: &[u8], rest: &[&[u8]]) -> Arc<[u8]> {
    let mut out = Vec::new();
    for word in std::iter::once(&first).chain(rest) {
        out.push(b'$');
        out.extend_from_slice(kit::text::format_i64(&mut [0; 20], word.len() as i64));
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
    out.into()
}

impl Message {
    /// Writes it into a receiver's reply, on the receiver's thread; false when that one does not
    /// listen any more.
    pub fn deliver(&self, session: &Session, reply: &mut Reply) -> bool {
        let listens = session
            .subscriptions
            .as_ref()
            .is_some_and(|mine| self.leaves >= mine.left_at || mine.of(self.kind).contains(&self.topic));
        if listens {
            reply.push(self.word_count);
            reply.shared(Arc::clone(&self.body));
        }
        listens
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        self.under_way_bytes.fetch_sub(self.bytes, Relaxed);
    }
}

impl PubSub {
    pub fn counts(&self) -> Counts {
        let topics = self.topics.read();
        Counts {
            channels: topics.channels.len(),
            patterns: topics.patterns.len(),
            shard_channels: topics.shard_channels.len(),
        }
    }

    /// Channels somebody listens to by name, those that fit the pattern.
    pub fn channels(&self, kind: Kind, pattern: Option<&[u8]>) -> Vec<Name> {
        let fits = |name: &&Name| pattern.is_none_or(|pattern| glob::matches(pattern, name, false));
        let topics = self.topics.read();
        match kind {
            Kind::Channel => topics.channels.keys().filter(fits).cloned().collect(),
            Kind::Shard => topics.shard_channels.keys().filter(fits).cloned().collect(),
            Kind::Pattern => topics.patterns.keys().filter(fits).cloned().collect(),
        }
    }

    pub fn subscriber_count(&self, kind: Kind, name: &[u8]) -> usize {
        self.topics.read().find(kind, name).map_or(0, |(_, subscribers)| subscribers.len())
    }

    /// Are the receivers' threads too far behind? Takes the alarm back when they have caught up.
    pub(crate) fn is_flooded(&self, alarms: &Alarms) -> bool {
        let flooded = self.under_way_bytes.load(Relaxed) > UNDER_WAY_BYTES_MAX / 2;
        if !flooded {
            alarms.set(alarm::MESSAGES, false);
        }
        flooded
    }
}

impl Topics {
    fn open(&self) -> usize {
        self.channels.len() + self.patterns.len()
    }

    fn find(&self, kind: Kind, name: &[u8]) -> Option<(&Name, &Subscribers)> {
        match kind {
            Kind::Channel => self.channels.get_key_value(name),
            Kind::Pattern => self.patterns.get_key_value(name),
            Kind::Shard => self.shard_channels.get_key_value(name),
        }
    }

    /// Gives the topic's own copy of its name, so that there is one.
    fn join(&mut self, kind: Kind, name: &[u8], record: &Arc<ClientRecord>) -> Name {
        let name = self.find(kind, name).map_or_else(|| Name::from(name), |(known, _)| Arc::clone(known));
        let key = Arc::clone(&name);
        let subscribers = match kind {
            Kind::Channel => self.channels.entry(key).or_default(),
            Kind::Pattern => self.patterns.entry(key).or_default(),
            Kind::Shard => self.shard_channels.entry(key).or_default(),
        };
        subscribers.insert(record.id, Arc::clone(record));
        name
    }

    fn leave(&mut self, kind: Kind, name: &[u8], id: ClientId) {
        self.leaves += 1;
        match kind {
            Kind::Channel => leave(&mut self.channels, name, id),
            Kind::Shard => leave(&mut self.shard_channels, name, id),
            Kind::Pattern => {
                if let Some(subscribers) = self.patterns.get_mut(name) {
                    subscribers.remove(&id);
                    if subscribers.is_empty() {
                        self.patterns.remove(name);
                    }
                }
            }
        }
    }
}

/// Clients that listen to a topic for which `wanted` says yes, each once.
pub(crate) fn listeners(
    node: &Node,
    wanted: &mut dyn FnMut(Kind, &[u8], &ClientRecord) -> bool,
) -> Vec<Arc<ClientRecord>> {
    let topics = node.pubsub.topics.read();
    let mut found: BTreeMap<ClientId, Arc<ClientRecord>> = BTreeMap::new();
    let channels = topics.channels.iter().map(|(name, to)| (Kind::Channel, name, to));
    let patterns = topics.patterns.iter().map(|(name, to)| (Kind::Pattern, name, to));
    let shard_channels = topics.shard_channels.iter().map(|(name, to)| (Kind::Shard, name, to));
    for (kind, name, subscribers) in channels.chain(patterns).chain(shard_channels) {
        for record in subscribers.values() {
            if !found.contains_key(&record.id) && wanted(kind, name, record) {
                found.insert(record.id, Arc::clone(record));
            }
        }
    }
    found.into_values().collect()
}

fn leave(topics: &mut HashMap<Name, Subscribers>, name: &[u8], id: ClientId) {
    let Some(subscribers) = topics.get_mut(name) else { return };
    subscribers.remove(&id);
    if subscribers.is_empty() {
        topics.remove(name);
        // A table that once was large gives its memory back.
        if topics.capacity() > 1024 && topics.len() < topics.capacity() / 8 {
            topics.shrink_to(topics.len() * 2);
        }
    }
}

impl Subscriptions {
    fn of(&self, kind: Kind) -> &BTreeSet<Name> {
        match kind {
            Kind::Channel => &self.channels,
            Kind::Pattern => &self.patterns,
            Kind::Shard => &self.shard_channels,
        }
    }

    fn of_mut(&mut self, kind: Kind) -> &mut BTreeSet<Name> {
        match kind {
            Kind::Channel => &mut self.channels,
            Kind::Pattern => &mut self.patterns,
            Kind::Shard => &mut self.shard_channels,
        }
    }

    fn is_empty(&self) -> bool {
        Kind::ALL.iter().all(|kind| self.of(*kind).is_empty())
    }

    fn mem_bytes(&self) -> usize {
        let count: usize = Kind::ALL.iter().map(|kind| self.of(*kind).len()).sum();
        self.name_bytes + count * SUBSCRIPTION_FIXED_BYTES
    }
}
