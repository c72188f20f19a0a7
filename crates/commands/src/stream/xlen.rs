//! XLEN key
//!
//! Entries of a stream, those deleted not counted; 0 for no stream.

use exec::command::Arg;
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, LOOK};
use types::Stream;

pub static XLEN: Command = Command {
    name: "XLEN",
    group: Group::Stream,
    since: "5.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::STREAM,
    keys: &[KeySpec::at(1, LOOK)],
    summary: "Counts the entries of a stream.",
    docs: &[Arg::key("key", 0)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let stream = ctx.db.read::<Stream>(args.key(1))?;
    ctx.reply.int(stream.map_or(0, |stream| stream.len() as i64));
    Ok(())
}

#[test]
fn xlen() {
    crate::check("XLEN s -> :0; XADD s 1 a b; XADD s 2 a b; XLEN s -> :2; SET k v; XLEN k -> -WRONGTYPE");
}
