//! A command as COMMAND INFO shows it.
//!
//! Ten elements: name, arity, flags, first key, last key, step, ACL categories, tips, key specs,
//! subcommands. First, last and step are Redis's old summary of the key specs.

use exec::command::{Begin, Find, KeySpec};
use exec::{Categories, Command, Flags, KeyAccess, Node};
use proto::Reply;

pub(super) fn info(reply: &mut Reply, node: &Node, number: u16) {
    let row = node.commands.row(number);
    let command = row.command;
    reply.array(10);
    reply.bulk_str(&row.full_name);
    reply.int(command.arity.number());
    names(reply, &flag_names(command));
    let (first, last, step) = key_range(command.keys);
    reply.int(first);
    reply.int(last);
    reply.int(step);
    names(reply, &category_names(command));
    reply.array(command.tips.len());
    for tip in command.tips {
        reply.bulk_str(tip);
    }
    reply.array(command.keys.len());
    for spec in command.keys {
        key_spec(reply, spec);
    }
    reply.array(row.subcommands.len());
    for &sub in &row.subcommands {
        info(reply, node, sub);
    }
}

fn names(reply: &mut Reply, names: &[String]) {
    reply.set(names.len());
    for name in names {
        reply.simple(name);
    }
}

pub(crate) fn flag_names(command: &Command) -> Vec<String> {
    let movable = has_movable_keys(command);
    Flags::NAMES
        .iter()
        .filter(|(flag, name)| !name.is_empty() && (command.has(*flag) || *flag == Flags::MOVABLE_KEYS && movable))
        .map(|(_, name)| (*name).to_string())
        .collect()
}

fn category_names(command: &Command) -> Vec<String> {
    let all = command.all_categories();
    let listed = Categories::NAMES.iter().filter(|(category, _)| all.contains(*category));
    listed.map(|(_, name)| format!("@{name}")).collect()
}

/// Are there keys that positions alone do not find?
pub(crate) fn has_movable_keys(command: &Command) -> bool {
    command.keys.iter().any(|spec| {
        let fixed = matches!((spec.begin, spec.find), (Begin::Index(_), Find::Range { limit: 0 | 1, .. }));
        !fixed || spec.access.has(KeyAccess::INCOMPLETE)
    })
}

/// First key, last key and step, as far as fixed positions tell.
fn key_range(specs: &[KeySpec]) -> (i64, i64, i64) {
    let mut range: Option<(i64, i64, i64)> = None;
    for spec in specs {
        let (Begin::Index(begin), Find::Range { last, step, .. }) = (spec.begin, spec.find) else { continue };
        let begin = i64::from(begin);
        let last = if last >= 0 { begin + i64::from(last) } else { i64::from(last) };
        range = Some(match range {
            None => (begin, last, i64::from(step)),
            // Two single keys side by side (RENAME) are one range.
            Some((first, known, step)) if known >= 0 => (first, if last < 0 { last } else { known.max(last) }, step),
            Some(known) => known,
        });
    }
    range.unwrap_or((0, 0, 0))
}

fn key_spec(reply: &mut Reply, spec: &KeySpec) {
    reply.map(3);
    reply.bulk_str("flags");
    names(reply, &access_names(spec.access));
    reply.bulk_str("begin_search");
    begin(reply, spec.begin);
    reply.bulk_str("find_keys");
    let unknown = matches!(spec.begin, Begin::Option { .. });
    find(reply, if unknown { Find::Unknown } else { spec.find });
}

pub(super) fn access_names(access: KeyAccess) -> Vec<String> {
    KeyAccess::NAMES.iter().filter(|(bit, _)| access.has(*bit)).map(|(_, name)| (*name).to_string()).collect()
}

fn typed(reply: &mut Reply, kind: &str, fields: &[(&str, i64)]) {
    reply.map(2);
    reply.bulk_str("type");
    reply.bulk_str(kind);
    reply.bulk_str("spec");
    reply.map(fields.len());
    for (name, value) in fields {
        reply.bulk_str(name);
        reply.int(*value);
    }
}

fn begin(reply: &mut Reply, begin: Begin) {
    match begin {
        Begin::Index(index) => typed(reply, "index", &[("index", index.into())]),
        Begin::Keyword(keyword, from) => {
            reply.map(2);
            reply.bulk_str("type");
            reply.bulk_str("keyword");
            reply.bulk_str("spec");
            reply.map(2);
            reply.bulk_str("keyword");
            reply.bulk_str(keyword);
            reply.bulk_str("startfrom");
            reply.int(from.into());
        }
        Begin::Option { .. } | Begin::Unknown => typed(reply, "unknown", &[]),
    }
}

fn find(reply: &mut Reply, find: Find) {
    match find {
        Find::Range { last, step, limit } => {
            typed(reply, "range", &[("lastkey", last.into()), ("keystep", step.into()), ("limit", limit.into())]);
        }
        Find::Count { at, first, step } => {
            typed(reply, "keynum", &[("keynumidx", at.into()), ("firstkey", first.into()), ("keystep", step.into())]);
        }
        Find::Unknown => typed(reply, "unknown", &[]),
    }
}
