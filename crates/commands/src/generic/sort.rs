//! SORT key [BY pattern] [LIMIT offset count] [GET pattern]… [ASC | DESC] [ALPHA] [STORE destination]
//! SORT_RO key … the same without STORE
//!
//! The elements of a list, set or sorted set are copied into one buffer, weighed by themselves or by what a pattern leads
//! to, and ordered; of a LIMIT only the part that is asked for. Equal weights are ordered by the elements, so the order
//! is the same wherever the log is replayed. BY and GET with a pattern read keys that nobody declared: such a SORT
//! takes the world lock (`Reach::ByWords`), any other only its own keys'.
//! Redis orders ALPHA by the locale; here it is always the order of the bytes.

use super::sort_words::{self, Pattern, Words};
use crate::list::options::limit;
use exec::acl;
use exec::command::{Begin, Find, Reach};
use exec::db::string_of;
use exec::{
    Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Db, Error, Flags, Group, KeySpec, READ, REPLACE, notify,
};
use keyspace::Deadline;
use kit::text;
use std::cmp::Ordering;
use std::ops::Range;
use types::{Hash, List, Set, SortedSet, Type, Typed};

pub static SORT: Command = Command {
    name: "SORT",
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[
        KeySpec::at(1, READ),
        PATTERNS,
        KeySpec {
            begin: Begin::Option { word: "STORE", from: 2, others: &[("LIMIT", 2), ("GET", 1), ("BY", 1)] },
            find: Find::Range { last: 0, step: 1, limit: 0 },
            access: REPLACE,
        },
    ],
    summary: "Elements of a list, set or sorted set in order; may store them.",
    docs: &[
        super::KEY,
        BY,
        LIMIT,
        GET,
        ORDER,
        ALPHA,
        Arg { name: "destination", kind: ArgKind::Key, token: Some("STORE"), key_spec: Some(2), ..Arg::BASE }
            .optional(),
    ],
    run: |ctx, args| run(ctx, args, true),
    ..SORTS
};

pub static SORT_RO: Command = Command {
    name: "SORT_RO",
    since: "7.0.0",
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, READ), PATTERNS],
    summary: "Elements of a list, set or sorted set in order.",
    docs: &[super::KEY, BY, LIMIT, GET, ORDER, ALPHA],
    run: |ctx, args| run(ctx, args, false),
    ..SORTS
};

const SORTS: Command = Command {
    group: Group::Generic,
    arity: Arity::AtLeast(2),
    categories: Categories::LIST.and(Categories::SET).and(Categories::SORTED_SET).and(Categories::DANGEROUS),
    reach: Reach::ByWords(sort_words::reach),
    complexity: "O(N+M*log(M)), N = elements, M = elements returned",
    ..Command::BASE
};

const PATTERNS: KeySpec = KeySpec { begin: Begin::Unknown, find: Find::Unknown, access: READ };
const BY: Arg = Arg::new("by-pattern", ArgKind::Pattern).after("BY").optional();
const LIMIT: Arg = Arg::block("limit", &[Arg::new("offset", ArgKind::Integer), Arg::new("count", ArgKind::Integer)])
    .after("LIMIT")
    .optional();
const GET: Arg = Arg::new("get-pattern", ArgKind::Pattern).after("GET").optional().multiple_with_token();
const ORDER: Arg = Arg::one_of("order", &[Arg::token("asc", "ASC"), Arg::token("desc", "DESC")]).optional();
const ALPHA: Arg = Arg::token("sorting", "ALPHA").optional();

fn run(ctx: &mut Ctx, args: &Args, may_store: bool) -> Result<(), Error> {
    let (user, db, number) = (&mut ctx.session.user, ctx.db.index, ctx.command);
    let mut may_read_all = || acl::may_read_all(ctx.node, user, db, number, args);
    let mut words = sort_words::read(ctx.node, args, may_store, &mut may_read_all)?;
    let mut elements = Elements::default();
    let whole = words.no_sort.then_some(&words);
    let (of, range) = gather(&mut ctx.db, args, whole, &mut elements)?;
    if words.no_sort && of == Some(Type::Set) && (words.store.is_some() || ctx.in_script) {
        // What is stored, and what a script sees, must not depend on the order in which a set happens to be kept.
        (words.no_sort, words.alpha, words.by) = (false, true, None);
    }
    let range = range.unwrap_or_else(|| wanted(&words, elements.places.len()));
    if !words.no_sort {
        let weights = weigh(ctx, args, &words, &elements)?;
        order(&mut elements, weights, &words, range.clone());
    }
    match words.store {
        None => answer(ctx, args, &words, &elements, range),
        Some(word) => store(ctx, args, &words, &elements, range, word),
    }
}

