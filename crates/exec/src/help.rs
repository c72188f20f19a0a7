//! HELP of a container command: a line per subcommand, made from the rows.

use crate::command::{Arg, ArgKind, Command};
use crate::ctx::Ctx;

pub fn help(ctx: &mut Ctx, container: &Command) {
    let mut lines = vec![format!("{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", container.name)];
    for sub in container.subcommands {
        lines.push(format!("{}{}", sub.name, synopsis(sub.docs)));
        lines.push(format!("    {}", sub.summary));
    }
    ctx.reply.array(lines.len());
    for line in &lines {
        ctx.reply.simple(line);
    }
}

/// The arguments in the usual notation.
fn synopsis(args: &[Arg]) -> String {
    args.iter().map(|arg| format!(" {}", one(arg))).collect()
}

fn one(arg: &Arg) -> String {
    let value = match arg.kind {
        ArgKind::PureToken => String::new(),
        ArgKind::OneOf if !arg.args.is_empty() => {
            let choices: Vec<String> = arg.args.iter().map(one).collect();
            format!("({})", choices.join("|"))
        }
        ArgKind::Block if !arg.args.is_empty() => synopsis(arg.args).trim_start().to_string(),
        ArgKind::String
        | ArgKind::Integer
        | ArgKind::Double
        | ArgKind::Key
        | ArgKind::Pattern
        | ArgKind::UnixTime
        | ArgKind::OneOf
        | ArgKind::Block => format!("<{}>", arg.name),
    };
    let mut text = match (arg.token, value.is_empty()) {
        (Some(token), true) => token.to_string(),
        (Some(token), false) => format!("{token} {value}"),
        (None, _) => value,
    };
    if arg.multiple {
        text.push_str(" ...");
    }
    if arg.optional { format!("[{text}]") } else { text }
}
