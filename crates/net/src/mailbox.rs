//! Letters between event-loop threads.
//!
//! A post is a list under a mutex and an eventfd. The eventfd is written only when the owner may be
//! asleep, once per sleep, so mail to a busy thread costs a lock and nothing else.
//!
//! A client may move while mail is on its way. The thread it leaves takes the client's letters along
//! and, under the same lock, notes where it went: who writes to the old address afterwards is sent on
//! by his own hand. So the letters of one sender to one client never overtake each other.
//! Always true: two posts are locked together only by a mover, and `Posts::moving` lets one move at a time.

use crate::conn::Conn;
use exec::client::ClientId;
use exec::pubsub::Message;
use exec::seams::{Mail, Mailbox};
use parking_lot::Mutex;
use rustix::event::EventfdFlags;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed, Ordering::SeqCst};

pub(crate) enum Letter {
    Mail(Mail),
    /// A connection that lives on this thread from now on.
    Adopt(Box<Conn>),
}

/// The posts of all threads of a server.
pub(crate) struct Posts {
    posts: Vec<Post>,
    moving: Mutex<()>,
}

struct Post {
    inside: Mutex<Inside>,
    /// The owner waits for sockets, or is about to.
    asleep: AtomicBool,
    has_letters: AtomicBool,
    event: OwnedFd,
}

#[derive(Default)]
struct Inside {
    letters: Vec<Letter>,
    /// Clients that left, and the thread they went to. Kept for a while, see `forget_moved`.
    moved: HashMap<ClientId, usize>,
    moved_before: HashMap<ClientId, usize>,
}

/// One thread's post as the executor sees it.
pub(crate) struct Door {
    pub posts: Arc<Posts>,
    pub thread: usize,
}

impl Mailbox for Door {
    fn send(&self, mail: Mail) {
        self.posts.send(self.thread, mail);
    }
}

impl Posts {
    pub(crate) fn new(threads: usize) -> io::Result<Posts> {
        let posts: io::Result<Vec<Post>> = (0..threads).map(|_| Post::new()).collect();
        Ok(Posts { posts: posts?, moving: Mutex::new(()) })
    }

    pub(crate) fn send(&self, thread: usize, mail: Mail) {
        let mail = match mail {
            Mail::Published { to, message } if to.len() > 1 => {
                return self.send_to_many(thread, to, message);
            }
            mail => mail,
        };
        let client = client_of(&mail);
        let mut to = thread;
        // A client that moves on while we follow it is rare; its thread forwards what comes late.
        for _ in 0..self.posts.len() {
            let mut inside = self.posts[to].inside.lock();
            match client.and_then(|id| inside.forward(id)) {
                Some(next) => to = next,
                None => {
                    inside.letters.push(Letter::Mail(mail));
                    drop(inside);
                    return self.posts[to].ring();
                }
            }
        }
        self.posts[to].inside.lock().letters.push(Letter::Mail(mail));
        self.posts[to].ring();
    }

    /// Who has moved gets a letter of his own.
    fn send_to_many(&self, thread: usize, mut to: Vec<ClientId>, message: Arc<Message>) {
        let mut moved = Vec::new();
        let mut inside = self.posts[thread].inside.lock();
        to.retain(|id| match inside.forward(*id) {
            Some(next) => {
                moved.push((*id, next));
                false
            }
            None => true,
        });
        if !to.is_empty() {
            inside.letters.push(Letter::Mail(Mail::Published { to, message: Arc::clone(&message) }));
        }
        drop(inside);
        self.posts[thread].ring();
        for (id, next) in moved {
            self.send(next, Mail::Published { to: vec![id], message: Arc::clone(&message) });
        }
    }

    pub(crate) fn adopt(&self, thread: usize, conn: Box<Conn>) {
        self.posts[thread].inside.lock().letters.push(Letter::Adopt(conn));
        self.posts[thread].ring();
    }

    /// Connections go from one thread to another, and their unread letters with them.
    pub(crate) fn move_all(&self, from: usize, to: usize, conns: impl IntoIterator<Item = Box<Conn>>) {
        assert!(from != to, "a move goes to another thread");
        let moving = self.moving.lock();
        let mut mine = self.posts[from].inside.lock();
        let mut theirs = self.posts[to].inside.lock();
        for conn in conns {
            let record = Arc::clone(&conn.session.record);
            theirs.moved.remove(&record.id);
            theirs.moved_before.remove(&record.id);
            mine.moved.insert(record.id, to);
            theirs.letters.push(Letter::Adopt(conn));
            record.thread.store(to, Relaxed);
        }
        for letter in std::mem::take(&mut mine.letters) {
            let (kept, luggage) = mine.divide(letter);
            mine.letters.extend(kept);
            theirs.letters.extend(luggage);
        }
        drop((mine, theirs, moving));
        self.posts[to].ring();
    }

