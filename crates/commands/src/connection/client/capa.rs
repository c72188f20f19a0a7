//! CLIENT CAPA capability [capability …], CLIENT IMPORT-SOURCE ON|OFF
//!
//! Valkey's: what the client's library can do (`redirect`: it understands -REDIRECT, which is not sent yet), and that it
//! brings in the data of another server: with `import-mode` it sees keys past their time, and nobody removes them. Capabilities that are not known are taken and have no effect.

use super::no_touch::{ON_OFF, on_off};
use exec::client::flag;
use exec::options::IMPORT_MODE;
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static CAPA: Command = Command {
    name: "CAPA",
    group: Group::Connection,
    since: "8.0.0",
    arity: Arity::AtLeast(3),
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::ALLOW_BUSY),
    categories: Categories::CONNECTION,
    summary: "Says what the client's library can do.",
    docs: &[Arg { name: "capability", kind: ArgKind::String, multiple: true, ..Arg::BASE }],
    run: capa,
    ..Command::BASE
};

pub static IMPORT_SOURCE: Command = Command {
    name: "IMPORT-SOURCE",
    group: Group::Connection,
    since: "8.1.0",
    arity: Arity::Exactly(3),
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    categories: Categories::CONNECTION,
    summary: "Says that this client brings in another server's data.",
    docs: &[Arg { name: "enabled", kind: ArgKind::OneOf, args: ON_OFF, ..Arg::BASE }],
    run: import_source,
    ..Command::BASE
};

fn import_source(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let on = on_off(args)?;
    if on && !ctx.node.config.get(&IMPORT_MODE) {
        return Err(Error::Static("ERR Server is not in import mode"));
    }
    ctx.session.imports = on;
    ctx.session.record.set_flag(flag::IMPORTS, on);
    ctx.reply.ok();
    Ok(())
}

fn capa(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    ctx.session.redirects |= (2..args.len()).any(|i| args.is(i, "redirect"));
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn an_import_sees_keys_past_their_time_and_nobody_removes_them() {
        let mut node = crate::node(&[("import-mode", "yes")]);
        node.converse(
            "SET k v PX 100; ~200ms; DBSIZE -> :1; GET k -> nil; CLIENT IMPORT-SOURCE ON -> +OK; GET k -> v; \
             CLIENT IMPORT-SOURCE OFF -> +OK; GET k -> nil; DBSIZE -> :1",
        );
        check("CLIENT IMPORT-SOURCE ON -> -ERR Server is not in import mode; CLIENT IMPORT-SOURCE OFF -> +OK");
    }

    #[test]
    fn takes_any() {
        check("CLIENT CAPA redirect -> +OK; CLIENT CAPA x y -> +OK; CLIENT CAPA -> -ERR wrong number of arguments");
    }
}
