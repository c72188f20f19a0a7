//! A handful of commands that show the executor's sides.

use exec::{Args, Arity, Command, Ctx, Deadline, Error, Flags, Group, KeySpec, NewValue, READ, REPLACE, Reach};

pub(crate) static COMMANDS: &[&Command] =
    &[&PUT, &TAKE, &MOVE_ALL, &BOOM, &TOTAL, &MULTI, &EXEC, &WATCH, &COUNT_UP, &GRAB, &PASS];

pub(crate) static PUT: Command = Command {
    name: "PUT",
    arity: Arity::Exactly(3),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[KeySpec::at(1, REPLACE)],
    run: |ctx, args| {
        ctx.db.set(args.key(1), NewValue::Str(args.get(2)), Deadline::None);
        ctx.reply.ok();
        Ok(())
    },
    ..Command::BASE
};

pub(crate) static TAKE: Command = Command {
    name: "TAKE",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY,
    keys: &[KeySpec::span(1, -1, 1, READ)],
    run: take,
    ..Command::BASE
};

fn take(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    ctx.reply.array(args.len() - 1);
    for i in 1..args.len() {
        match ctx.db.read_string(args.key(i))? {
            Some(value) => value.reply(ctx.reply),
            None => ctx.reply.null(),
        }
    }
    Ok(())
}

/// Adds one to a number at each of two keys: what a transfer between accounts does to locks.
static COUNT_UP: Command = Command {
    name: "COUNTUP",
    arity: Arity::Exactly(3),
    flags: Flags::WRITE,
    keys: &[KeySpec::span(1, 2, 1, REPLACE)],
    run: |ctx, args| {
        for i in 1..=2 {
            let old = ctx.db.read_string(args.key(i))?.map_or(Ok(0), |value| value.int())?;
            ctx.db.set(args.key(i), NewValue::Int(old + 1), Deadline::None);
        }
        ctx.reply.ok();
        Ok(())
    },
    ..Command::BASE
};

/// Under the world lock: empties every database into nothing.
static MOVE_ALL: Command = Command {
    name: "MOVEALL",
    arity: Arity::Exactly(1),
    flags: Flags::WRITE,
    reach: Reach::World,
    run: |ctx, _| {
        let mut count = 0;
        ctx.db.each_shard(|_, shard| count += shard.take_db(0).map_or(0, |db| db.len()));
        ctx.reply.int(count as i64);
        Ok(())
    },
    ..Command::BASE
};

static TOTAL: Command = Command {
    name: "TOTAL",
    arity: Arity::Exactly(1),
    flags: Flags::READONLY,
    reach: Reach::Walk,
    run: |ctx, _| {
        let mut count = 0;
        ctx.db.each_shard(|_, shard| count += shard.len(0));
        ctx.reply.int(count as i64);
        Ok(())
    },
    ..Command::BASE
};

static BOOM: Command = Command {
    name: "BOOM",
    arity: Arity::Exactly(2),
    flags: Flags::WRITE,
    keys: &[KeySpec::at(1, REPLACE)],
    run: |ctx, args| {
        ctx.db.set(args.key(1), NewValue::Str(b"half"), Deadline::None);
        ctx.reply.array(3);
        panic!("a mistake in a command")
    },
    ..Command::BASE
};

static MULTI: Command = Command {
    name: "MULTI",
    group: Group::Transactions,
    flags: Flags::NOT_QUEUED,
    run: |ctx, _| {
        exec::watch::begin_multi(ctx.node, ctx.session);
        ctx.reply.ok();
        Ok(())
    },
    ..Command::BASE
};

static EXEC: Command = Command {
    name: "EXEC",
    group: Group::Transactions,
    arity: Arity::Exactly(1),
    flags: Flags::NOT_QUEUED.and(Flags::RUNS_QUEUE),
    run: |ctx, _| {
        ctx.run_queue();
        Ok(())
    },
    ..Command::BASE
};

static WATCH: Command = Command {
    name: "WATCH",
    group: Group::Transactions,
    flags: Flags::NOT_QUEUED,
    keys: &[KeySpec::span(1, -1, 1, READ)],
    run: |ctx, args| {
        for i in 1..args.len() {
            exec::watch::watch(&mut ctx.db, ctx.session, args.key(i));
        }
        ctx.reply.ok();
        Ok(())
    },
    ..Command::BASE
};

/// GRAB key milliseconds: takes the value away, or waits for one.
static GRAB: Command = Command {
    name: "GRAB",
    arity: Arity::Exactly(3),
    flags: Flags::WRITE.and(Flags::BLOCKING),
    keys: &[KeySpec::at(1, REPLACE)],
    run: |ctx, args| {
        let Some(value) = take_or_wait(ctx, args, 2)? else {
            ctx.reply.null();
            return Ok(());
        };
        ctx.reply.bulk(&value);
        Ok(())
    },
    ..Command::BASE
};

/// PASS from to milliseconds: moves the value, or waits for one.
static PASS: Command = Command {
    name: "PASS",
    arity: Arity::Exactly(4),
    flags: Flags::WRITE.and(Flags::BLOCKING),
    keys: &[KeySpec::span(1, 2, 1, REPLACE)],
    run: |ctx, args| {
        let Some(value) = take_or_wait(ctx, args, 3)? else {
            ctx.reply.null();
            return Ok(());
        };
        ctx.db.set(args.key(2), NewValue::Str(&value), Deadline::None);
        ctx.reply.ok();
        Ok(())
    },
    ..Command::BASE
};

fn take_or_wait(ctx: &mut Ctx, args: &Args, timeout_word: usize) -> Result<Option<Vec<u8>>, Error> {
    let key = args.key(1);
    if let Some(value) = ctx.db.read_string(key)? {
        let value = value.to_vec();
        ctx.db.delete(key, false)?;
        return Ok(Some(value));
    }
    if !ctx.may_wait() {
        return Ok(None);
    }
    let deadline = args.timeout_ms(timeout_word, ctx.now())?;
    Err(ctx.wait_for(&[key], |entry| entry.is_some(), deadline))
}
