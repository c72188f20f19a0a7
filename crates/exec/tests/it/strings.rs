//! A string changed in its place: what is read costs nothing, what is changed counts once.

use exec::{Args, Arity, Command, Ctx, Error, Flags, KeySpec, UPDATE};
use std::sync::atomic::Ordering::Relaxed;
use testkit::TestNode;

/// EDIT key tail …: appends each tail; with none, only looks.
static EDIT: Command = Command {
    name: "EDIT",
    arity: Arity::AtLeast(2),
    flags: Flags::WRITE,
    keys: &[KeySpec::at(1, UPDATE)],
    run: edit,
    ..Command::BASE
};

fn edit(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let key = args.key(1);
    let mut string = match ctx.db.string_mut(key)? {
        Some(string) => string,
        None => ctx.db.make_string(key),
    };
    for tail in args.iter_from(2) {
        let len = string.value().len();
        string.bytes(len + tail.len())[len..].copy_from_slice(tail);
    }
    string.value().reply(ctx.reply);
    Ok(())
}

#[test]
fn counts_once_and_only_when_changed() {
    static COMMANDS: &[&Command] = &[&EDIT];
    let mut node = TestNode::new(COMMANDS);
    for (line, reply, dirty) in [
        ("EDIT k", "\"\"", 1),
        ("EDIT k", "\"\"", 1),
        ("EDIT k a bc", "abc", 2),
        ("EDIT k", "abc", 2),
        ("EDIT n 1 2 3", "123", 3),
    ] {
        node.converse(&format!("{line} -> {reply}"));
        assert_eq!(node.node.dirty.load(Relaxed), dirty, "{line}");
    }
    assert_eq!(node.log.lines(), ["EDIT k", "EDIT k a bc", "EDIT n 1 2 3"]);
}