/// The elements, one behind the other in one buffer.
#[derive(Default)]
struct Elements {
    bytes: Vec<u8>,
    places: Vec<Range<usize>>,
}

impl Elements {
    fn push(&mut self, element: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(element);
        self.places.push(start..self.bytes.len());
    }

    fn get(&self, i: usize) -> &[u8] {
        &self.bytes[self.places[i].clone()]
    }
}

/// Copies the elements that can matter. A sorted set that is not to be sorted is in an order already: only the part that
/// is asked for is taken, and the range tells that it is all of it.
fn gather(
    db: &mut Db,
    args: &Args,
    in_place: Option<&Words>,
    elements: &mut Elements,
) -> Result<(Option<Type>, Option<Range<usize>>), Error> {
    let key = args.key(1);
    let Some(entry) = db.read_entry(key)? else { return Ok((None, None)) };
    let Some(object) = entry.object() else { return Err(Error::WrongType) };
    let mut digits = [0; 20];
    let of = object.type_of();
    match of {
        Type::List => {
            let list = List::from_ref(&object).expect("its type was looked at");
            list.iter().for_each(|item| elements.push(item.bytes(&mut digits)));
            // What is not sorted has an order too, and a list's can be turned round.
            if in_place.is_some_and(|words| words.descending) {
                elements.places.reverse();
            }
        }
        Type::Set => {
            let set = Set::from_ref(&object).expect("its type was looked at");
            set.iter().for_each(|member| elements.push(member.bytes(&mut digits)));
        }
        Type::SortedSet => {
            let set = SortedSet::from_ref(&object).expect("its type was looked at");
            let Some(words) = in_place else {
                set.iter().for_each(|(member, _)| elements.push(member));
                return Ok((Some(of), None));
            };
            let len = set.len();
            let Range { start, end } = wanted(words, len);
            let ranks = if words.descending { len - end..len - start } else { start..end };
            set.range(ranks, words.descending).for_each(|(member, _)| elements.push(member));
            return Ok((Some(of), Some(0..elements.places.len())));
        }
        Type::String | Type::Hash | Type::Stream => return Err(Error::WrongType),
    }
    Ok((Some(of), None))
}

/// The part that LIMIT asks for.
fn wanted(words: &Words, len: usize) -> Range<usize> {
    let Some((offset, count)) = words.limit else { return 0..len };
    let start = usize::try_from(offset).unwrap_or(0).min(len);
    let end = usize::try_from(count).map_or(len, |count| start.saturating_add(count).min(len));
    start..end
}

enum Weights {
    Numbers(Vec<f64>),
    /// Of the elements themselves, or of what a pattern leads to: nothing comes first.
    Own,
    Texts {
        bytes: Vec<u8>,
        places: Vec<Option<Range<usize>>>,
    },
}

fn weigh(ctx: &mut Ctx, args: &Args, words: &Words, elements: &Elements) -> Result<Weights, Error> {
    let Some(by) = words.by else {
        if words.alpha {
            return Ok(Weights::Own);
        }
        let numbers = (0..elements.places.len()).map(|i| number(elements.get(i)));
        return numbers.collect::<Result<_, _>>().map(Weights::Numbers);
    };
    let mut bytes = Vec::new();
    let mut places = Vec::with_capacity(elements.places.len());
    let mut lookup = Lookup::default();
    for i in 0..elements.places.len() {
        let start = bytes.len();
        let found = lookup.value(&mut ctx.db, args, by, elements.get(i), &mut |value| bytes.extend_from_slice(value));
        places.push(found?.then_some(start..bytes.len()));
    }
    lookup.end()?;
    if words.alpha {
        return Ok(Weights::Texts { bytes, places });
    }
    let numbers = places.into_iter().map(|place| place.map_or(Ok(0.0), |place| number(&bytes[place])));
    numbers.collect::<Result<_, _>>().map(Weights::Numbers)
}

/// As strtod reads it: white space before it, nothing behind it, and nothing at all is 0.
fn number(text: &[u8]) -> Result<f64, Error> {
    let blank = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r')).count();
    match text::parse_f64(&text[blank..]) {
        Some(number) => Ok(number),
        None if text.is_empty() => Ok(0.0),
        None => Err(Error::Static("ERR One or more scores can't be converted into double")),
    }
}

