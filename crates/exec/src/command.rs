//! What a command declares about itself, once, in the file that implements it.
//!
//! COMMAND, ACL, cluster routing, locking, the documentation and the console read these rows.
//! Always true: a row is `'static` and never changes; a node adds only its own numbering.

use crate::args::Args;
use crate::ctx::Ctx;
use crate::node::Node;
use proto::Error;

pub type Run = fn(&mut Ctx, &Args) -> Result<(), Error>;

/// One row. Write `..Command::BASE` for what is usual.
pub struct Command {
    /// As documented, upper case; a subcommand has its own name only (`GETNAME`).
    pub name: &'static str,
    pub group: Group,
    pub since: &'static str,
    pub arity: Arity,
    pub flags: Flags,
    /// Categories beyond those that follow from group and flags.
    pub categories: Categories,
    pub keys: &'static [KeySpec],
    /// The word that the body looks up inside the collection at its one key (a field, a member); 0: none, or not
    /// always the same. Batches fetch it early.
    pub element: u8,
    /// Which part of the keyspace a body touches.
    pub reach: Reach,
    pub complexity: &'static str,
    pub summary: &'static str,
    /// Since when and in favour of what it is deprecated, as documented.
    pub deprecated: Option<(&'static str, &'static str)>,
    /// Notable changes: version, what changed.
    pub history: &'static [(&'static str, &'static str)],
    /// Hints for clients and proxies (`nondeterministic_output`, `request_policy:all_shards` …).
    pub tips: &'static [&'static str],
    /// The arguments, as `COMMAND DOCS` describes them.
    pub docs: &'static [Arg],
    pub subcommands: &'static [&'static Command],
    /// Of a command with MAY_REPLICATE: whether the request with this first argument is known to change nothing
    /// (scripts that say `no-writes`).
    pub only_reads: Option<fn(&Node, &[u8]) -> bool>,
    pub run: Run,
}

impl Command {
    /// Defaults for the fields that few rows fill.
    pub const BASE: Command = Command {
        name: "",
        group: Group::Generic,
        since: "1.0.0",
        arity: Arity::AtLeast(1),
        flags: Flags::NONE,
        categories: Categories::NONE,
        keys: &[],
        element: 0,
        reach: Reach::Keys,
        complexity: "O(1)",
        summary: "",
        deprecated: None,
        history: &[],
        tips: &[],
        docs: &[],
        subcommands: &[],
        only_reads: None,
        run: no_body,
    };

    pub fn has(&self, flags: Flags) -> bool {
        self.flags.0 & flags.0 == flags.0
    }

    pub fn has_any(&self, flags: Flags) -> bool {
        self.flags.0 & flags.0 != 0
    }

    pub fn is_write(&self) -> bool {
        self.has(Flags::WRITE)
    }

    /// The flags of a request with this first argument, for the gates: what they ask for matters only while
    /// something is wrong with the node.
    pub fn flags_of(&self, node: &Node, word: Option<&[u8]>) -> Flags {
        match (self.only_reads, word) {
            (Some(only_reads), Some(word)) if node.alarms.get() != 0 && only_reads(node, word) => {
                self.flags.without(Flags::MAY_REPLICATE)
            }
            _ => self.flags,
        }
    }

    /// What this request of it touches; not `ByWords`.
    #[inline]
    pub fn reach_of(&self, node: &Node, args: &Args) -> Reach {
        match self.reach {
            Reach::ByWords(reach) => reach(node, args),
            reach => reach,
        }
    }
}

fn no_body(_: &mut Ctx, _: &Args) -> Result<(), Error> {
    Err(Error::Static("ERR this command needs a subcommand"))
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub enum Group {
    Bitmap,
    Cluster,
    Connection,
    Generic,
    Geo,
    Hash,
    HyperLogLog,
    List,
    PubSub,
    Scripting,
    Server,
    Set,
    SortedSet,
    Ssdb,
    Stream,
    String,
    Transactions,
}

impl Group {
    /// As `COMMAND DOCS` writes it.
    pub fn name(self) -> &'static str {
        match self {
            Group::Bitmap => "bitmap",
            Group::Cluster => "cluster",
            Group::Connection => "connection",
            Group::Generic => "generic",
            Group::Geo => "geo",
            Group::Hash => "hash",
            Group::HyperLogLog => "hyperloglog",
            Group::List => "list",
            Group::PubSub => "pubsub",
            Group::Scripting => "scripting",
            Group::Server => "server",
            Group::Set => "set",
            Group::SortedSet => "sorted-set",
            Group::Ssdb => "ssdb",
            Group::Stream => "stream",
            Group::String => "string",
            Group::Transactions => "transactions",
        }
    }
}

