//! LPOS key element [RANK rank] [COUNT matches] [MAXLEN len]
//!
//! Places of elements that equal this one. RANK says with which match to begin, a negative one searches from the end;
//! COUNT makes the answer an array, 0 of all matches; MAXLEN ends the search after so many elements, 0 for none.

use super::lrem::signed;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use types::List;
use types::list::{Element, Side};

pub static LPOS: Command = Command {
    name: "LPOS",
    group: Group::List,
    since: "6.0.6",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY,
    categories: Categories::LIST,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(N), N = elements looked at",
    summary: "Places of elements by their value.",
    docs: &[
        Arg::key("key", 0),
        Arg::new("element", ArgKind::String),
        Arg::new("rank", ArgKind::Integer).after("RANK").optional(),
        Arg::new("num-matches", ArgKind::Integer).after("COUNT").optional(),
        Arg::new("len", ArgKind::Integer).after("MAXLEN").optional(),
    ],
    run,
    ..Command::BASE
};

struct Search {
    from: Side,
    /// Matches passed over.
    skip: usize,
    count: Option<usize>,
    looked_max: usize,
}

fn parse(args: &Args) -> Result<Search, Error> {
    let mut search = Search { from: Side::Front, skip: 0, count: None, looked_max: usize::MAX };
    let natural = |i: usize, error| args.int(i).ok().and_then(|n| usize::try_from(n).ok()).ok_or(Error::Static(error));
    for i in (3..args.len()).step_by(2) {
        if i + 1 == args.len() {
            return Err(Error::Syntax);
        }
        if args.is(i, "RANK") {
            let rank = signed(args, i + 1)?;
            if rank == 0 {
                return Err(Error::Static(
                    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use \
                     negative to start from the end of the list",
                ));
            }
            search.from = if rank > 0 { Side::Front } else { Side::Back };
            search.skip = rank.unsigned_abs() as usize - 1;
        } else if args.is(i, "COUNT") {
            search.count = Some(natural(i + 1, "ERR COUNT can't be negative")?);
        } else if args.is(i, "MAXLEN") {
            search.looked_max = natural(i + 1, "ERR MAXLEN can't be negative")?;
        } else {
            return Err(Error::Syntax);
        }
    }
    if search.looked_max == 0 {
        search.looked_max = usize::MAX;
    }
    Ok(search)
}

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let search = parse(args)?;
    let Some(list) = ctx.db.read::<List>(args.key(1))? else {
        match search.count {
            Some(_) => ctx.reply.array(0),
            None => ctx.reply.null(),
        }
        return Ok(());
    };
    let (element, len) = (Element::new(args.get(2)), list.len());
    let looked_at = list.walk(search.from, 0).take(search.looked_max).enumerate();
    let found = looked_at.filter(|(_, item)| element.is(*item)).skip(search.skip).map(|(i, _)| match search.from {
        Side::Front => i as i64,
        Side::Back => (len - 1 - i) as i64,
    });
    let Some(count) = search.count else {
        let mut found = found;
        match found.next() {
            Some(place) => ctx.reply.int(place),
            None => ctx.reply.null(),
        }
        return Ok(());
    };
    let later = ctx.reply.array_later();
    let mut told = 0;
    for place in found.take(if count == 0 { usize::MAX } else { count }) {
        ctx.reply.int(place);
        told += 1;
    }
    ctx.reply.array_finish(later, told);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn finds() {
        check(
            "RPUSH l a b c x 2 3 c c; LPOS l a -> :0; LPOS l c -> :2; LPOS l 3 -> :5; LPOS l y -> nil; LPOS l c RANK 2 -> :6; LPOS l c RANK 4 -> nil; LPOS l c RANK -1 -> :7; LPOS l c rank -2 -> :6",
        );
        check(
            "RPUSH l a b c x 2 3 c c; LPOS l c COUNT 0 -> [:2 :6 :7]; LPOS l c COUNT 2 -> [:2 :6]; LPOS l c COUNT 0 RANK 2 -> [:6 :7]; LPOS l c COUNT 2 RANK -1 -> [:7 :6]; LPOS l y COUNT 2 -> []; LPOS none c COUNT 0 RANK 2 -> []; LPOS none c -> nil",
        );
        check(
            "RPUSH l a b c x 2 3 c c; LPOS l a COUNT 0 MAXLEN 1 -> [:0]; LPOS l c COUNT 0 MAXLEN 1 -> []; LPOS l c COUNT 0 MAXLEN 3 -> [:2]; LPOS l c COUNT 0 MAXLEN 3 RANK -1 -> [:7 :6]; LPOS l c COUNT 0 MAXLEN 7 RANK 2 -> [:6]; LPOS l c MAXLEN 0 -> :2",
        );
    }

    #[test]
    fn refuses() {
        check(
            "LPOS l a RANK 0 -> -ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list; LPOS l a RANK -9223372036854775808 -> -ERR value is out of range; LPOS l a RANK x -> -ERR value is not an integer or out of range; LPOS l a COUNT -1 -> -ERR COUNT can't be negative; LPOS l a MAXLEN x -> -ERR MAXLEN can't be negative; LPOS l a MAXLEN -> -ERR syntax error; LPOS l a FOO 1 -> -ERR syntax error; SET s x; LPOS s a -> -WRONGTYPE",
        );
    }
}
