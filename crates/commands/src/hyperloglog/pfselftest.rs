//! PFSELFTEST
//!
//! Adds known elements to a value of its own, sparse and dense, and looks whether the counts are near enough.

use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group};
use types::hyperloglog::{self, Element};

pub static PFSELFTEST: Command = Command {
    name: "PFSELFTEST",
    group: Group::HyperLogLog,
    since: "2.8.9",
    arity: Arity::Exactly(1),
    flags: Flags::ADMIN,
    categories: Categories::HYPERLOGLOG,
    complexity: "N/A",
    summary: "Checks that counting works.",
    run,
    ..Command::BASE
};

/// Takes a few milliseconds.
const ELEMENTS: u64 = 100_000;
/// Six standard errors of 1.04 / sqrt(16384).
const ERROR_MAX: f64 = 0.05;

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    let broken = |_| Error::Static("ERR TESTFAILED sparse encoding: the registers are not covered");
    let (mut sparse, mut next) = (hyperloglog::empty(), 1);
    let mut dense = hyperloglog::to_dense(&sparse).map_err(broken)?;
    for i in 1..=ELEMENTS {
        let element = Element::of(&i.to_le_bytes());
        let raised = hyperloglog::raise(&mut sparse, element, 3000).map_err(broken)?;
        if raised != hyperloglog::raise_dense(&mut dense, element) {
            return Err(Error::text(format!("ERR TESTFAILED sparse and dense differ at element {i}")));
        }
        if i < next {
            continue;
        }
        next *= 10;
        let counts = [&sparse, &dense].map(|value| hyperloglog::count(value));
        let [sparse_count, dense_count] = counts;
        let count = dense_count.map_err(broken)?;
        if sparse_count != Ok(count) || (count as f64 - i as f64).abs() > (i as f64 * ERROR_MAX).ceil() {
            return Err(Error::text(format!("ERR TESTFAILED {i} elements were counted as {count}")));
        }
    }
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn passes() {
        check("PFSELFTEST -> +OK");
    }
}
