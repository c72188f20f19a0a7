//! How a collection stands behind a key, shown with a list of two or three commands.

use exec::{Args, Arity, Command, Ctx, Deadline, Error, Flags, KeySpec, READ, REPLACE, UPDATE};
use std::sync::atomic::Ordering::Relaxed;
use testkit::TestNode;
use types::set::{Limits, Member};
use types::{List, Set};

static COMMANDS: &[&Command] = &[&ADD, &ALL, &BOOM_ADD, &KEEP, &LENS, &STORE, &PUT, &TAKE];

/// ADD key [element …]
static ADD: Command = Command {
    name: "ADD",
    arity: Arity::AtLeast(2),
    flags: Flags::WRITE,
    keys: &[KeySpec::at(1, UPDATE)],
    run: |ctx, args| {
        let mut list = ctx.db.write_or_make(args.key(1), List::new)?;
        args.iter_from(2).for_each(|element| list.push(element));
        ctx.reply.int(list.len() as i64);
        Ok(())
    },
    ..Command::BASE
};

/// KEEP key count: the first elements stay.
static KEEP: Command =
    Command { name: "KEEP", arity: Arity::Exactly(3), flags: Flags::WRITE, keys: ADD.keys, run: keep, ..Command::BASE };

fn keep(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (key, count) = (args.key(1), args.int(2)?.max(0) as usize);
    if let Some(mut list) = ctx.db.write::<List>(key)?
        && count < list.len()
    {
        let mut kept = List::new();
        list.iter().take(count).for_each(|element| kept.push(&element.to_vec()));
        *list = kept;
    }
    let went = ctx.db.drop_if_empty(key);
    ctx.reply.int(i64::from(went));
    Ok(())
}

static ALL: Command = Command {
    name: "ALL",
    arity: Arity::Exactly(2),
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, READ)],
    run: |ctx, args| {
        match ctx.db.read::<List>(args.key(1))? {
            Some(list) => {
                ctx.reply.array(list.len());
                list.iter().for_each(|element| ctx.reply.bulk(&element.to_vec()));
            }
            None => ctx.reply.array(0),
        }
        Ok(())
    },
    ..Command::BASE
};

/// LENS key [key …]: the lengths, all lists being looked at together; -1 where there is none.
static LENS: Command = Command {
    name: "LENS",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY,
    keys: &[KeySpec::span(1, -1, 1, READ)],
    run: |ctx, args| {
        let keys: Vec<_> = (1..args.len()).map(|i| args.key(i)).collect();
        let lists = ctx.db.read_all::<List>(&keys)?;
        ctx.reply.array(lists.len());
        lists.iter().for_each(|list| ctx.reply.int(list.as_ref().map_or(-1, |list| list.len() as i64)));
        Ok(())
    },
    ..Command::BASE
};

/// ADD that fails half way.
static BOOM_ADD: Command = Command {
    name: "BOOMADD",
    arity: Arity::Exactly(3),
    flags: Flags::WRITE,
    keys: ADD.keys,
    run: |ctx, args| {
        let key = args.key(1);
        let mut list = if let Some(list) = ctx.db.write::<List>(key)? { list } else { ctx.db.make(key, List::new()) };
        list.push(args.get(2));
        panic!("a mistake in a command")
    },
    ..Command::BASE
};

/// STORE key [member …]: a set, whatever was there.
static STORE: Command = Command {
    name: "STORE",
    arity: Arity::AtLeast(2),
    flags: Flags::WRITE,
    keys: &[KeySpec::at(1, REPLACE)],
    run: |ctx, args| {
        let mut set = Set::new();
        for member in args.iter_from(2) {
            set.add(Member::of(member), &Limits::USUAL);
        }
        let stored = ctx.db.put(args.key(1), set, Deadline::None)?;
        ctx.reply.int(i64::from(stored));
        Ok(())
    },
    ..Command::BASE
};

use crate::commands::{PUT, TAKE};

fn node() -> TestNode {
    TestNode::with_options(COMMANDS, &[("notify-keyspace-events", "KEA")])
}

