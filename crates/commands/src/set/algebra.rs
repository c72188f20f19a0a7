//! Intersection, union and difference of sets, member by member.
//!
//! Nothing is built on the way: a member is taken from one set and looked for in the others. Each function calls
//! `each` once for every member of the result.

use exec::{Args, Ctx, Deadline, Error, Key, View, notify};
use proto::Reply;
use types::Set;
use types::set::Member;

/// A set, or a key where there is none.
pub(super) type Operand<'a> = Option<View<'a, Set>>;

pub(super) fn say(reply: &mut Reply, member: Member<'_>) {
    match member {
        Member::Int(n) => reply.bulk_int(n),
        Member::Text(bytes) => reply.bulk(bytes),
    }
}

/// The words from `first` to the end.
pub(super) fn keys<'a>(args: &Args<'a>, first: usize) -> Vec<Key<'a>> {
    (first..args.len()).map(|i| args.key(i)).collect()
}

/// Goes over the smallest set; stops when `each` says false.
pub(super) fn intersection(sets: &[Operand<'_>], mut each: impl FnMut(Member<'_>) -> bool) {
    let Some(mut sets) = sets.iter().map(Option::as_deref).collect::<Option<Vec<&Set>>>() else { return };
    // What is not everywhere is most likely not in the second smallest.
    sets.sort_by_key(|set| set.len());
    let Some((smallest, others)) = sets.split_first() else { return };
    for member in smallest.iter() {
        if others.iter().all(|set| set.contains(member)) && !each(member) {
            return;
        }
    }
}

/// Goes over the first set.
pub(super) fn difference(sets: &[Operand<'_>], mut each: impl FnMut(Member<'_>)) {
    let Some((Some(first), others)) = sets.split_first() else { return };
    let mut others: Vec<&Set> = others.iter().flatten().map(|set| &**set).collect();
    // What is somewhere is most likely in the largest.
    others.sort_by_key(|set| std::cmp::Reverse(set.len()));
    first.iter().filter(|&member| !others.iter().any(|set| set.contains(member))).for_each(&mut each);
}

/// Goes over all, the largest first; a member counts where it is met first.
pub(super) fn union(sets: &[Operand<'_>], mut each: impl FnMut(Member<'_>)) {
    let mut sets: Vec<&Set> = sets.iter().flatten().map(|set| &**set).collect();
    sets.sort_by_key(|set| std::cmp::Reverse(set.len()));
    for (i, set) in sets.iter().enumerate() {
        let before = &sets[..i];
        set.iter().filter(|&member| !before.iter().any(|set| set.contains(member))).for_each(&mut each);
    }
}

/// Puts a result at a key, whatever was there, and answers with its size.
pub(super) fn store(ctx: &mut Ctx, key: Key, result: Set, event: &'static str) -> Result<(), Error> {
    let len = result.len();
    if ctx.db.put(key, result, Deadline::None)? {
        ctx.db.event(notify::SET, event, key.bytes);
    }
    ctx.reply.int(len as i64);
    Ok(())
}
