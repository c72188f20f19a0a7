//! Users and what they may do.
//!
//! A user has rules (`rules.rs` reads them): passwords and sets of permissions (`selector.rs`). The gates ask
//! `check.rs` before a command runs or is queued, EXEC asks again for each queued command, a served waiter and a
//! script's calls too. A session holds its user (`user.rs`), and who may do everything is let through by one load.
//!
//! Users change one command at a time (`turn`). What a change takes away from connections that are open (a deleted
//! user's connections, subscriptions to channels not allowed any more) is closed by whoever made the change.

mod catalog;
mod check;
mod file;
mod guessing;
mod log;
mod rules;
mod selector;
mod user;

pub use catalog::Catalog;
pub use check::{Denied, Request, check, may_read_all};
pub use file::{check_at_start, config_lines, load, load_at_start, save};
pub use log::{AclLog, Context, LogEntry};
pub use user::{Identity, Rules, ShownSet, User};

use crate::args::Args;
use crate::client::ClientRecord;
use crate::command::Command;
use crate::node::Node;
use crate::pubsub::{self, Kind};
use crate::session::Session;
use crate::table::{CommandNo, CommandTable};
use crate::{client_line, metrics, options};
use guessing::Guessing;
use kit::opt::{Choice, Int, Opt, Text, Words};
use log::Refused;
use parking_lot::{Mutex, RwLock};
use proto::Error;
use rules::{Reader, Refusal, has_blanks};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

pub static USER_LINES: Opt<Words> = Opt::words("user", &[], "A user and its rules, a line each.")
    .check(|words| Ok(vec![words.join(" ")]))
    .lines(|users| users.to_vec())
    .gathers()
    .immutable()
    .sensitive()
    .hidden()
    .file_only();
pub static ACL_FILE: Opt<Text> = Opt::text("aclfile", "", "File of users and their rules.").immutable();
pub static LOG_LEN_MAX: Opt<Int> = Opt::int("acllog-max-len", 128, 0..=i64::MAX, "Refusals that ACL LOG keeps.");
pub static CHANNELS_DEFAULT: Opt<Choice> = Opt::choice(
    "acl-pubsub-default",
    0,
    &[("resetchannels", 0), ("allchannels", 1)],
    "Channels that a new user may use.",
);

const SHOWN_LEN_MAX: usize = 128;

/// A node's users.
pub struct Acl {
    pub catalog: Catalog,
    pub log: AclLog,
    users: RwLock<BTreeMap<Box<[u8]>, Arc<User>>>,
    default: Arc<User>,
    last_number: AtomicU64,
    guessing: Guessing,
    /// Whoever changes users.
    turn: Mutex<()>,
    /// `requirepass` as it was taken over last.
    requirepass: Mutex<Arc<str>>,
}

/// Clients that must go because of a change.
pub type Changed = Vec<Arc<ClientRecord>>;

impl Acl {
    pub(crate) fn new(table: &CommandTable) -> Acl {
        let catalog = Catalog::new(table);
        let default = Arc::new(User::new(b"default", 0, Rules::open(catalog.len())));
        Acl {
            catalog,
            log: AclLog::default(),
            users: RwLock::new(BTreeMap::from([(default.name.clone(), Arc::clone(&default))])),
            default,
            last_number: AtomicU64::new(0),
            guessing: Guessing::default(),
            turn: Mutex::new(()),
            requirepass: Mutex::new("".into()),
        }
    }

    pub fn get(&self, name: &[u8]) -> Option<Arc<User>> {
        self.users.read().get(name).cloned()
    }

    /// By name.
    pub fn all(&self) -> Vec<Arc<User>> {
        self.users.read().values().cloned().collect()
    }

    pub fn default_user(&self) -> &Arc<User> {
        &self.default
    }

    /// Whether who has just come is the default user without having said a word.
    pub fn default_is_open(&self) -> bool {
        let rules = self.default.rules();
        rules.on && rules.nopass
    }

