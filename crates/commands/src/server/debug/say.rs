//! DEBUG LOG message, DEBUG ERROR message, DEBUG STRINGMATCH-LEN length pattern

use exec::options::PROTO_MAX_BULK;
use exec::{Args, Ctx, Error};

/// Test suites mark their steps in the log by this.
pub(super) fn log(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    kit::warning!("DEBUG LOG: {}", args.text(2));
    ctx.reply.ok();
    Ok(())
}

pub(super) fn error(_: &mut Ctx, args: &Args) -> Result<(), Error> {
    Err(Error::text(args.text(2)))
}

/// 1 or 0. For patterns that take a bad matcher for ever.
pub(super) fn stringmatch(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let len = args.count(2)?;
    if len as u64 > ctx.node.config.get(&PROTO_MAX_BULK).max(0) as u64 {
        return Err(Error::StringTooLong);
    }
    let fits = kit::glob::matches(args.get(3), &vec![b'a'; len], false);
    ctx.reply.int(i64::from(fits));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::check;

    #[test]
    fn says_what_it_is_told() {
        check("DEBUG LOG hi -> +OK; DEBUG ERROR \"FOO bar\" -> -FOO bar; DEBUG ERROR \"\" -> -");
        check(
            "INFO errorstats -> \"# Errorstats\\r\\n\"; DEBUG ERROR \"FOO bar\"; INFO errorstats -> \"# Errorstats\\r\\nerrorstat_FOO:count=1\\r\\n\"",
        );
    }

    #[test]
    fn matches_patterns() {
        check(
            "DEBUG STRINGMATCH-LEN 3 a*a -> :1; DEBUG STRINGMATCH-LEN 3 ?? -> :0; DEBUG STRINGMATCH-LEN 30000 a*a*a*a*a*a*b -> :0",
        );
        check(
            "DEBUG STRINGMATCH-LEN -1 a -> -ERR value is out of range, must be positive; DEBUG STRINGMATCH-LEN 99999999999 a -> -ERR string exceeds",
        );
    }
}
