//! Searching an area, and saying or storing what was found: the body of GEOSEARCH, GEORADIUS and their kin.

use super::place;
use super::search_words::{Order, Words};
use crate::sorted_set::limits::limits;
use exec::{Ctx, Deadline, Error, Key, notify};
use types::SortedSet;
use types::geo::Point;

pub(super) struct Found {
    member: Box<[u8]>,
    score: f64,
    place: Point,
    /// Metres from the middle.
    distance: f64,
}

/// What lies in the area, in the order and number asked for.
pub(super) fn search(set: &SortedSet, words: &Words) -> Vec<Found> {
    let Some(area) = words.area() else { return Vec::new() };
    let enough = if words.any { words.count.unwrap_or(usize::MAX) } else { usize::MAX };
    let mut found = Vec::new();
    let bounds = area.bounds();
    'cells: for range in area.score_ranges() {
        let ranks = set.count_below(range.start, false)..set.count_below(range.end, false);
        for (member, score) in set.range(ranks, false) {
            let place = Point::of_score(score);
            if !bounds.may_hold(place) {
                continue;
            }
            if let Some(distance) = area.distance_inside(place) {
                found.push(Found { member: member.into(), score, place, distance });
                if found.len() == enough {
                    break 'cells;
                }
            }
        }
    }
    // The nearest ones are meant when only a number is given.
    let order = words.order.or((words.count.is_some() && !words.any).then_some(Order::Ascending));
    match order {
        Some(Order::Ascending) => found.sort_by(|a, b| a.distance.total_cmp(&b.distance)),
        Some(Order::Descending) => found.sort_by(|a, b| b.distance.total_cmp(&a.distance)),
        None => {}
    }
    found.truncate(words.count.unwrap_or(usize::MAX));
    found
}

pub(super) fn say(ctx: &mut Ctx, found: &[Found], words: &Words) {
    let reply = &mut *ctx.reply;
    let more = usize::from(words.with_dist) + usize::from(words.with_hash) + usize::from(words.with_coord);
    reply.array(found.len());
    for it in found {
        if more > 0 {
            reply.array(1 + more);
        }
        reply.bulk(&it.member);
        if words.with_dist {
            place::say_distance(reply, it.distance / words.unit);
        }
        if words.with_hash {
            reply.int(it.score as i64);
        }
        if words.with_coord {
            place::say_point(reply, it.place);
        }
    }
}

pub(super) fn store(ctx: &mut Ctx, key: Key, found: &[Found], words: &Words, event: &'static str) -> Result<(), Error> {
    let (limits, mut set) = (limits(ctx.node), SortedSet::new());
    for it in found {
        let score = if words.store_distance { it.distance / words.unit } else { it.score };
        set.insert(&it.member, score, limits);
    }
    if ctx.db.put(key, set, Deadline::None)? {
        ctx.db.event(notify::ZSET, event, key.bytes);
        ctx.dirty(found.len() as u64 - 1);
    }
    ctx.reply.int(found.len() as i64);
    Ok(())
}