    /// Called once in a while: forgets the moves of two calls ago. Nobody holds an address that long.
    pub(crate) fn forget_moved(&self, thread: usize) {
        let mut inside = self.posts[thread].inside.lock();
        let moved = std::mem::take(&mut inside.moved);
        inside.moved_before = moved;
    }

    /// Moves all letters to `letters`, which is empty.
    pub(crate) fn take(&self, thread: usize, letters: &mut Vec<Letter>) {
        let post = &self.posts[thread];
        if post.has_letters.load(Relaxed) {
            post.has_letters.store(false, Relaxed);
            std::mem::swap(&mut post.inside.lock().letters, letters);
        }
    }

    /// To be called before a wait. False: there is mail, do not sleep.
    pub(crate) fn fall_asleep(&self, thread: usize) -> bool {
        let post = &self.posts[thread];
        post.asleep.store(true, SeqCst);
        // Whoever locks after us sees `asleep`; what came before us we see.
        let empty = post.inside.lock().letters.is_empty();
        if !empty {
            post.has_letters.store(true, Relaxed);
        }
        empty
    }

    pub(crate) fn wake_up(&self, thread: usize) {
        self.posts[thread].asleep.store(false, SeqCst);
    }

    pub(crate) fn event(&self, thread: usize) -> BorrowedFd<'_> {
        self.posts[thread].event.as_fd()
    }

    /// Takes the bell's ring back, so that it is not ready any more.
    pub(crate) fn silence(&self, thread: usize) {
        let mut count = [0; 8];
        let _ = rustix::io::read(&self.posts[thread].event, &mut count); // nothing there: nothing to do
    }
}

impl Post {
    fn new() -> io::Result<Post> {
        let event = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Post {
            inside: Mutex::default(),
            asleep: AtomicBool::new(false),
            has_letters: AtomicBool::new(false),
            event,
        })
    }

    /// After a letter was put in.
    fn ring(&self) {
        self.has_letters.store(true, Relaxed);
        if self.asleep.load(SeqCst) && self.asleep.swap(false, SeqCst) {
            let _ = rustix::io::write(&self.event, &1u64.to_ne_bytes()); // full means it rings already
        }
    }
}

impl Inside {
    fn forward(&self, id: ClientId) -> Option<usize> {
        if self.moved.is_empty() && self.moved_before.is_empty() {
            return None;
        }
        self.moved.get(&id).or_else(|| self.moved_before.get(&id)).copied()
    }

    /// A letter's part for who is here, and for those who have moved.
    fn divide(&self, letter: Letter) -> (Option<Letter>, Option<Letter>) {
        match letter {
            Letter::Mail(Mail::Published { to, message }) => {
                let (gone, here): (Vec<_>, Vec<_>) = to.into_iter().partition(|id| self.moved.contains_key(id));
                let part = |to: Vec<ClientId>| {
                    let message = Arc::clone(&message);
                    (!to.is_empty()).then(|| Letter::Mail(Mail::Published { to, message }))
                };
                (part(here), part(gone))
            }
            Letter::Mail(mail) if client_of(&mail).is_some_and(|id| self.moved.contains_key(&id)) => {
                (None, Some(Letter::Mail(mail)))
            }
            letter => (Some(letter), None),
        }
    }
}

