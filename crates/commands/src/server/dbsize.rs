//! DBSIZE
//!
//! Keys past their time count until somebody removes them.

use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static DBSIZE: Command = Command {
    name: "DBSIZE",
    group: Group::Server,
    since: "1.0.0",
    arity: Arity::Exactly(1),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    summary: "Counts the keys of the selected database.",
    tips: &["request_policy:all_shards", "response_policy:agg_sum"],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    let count = ctx.db.len();
    ctx.reply.int(count as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn counts() {
        check(
            "DBSIZE -> :0; SET a 1; SET b 1; SET a 2; DBSIZE -> :2; SELECT 1; DBSIZE -> :0; SELECT 0; DEL a; DBSIZE -> :1; DBSIZE x -> -ERR wrong number",
        );
    }
}
