//! A few commands, so that these tests need no crate above.

use exec::session::Why;
use exec::{Args, Arity, Command, Ctx, Deadline, Error, Flags, KeySpec, NewValue, READ, REPLACE};

pub(crate) static COMMANDS: &[&Command] =
    &[&PING, &ECHO, &SET, &GET, &QUIT, &AUTH, &NAP, &HELLO3, &REPEAT, &LISTEN, &SAY];

static PING: Command =
    Command { name: "PING", arity: Arity::AtLeast(1), flags: Flags::FAST, run: ping, ..Command::BASE };
static ECHO: Command =
    Command { name: "ECHO", arity: Arity::Exactly(2), flags: Flags::FAST, run: echo, ..Command::BASE };
static SET: Command = Command {
    name: "SET",
    arity: Arity::Exactly(3),
    flags: Flags::WRITE,
    keys: &[KeySpec::at(1, REPLACE)],
    run: set,
    ..Command::BASE
};
static GET: Command = Command {
    name: "GET",
    arity: Arity::Exactly(2),
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, READ)],
    run: get,
    ..Command::BASE
};
static QUIT: Command = Command { name: "QUIT", flags: Flags::NO_AUTH, run: quit, ..Command::BASE };
static AUTH: Command =
    Command { name: "AUTH", arity: Arity::Exactly(2), flags: Flags::NO_AUTH, run: auth, ..Command::BASE };
/// NAP ms: waits for so long, or until it is unblocked.
static NAP: Command = Command { name: "NAP", arity: Arity::Exactly(2), run: nap, ..Command::BASE };
static HELLO3: Command = Command { name: "HELLO3", run: hello3, ..Command::BASE };
/// REPEAT count word: a reply as long as one likes.
static REPEAT: Command = Command { name: "REPEAT", arity: Arity::Exactly(3), run: repeat, ..Command::BASE };

static LISTEN: Command = Command {
    name: "LISTEN",
    arity: Arity::Exactly(2),
    run: |ctx, args| {
        exec::pubsub::subscribe(ctx.node, ctx.session, exec::pubsub::Kind::Channel, args.get(1));
        ctx.reply.ok();
        Ok(())
    },
    ..Command::BASE
};
static SAY: Command = Command {
    name: "SAY",
    arity: Arity::Exactly(3),
    flags: Flags::MAY_REPLICATE,
    run: |ctx, args| {
        ctx.reply.int(exec::pubsub::publish(ctx.node, args.get(1), args.get(2)) as i64);
        Ok(())
    },
    ..Command::BASE
};

fn ping(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    ctx.reply.pong();
    Ok(())
}

fn echo(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    ctx.reply.bulk(args.get(1));
    Ok(())
}

fn set(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    ctx.db.set(args.key(1), NewValue::Str(args.get(2)), Deadline::None);
    ctx.reply.ok();
    Ok(())
}

fn get(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    match ctx.db.read_string(args.key(1))? {
        Some(value) => value.reply(ctx.reply),
        None => ctx.reply.null(),
    }
    Ok(())
}

fn quit(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    ctx.reply.ok();
    ctx.session.close_after_reply();
    Ok(())
}

fn auth(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    ctx.session.set_authenticated(true);
    ctx.reply.ok();
    Ok(())
}

fn nap(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    if ctx.session.deny_blocking {
        ctx.reply.simple("RESTED");
        return Ok(());
    }
    let until = ctx.now().saturating_add_ms(args.int(1)?);
    Err(ctx.wait(Why::Blocked, Some(until)))
}

fn hello3(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    ctx.reply.set_resp3(true);
    ctx.reply.ok();
    Ok(())
}

fn repeat(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let word = args.get(2).repeat(args.count(1)?);
    ctx.reply.bulk(&word);
    Ok(())
}
