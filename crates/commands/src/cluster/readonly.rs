//! READONLY, READWRITE, ASKING
//!
//! How a cluster client wants its next commands taken: READONLY lets a replica answer reads, ASKING lets a node answer
//! for a slot that is on its way to it. Refused outside cluster mode.

use exec::client::flag;
use exec::options::CLUSTER_ENABLED;
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static READONLY: Command =
    Command { name: "READONLY", summary: "Lets a replica answer this client's reads.", run: readonly, ..BOTH };

pub static READWRITE: Command = Command { name: "READWRITE", summary: "Ends READONLY.", run: readwrite, ..BOTH };

const BOTH: Command = Command {
    group: Group::Cluster,
    since: "3.0.0",
    arity: Arity::Exactly(1),
    flags: Flags::FAST.and(Flags::LOADING).and(Flags::STALE),
    categories: Categories::CONNECTION,
    ..Command::BASE
};

pub static ASKING: Command = Command {
    name: "ASKING",
    group: Group::Cluster,
    since: "3.0.0",
    arity: Arity::Exactly(1),
    flags: Flags::FAST,
    categories: Categories::CONNECTION,
    summary: "The next command may ask for a slot that is on its way to this node.",
    run: asking,
    ..Command::BASE
};

fn in_cluster(ctx: &Ctx) -> Result<(), Error> {
    match ctx.node.config.get(&CLUSTER_ENABLED) {
        true => Ok(()),
        false => Err(Error::Static("ERR This instance has cluster support disabled")),
    }
}

fn set_readonly(ctx: &mut Ctx, on: bool) -> Result<(), Error> {
    in_cluster(ctx)?;
    ctx.session.readonly = on;
    ctx.session.record.set_flag(flag::READONLY, on);
    ctx.reply.ok();
    Ok(())
}

fn readonly(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    set_readonly(ctx, true)
}

fn readwrite(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    set_readonly(ctx, false)
}

fn asking(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    in_cluster(ctx)?;
    ctx.session.asking = true;
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn need_cluster_mode() {
        check(
            "READONLY -> -ERR This instance has cluster support disabled; READWRITE -> -ERR This; ASKING -> -ERR This",
        );
    }

    #[test]
    fn switch_in_cluster_mode() {
        let mut node = node(&[("cluster-enabled", "yes")]);
        node.converse("READONLY -> +OK");
        assert!(node.client(1).session.readonly);
        node.converse("READWRITE -> +OK; ASKING -> +OK");
        assert!(!node.client(1).session.readonly && node.client(1).session.asking);
    }
}
