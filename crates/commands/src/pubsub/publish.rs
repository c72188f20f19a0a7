//! PUBLISH channel message · SPUBLISH shardchannel message
//!
//! Sends a message to who listens, and answers how many times it was sent: who listens to a channel and
//! to two patterns gets it three times. A publisher that listens itself gets it after this answer.
//! Goes to replicas, whose clients may listen too; in a cluster the bus carries it instead.

use exec::command::KeyAccess;
use exec::options::CLUSTER_ENABLED;
use exec::pubsub;
use exec::{Arg, ArgKind, Arity, Command, Ctx, Error, Flags, Group, KeySpec};

const FLAGS: Flags = Flags::PUBSUB.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST).and(Flags::MAY_REPLICATE);

pub static PUBLISH: Command = Command {
    name: "PUBLISH",
    group: Group::PubSub,
    since: "2.0.0",
    arity: Arity::Exactly(3),
    flags: FLAGS.and(Flags::SENTINEL),
    complexity: "O(N+M), N = subscribers of the channel, M = patterns there are",
    summary: "Sends a message to a channel.",
    docs: &[Arg::new("channel", ArgKind::String), Arg::new("message", ArgKind::String)],
    run: |ctx, args| {
        let sent = pubsub::publish(ctx.node, args.get(1), args.get(2));
        answer(ctx, sent)
    },
    ..Command::BASE
};

pub static SPUBLISH: Command = Command {
    name: "SPUBLISH",
    group: Group::PubSub,
    since: "7.0.0",
    arity: Arity::Exactly(3),
    flags: FLAGS,
    keys: &[KeySpec::at(1, KeyAccess::NOT_KEY)],
    complexity: "O(N), N = subscribers of the shard channel",
    summary: "Sends a message to a shard channel.",
    docs: &[Arg::new("shardchannel", ArgKind::String), Arg::new("message", ArgKind::String)],
    run: |ctx, args| {
        let sent = pubsub::publish_to_shard(ctx.node, args.get(1), args.get(2));
        answer(ctx, sent)
    },
    ..Command::BASE
};

fn answer(ctx: &mut Ctx, sent: usize) -> Result<(), Error> {
    if !ctx.node.config.get(&CLUSTER_ENABLED) {
        ctx.replay_to_followers();
    }
    ctx.reply.int(sent as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn counts_what_was_sent() {
        check(
            "PUBLISH a hi -> :0; c2> SUBSCRIBE a -> *; c3> SUBSCRIBE a -> *; c3> PSUBSCRIBE ? -> *; PUBLISH a hi -> :3; PUBLISH b hi -> :1; PUBLISH bb hi -> :0",
        );
        check(
            "PUBLISH a -> -ERR wrong number of arguments for 'publish' command; SPUBLISH a b c -> -ERR wrong number of arguments for 'spublish' command",
        );
    }

    #[test]
    fn to_oneself_after_the_answer() {
        check(
            "HELLO 3; SUBSCRIBE a -> *; PUBLISH a hi -> :1; <- [message a hi]; PUBLISH a 1 -> :1; <- [message a 1]; <- silence",
        );
        check(
            "HELLO 3; SUBSCRIBE a -> *; MULTI; PING x; PUBLISH a 1; PUBLISH a 2; PING y; EXEC -> [x :1 :1 y]; <- [message a 1]; <- [message a 2]",
        );
    }

    #[test]
    fn keeps_the_order() {
        let mut node = node(&[]);
        node.converse("c2> SUBSCRIBE a b -> *; c2> <- *; c2> PSUBSCRIBE a* -> *; MULTI");
        let sent: Vec<usize> = (0..100).collect();
        for n in &sent {
            node.ask(1, &["PUBLISH", ["a", "b"][n % 2], &n.to_string()]);
        }
        node.ask(1, &["EXEC"]);
        for n in sent {
            match n % 2 {
                0 => node.converse(&format!("c2> <- [message a {n}]; c2> <- [pmessage a* a {n}]")),
                _ => node.converse(&format!("c2> <- [message b {n}]")),
            }
        }
    }

    #[test]
    fn long_messages_are_shared() {
        let mut node = node(&[]);
        let text = "x".repeat(100_000);
        for client in 2..5 {
            node.ask(client, &["SUBSCRIBE", "a"]);
        }
        node.ask(1, &["PUBLISH", "a", &text]);
        for client in 2..5 {
            node.converse(&format!("c{client}> <- [message a {text}]"));
        }
    }

    #[test]
    fn goes_to_the_log() {
        let mut node = node(&[]);
        node.converse("PUBLISH a hi; SPUBLISH a hi; MULTI; SET k v; PUBLISH a x; EXEC");
        assert_eq!(node.log.lines(), ["PUBLISH a hi", "SPUBLISH a hi", "SET k v", "PUBLISH a x"]);
        assert_eq!(node.log.units().len(), 3);
        assert_eq!(node.node.dirty.load(std::sync::atomic::Ordering::Relaxed), 1);
        let mut node = crate::node(&[("cluster-enabled", "yes")]);
        node.converse("PUBLISH a hi; SPUBLISH a hi");
        assert!(node.log.lines().is_empty());
    }
}
