//! A user, and the view of it that a session keeps.
//!
//! What a user may do is one immutable `Rules`; a change puts another in its place and raises the version. A session
//! keeps the rules it saw last and compares versions at each request, so a change holds from the next request on and
//! costs a load until then. Who may do everything is known from the same load.

use super::catalog::Catalog;
use super::selector::Selector;
use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Release};

pub struct User {
    pub name: Box<[u8]>,
    /// Tells users of one name apart, one after the other.
    pub number: u64,
    /// Version of the rules, and in the lowest bit whether there is anything it may not do.
    state: AtomicU64,
    rules: RwLock<Arc<Rules>>,
}

/// Everything that is said of a user.
#[derive(Clone, Debug)]
pub struct Rules {
    pub on: bool,
    pub nopass: bool,
    /// Payloads of RESTORE are looked at closely; kept and shown, here they always are.
    pub(super) sanitize: bool,
    /// SHA-256.
    pub(super) passwords: Vec<[u8; 32]>,
    pub(super) root: Selector,
    pub(super) others: Vec<Selector>,
}

const RESTRICTED: u64 = 1;

impl User {
    pub(super) fn new(name: &[u8], number: u64, rules: Rules) -> User {
        User {
            name: name.into(),
            number,
            state: AtomicU64::new(u64::from(!rules.allow_everything())),
            rules: RwLock::new(Arc::new(rules)),
        }
    }

    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read())
    }

    /// Holds from the next request of its connections on.
    pub(super) fn set(&self, rules: Rules) {
        let mut place = self.rules.write();
        let version = (self.state.load(Acquire) >> 1) + 1;
        let state = version << 1 | u64::from(!rules.allow_everything());
        *place = Arc::new(rules);
        self.state.store(state, Release);
    }

    pub fn shown_name(&self) -> String {
        String::from_utf8_lossy(&self.name).into_owned()
    }

    /// `name on nopass ~* &* +@all`, the line of a file without its first word.
    pub fn line(&self) -> Vec<u8> {
        [&*self.name, b" ", &self.rules().show()].concat()
    }
}

impl Rules {
    /// A new user: off, no password, nothing allowed.
    pub(super) fn new(catalog: &Catalog, all_channels: bool) -> Rules {
        Rules {
            on: false,
            nopass: false,
            sanitize: true,
            passwords: Vec::new(),
            root: Selector::none(catalog, all_channels),
            others: Vec::new(),
        }
    }

    /// The default user before anything was said of it.
    pub(super) fn open(command_count: usize) -> Rules {
        Rules {
            on: true,
            nopass: true,
            sanitize: true,
            passwords: Vec::new(),
            root: Selector::all(command_count),
            others: Vec::new(),
        }
    }

    pub(super) fn selectors(&self) -> impl Iterator<Item = &Selector> {
        std::iter::once(&self.root).chain(&self.others)
    }

    fn allow_everything(&self) -> bool {
        self.selectors().any(Selector::allows_everything)
    }

    /// Does a password fit? Takes the same time wherever it differs, and for every user with as many passwords.
    pub fn accepts(&self, password: &[u8]) -> bool {
        let given = kit::sha::sha256(password);
        let mut fits = false;
        for known in &self.passwords {
            let differs = known.iter().zip(given).fold(0, |differs, (a, b)| differs | (a ^ b));
            fits |= std::hint::black_box(differs) == 0;
        }
        self.on && (fits || self.nopass)
    }

    /// Words of GETUSER's flags.
    pub fn flags(&self) -> Vec<&'static str> {
        let mut flags = vec![if self.on { "on" } else { "off" }];
        if self.nopass {
            flags.push("nopass");
        }
        flags.push(if self.sanitize { "sanitize-payload" } else { "skip-sanitize-payload" });
        flags
    }

    /// In hexadecimal digits.
    pub fn shown_passwords(&self) -> impl ExactSizeIterator<Item = String> + '_ {
        self.passwords.iter().map(|hash| kit::sha::hex(hash))
    }

    /// Commands, keys, channels and databases of each set of permissions, the root first.
    pub fn shown_sets(&self) -> impl Iterator<Item = ShownSet> + '_ {
        self.selectors().map(|selector| ShownSet {
            commands: selector.show_commands(),
            keys: selector.show_keys(),
            channels: selector.show_channels(),
            databases: selector.show_databases(),
        })
    }

    /// Rules that make the same user out of a new one.
    pub fn show(&self) -> Vec<u8> {
        let flags = self.flags().into_iter().map(|flag| flag.as_bytes().to_vec());
        let passwords = self.shown_passwords().map(|hash| format!("#{hash}").into_bytes());
        let others = self.others.iter().map(|other| [b"(", other.show().as_slice(), b")"].concat());
        let parts: Vec<Vec<u8>> =
            flags.chain(passwords).chain(std::iter::once(self.root.show())).chain(others).collect();
        parts.join(&b' ')
    }
}

/// One set of permissions as GETUSER shows it.
pub struct ShownSet {
    pub commands: String,
    pub keys: Vec<u8>,
    pub channels: Vec<u8>,
    pub databases: String,
}

/// A session's user.
#[derive(Clone)]
pub struct Identity {
    user: Arc<User>,
    rules: Arc<Rules>,
    state: u64,
}

impl Identity {
    pub fn of(user: &Arc<User>) -> Identity {
        let rules = user.rules.read();
        Identity { state: user.state.load(Acquire), rules: Arc::clone(&rules), user: Arc::clone(user) }
    }

    /// Somebody inside the server, who may do everything.
    pub fn internal() -> Identity {
        Identity::of(&Arc::new(User::new(b"default", 0, Rules::open(0))))
    }

    pub fn user(&self) -> &Arc<User> {
        &self.user
    }

    pub fn name(&self) -> &[u8] {
        &self.user.name
    }

    /// Nothing needs to be asked.
    #[inline]
    pub fn may_everything(&self) -> bool {
        self.user.state.load(Acquire) & RESTRICTED == 0
    }

    /// The rules that hold now.
    #[inline]
    pub(super) fn rules(&mut self) -> &Rules {
        if self.user.state.load(Acquire) != self.state {
            *self = Identity::of(&self.user);
        }
        &self.rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_at_the_next_look() {
        let user = Arc::new(User::new(b"u", 1, Rules::open(0)));
        let mut session = Identity::of(&user);
        assert!(session.may_everything() && session.rules().on);
        let mut rules = Rules::clone(&user.rules());
        rules.on = false;
        rules.root.all_keys = false;
        user.set(rules);
        assert!(!session.may_everything() && !session.rules().on);
        user.set(Rules::open(0));
        assert!(session.may_everything() && session.rules().on);
    }

    #[test]
    fn passwords() {
        let mut rules = Rules::open(0);
        assert!(rules.accepts(b"anything"));
        rules.nopass = false;
        assert!(!rules.accepts(b""));
        rules.passwords = vec![kit::sha::sha256(b"one"), kit::sha::sha256(b"two")];
        assert!(rules.accepts(b"one") && rules.accepts(b"two") && !rules.accepts(b"on") && !rules.accepts(b""));
        rules.on = false;
        assert!(!rules.accepts(b"one"));
    }
}