/// How many words a request has, the command's own name (and subcommand's) included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arity {
    Exactly(u16),
    AtLeast(u16),
}

impl Arity {
    pub fn admits(self, words: usize) -> bool {
        match self {
            Arity::Exactly(n) => words == usize::from(n),
            Arity::AtLeast(n) => words >= usize::from(n),
        }
    }

    /// Redis's number: negative for "at least".
    pub fn number(self) -> i64 {
        match self {
            Arity::Exactly(n) => i64::from(n),
            Arity::AtLeast(n) => -i64::from(n),
        }
    }
}

/// Command flags, joined with `|`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flags(pub u32);

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident = $bit:expr, $text:expr;)*) => {
        impl Flags {
            pub const NONE: Flags = Flags(0);
            $($(#[$doc])* pub const $name: Flags = Flags(1 << $bit);)*

            /// Flag and its name in `COMMAND INFO`, in the order Redis lists them.
            pub const NAMES: &'static [(Flags, &'static str)] = &[$((Flags::$name, $text)),*];
        }
    };
}

flags! {
    WRITE = 0, "write";
    READONLY = 1, "readonly";
    DENYOOM = 2, "denyoom";
    MODULE = 3, "module";
    ADMIN = 4, "admin";
    PUBSUB = 5, "pubsub";
    NOSCRIPT = 6, "noscript";
    BLOCKING = 7, "blocking";
    LOADING = 8, "loading";
    STALE = 9, "stale";
    SKIP_MONITOR = 10, "skip_monitor";
    SKIP_SLOWLOG = 11, "skip_slowlog";
    ASKING = 12, "asking";
    FAST = 13, "fast";
    NO_AUTH = 14, "no_auth";
    MAY_REPLICATE = 15, "may_replicate";
    NO_MANDATORY_KEYS = 16, "no_mandatory_keys";
    /// Not shown to clients, as in Redis.
    PROTECTED = 17, "";
    NO_ASYNC_LOADING = 18, "no_async_loading";
    NO_MULTI = 19, "no_multi";
    ALLOW_BUSY = 20, "allow_busy";
    /// Not shown to clients, as in Redis.
    TOUCHES_ARBITRARY_KEYS = 21, "";
    /// Which keys there are is found by `getkeys`, not by positions alone.
    MOVABLE_KEYS = 22, "movablekeys";
    /// Known to a Sentinel too; not shown to clients of a plain server.
    SENTINEL = 23, "";
    /// Runs at once inside MULTI instead of being queued: EXEC, DISCARD, MULTI, WATCH, QUIT, RESET.
    NOT_QUEUED = 24, "";
    /// EXEC: when its body is done, the queued commands run.
    RUNS_QUEUE = 25, "";
    /// Allowed to a client of RESP2 that has subscriptions.
    IN_PUBSUB = 26, "";
    /// Never changes a value in place: what it does not remove it replaces whole. So it need not wait for a snapshot that
    /// has not been given a large value yet. Follows from the key specs where these say it.
    REPLACES = 27, "";
}

impl std::ops::BitOr for Flags {
    type Output = Flags;
    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

impl Flags {
    /// `|` for statics, where the operator is not const.
    pub const fn and(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    pub const fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }
}

/// ACL categories, joined with `and`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Categories(pub u32);

macro_rules! categories {
    ($($name:ident = $bit:expr, $text:expr;)*) => {
        impl Categories {
            pub const NONE: Categories = Categories(0);
            $(pub const $name: Categories = Categories(1 << $bit);)*
            pub const NAMES: &'static [(Categories, &'static str)] = &[$((Categories::$name, $text)),*];
        }
    };
}

categories! {
    KEYSPACE = 0, "keyspace";
    READ = 1, "read";
    WRITE = 2, "write";
    SET = 3, "set";
    SORTED_SET = 4, "sortedset";
    LIST = 5, "list";
    HASH = 6, "hash";
    STRING = 7, "string";
    BITMAP = 8, "bitmap";
    HYPERLOGLOG = 9, "hyperloglog";
    GEO = 10, "geo";
    STREAM = 11, "stream";
    PUBSUB = 12, "pubsub";
    ADMIN = 13, "admin";
    FAST = 14, "fast";
    SLOW = 15, "slow";
    BLOCKING = 16, "blocking";
    DANGEROUS = 17, "dangerous";
    CONNECTION = 18, "connection";
    TRANSACTION = 19, "transaction";
    SCRIPTING = 20, "scripting";
}