#[test]
fn elements_come_and_go() {
    let mut node = node();
    node.converse("ALL l -> []; ADD l a b -> :2; ADD l c -> :3; ALL l -> [a b c]; KEEP l 1 -> :0; ALL l -> [a]");
    node.converse("KEEP l 0 -> :1; ALL l -> []; KEEP l 0 -> :0; ADD l x -> :1; ALL l -> [x]");
    assert_eq!(node.node.keyspace.len(0), 1);
}

#[test]
fn counts_once_and_only_when_changed() {
    let mut node = node();
    for (line, dirty) in [
        ("ADD l a b", 1),
        ("ADD l", 1),
        ("ADD l c d", 2),
        ("KEEP l 9", 2),
        ("KEEP l 2", 3),
        ("KEEP l 0", 4),
        ("KEEP l 0", 4),
    ] {
        node.converse(line);
        assert_eq!(node.node.dirty.load(Relaxed), dirty, "{line}");
    }
    assert_eq!(node.log.lines(), ["ADD l a b", "ADD l c d", "KEEP l 2", "KEEP l 0"]);
}

#[test]
fn several_are_read_together() {
    let mut node = node();
    node.converse("ADD a 1; ADD b 1 2; PUT s text; LENS a b -> [:1 :2]; LENS b none a b -> [:2 :-1 :1 :2]");
    node.converse("LENS a s -> -WRONGTYPE; LENS none s -> -WRONGTYPE; LENS none -> [:-1]");
}

#[test]
fn other_types_are_refused() {
    let mut node = node();
    node.converse(
        "PUT s text -> +OK; ADD s a -> -WRONGTYPE; ALL s -> -WRONGTYPE; KEEP s 0 -> -WRONGTYPE; TAKE s -> [text]",
    );
    node.converse("ADD l a; TAKE l -> -WRONGTYPE; STORE t a -> :1; ADD t a -> -WRONGTYPE; ALL t -> -WRONGTYPE");
    assert_eq!(node.log.lines(), ["PUT s text", "ADD l a", "STORE t a"]);
}

#[test]
fn whole_values_replace_each_other() {
    let mut node = node();
    node.converse(
        "ADD k a; PUT k text -> +OK; TAKE k -> [text]; STORE k a b -> :1; ALL k -> -WRONGTYPE; STORE k -> :0",
    );
    node.converse("ALL k -> []; STORE k -> :0; ADD k a -> :1; STORE k b -> :1; ADD k c -> -WRONGTYPE");
    assert_eq!(node.log.lines()[3..], ["STORE k", "ADD k a", "STORE k b"]);
    assert_eq!(node.node.keyspace.len(0), 1);
}

#[test]
fn a_panic_leaves_what_was_done() {
    let mut node = node();
    node.converse("BOOMADD l a -> -ERR; ALL l -> [a]; BOOMADD l b -> -ERR; ALL l -> [a b]");
}

#[test]
fn gauges_follow_the_elements() {
    let mut node = node();
    node.converse("ADD l a");
    let before = node.node.keyspace.entry_bytes();
    node.ask(1, &[&b"ADD"[..], b"l", &[b'x'; 100_000]]);
    let grown = node.node.keyspace.entry_bytes() - before;
    assert!((100_000..130_000).contains(&grown), "{grown}");
    node.converse("KEEP l 0 -> :1");
    assert_eq!(node.node.keyspace.entry_bytes(), 0);
}

#[test]
fn large_ones_are_freed_by_the_freer() {
    let mut node = node();
    let queue = node.node.freer.open().expect("nobody opened it");
    for (line, pending) in [("PUT l text", 1), ("STORE l", 2), ("STORE l a", 3)] {
        node.converse("STORE l -> :0");
        node.ask(1, &[&b"ADD"[..], b"l", &[b'x'; 100_000]]);
        node.converse(line);
        assert_eq!(node.node.freer.pending(), pending, "{line}");
    }
    node.converse("STORE l small; PUT l text");
    assert_eq!(node.node.freer.pending(), 3);
    drop(queue);
}
