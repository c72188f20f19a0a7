//! Which clients CLIENT LIST shows and CLIENT KILL closes.
//!
//! All filters of Redis 8 and Valkey 9; every one given must fit. Valkey's NOT- forms turn one around.

use super::line::flags;
use exec::client::{ClientId, ClientKind, ClientRecord};
use exec::{Args, Ctx, Error, Node};
use kit::text;
use std::sync::atomic::Ordering::Relaxed;

pub struct Filter {
    conditions: Vec<(Condition, bool)>,
    /// `SKIPME`; None when it was not given.
    pub skip_me: Option<bool>,
}

enum Condition {
    Ids(Vec<u64>),
    Addr(Vec<u8>),
    LocalAddr(Vec<u8>),
    Kind(ClientKind),
    User(Vec<u8>),
    AgeSecs(i64),
    Name(Vec<u8>),
    IdleSecs(i64),
    Flags(String),
    LibName(Vec<u8>),
    LibVer(Vec<u8>),
    Db(usize),
    Ip(Vec<u8>),
}

impl Filter {
    /// Reads filters from word `i` to the end. Several ids may stand behind one `ID`; `bad_id` is the error for
    /// what is none.
    pub fn parse(ctx: &Ctx, args: &Args, mut i: usize, bad_id: &'static str) -> Result<Filter, Error> {
        let mut filter = Filter { conditions: Vec::new(), skip_me: None };
        while i < args.len() {
            let word = args.text(i).to_ascii_uppercase();
            let Some(value) = args.opt(i + 1) else { return Err(Error::Syntax) };
            let (word, wanted) = match word.strip_prefix("NOT-") {
                Some(rest) => (rest, false),
                None => (word.as_str(), true),
            };
            let mut used = 2;
            let condition = match word {
                "ID" => {
                    let mut ids = vec![id(value, bad_id)?];
                    while let Some(next) = args.opt(i + used) {
                        match id(next, bad_id) {
                            Ok(next) => ids.push(next),
                            Err(_) if next.first().is_some_and(u8::is_ascii_alphabetic) => break,
                            Err(error) => return Err(error),
                        }
                        used += 1;
                    }
                    Condition::Ids(ids)
                }
                "ADDR" => Condition::Addr(value.to_vec()),
                "LADDR" => Condition::LocalAddr(value.to_vec()),
                "TYPE" => Condition::Kind(kind(value)?),
                "USER" => {
                    if ctx.node.acl.get(value).is_none() {
                        let name = String::from_utf8_lossy(value);
                        return Err(Error::text(format!("ERR No such user '{name}'")));
                    }
                    Condition::User(value.to_vec())
                }
                "MAXAGE" => Condition::AgeSecs(positive(value, "maxage")?),
                "IDLE" => Condition::IdleSecs(positive(value, "idle")?),
                "NAME" => Condition::Name(value.to_vec()),
                "FLAGS" => Condition::Flags(String::from_utf8_lossy(value).into_owned()),
                "LIB-NAME" => Condition::LibName(value.to_vec()),
                "LIB-VER" => Condition::LibVer(value.to_vec()),
                "DB" => {
                    let db = text::parse_i64(value).ok_or(Error::InvalidDbIndex)?;
                    let db = usize::try_from(db).ok().filter(|db| *db < ctx.node.databases);
                    Condition::Db(db.ok_or(Error::DbOutOfRange)?)
                }
                "IP" => Condition::Ip(value.to_vec()),
                "SKIPME" if wanted => {
                    filter.skip_me = Some(if text::eq_ignore_case(value, "yes") {
                        true
                    } else if text::eq_ignore_case(value, "no") {
                        false
                    } else {
                        return Err(Error::Syntax);
                    });
                    i += 2;
                    continue;
                }
                _ => return Err(Error::Syntax),
            };
            filter.conditions.push((condition, wanted));
            i += used;
        }
        Ok(filter)
    }

    /// The old form of CLIENT KILL: one address.
    pub fn addr(addr: &[u8]) -> Filter {
        Filter { conditions: vec![(Condition::Addr(addr.to_vec()), true)], skip_me: Some(false) }
    }

    pub fn fits(&self, node: &Node, record: &ClientRecord) -> bool {
        self.conditions.iter().all(|(condition, wanted)| condition.fits(node, record) == *wanted)
    }
}

impl Condition {
    fn fits(&self, node: &Node, record: &ClientRecord) -> bool {
        let now = node.now().0;
        let names = record.names.lock();
        match self {
            Condition::Ids(ids) => ids.contains(&record.id.0),
            Condition::Addr(addr) => record.addr.as_bytes() == addr.as_slice(),
            Condition::LocalAddr(addr) => record.laddr.as_bytes() == addr.as_slice(),
            Condition::Kind(kind) => record.kind() == *kind,
            Condition::User(user) => names.user.as_bytes() == user.as_slice(),
            Condition::AgeSecs(secs) => (now - record.created_ms) / 1000 >= *secs,
            Condition::IdleSecs(secs) => (now - record.last_ms.load(Relaxed)) / 1000 >= *secs,
            Condition::Name(name) => names.name.as_bytes() == name.as_slice(),
            Condition::Flags(letters) => {
                let has = flags(record.flags.load(Relaxed));
                letters.chars().all(|letter| has.contains(letter))
            }
            Condition::LibName(name) => names.lib_name.as_bytes() == name.as_slice(),
            Condition::LibVer(version) => names.lib_ver.as_bytes() == version.as_slice(),
            Condition::Db(db) => record.db.load(Relaxed) == *db,
            Condition::Ip(ip) => {
                let host = record.addr.rsplit_once(':').map_or(record.addr.as_str(), |(host, _)| host);
                host.trim_matches(['[', ']']).as_bytes() == ip.as_slice()
            }
        }
    }
}

fn id(word: &[u8], bad_id: &'static str) -> Result<u64, Error> {
    let id = text::parse_i64(word).filter(|id| *id > 0);
    id.map(|id| ClientId(id as u64).0).ok_or(Error::Static(bad_id))
}

fn kind(word: &[u8]) -> Result<ClientKind, Error> {
    let word = String::from_utf8_lossy(word);
    match word.to_ascii_lowercase().as_str() {
        "normal" => Ok(ClientKind::Normal),
        "slave" | "replica" => Ok(ClientKind::Replica),
        "master" | "primary" => Ok(ClientKind::Master),
        "pubsub" => Ok(ClientKind::PubSub),
        _ => Err(Error::text(format!("ERR Unknown client type '{word}'"))),
    }
}

fn positive(word: &[u8], what: &str) -> Result<i64, Error> {
    match text::parse_i64(word) {
        None => Err(Error::text(format!("ERR {what} is not an integer or out of range"))),
        Some(n) if n <= 0 => Err(Error::text(format!("ERR {what} should be greater than 0"))),
        Some(n) => Ok(n),
    }
}
