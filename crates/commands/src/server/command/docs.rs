//! COMMAND DOCS [name …]
//!
//! A map from name to what the row says for readers: summary, since, group, complexity, history,
//! arguments, subcommands.

use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Group, Node};
use proto::Reply;

pub static DOCS: Command = Command {
    name: "DOCS",
    group: Group::Server,
    since: "7.0.0",
    arity: Arity::AtLeast(2),
    flags: super::FLAGS,
    categories: Categories::CONNECTION,
    complexity: "O(N), N = names",
    summary: "Documents some or all commands.",
    tips: &["nondeterministic_output_order"],
    docs: &[Arg { name: "command-name", optional: true, multiple: true, ..Arg::BASE }],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let numbers: Vec<u16> = match args.len() {
        2 => ctx.node.commands.top_level().collect(),
        _ => args.iter_from(2).filter_map(|name| ctx.node.commands.find_full(name)).collect(),
    };
    ctx.reply.map(numbers.len());
    for number in numbers {
        document(ctx.reply, ctx.node, number);
    }
    Ok(())
}

fn document(reply: &mut Reply, node: &Node, number: u16) {
    let row = node.commands.row(number);
    let command = row.command;
    reply.bulk_str(&row.full_name);
    let fields = reply.map_later();
    let mut count = 3;
    text(reply, "summary", command.summary);
    text(reply, "since", command.since);
    text(reply, "group", command.group.name());
    if !command.complexity.is_empty() {
        text(reply, "complexity", command.complexity);
        count += 1;
    }
    if let Some((since, instead)) = command.deprecated {
        reply.bulk_str("doc_flags");
        reply.set(1);
        reply.simple("deprecated");
        text(reply, "deprecated_since", since);
        text(reply, "replaced_by", instead);
        count += 3;
    }
    if !command.history.is_empty() {
        reply.bulk_str("history");
        reply.set(command.history.len());
        for (version, change) in command.history {
            reply.array(2);
            reply.bulk_str(version);
            reply.bulk_str(change);
        }
        count += 1;
    }
    if !command.docs.is_empty() {
        reply.bulk_str("arguments");
        arguments(reply, command.docs);
        count += 1;
    }
    if !row.subcommands.is_empty() {
        reply.bulk_str("subcommands");
        reply.map(row.subcommands.len());
        for &sub in &row.subcommands {
            document(reply, node, sub);
        }
        count += 1;
    }
    reply.map_finish(fields, count);
}

fn text(reply: &mut Reply, name: &str, value: &str) {
    reply.bulk_str(name);
    reply.bulk_str(value);
}

fn arguments(reply: &mut Reply, args: &[Arg]) {
    reply.array(args.len());
    for arg in args {
        let fields = reply.map_later();
        let mut count = 2;
        text(reply, "name", arg.name);
        text(reply, "type", kind_name(arg.kind));
        if let Some(spec) = arg.key_spec {
            reply.bulk_str("key_spec_index");
            reply.int(spec.into());
            count += 1;
        }
        if let Some(token) = arg.token {
            text(reply, "token", token);
            count += 1;
        }
        if let Some(since) = arg.since {
            text(reply, "since", since);
            count += 1;
        }
        let flags = [(arg.optional, "optional"), (arg.multiple, "multiple"), (arg.multiple_token, "multiple_token")];
        let flags: Vec<&str> = flags.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
        if !flags.is_empty() {
            reply.bulk_str("flags");
            reply.set(flags.len());
            for flag in flags {
                reply.simple(flag);
            }
            count += 1;
        }
        if !arg.args.is_empty() {
            reply.bulk_str("arguments");
            arguments(reply, arg.args);
            count += 1;
        }
        reply.map_finish(fields, count);
    }
}

fn kind_name(kind: ArgKind) -> &'static str {
    match kind {
        ArgKind::String => "string",
        ArgKind::Integer => "integer",
        ArgKind::Double => "double",
        ArgKind::Key => "key",
        ArgKind::Pattern => "pattern",
        ArgKind::UnixTime => "unix-time",
        ArgKind::PureToken => "pure-token",
        ArgKind::OneOf => "oneof",
        ArgKind::Block => "block",
    }
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn documents() {
        check(
            "COMMAND DOCS get nosuch -> [get [summary * since 1.0.0 group string complexity O(1) arguments [[name key type key key_spec_index :0]]]]",
        );
    }
}
