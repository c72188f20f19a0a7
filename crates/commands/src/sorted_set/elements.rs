//! How elements stand in replies.

use proto::Reply;
use types::SortedSet;
use types::sorted_set::{Iter, Limits};

/// Members, or members and scores: in RESP2 one after the other, in RESP3 in pairs.
pub(super) fn write<'a>(
    reply: &mut Reply,
    elements: impl ExactSizeIterator<Item = (&'a [u8], f64)>,
    with_scores: bool,
) {
    if !with_scores {
        reply.array(elements.len());
        return elements.for_each(|(member, _)| reply.bulk(member));
    }
    if reply.is_resp3() {
        return write_pairs(reply, elements);
    }
    reply.array(elements.len() * 2);
    for (member, score) in elements {
        reply.bulk(member);
        reply.double(score);
    }
}

/// One element; with its score it is a pair in RESP3.
pub(super) fn say(reply: &mut Reply, (member, score): (&[u8], f64), with_scores: bool) {
    if with_scores && reply.is_resp3() {
        reply.array(2);
    }
    reply.bulk(member);
    if with_scores {
        reply.double(score);
    }
}

/// Each element a pair, in RESP2 too.
pub(super) fn write_pairs<'a>(reply: &mut Reply, elements: impl ExactSizeIterator<Item = (&'a [u8], f64)>) {
    reply.array(elements.len());
    for (member, score) in elements {
        reply.array(2);
        reply.bulk(member);
        reply.double(score);
    }
}

/// A sorted set with these elements.
pub(super) fn collect(elements: Iter, limits: Limits) -> SortedSet {
    let mut set = SortedSet::new();
    for (member, score) in elements {
        set.insert(member, score, limits);
    }
    set
}