    fn reader<'a>(&'a self, node: &Node) -> Reader<'a> {
        Reader::new(&node.config, &self.catalog)
    }

    fn next_number(&self) -> u64 {
        self.last_number.fetch_add(1, Relaxed) + 1
    }

    /// `requirepass` is another name for the default user's password. Only a change of it changes the user.
    pub(crate) fn take_over_requirepass(&self, node: &Node) {
        let wanted = node.config.get(&options::REQUIREPASS);
        let mut known = self.requirepass.lock();
        if *known == wanted {
            return;
        }
        let _turn = self.turn.lock();
        let mut rules = Rules::clone(&self.default.rules());
        set_password(&mut rules, &wanted);
        self.default.set(rules);
        *known = wanted;
    }

    /// Nothing was said of users but by `requirepass`.
    fn is_untouched(&self, node: &Node) -> bool {
        self.is_as_said(node, Vec::new())
    }

    /// Are there these users, and the default one as `requirepass` makes it if it is not among them?
    fn is_as_said(&self, node: &Node, mut users: Vec<(Vec<u8>, Rules)>) -> bool {
        if !users.iter().any(|(name, _)| **name == *self.default.name) {
            users.push((self.default.name.to_vec(), self.default_rules(node)));
        }
        let now = self.users.read();
        users.len() == now.len()
            && users
                .iter()
                .all(|(name, rules)| now.get(name.as_slice()).is_some_and(|user| user.rules().show() == rules.show()))
    }

    /// The default user when only `requirepass` speaks of it.
    fn default_rules(&self, node: &Node) -> Rules {
        let mut rules = Rules::open(self.catalog.len());
        set_password(&mut rules, &node.config.get(&options::REQUIREPASS));
        rules
    }

    /// Takes these users in place of those there are. At a start nobody is connected yet, and the default user is as
    /// `requirepass` left it when nothing is said of it.
    fn replace_all(&self, node: &Node, users: Vec<(Vec<u8>, Rules)>, keep_default: bool) -> Changed {
        let _turn = self.turn.lock();
        let mut gone: BTreeMap<Box<[u8]>, Arc<User>> = self.users.read().clone();
        let mut changed = Vec::new();
        let has_default = users.iter().any(|(name, _)| **name == *self.default.name);
        let default = (!has_default && !keep_default).then(|| (self.default.name.to_vec(), self.default_rules(node)));
        for (name, rules) in users.into_iter().chain(default) {
            match gone.remove(&*name) {
                Some(user) => {
                    user.set(rules);
                    changed.push(user);
                }
                None => {
                    let user = User::new(&name, self.next_number(), rules);
                    self.users.write().insert(user.name.clone(), Arc::new(user));
                }
            }
        }
        gone.remove(&self.default.name);
        let mut clients: Changed = Vec::new();
        for (_, user) in gone {
            clients.extend(self.remove(node, &user));
        }
        for user in changed {
            clients.extend(listeners_to_lose(node, &user));
        }
        clients
    }

    /// Takes a user out; its connections cannot do anything from now on.
    fn remove(&self, node: &Node, user: &Arc<User>) -> Changed {
        self.users.write().remove(&user.name);
        user.set(Rules::new(&self.catalog, false));
        let mut clients = node.clients.all();
        clients.retain(|record| record.user_number.load(Relaxed) == user.number);
        clients
    }
}

fn set_password(rules: &mut Rules, password: &str) {
    rules.passwords = match password {
        "" => Vec::new(),
        password => vec![kit::sha::sha256(password.as_bytes())],
    };
    rules.nopass = password.is_empty();
}

/// ACL SETUSER: all rules or none.
pub fn set_user(node: &Node, name: &[u8], words: &[&[u8]]) -> Result<Changed, Error> {
    let acl = &node.acl;
    if has_blanks(name) {
        return Err(Error::Static("ERR Usernames can't contain spaces or null characters"));
    }
    let _turn = acl.turn.lock();
    let reader = acl.reader(node);
    let known = acl.get(name);
    let mut rules = known.as_ref().map_or_else(|| reader.new_user(), |user| Rules::clone(&user.rules()));
    reader.apply(&mut rules, words).map_err(|refusal| {
        Error::text(match refusal {
            Refusal::Word(word, wrong) => {
                format!("ERR Error in ACL SETUSER modifier '{}': {}", String::from_utf8_lossy(&word), wrong.text())
            }
            Refusal::Unmatched(word) => {
                format!("ERR Unmatched parenthesis in acl selector starting at '{}'.", String::from_utf8_lossy(&word))
            }
        })
    })?;
    match known {
        Some(user) => {
            user.set(rules);
            Ok(listeners_to_lose(node, &user))
        }
        None => {
            let user = Arc::new(User::new(name, acl.next_number(), rules));
            acl.users.write().insert(user.name.clone(), user);
            Ok(Vec::new())
        }
    }
}

/// ACL DELUSER: how many there were, and their connections.
pub fn delete_users(node: &Node, names: &[&[u8]]) -> Result<(usize, Changed), Error> {
    let acl = &node.acl;
    if names.contains(&&*acl.default.name) {
        return Err(Error::Static("ERR The 'default' user cannot be removed"));
    }
    let _turn = acl.turn.lock();
    let (mut count, mut clients) = (0, Vec::new());
    for name in names {
        if let Some(user) = acl.get(name) {
            count += 1;
            clients.extend(acl.remove(node, &user));
        }
    }
    Ok((count, clients))
}

