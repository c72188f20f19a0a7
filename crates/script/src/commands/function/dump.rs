//! FUNCTION DUMP
//!
//! Each library as snapshots hold it, then version and checksum, as of a value that DUMP gives.

use super::BASE;
use exec::{Args, Arity, Command, Ctx, Error};
use types::rdb::{self, Form};

/// In front of a library's code.
pub(super) const LIBRARY: u8 = 245;

pub static DUMP: Command = Command {
    name: "DUMP",
    arity: Arity::Exactly(2),
    complexity: "O(N) with N functions.",
    summary: "All libraries in a form that FUNCTION RESTORE takes.",
    run,
    ..BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    let compress = ctx.node.config.get(&exec::options::RDB_COMPRESSION);
    let mut payload = Vec::new();
    for code in &*ctx.node.libraries.lock() {
        payload.push(LIBRARY);
        rdb::write_string(code, compress, &mut payload);
    }
    rdb::seal_payload(Form::for_dump_of_string(compress).version, &mut payload);
    ctx.reply.bulk(&payload);
    Ok(())
}
