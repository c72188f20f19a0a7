//! DEBUG SLEEP seconds: holds the world, and so everybody, for that long. What is no number is 0.

use exec::{Args, Ctx, Error};

pub(super) fn sleep(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let seconds = kit::text::parse_f64(args.get(2)).unwrap_or(0.0);
    // `as` leaves out what is negative and stops at the largest.
    ctx.node.clock.sleep_us((seconds * 1e6) as u64);
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::check;

    #[test]
    fn time_goes_on() {
        check(
            "DEBUG SLEEP 1.5 -> +OK; TIME -> [1767225601 500000]; DEBUG SLEEP x -> +OK; DEBUG SLEEP -1 -> +OK; TIME -> [1767225601 500000]",
        );
    }
}