/// Connections of the user that listen to something it may not listen to any more.
fn listeners_to_lose(node: &Node, user: &Arc<User>) -> Changed {
    let rules = user.rules();
    pubsub::listeners(node, &mut |kind, topic, record| {
        record.user_number.load(Relaxed) == user.number && !rules.allow_topic(kind, topic)
    })
}

impl Rules {
    fn allow_topic(&self, kind: Kind, topic: &[u8]) -> bool {
        self.selectors().any(|selector| selector.allows_channel(topic, kind == Kind::Pattern))
    }
}

impl Identity {
    /// Asked under the lock of the topics, so that nobody joins one that its user has lost since the gates let it pass.
    pub(crate) fn may_listen(&mut self, kind: Kind, topic: &[u8]) -> bool {
        self.may_everything() || self.rules().allow_topic(kind, topic)
    }
}

impl Session {
    /// The client is this user from now on.
    pub fn become_user(&mut self, user: &Arc<User>) {
        self.user = Identity::of(user);
        self.record.user_number.store(user.number, Relaxed);
        self.record.names.lock().user = user.shown_name();
    }
}

/// AUTH and HELLO: who fits is that user from now on. `called` is the word it was tried with. A failed try that
/// `counts` is written down.
pub fn authenticate(
    node: &Node,
    session: &mut Session,
    context: Context,
    called: &[u8],
    name: &[u8],
    password: &[u8],
    counts: bool,
) -> Result<(), Failed> {
    let user = node.acl.get(name);
    // A name that nobody has takes as long as a wrong password.
    let fits = user.as_ref().unwrap_or(&node.acl.default).rules().accepts(password);
    match user {
        Some(user) if fits => {
            session.become_user(&user);
            session.set_authenticated(true);
            Ok(())
        }
        _ if !counts => Err(Failed { delay_ms: 0 }),
        _ => {
            let (now, addr) = (node.now(), &session.record.addr);
            node.tallies.add(&metrics::ACL_DENIED_AUTH, 1);
            let refused = Refused {
                reason: "auth",
                context,
                object: called.to_vec(),
                username: name.to_vec(),
                client_info: client_line::line(node, &session.record),
            };
            node.acl.log.add(node.config.get(&LOG_LEN_MAX) as usize, now, refused);
            Err(Failed { delay_ms: node.acl.guessing.failed(addr, now) })
        }
    }
}

/// A wrong name or password, and how long the answer should take.
#[derive(Clone, Copy, Debug)]
pub struct Failed {
    pub delay_ms: i64,
}

/// A gate: may the session's user run this, or queue it?
#[inline]
pub(crate) fn admit(node: &Node, session: &mut Session, number: CommandNo, args: &Args) -> Result<(), Error> {
    if session.user.may_everything() { Ok(()) } else { admit_restricted(node, session, number, args) }
}

#[inline(never)]
fn admit_restricted(node: &Node, session: &mut Session, number: CommandNo, args: &Args) -> Result<(), Error> {
    if session.internal {
        return Ok(());
    }
    // Behind a queued SELECT a command runs in another database: EXEC will ask for that one.
    let db = session.multi.as_ref().is_none_or(|multi| !multi.selects).then_some(session.db);
    check(node, &mut session.user, db, number, args).map_err(|denied| {
        let context = if session.multi.is_some() { Context::Multi } else { Context::Toplevel };
        session.record.command.store(u32::from(number), Relaxed);
        refuse(node, session, context, number, args, denied)
    })?;
    if let Some(multi) = &mut session.multi
        && node.commands.command(number).name == "SELECT"
    {
        multi.selects = true;
    }
    Ok(())
}

/// The same for a command that EXEC is about to run: the rules may have changed since it was queued.
pub(crate) fn admit_queued(node: &Node, session: &mut Session, number: CommandNo, args: &Args) -> Result<(), Error> {
    if session.internal {
        return Ok(());
    }
    check(node, &mut session.user, Some(session.db), number, args).map_err(|denied| {
        let what = match denied {
            Denied::Command => "no permission to execute the command or subcommand",
            Denied::Database(_) => "no permission to access one of the databases",
            Denied::Key(_) => "no permission to touch the specified keys",
            Denied::Channel(_) => "no permission to access one of the channels used as arguments to the command",
        };
        let (object, _) = object(node, session.db, number, args, denied);
        let error = format!(
            "ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command \
             is no longer allowed for the following reason: {what} (user '{}', command '{}', '{}')",
            session.user.user().shown_name(),
            node.acl.catalog.name(number),
            shown(&object)
        );
        note(node, session, Context::Multi, number, args, denied);
        Error::NoPerm(error.into())
    })
}

