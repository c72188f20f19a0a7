//! What the server says of its commands (COMMAND, COMMAND DOCS), against the table of Redis 8.0 and Valkey 9.1.
//!
//! Every command that the server has must agree with `tests/golden/commands.tsv`: arity, flags, categories, key
//! specifications, group, since. Where Valkey differs from Redis either is right. Commands that it does not have yet
//! stand in `tests/golden/missing-commands.txt`, exactly, so that the list shrinks.
//! `BASALT_BLESS=1` writes that list anew.

use crate::client::{Client, text_of};
use crate::harness::Server;
use proto::resp_client::Value;
use std::collections::{BTreeMap, BTreeSet};

const TABLE: &str = include_str!("../../../../tests/golden/commands.tsv");
const MISSING: &str = include_str!("../../../../tests/golden/missing-commands.txt");
const MISSING_PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/missing-commands.txt");
const MISSING_HEAD: &str = "# Commands of Redis 8.0 and Valkey 9.1 that Basalt does not have yet. BASALT_BLESS=1 cargo test -p server \
                            --test it command_table writes this file.\n";

/// Flags that no server shows in COMMAND.
const HIDDEN: &[&str] =
    &["sentinel", "only_sentinel", "protected", "touches_arbitrary_keys", "all_dbs", "experimental"];
/// Shown, but it follows from the key specifications and stands in no table.
const DERIVED: &str = "movablekeys";

/// What is compared, as text, by the names of the table's columns.
type Facts = BTreeMap<&'static str, String>;

struct Row {
    redis: Facts,
    /// Where Valkey differs.
    valkey: Facts,
}