impl Categories {
    pub const fn and(self, other: Categories) -> Categories {
        Categories(self.0 | other.0)
    }

    pub fn contains(self, other: Categories) -> bool {
        self.0 & other.0 == other.0
    }
}

impl Command {
    /// See `Flags::REPLACES`.
    pub fn replaces(&self) -> bool {
        let whole = KeyAccess::RO.0 | KeyAccess::OW.0 | KeyAccess::RM.0;
        self.has(Flags::REPLACES) || !self.keys.is_empty() && self.keys.iter().all(|spec| spec.access.0 & whole != 0)
    }

    /// All categories: those declared and those that follow from flags, as Redis derives them.
    pub fn all_categories(&self) -> Categories {
        let mut all = self.categories;
        let mut add = |when: bool, category: Categories| {
            if when {
                all = all.and(category);
            }
        };
        let scripting = self.categories.contains(Categories::SCRIPTING);
        add(self.has(Flags::WRITE), Categories::WRITE);
        add(self.has(Flags::READONLY) && !scripting, Categories::READ);
        add(self.has(Flags::ADMIN), Categories::ADMIN.and(Categories::DANGEROUS));
        add(self.has(Flags::PUBSUB), Categories::PUBSUB);
        add(self.has(Flags::FAST), Categories::FAST);
        add(self.has(Flags::BLOCKING), Categories::BLOCKING);
        add(!self.has(Flags::FAST), Categories::SLOW);
        all
    }
}

/// Which part of the keyspace a body touches, hence what is locked before it runs.
#[derive(Clone, Copy, Debug)]
pub enum Reach {
    /// The keys it declares (none declared: nothing is locked).
    Keys,
    /// Shard after shard, each locked by `ctx.db.each_shard` while it is looked at.
    Walk,
    /// Everything at one moment: the world lock.
    World,
    /// One of the others, the words tell which (SORT with patterns of keys).
    ByWords(fn(&Node, &Args) -> Reach),
}