/// The same for a call of a script, whose client `session` is.
pub fn admit_in_script(node: &Node, session: &mut Session, number: CommandNo, args: &Args) -> Result<(), Error> {
    if session.internal {
        return Ok(());
    }
    let db = session.db;
    check(node, &mut session.user, Some(db), number, args).map_err(|denied| {
        let name = session.user.user().shown_name();
        note(node, session, Context::Script, number, args, denied);
        Error::text(format!("ERR ACL failure in script: {}", told(node, &name, db, number, args, denied)))
    })
}

/// ACL DRYRUN: what a user could not do, as a sentence.
pub fn dry_run(node: &Node, user: &User, db: usize, number: CommandNo, words: &[&[u8]]) -> Result<(), String> {
    let command: &Command = node.commands.command(number);
    let word = |i: usize| words[i];
    let request = Request { number, len: words.len(), word: &word, db: Some(db) };
    check::check_rules(command, &user.rules(), &request).map_err(|denied| {
        let name = user.shown_name();
        let object = |at: usize| shown(words[at]);
        match denied {
            Denied::Command => {
                format!("User {name} has no permissions to run the '{}' command", node.acl.catalog.name(number))
            }
            Denied::Key(at) => format!("User {name} has no permissions to access the '{}' key", object(at)),
            Denied::Channel(at) => format!("User {name} has no permissions to access the '{}' channel", object(at)),
            Denied::Database(Some(at)) => {
                format!("User {name} has no permissions to access the '{}' database", object(at))
            }
            Denied::Database(None) if command.name == "FLUSHALL" => {
                format!("User {name} has no permissions to access all databases")
            }
            Denied::Database(None) => format!("User {name} has no permissions to access the '{db}' database"),
        }
    })
}

fn refuse(
    node: &Node,
    session: &mut Session,
    context: Context,
    number: CommandNo,
    args: &Args,
    denied: Denied,
) -> Error {
    note(node, session, context, number, args, denied);
    let name = session.user.user().shown_name();
    Error::NoPerm(told(node, &name, session.db, number, args, denied).into())
}

/// Redis's words, and behind them who wanted what.
fn told(node: &Node, user: &str, db: usize, number: CommandNo, args: &Args, denied: Denied) -> String {
    let command = node.acl.catalog.name(number);
    let (object, kind) = object(node, db, number, args, denied);
    match denied {
        Denied::Command => format!("User {user} has no permissions to run the '{command}' command"),
        Denied::Database(_) | Denied::Key(_) | Denied::Channel(_) => format!(
            "No permissions to access a {kind}: user '{user}', command '{command}', {kind} '{}'",
            shown(&object)
        ),
    }
}

/// What was refused, and what kind of thing it is.
fn object(node: &Node, db: usize, number: CommandNo, args: &Args, denied: Denied) -> (Vec<u8>, &'static str) {
    match denied {
        Denied::Command => (node.acl.catalog.name(number).as_bytes().to_vec(), "command"),
        Denied::Database(Some(at)) => (args.get(at).to_vec(), "database"),
        Denied::Database(None) if node.commands.command(number).name == "FLUSHALL" => {
            (node.acl.catalog.name(number).as_bytes().to_vec(), "database")
        }
        Denied::Database(None) => (db.to_string().into_bytes(), "database"),
        Denied::Key(at) => (args.get(at).to_vec(), "key"),
        Denied::Channel(at) => (args.get(at).to_vec(), "channel"),
    }
}

/// Counts a refusal and writes it into the log.
fn note(node: &Node, session: &Session, context: Context, number: CommandNo, args: &Args, denied: Denied) {
    node.tallies.add(
        match denied {
            Denied::Command => &metrics::ACL_DENIED_COMMAND,
            Denied::Database(_) => &metrics::ACL_DENIED_DATABASE,
            Denied::Key(_) => &metrics::ACL_DENIED_KEY,
            Denied::Channel(_) => &metrics::ACL_DENIED_CHANNEL,
        },
        1,
    );
    let (object, reason) = object(node, session.db, number, args, denied);
    let refused = Refused {
        reason,
        context,
        object,
        username: session.user.name().to_vec(),
        client_info: client_line::line(node, &session.record),
    };
    node.acl.log.add(node.config.get(&LOG_LEN_MAX) as usize, node.now(), refused);
}

fn shown(word: &[u8]) -> String {
    String::from_utf8_lossy(&word[..word.len().min(SHOWN_LEN_MAX)]).into_owned()
}