/// Brings the elements into order, as far as the range needs it.
fn order(elements: &mut Elements, weights: Weights, words: &Words, range: Range<usize>) {
    let compare = |a: usize, b: usize| {
        let by_weight = match &weights {
            Weights::Numbers(numbers) => numbers[a].partial_cmp(&numbers[b]).unwrap_or(Ordering::Equal),
            Weights::Own => Ordering::Equal,
            Weights::Texts { bytes, places } => {
                let text = |place: &Option<Range<usize>>| place.clone().map(|place| &bytes[place]);
                text(&places[a]).cmp(&text(&places[b]))
            }
        };
        let ascending = by_weight.then_with(|| elements.get(a).cmp(elements.get(b)));
        if words.descending { ascending.reverse() } else { ascending }
    };
    let mut places: Vec<usize> = (0..elements.places.len()).collect();
    let mut part = &mut places[..];
    let mut start = 0;
    if range.end < part.len() {
        part.select_nth_unstable_by(range.end, |&a, &b| compare(a, b));
        part = &mut part[..range.end];
    }
    if range.start > 0 && range.start < part.len() {
        part.select_nth_unstable_by(range.start, |&a, &b| compare(a, b));
        start = range.start;
    }
    if !range.is_empty() {
        part[start..].sort_unstable_by(|&a, &b| compare(a, b));
    }
    elements.places = places.into_iter().map(|i| elements.places[i].clone()).collect();
}

/// Looks for what patterns lead to. Keys that are not in memory are asked for all together.
#[derive(Default)]
struct Lookup {
    key: Vec<u8>,
    away: bool,
}