/// Whom it concerns; `None`: the thread itself, or several clients.
pub(crate) fn client_of(mail: &Mail) -> Option<ClientId> {
    match mail {
        Mail::Resume(id)
        | Mail::Kill(id)
        | Mail::Push(id, _)
        | Mail::Served(id, ..)
        | Mail::Unblock { client: id, .. } => Some(*id),
        Mail::Published { to, .. } => match to[..] {
            [id] => Some(id),
            _ => None,
        },
        Mail::Ask { .. } | Mail::Nudge => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use exec::client::ClientRecord;
    use exec::session::Session;
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    fn conn(id: u64) -> Box<Conn> {
        let pair = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap();
        let record = ClientRecord::new(ClientId(id), 0, String::new(), String::new(), 0);
        Box::new(Conn::new(pair.0, Session::new(Arc::new(record), true)))
    }

    fn push(posts: &Posts, thread: usize, id: u64, byte: u8) {
        posts.send(thread, Mail::Push(ClientId(id), Arc::from([byte])));
    }

    /// What a thread finds: `a7` for client 7 arriving, `7:x` for a message to it, `n` for a nudge.
    fn found(posts: &Posts, thread: usize) -> String {
        let mut letters = Vec::new();
        posts.take(thread, &mut letters);
        let shown = letters.iter().map(|letter| match letter {
            Letter::Adopt(conn) => format!("a{}", conn.session.record.id.0),
            Letter::Mail(Mail::Push(id, bytes)) => format!("{}:{}", id.0, char::from(bytes[0])),
            Letter::Mail(Mail::Published { to, .. }) => {
                let ids: Vec<String> = to.iter().map(|id| id.0.to_string()).collect();
                format!("{}:m", ids.join("+"))
            }
            Letter::Mail(Mail::Nudge | Mail::Ask { .. }) => "n".to_owned(),
            Letter::Mail(Mail::Resume(_) | Mail::Kill(_) | Mail::Served(..) | Mail::Unblock { .. }) => "?".to_owned(),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn letters_follow_and_keep_their_order() {
        let posts = Posts::new(3).unwrap();
        let moving = conn(7);
        let record = Arc::clone(&moving.session.record);
        push(&posts, 0, 7, b'a');
        push(&posts, 0, 8, b'x');
        posts.send(0, Mail::Nudge);
        push(&posts, 0, 7, b'b');
        posts.move_all(0, 1, [moving]);
        assert_eq!(record.thread.load(Relaxed), 1);
        push(&posts, 0, 7, b'c'); // an old address
        push(&posts, 1, 7, b'd');
        push(&posts, 0, 7, b'e');
        assert_eq!((found(&posts, 0), found(&posts, 1)), ("8:x n".into(), "a7 7:a 7:b 7:c 7:d 7:e".into()));

        // On to the third, by way of the first's memory; then home.
        posts.move_all(1, 2, [conn(7)]);
        push(&posts, 0, 7, b'f');
        posts.move_all(2, 0, [conn(7)]);
        push(&posts, 1, 7, b'g');
        push(&posts, 0, 7, b'h');
        assert_eq!(found(&posts, 0), "a7 7:f 7:g 7:h");
        assert_eq!((found(&posts, 1), found(&posts, 2)), (String::new(), "a7".into()));
    }

    #[test]
    fn a_letter_to_many_is_divided() {
        let parts = exec::Parts {
            commands: Vec::new(),
            metrics: Vec::new(),
            clock: Arc::new(kit::world::SimClock::new(0)),
            disk: Arc::new(kit::world::SimDisk::default()),
            log: Arc::new(log::Log::off()),
            threads: 3,
            seed: 1,
        };
        let node = exec::Node::new(parts, Arc::new(kit::opt::Config::new(&[exec::options::OPTIONS])));
        let posts = Arc::new(Posts::new(3).unwrap());
        let door = |thread| Arc::new(Door { posts: Arc::clone(&posts), thread }) as Arc<dyn Mailbox>;
        assert!(node.mailboxes.set((0..3).map(door).collect()).is_ok());
        let mut conns: Vec<Box<Conn>> = (7..10).map(conn).collect();
        for conn in &mut conns {
            exec::pubsub::subscribe(&node, &mut conn.session, exec::pubsub::Kind::Channel, b"a");
        }
        let publish = || exec::pubsub::publish(&node, b"a", b"x");

        publish();
        posts.move_all(0, 1, [conns.remove(1)]); // 8
        push(&posts, 0, 8, b'x');
        assert_eq!((found(&posts, 0), found(&posts, 1)), ("7+9:m".into(), "a8 8:m 8:x".into()));
        publish();
        posts.move_all(0, 2, [conns.remove(1)]); // 9
        assert_eq!(
            (found(&posts, 0), found(&posts, 1), found(&posts, 2)),
            ("7:m".into(), "8:m".into(), "a9 9:m".into())
        );

        // Addressed before they moved, sent afterwards.
        let mut letters = Vec::new();
        publish();
        posts.take(0, &mut letters);
        let Some(Letter::Mail(Mail::Published { message, .. })) = letters.pop() else { panic!() };
        let to = [7, 8, 9].map(ClientId).to_vec();
        posts.send(0, Mail::Published { to, message });
        assert_eq!(
            (found(&posts, 0), found(&posts, 1), found(&posts, 2)),
            ("7:m".into(), "8:m 8:m".into(), "9:m 9:m".into())
        );
    }

    #[test]
    fn old_addresses_are_forgotten_in_time() {
        let posts = Posts::new(2).unwrap();
        posts.move_all(0, 1, [conn(7)]);
        posts.forget_moved(0);
        push(&posts, 0, 7, b'a');
        posts.forget_moved(0);
        push(&posts, 0, 7, b'b');
        assert_eq!((found(&posts, 0), found(&posts, 1)), ("7:b".into(), "a7 7:a".into()));
    }

    #[test]
    fn the_bell_rings_once_and_only_for_a_sleeper() {
        let posts = Posts::new(1).unwrap();
        let mut count = [0; 8];
        let mut rung = || rustix::io::read(posts.event(0), &mut count).map_or(0, |_| u64::from_ne_bytes(count));
        posts.send(0, Mail::Nudge);
        assert_eq!(rung(), 0, "it is awake");
        assert!(!posts.fall_asleep(0), "there is mail");
        posts.wake_up(0);
        assert_eq!(found(&posts, 0), "n");
        assert!(posts.fall_asleep(0));
        posts.send(0, Mail::Nudge);
        posts.send(0, Mail::Nudge);
        assert_eq!(rung(), 1);
    }
}
