//! DEBUG MALLCTL name [value], DEBUG MALLCTL-STR name [VOID]
//!
//! The allocator's own settings and statistics. Setting a number answers with the one before. Texts can only
//! be read; `VOID` has the allocator do something that has neither value nor result, and only what cannot hurt.

use exec::{Args, Ctx, Error};
use kit::alloc::{self, MallctlError};

pub(super) fn number(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let name = args.text(2);
    let done = match args.len() {
        3 => alloc::mallctl_i64(&name),
        _ => alloc::mallctl_set_i64(&name, args.int(3)?),
    };
    ctx.reply.int(done.map_err(in_words)?);
    Ok(())
}

pub(super) fn text(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let name = args.text(2);
    if args.len() == 3 {
        let text = alloc::mallctl_str(&name).map_err(in_words)?;
        ctx.reply.bulk_str(&text);
        return Ok(());
    }
    match name.as_str() {
        _ if !args.is(3, "VOID") => return Err(Error::Static("ERR the allocator's texts can only be read")),
        "thread.tcache.flush" => alloc::flush_thread(),
        "arena.4096.purge" => alloc::purge(),
        _ => return Err(Error::Static("ERR No such file or directory")),
    }
    ctx.reply.ok();
    Ok(())
}

/// The C library's words for the error, as Redis gives them.
fn in_words(error: MallctlError) -> Error {
    let text = std::io::Error::from_raw_os_error(error.0).to_string();
    Error::err(text.split(" (os error").next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::check;

    #[test]
    fn asks_the_allocator() {
        check(
            "DEBUG MALLCTL arenas.page -> 4096..65536; DEBUG MALLCTL nosuch -> -ERR No such file or directory; DEBUG MALLCTL version x -> -ERR value is not an integer",
        );
        check(
            "DEBUG MALLCTL-STR version -> 5.*; DEBUG MALLCTL-STR epoch -> -ERR Invalid argument; DEBUG MALLCTL-STR thread.tcache.flush VOID -> +OK",
        );
        check(
            "DEBUG MALLCTL-STR arena.0.reset VOID -> -ERR No such file; DEBUG MALLCTL-STR version x -> -ERR the allocator's texts can only be read",
        );
    }
}