#[test]
fn agrees_with_redis_and_valkey() {
    let server = Server::start(&[]);
    if server.is_redis() {
        return; // The table is of 8.0.
    }
    let mut client = server.connect();
    let (table, ours) = (table(), commands(&mut client));
    let mut wrong = Vec::new();
    for (name, facts) in &ours {
        let Some(row) = table.get(name) else {
            wrong.push(format!("{name}: neither Redis nor Valkey has it"));
            continue;
        };
        for (column, value) in facts {
            let (redis, valkey) = (&row.redis[column], row.valkey.get(column));
            if value != redis && Some(value) != valkey {
                let valkey = valkey.map_or(String::new(), |valkey| format!(", Valkey's {valkey}"));
                wrong.push(format!("{name}: {column} is {value}, Redis's {redis}{valkey}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n  {}", wrong.len(), wrong.join("\n  "));
}

#[test]
fn what_is_missing_is_listed() {
    let server = Server::start(&[]);
    if server.is_redis() {
        return;
    }
    let (table, ours) = (table(), commands(&mut server.connect()));
    let missing: BTreeSet<&str> = table.keys().filter(|name| !ours.contains_key(*name)).map(String::as_str).collect();
    if std::env::var_os("BASALT_BLESS").is_some() {
        let lines: String = missing.iter().map(|name| format!("{name}\n")).collect();
        std::fs::write(MISSING_PATH, format!("{MISSING_HEAD}{lines}")).expect("the list is written");
        return;
    }
    let listed: BTreeSet<&str> = MISSING.lines().filter(|line| !line.starts_with('#')).collect();
    let (new, gone): (Vec<_>, Vec<_>) = (missing.difference(&listed).collect(), listed.difference(&missing).collect());
    assert!(new.is_empty() && gone.is_empty(), "missing but not listed: {new:?}; listed but there: {gone:?}");
}

/// Tools read the arguments of COMMAND DOCS and trust its shape; redis-cli crashes over a choice without choices.
#[test]
fn arguments_have_their_parts() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let mut wrong = Vec::new();
    for (name, doc) in pairs(&client.ask_line("COMMAND DOCS")) {
        check_doc(&name, doc, &mut wrong);
    }
    assert!(wrong.is_empty(), "{} mistakes:\n  {}", wrong.len(), wrong.join("\n  "));
}

fn check_doc(name: &str, doc: &Value, wrong: &mut Vec<String>) {
    for part in ["summary", "since", "group"] {
        if get(doc, part).is_none_or(|value| text_of(value).is_empty()) {
            wrong.push(format!("{name}: no {part}"));
        }
    }
    if let Some(arguments) = get(doc, "arguments") {
        check_arguments(name, arguments, wrong);
    }
    if let Some(subcommands) = get(doc, "subcommands") {
        pairs(subcommands).into_iter().for_each(|(name, doc)| check_doc(&name, doc, wrong));
    }
}

fn check_arguments(command: &str, arguments: &Value, wrong: &mut Vec<String>) {
    for argument in items(arguments) {
        let Some(name) = get(argument, "name").map(text_of) else {
            wrong.push(format!("{command}: an argument without name"));
            continue;
        };
        let kind = get(argument, "type").map(text_of).unwrap_or_default();
        let inner = get(argument, "arguments");
        let whats_missing = match kind.as_str() {
            "oneof" | "block" if inner.is_none_or(|inner| items(inner).is_empty()) => "its arguments",
            "pure-token" if get(argument, "token").is_none() => "its token",
            "key" if get(argument, "key_spec_index").is_none() => "its key_spec_index",
            "oneof" | "block" | "pure-token" | "key" | "string" | "integer" | "double" | "pattern" | "unix-time" => "",
            _ => "a known type",
        };
        if !whats_missing.is_empty() {
            wrong.push(format!("{command}: argument {name} ({kind}) lacks {whats_missing}"));
        }
        if let Some(inner) = inner {
            check_arguments(command, inner, wrong);
        }
    }
}

fn table() -> BTreeMap<String, Row> {
    let mut lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let columns: Vec<&'static str> = lines.next().expect("the columns' names").split('\t').collect();
    lines
        .map(|line| {
            let of: BTreeMap<&'static str, &'static str> = columns.iter().copied().zip(line.split('\t')).collect();
            let name = of["name"].to_string();
            let redis: Facts = of.iter().map(|(column, text)| (*column, normal(column, text))).collect();
            let differs = of["valkey9_differs"].split("; ").filter_map(|part| part.split_once('='));
            let valkey =
                differs.map(|(column, text)| (column, normal(column, if text == "-" { "" } else { text }))).collect();
            (name, Row { redis, valkey })
        })
        .collect()
}

/// The order of flags and categories says nothing.
fn normal(column: &str, text: &str) -> String {
    match column {
        "flags" => sorted(text.split(',').filter(|flag| !HIDDEN.contains(flag))),
        "acl_categories" => sorted(text.split(',')),
        "key_specs" => text.split(" + ").map(normal_spec).collect::<Vec<_>>().join(" + "),
        _ => text.to_string(),
    }
}

fn normal_spec(spec: &str) -> String {
    match spec.strip_suffix(']').and_then(|spec| spec.split_once('[')) {
        Some((place, flags)) => format!("{place}[{}]", sorted(flags.split(','))),
        None => spec.to_string(),
    }
}

fn sorted<'t>(words: impl Iterator<Item = &'t str>) -> String {
    let words: BTreeSet<&str> = words.filter(|word| !word.is_empty()).collect();
    words.into_iter().collect::<Vec<_>>().join(",")
}

fn commands(client: &mut Client) -> BTreeMap<String, Facts> {
    let mut all = BTreeMap::new();
    for command in items(&client.ask_line("COMMAND")) {
        let parts = items(command);
        add(&mut all, parts);
        items(&parts[9]).iter().for_each(|subcommand| add(&mut all, items(subcommand)));
    }
    for (name, doc) in pairs(&client.ask_line("COMMAND DOCS")) {
        add_docs(&mut all, &name, doc);
        let subcommands = get(doc, "subcommands").map(pairs).unwrap_or_default();
        subcommands.into_iter().for_each(|(name, doc)| add_docs(&mut all, &name, doc));
    }
    all
}

/// `client|kill` is CLIENT KILL in the table.
fn table_name(name: &str) -> String {
    name.replace('|', " ").to_ascii_uppercase()
}

fn add(all: &mut BTreeMap<String, Facts>, parts: &[Value]) {
    assert_eq!(parts.len(), 10, "{parts:?}");
    let Value::Int(arity) = &parts[1] else { panic!("an arity: {:?}", parts[1]) };
    let texts = |value: &Value| items(value).iter().map(text_of).collect::<Vec<_>>();
    let flags = texts(&parts[2]);
    let specs: Vec<String> = items(&parts[8]).iter().map(spec_text).collect();
    let mut facts = Facts::new();
    facts.insert("arity", arity.to_string());
    facts.insert("flags", sorted(flags.iter().map(String::as_str).filter(|flag| *flag != DERIVED)));
    facts.insert("acl_categories", sorted(texts(&parts[6]).iter().map(String::as_str)));
    facts.insert("key_specs", specs.join(" + "));
    all.insert(table_name(&text_of(&parts[0])), facts);
}

fn add_docs(all: &mut BTreeMap<String, Facts>, name: &str, doc: &Value) {
    let facts = all.get_mut(&table_name(name)).unwrap_or_else(|| panic!("COMMAND does not know {name}"));
    for (column, part) in [("since", "since"), ("group", "group")] {
        let text = get(doc, part).map(text_of).unwrap_or_default();
        facts.insert(column, text.replace('-', "_"));
    }
}

/// A key specification as the table writes it.
fn spec_text(spec: &Value) -> String {
    let (begin, find) = (get(spec, "begin_search").expect("begin_search"), get(spec, "find_keys").expect("find_keys"));
    let number = |of: &Value, name: &str| match get(of, "spec").and_then(|spec| get(spec, name)) {
        Some(Value::Int(n)) => *n,
        other => panic!("{name}: {other:?}"),
    };
    let kinds = (get(begin, "type").map(text_of), get(find, "type").map(text_of));
    let place = match (kinds.0.as_deref(), kinds.1.as_deref()) {
        (Some("index"), Some("range")) => {
            let (first, last) = (number(begin, "index"), number(find, "lastkey"));
            let last = if last < 0 { last } else { first + last };
            let limit = number(find, "limit");
            let limit = if limit == 0 { String::new() } else { format!(",limit={limit}") };
            format!("{first},{last},{}{limit}", number(find, "keystep"))
        }
        (begin_kind, find_kind) => {
            let begin_text = match begin_kind {
                Some("index") => format!("index:{}", number(begin, "index")),
                Some("keyword") => {
                    let keyword = get(begin, "spec").and_then(|spec| get(spec, "keyword")).map(text_of);
                    format!("keyword:{}@{}", keyword.unwrap_or_default(), number(begin, "startfrom"))
                }
                _ => "unknown".into(),
            };
            let find_text = match find_kind {
                Some("range") => {
                    let (last, step, limit) = (number(find, "lastkey"), number(find, "keystep"), number(find, "limit"));
                    format!("range({last},{step},{limit})")
                }
                Some("keynum") => {
                    let (idx, first) = (number(find, "keynumidx"), number(find, "firstkey"));
                    format!("keynum({idx},{first},{})", number(find, "keystep"))
                }
                _ => "unknown".into(),
            };
            format!("{begin_text}>{find_text}")
        }
    };
    let flags: Vec<String> =
        items(get(spec, "flags").expect("flags")).iter().map(|flag| text_of(flag).to_ascii_uppercase()).collect();
    format!("{place}[{}]", sorted(flags.iter().map(String::as_str)))
}

fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) | Value::Set(items) => items,
        other => panic!("no array: {other:?}"),
    }
}

/// A map in RESP2: names and values in turn.
fn pairs(value: &Value) -> Vec<(String, &Value)> {
    items(value).chunks(2).map(|pair| (text_of(&pair[0]), &pair[1])).collect()
}

fn get<'v>(map: &'v Value, name: &str) -> Option<&'v Value> {
    pairs(map).into_iter().find(|(of, _)| of == name).map(|(_, value)| value)
}