impl Lookup {
    /// Tells the value that an element leads to; false when there is none.
    fn value(
        &mut self,
        db: &mut Db,
        args: &Args,
        pattern: Pattern,
        element: &[u8],
        tell: &mut dyn FnMut(&[u8]),
    ) -> Result<bool, Error> {
        let (before, behind, field) = match pattern {
            Pattern::Element => {
                tell(element);
                return Ok(true);
            }
            Pattern::Nothing => return Ok(false),
            Pattern::Key { before, behind, field } => (before, behind, field),
        };
        self.key.clear();
        [before, element, behind].iter().for_each(|part| self.key.extend_from_slice(part));
        let (key, now) = (args.as_key(&self.key), db.fields_now());
        let entry = match db.read_entry(key) {
            Err(Error::Away) => {
                self.away = true;
                return Ok(false);
            }
            entry => entry?,
        };
        let (Some(entry), mut digits) = (entry, [0; 20]) else { return Ok(false) };
        let Some(field) = field else {
            let value = string_of(entry.value()).ok();
            value.iter().for_each(|value| tell(value.bytes(&mut digits)));
            return Ok(value.is_some());
        };
        let object = entry.object();
        let pair = object.as_ref().and_then(|object| Hash::from_ref(object)?.get(field));
        let due = pair.as_ref().is_some_and(|pair| pair.is_due(now));
        match pair.filter(|_| !due) {
            Some(pair) => tell(pair.value.bytes(&mut digits)),
            None => {
                if due {
                    db.note_stale_field(key, field);
                }
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn end(self) -> Result<(), Error> {
        if self.away { Err(Error::Away) } else { Ok(()) }
    }
}

const ELEMENT_ALONE: &[Pattern] = &[Pattern::Element];

fn columns<'w>(words: &'w Words<'_>) -> &'w [Pattern<'w>] {
    if words.get.is_empty() { ELEMENT_ALONE } else { &words.get }
}

fn answer(ctx: &mut Ctx, args: &Args, words: &Words, elements: &Elements, range: Range<usize>) -> Result<(), Error> {
    let columns = columns(words);
    ctx.reply.array(columns.len() * range.len());
    let mut lookup = Lookup::default();
    for i in range {
        for &pattern in columns {
            let reply = &mut *ctx.reply;
            let tell = &mut |value: &[u8]| reply.bulk(value);
            if !lookup.value(&mut ctx.db, args, pattern, elements.get(i), tell)? {
                ctx.reply.null();
            }
        }
    }
    lookup.end()
}

fn store(
    ctx: &mut Ctx,
    args: &Args,
    words: &Words,
    elements: &Elements,
    range: Range<usize>,
    word: usize,
) -> Result<(), Error> {
    let mut list = List::new();
    let mut lookup = Lookup::default();
    for i in range {
        for &pattern in columns(words) {
            let tell = &mut |value: &[u8]| list.push(value);
            if !lookup.value(&mut ctx.db, args, pattern, elements.get(i), tell)? {
                list.push(b"");
            }
        }
    }
    lookup.end()?;
    list.settle(limit(ctx));
    let (key, len) = (args.key(word), list.len());
    if ctx.db.put(key, list, Deadline::None)? {
        ctx.db.event(notify::LIST, "sortstore", key.bytes);
        ctx.dirty(len as u64 - 1);
    }
    ctx.reply.int(len as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn orders_numbers_and_texts() {
        check(
            "SORT none -> []; RPUSH l 3 1 10 2; SORT l -> [1 2 3 10]; SORT l DESC -> [10 3 2 1]; SORT l desc asc -> [1 2 3 10]; SORT l ALPHA -> [1 10 2 3]; SORT l ALPHA DESC -> [3 2 10 1]",
        );
        check("RPUSH f 1.5 0x10 -inf 1e2 \" 7\" \"\"; SORT f -> [ \"-inf\" \"\" 1.5 \" 7\" 0x10 1e2 ]");
        check(
            "RPUSH l 1.0 1 01; SORT l -> [01 1 1.0]; SORT l DESC -> [1.0 1 01]; SADD s c a b; SORT s ALPHA -> [a b c]",
        );
        check("ZADD z 3 1 2 2 1 3; SORT z -> [1 2 3]; SORT z DESC -> [3 2 1]; SORT_RO z -> [1 2 3]");
    }

    #[test]
    fn limits() {
        check("RPUSH l 5 4 3 2 1 0; SORT l LIMIT 1 2 -> [1 2]; SORT l LIMIT 0 0 -> []; SORT l LIMIT 4 100 -> [4 5]");
        check("RPUSH l 5 4 3 2 1 0; SORT l LIMIT 6 1 -> []; SORT l LIMIT -3 2 -> [0 1]; SORT l LIMIT 3 -1 -> [3 4 5]");
        check("RPUSH l 2 1 0; SORT l LIMIT 2 9223372036854775807 -> [2]; SORT l DESC LIMIT 0 2 -> [2 1]");
        let all: Vec<String> = (0..1000).map(|i| ((i * 7919) % 1000).to_string()).collect();
        let middle: Vec<String> = (500..510).map(|i| i.to_string()).collect();
        check(&format!("RPUSH l {}; SORT l LIMIT 500 10 -> [{}]", all.join(" "), middle.join(" ")));
    }

    #[test]
    fn by_and_get() {
        check(
            "RPUSH l a b c d; MSET w_a 3 w_b 1 w_c 2; SORT l BY w_* -> [d b c a]; SORT l BY w_* DESC -> [a c b d]; SORT l BY w_* GET # GET w_* GET x -> [d nil nil b 1 nil c 2 nil a 3 nil]",
        );
        check(
            "RPUSH l a b; HSET h_a w 2 v x; HSET h_b w 1; SORT l BY h_*->w GET h_*->v -> [nil x]; SET k_a-> 7; SORT l BY n GET k_*-> -> [7 nil]",
        );
        check(
            "RPUSH l 1 2 3; LPUSH w_1 x; HSET w_2 f 1; SET w_3 -5; SORT l BY w_* -> [3 1 2]; SORT l GET w_* -> [nil nil \"-5\" ]",
        );
        check(
            "RPUSH l a b c; MSET w_a x w_b X w_c y; SORT l BY w_* ALPHA -> [b a c]; DEL w_a; SORT l BY w_* ALPHA -> [a b c]",
        );
        check("SADD s c b a; SORT s BY none_* -> [a b c]; SORT s BY none_* DESC -> [c b a]");
        // A later pattern does not take back that there was none.
        check("RPUSH l 3 1 2; MSET w_1 1 w_2 2 w_3 3; SORT l BY nosort BY w_* -> [3 1 2]; SORT l BY # -> [3 1 2]");
        check("RPUSH l 1 2; MULTI; SET w_1 9; SORT l BY w_* GET # GET w_* -> +QUEUED; EXEC -> [+OK [2 nil 1 9]]");
    }

    #[test]
    fn without_sorting() {
        check(
            "RPUSH l 5 3 4; SORT l BY nosort -> [5 3 4]; SORT l BY nosort DESC -> [4 3 5]; SORT l BY nosort DESC LIMIT 1 2 -> [3 5]",
        );
        check(
            "ZADD z 1 a 5 b 2 c 10 d 3 e; SORT z BY nosort -> [a c e b d]; SORT z BY nosort DESC -> [d b e c a]; SORT z BY nosort DESC LIMIT 1 2 -> [b e]; SORT z BY nosort LIMIT 5 10 -> []; SORT z BY nosort LIMIT -10 100 -> [a c e b d]; SORT z BY nosort LIMIT 1 1 GET # GET # -> [c c]",
        );
        check(
            "SADD s c a b x y; SORT s BY nosort STORE d -> :5; LRANGE d 0 -1 -> [a b c x y]; SORT s ALPHA BY _ STORE d LIMIT 1 2; LRANGE d 0 -1 -> [b c]",
        );
    }

    #[test]
    fn stores() {
        check(
            "RPUSH l 2 1; SET w_1 x; SORT l STORE d -> :2; LRANGE d 0 -1 -> [1 2]; SORT l GET w_* GET # STORE d -> :4; LRANGE d 0 -1 -> [x 1 \"\" 2 ]; SORT l STORE l -> :2; LRANGE l 0 -1 -> [1 2]",
        );
        check(
            "RPUSH d 1; SORT none STORE d -> :0; EXISTS d -> :0; SET d x EX 9; RPUSH l 1; SORT l STORE d -> :1; TTL d -> :-1",
        );
        check(
            "RPUSH l 1; SORT l LIMIT 5 5 STORE d -> :0; EXISTS d -> :0; RPUSH l x; SORT l STORE d -> -ERR One; EXISTS d -> :0",
        );
        check(
            "CONFIG SET list-max-listpack-size 3; RPUSH l 1 2 3 4; SORT l STORE d -> :4; OBJECT ENCODING d -> quicklist; SORT l LIMIT 0 3 STORE d -> :3; OBJECT ENCODING d -> listpack",
        );
        check(
            "CONFIG SET notify-keyspace-events KEA; RPUSH l 2 1; c2> PSUBSCRIBE *; SORT l STORE d; c2> <- [pmessage * __keyspace@0__:d sortstore]; c2> <- *; SORT none STORE d; c2> <- [pmessage * __keyspace@0__:d del]",
        );
    }

    #[test]
    fn refuses() {
        check(
            "SET k v; SORT k -> -WRONGTYPE; HSET h f v; SORT h ALPHA -> -WRONGTYPE; RPUSH l a; SORT l -> -ERR One or more scores can't be converted into double; SORT l BY -> -ERR syntax error; SORT l LIMIT 1 -> -ERR syntax error; SORT l LIMIT a 1 -> -ERR value is not an integer or out of range; SORT l STORE -> -ERR syntax error; SORT_RO l STORE d -> -ERR syntax error; SORT l ALPHA x -> -ERR syntax error",
        );
        check(
            "RPUSH l 1; SET w_1 1e400; SORT l BY w_* -> -ERR One; SET w_1 nan; SORT l BY w_* -> -ERR One; SET w_1 \" \"; SORT l BY w_* -> -ERR One; SET w_1 \"1 \"; SORT l BY w_* -> -ERR One; SET w_1 \"\"; SORT l BY w_* -> [1]",
        );
    }

    #[test]
    fn keys_that_are_asked_for() {
        check(
            "COMMAND GETKEYS sort abc store def -> [abc def]; COMMAND GETKEYS sort_ro abc -> [abc]; COMMAND GETKEYS sort abc store invalid store stillbad store def -> [abc def]; COMMAND GETKEYS sort abc by store get store limit store store -> [abc]",
        );
    }

    #[test]
    fn in_the_cluster_patterns_stay_in_the_slot() {
        let denied = "option of SORT denied in Cluster mode when keys formed by the pattern may be in different slots.";
        node(&[("cluster-enabled", "yes")]).converse(&format!(
            "RPUSH {{a}}l 1 2 3; SET {{a}}w3 -1; SORT {{a}}l BY w* -> -ERR BY {denied}; SORT {{a}}l GET w* -> -ERR GET {denied}; SORT {{a}}l GET w -> -ERR GET {denied}; SORT {{a}}l BY nosort GET # -> [1 2 3]; SORT {{a}}l BY {{a}}w* GET {{a}}w* GET # -> [ \"-1\" 3 nil 1 nil 2]; SORT_RO {{a}}l BY {{b}}w* -> -ERR BY {denied}"
        ));
    }

    #[test]
    fn the_log_sees_what_was_gone() {
        let mut node = node(&[]);
        node.converse("RPUSH l 1 2; SET w_1 9 PX 50; HSET h_2 f 5; HPEXPIRE h_2 50 FIELDS 1 f; SORT l -> [1 2]; ~60ms");
        node.log.lines();
        node.converse("SORT l BY w_* GET h_*->f STORE d -> :2; LRANGE d 0 -1 -> [ \"\" \"\" ]");
        let lines = node.log.lines();
        assert_eq!(&lines[lines.len() - 3..], ["DEL w_1", "HDEL h_2 f", "SORT l BY w_* GET h_*->f STORE d"]);
    }
}