/// One rule that finds keys among the words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeySpec {
    pub begin: Begin,
    pub find: Find,
    pub access: KeyAccess,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Begin {
    /// A fixed position.
    Index(i32),
    /// After this word, searched from this position (negative: from the end, backwards).
    Keyword(&'static str, i32),
    /// After the last such word that is no value of another option: each of `others` is passed over with as many
    /// words behind it (SORT … STORE). COMMAND shows it as unknown, as Redis does.
    Option { word: &'static str, from: u16, others: &'static [(&'static str, u16)] },
    /// Only the body knows.
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Find {
    /// `last` counts from the begin, or from the end when negative; `limit` n > 1 means the
    /// first 1/n-th of what is left (XREAD).
    Range {
        last: i32,
        step: i32,
        limit: i32,
    },
    /// A word says how many keys follow.
    Count {
        at: i32,
        first: i32,
        step: i32,
    },
    Unknown,
}

/// What happens to the key: RO, RW, OW (overwrite), RM (remove), and to the data behind it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyAccess(pub u16);

impl KeyAccess {
    pub const NONE: KeyAccess = KeyAccess(0);
    pub const RO: KeyAccess = KeyAccess(1);
    pub const RW: KeyAccess = KeyAccess(2);
    pub const OW: KeyAccess = KeyAccess(4);
    pub const RM: KeyAccess = KeyAccess(8);
    pub const ACCESS: KeyAccess = KeyAccess(16);
    pub const UPDATE: KeyAccess = KeyAccess(32);
    pub const INSERT: KeyAccess = KeyAccess(64);
    pub const DELETE: KeyAccess = KeyAccess(128);
    pub const NOT_KEY: KeyAccess = KeyAccess(256);
    pub const INCOMPLETE: KeyAccess = KeyAccess(512);
    pub const VARIABLE_FLAGS: KeyAccess = KeyAccess(1024);

    pub const NAMES: &'static [(KeyAccess, &'static str)] = &[
        (KeyAccess::RO, "RO"),
        (KeyAccess::RW, "RW"),
        (KeyAccess::OW, "OW"),
        (KeyAccess::RM, "RM"),
        (KeyAccess::ACCESS, "access"),
        (KeyAccess::UPDATE, "update"),
        (KeyAccess::INSERT, "insert"),
        (KeyAccess::DELETE, "delete"),
        (KeyAccess::NOT_KEY, "not_key"),
        (KeyAccess::INCOMPLETE, "incomplete"),
        (KeyAccess::VARIABLE_FLAGS, "variable_flags"),
    ];

    pub const fn and(self, other: KeyAccess) -> KeyAccess {
        KeyAccess(self.0 | other.0)
    }

    pub fn has(self, other: KeyAccess) -> bool {
        self.0 & other.0 == other.0
    }
}

/// RO, ACCESS: reads the value.
pub const READ: KeyAccess = KeyAccess::RO.and(KeyAccess::ACCESS);
/// RO alone: looks at the key, not at its data (EXISTS, TTL, TYPE, STRLEN).
pub const LOOK: KeyAccess = KeyAccess::RO;
/// RW, UPDATE: changes a value in place.
pub const UPDATE: KeyAccess = KeyAccess::RW.and(KeyAccess::UPDATE);
/// OW, UPDATE: replaces a value whatever it was.
pub const REPLACE: KeyAccess = KeyAccess::OW.and(KeyAccess::UPDATE);

impl KeySpec {
    /// The word at one position.
    pub const fn at(index: i32, access: KeyAccess) -> KeySpec {
        KeySpec { begin: Begin::Index(index), find: Find::Range { last: 0, step: 1, limit: 0 }, access }
    }

    /// Every `step`-th word from `first` to `last` (negative `last`: from the end, -1 is the last word).
    pub const fn span(first: i32, last: i32, step: i32, access: KeyAccess) -> KeySpec {
        let last = if last >= 0 { last - first } else { last };
        KeySpec { begin: Begin::Index(first), find: Find::Range { last, step, limit: 0 }, access }
    }

    /// The word at `index` says how many keys follow it, every `step`-th word.
    pub const fn counted(index: i32, step: i32, access: KeyAccess) -> KeySpec {
        KeySpec { begin: Begin::Index(index), find: Find::Count { at: 0, first: 1, step }, access }
    }
}

/// One argument as `COMMAND DOCS` describes it.
pub struct Arg {
    pub name: &'static str,
    pub kind: ArgKind,
    /// The literal word that introduces it (`EX`), if any.
    pub token: Option<&'static str>,
    /// Index of the key spec it belongs to, for keys.
    pub key_spec: Option<u8>,
    pub since: Option<&'static str>,
    pub optional: bool,
    pub multiple: bool,
    pub multiple_token: bool,
    pub args: &'static [Arg],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArgKind {
    String,
    Integer,
    Double,
    Key,
    Pattern,
    UnixTime,
    PureToken,
    OneOf,
    Block,
}

impl Arg {
    pub const BASE: Arg = Arg {
        name: "",
        kind: ArgKind::String,
        token: None,
        key_spec: None,
        since: None,
        optional: false,
        multiple: false,
        multiple_token: false,
        args: &[],
    };

    pub const fn new(name: &'static str, kind: ArgKind) -> Arg {
        Arg { name, kind, ..Arg::BASE }
    }

    /// A key that this key spec finds.
    pub const fn key(name: &'static str, spec: u8) -> Arg {
        Arg { name, kind: ArgKind::Key, key_spec: Some(spec), ..Arg::BASE }
    }

    /// A word that stands for itself.
    pub const fn token(name: &'static str, token: &'static str) -> Arg {
        Arg { name, kind: ArgKind::PureToken, token: Some(token), ..Arg::BASE }
    }

    pub const fn one_of(name: &'static str, args: &'static [Arg]) -> Arg {
        Arg { name, kind: ArgKind::OneOf, args, ..Arg::BASE }
    }

    pub const fn block(name: &'static str, args: &'static [Arg]) -> Arg {
        Arg { name, kind: ArgKind::Block, args, ..Arg::BASE }
    }

    /// The same behind a word that introduces it.
    pub const fn after(mut self, token: &'static str) -> Arg {
        self.token = Some(token);
        self
    }

    pub const fn since(mut self, version: &'static str) -> Arg {
        self.since = Some(version);
        self
    }

    pub const fn optional(mut self) -> Arg {
        self.optional = true;
        self
    }

    /// May stand several times.
    pub const fn multiple(mut self) -> Arg {
        self.multiple = true;
        self
    }

    /// May stand several times, its token each time too.
    pub const fn multiple_with_token(mut self) -> Arg {
        self.multiple = true;
        self.multiple_token = true;
        self
    }
}
