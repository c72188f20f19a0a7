//! DEBUG LISTPACK key, DEBUG QUICKLIST key [0 | 1]
//!
//! A line in the server's log about how the elements of a small collection, or of a long list, are kept. The answers are
//! Redis's, which prints to its standard output.

use exec::{Args, Ctx, Error};
use types::{List, Typed};

pub(super) fn listpack(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let Some(entry) = ctx.db.peek(args.as_key(args.get(2)))? else { return Err(Error::NoSuchKey) };
    let encoding = entry.kind().encoding_name();
    let object = entry.object().filter(|_| encoding.starts_with("listpack"));
    let Some(object) = object else { return Err(Error::Static("ERR Not a listpack encoded object.")) };
    kit::notice!("DEBUG LISTPACK: {encoding} of {} elements in {} bytes", object.len(), object.mem_bytes());
    ctx.reply.simple("Listpack structure printed on stdout");
    Ok(())
}

pub(super) fn quicklist(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let Some(entry) = ctx.db.peek(args.as_key(args.get(2)))? else { return Err(Error::NoSuchKey) };
    let object = entry.object();
    let chunks = object.as_ref().and_then(|object| List::from_ref(object)?.chunks());
    let (Some((count, bytes)), Some(object)) = (chunks, object) else {
        return Err(Error::Static("ERR Not a quicklist encoded object."));
    };
    let (len, own) = (object.len(), object.mem_bytes());
    kit::notice!("DEBUG QUICKLIST: {len} elements in {count} chunks of {own} bytes; one listpack of them: {bytes}");
    ctx.reply.simple("Quicklist structure printed on stdout");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::check;

    #[test]
    fn tells_of_small_and_of_long_ones() {
        check(
            "HSET h a 1; DEBUG LISTPACK h -> +Listpack structure printed on stdout; HPEXPIRE h 50 FIELDS 1 a; DEBUG LISTPACK h -> +Listpack structure printed on stdout; SADD s 1; DEBUG LISTPACK s -> -ERR Not a listpack encoded object.; SET k v; DEBUG LISTPACK k -> -ERR Not a listpack; DEBUG LISTPACK none -> -ERR no such key",
        );
        check(
            "CONFIG SET list-max-listpack-size 2; RPUSH l a b; DEBUG QUICKLIST l -> -ERR Not a quicklist encoded object.; RPUSH l c; DEBUG QUICKLIST l 1 -> +Quicklist structure printed on stdout; DEBUG LISTPACK l -> -ERR Not a listpack; DEBUG QUICKLIST none -> -ERR no such key",
        );
    }
}
