//! CLIENT SETNAME name · CLIENT GETNAME

use exec::{Arg, Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

const FLAGS: Flags = Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::SENTINEL);

pub static SETNAME: Command = Command {
    name: "SETNAME",
    group: Group::Connection,
    since: "2.6.9",
    arity: Arity::Exactly(3),
    flags: FLAGS,
    categories: Categories::CONNECTION,
    summary: "Gives the connection a name.",
    docs: &[Arg { name: "connection-name", ..Arg::BASE }],
    run: set,
    ..Command::BASE
};

pub static GETNAME: Command = Command {
    name: "GETNAME",
    group: Group::Connection,
    since: "2.6.9",
    arity: Arity::Exactly(2),
    flags: FLAGS,
    categories: Categories::CONNECTION,
    summary: "Returns the connection's name.",
    run: get,
    ..Command::BASE
};

fn set(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let name = valid_name(args.get(2), "Client names")?;
    ctx.session.record.names.lock().name = name;
    ctx.reply.ok();
    Ok(())
}

fn get(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    let name = ctx.session.record.names.lock().name.clone();
    if name.is_empty() {
        ctx.reply.null();
    } else {
        ctx.reply.bulk_str(&name);
    }
    Ok(())
}

/// A name that can stand in CLIENT LIST: printable, without spaces.
pub fn valid_name(name: &[u8], what: &str) -> Result<String, Error> {
    if name.iter().all(|byte| (b'!'..=b'~').contains(byte)) {
        return Ok(String::from_utf8_lossy(name).into_owned());
    }
    Err(Error::text(format!("ERR {what} cannot contain spaces, newlines or special characters.")))
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn names() {
        check(
            "CLIENT GETNAME -> nil; CLIENT SETNAME me -> +OK; client getName -> me; CLIENT SETNAME \"\" -> +OK; CLIENT GETNAME -> nil",
        );
        check("CLIENT SETNAME \"a b\" -> -ERR Client names cannot contain spaces, newlines or special characters.");
    }
}
