//! PUBSUB CHANNELS [pattern] · NUMSUB [channel …] · NUMPAT · SHARDCHANNELS [pattern] ·
//! SHARDNUMSUB [shardchannel …] · HELP
//!
//! Who is listening. Channels are those somebody subscribed to by name; NUMPAT counts patterns, not
//! their subscribers.

use exec::pubsub::Kind;
use exec::{Arg, ArgKind, Args, Arity, Command, Ctx, Error, Flags, Group};

const FLAGS: Flags = Flags::PUBSUB.and(Flags::LOADING).and(Flags::STALE);

pub static PUBSUB: Command = Command {
    name: "PUBSUB",
    group: Group::PubSub,
    since: "2.8.0",
    arity: Arity::AtLeast(2),
    complexity: "Depends on subcommand.",
    summary: "A container for commands about publish/subscribe.",
    subcommands: &[&CHANNELS, &HELP, &NUMPAT, &NUMSUB, &SHARDCHANNELS, &SHARDNUMSUB],
    ..Command::BASE
};

pub static CHANNELS: Command = Command {
    name: "CHANNELS",
    group: Group::PubSub,
    since: "2.8.0",
    arity: Arity::AtLeast(2),
    flags: FLAGS,
    complexity: "O(N), N = channels there are",
    summary: "Lists the channels that somebody listens to.",
    docs: &[Arg::new("pattern", ArgKind::Pattern).optional()],
    run: |ctx, args| channels(ctx, args, Kind::Channel),
    ..Command::BASE
};

pub static NUMPAT: Command = Command {
    name: "NUMPAT",
    group: Group::PubSub,
    since: "2.8.0",
    arity: Arity::Exactly(2),
    flags: FLAGS,
    summary: "Counts the patterns that somebody listens to.",
    run: |ctx, _| {
        ctx.reply.int(ctx.node.pubsub.counts().patterns as i64);
        Ok(())
    },
    ..Command::BASE
};

pub static NUMSUB: Command = Command {
    name: "NUMSUB",
    group: Group::PubSub,
    since: "2.8.0",
    arity: Arity::AtLeast(2),
    flags: FLAGS,
    complexity: "O(N), N = channels",
    summary: "Counts the subscribers of channels.",
    docs: &[Arg::new("channel", ArgKind::String).optional().multiple()],
    run: |ctx, args| subscribers(ctx, args, Kind::Channel),
    ..Command::BASE
};

pub static SHARDCHANNELS: Command = Command {
    name: "SHARDCHANNELS",
    group: Group::PubSub,
    since: "7.0.0",
    arity: Arity::AtLeast(2),
    flags: FLAGS,
    complexity: "O(N), N = shard channels there are",
    summary: "Lists the shard channels that somebody listens to.",
    docs: &[Arg::new("pattern", ArgKind::Pattern).optional()],
    run: |ctx, args| channels(ctx, args, Kind::Shard),
    ..Command::BASE
};

pub static SHARDNUMSUB: Command = Command {
    name: "SHARDNUMSUB",
    group: Group::PubSub,
    since: "7.0.0",
    arity: Arity::AtLeast(2),
    flags: FLAGS,
    complexity: "O(N), N = shard channels",
    summary: "Counts the subscribers of shard channels.",
    docs: &[Arg::new("shardchannel", ArgKind::String).optional().multiple()],
    run: |ctx, args| subscribers(ctx, args, Kind::Shard),
    ..Command::BASE
};

pub static HELP: Command = Command {
    name: "HELP",
    group: Group::PubSub,
    since: "6.2.0",
    arity: Arity::Exactly(2),
    flags: Flags::LOADING.and(Flags::STALE),
    summary: "Describes the subcommands.",
    run: |ctx, _| {
        crate::help::help(ctx, &PUBSUB);
        Ok(())
    },
    ..Command::BASE
};

fn channels(ctx: &mut Ctx, args: &Args, kind: Kind) -> Result<(), Error> {
    if args.len() > 3 {
        return Err(Error::unknown_subcommand_or_arity("PUBSUB", args.get(1)));
    }
    let names = ctx.node.pubsub.channels(kind, args.opt(2));
    ctx.reply.array(names.len());
    for name in &names {
        ctx.reply.bulk(name);
    }
    Ok(())
}

fn subscribers(ctx: &mut Ctx, args: &Args, kind: Kind) -> Result<(), Error> {
    ctx.reply.array((args.len() - 2) * 2);
    for name in args.iter_from(2) {
        ctx.reply.bulk(name);
        ctx.reply.int(ctx.node.pubsub.subscriber_count(kind, name) as i64);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn who_listens() {
        check(
            "c2> SUBSCRIBE aa ab b -> *; c2> <- *; c2> <- *; c3> SUBSCRIBE b -> *; c3> SSUBSCRIBE s -> *; c3> PSUBSCRIBE p -> *
             PUBSUB CHANNELS -> {aa ab b}; PUBSUB CHANNELS a* -> {aa ab}; PUBSUB CHANNELS p -> []; PUBSUB SHARDCHANNELS -> [s]
             PUBSUB SHARDCHANNELS a* -> []; PUBSUB NUMSUB -> []; PUBSUB NUMSUB b none aa -> [b :2 none :0 aa :1]
             PUBSUB SHARDNUMSUB s b -> [s :1 b :0]; PUBSUB SHARDNUMSUB -> []; INFO stats -> *",
        );
        check("c2> PSUBSCRIBE a b -> *; c2> <- *; c3> PSUBSCRIBE b c -> *; c3> <- *; PUBSUB NUMPAT -> :3");
        check("HELLO 3; PUBSUB NUMSUB a -> [a :0]; PUBSUB CHANNELS -> []");
    }

    #[test]
    fn refuses() {
        check(
            "PUBSUB -> -ERR wrong number of arguments for 'pubsub' command; PUBSUB NUMPAT x -> -ERR wrong number of arguments for 'pubsub|numpat' command; PUBSUB X -> -ERR unknown subcommand 'X'. Try PUBSUB HELP.",
        );
        check(
            "PUBSUB CHANNELS a b -> -ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP.",
        );
    }
}
