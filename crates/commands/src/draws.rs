//! Many draws from one collection, members coming again: SRANDMEMBER, HRANDFIELD, ZRANDMEMBER with a count far below 0.
//!
//! The members are copied once, as they will stand in the reply; the draws are made in parts, without the key.

use exec::{Ctx, Error};
use kit::world::Rng;
use proto::Reply;

/// So few draws are made at once.
const FEW: u64 = 20_000;
const PART_BYTES: usize = 16 * 1024;

/// Are these so many draws that copying the `len` members first is the lesser work?
pub(crate) fn are_many(draws: u64, len: usize) -> bool {
    draws > FEW && draws > len as u64 / 4
}

/// Members as they stand in a reply.
pub(crate) struct Members {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Members {
    pub(crate) fn of<T>(resp3: bool, members: impl Iterator<Item = T>, tell: impl Fn(&mut Reply, T)) -> Members {
        let mut one = Reply::new();
        one.set_resp3(resp3);
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for member in members {
            tell(&mut one, member);
            one.slices().for_each(|part| bytes.extend_from_slice(part));
            ends.push(bytes.len());
            one.clear();
        }
        Members { bytes, ends }
    }

    fn get(&self, i: usize) -> &[u8] {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.bytes[start..self.ends[i]]
    }

    /// An array of `announced` elements, made by so many draws.
    pub(crate) fn draw(self, ctx: &mut Ctx, announced: usize, draws: u64, mut rng: Rng) -> Result<(), Error> {
        let (mut left, mut begun) = (draws, false);
        let mem_bytes = self.bytes.capacity() + self.ends.capacity() * size_of::<usize>();
        ctx.reply_in_parts(mem_bytes, move |reply| {
            if !begun {
                reply.array(announced);
                begun = true;
            }
            let start = reply.mark();
            while left > 0 && reply.len_since(start) < PART_BYTES {
                reply.raw(self.get(rng.index(self.ends.len())));
                left -= 1;
            }
            left > 0
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::node;
    use proto::resp_client::Value;
    use std::collections::BTreeMap;

    fn array(value: Value) -> Vec<Value> {
        match value {
            Value::Array(items) => items,
            other => panic!("no array: {other:?}"),
        }
    }

    #[test]
    fn every_member_comes_as_often() {
        for (fill, ask) in [
            ("SADD k a b c", "SRANDMEMBER k"),
            ("HSET k a 1 b 2 c 3", "HRANDFIELD k"),
            ("ZADD k 1 a 2 b 3 c", "ZRANDMEMBER k"),
        ] {
            let mut node = node(&[]);
            node.converse(fill);
            let mut counts = BTreeMap::new();
            array(node.ask_line(&format!("{ask} -60000")))
                .into_iter()
                .for_each(|member| *counts.entry(format!("{member:?}")).or_insert(0) += 1);
            assert_eq!(counts.len(), 3, "{ask}");
            assert!(counts.values().all(|count| (19_000..21_000).contains(count)), "{ask}: {counts:?}");
            assert_eq!(counts.values().sum::<i32>(), 60_000);
            node.converse("PING -> +PONG");
            // In a transaction, and where nobody listens.
            node.converse(&format!("MULTI; {ask} -30000; PING"));
            let replies = array(node.ask_line("EXEC"));
            assert_eq!((array(replies[0].clone()).len(), &replies[1]), (30_000, &Value::Simple("PONG".into())));
            node.converse(&format!("CLIENT REPLY SKIP; {ask} -30000; PING -> +PONG"));
            assert!(node.node.clients.blocked.load(std::sync::atomic::Ordering::Relaxed) == 0);
        }
    }

    #[test]
    fn pairs() {
        let mut node = node(&[]);
        node.converse("HSET h a 1; ZADD z 1 a");
        for ask in ["HRANDFIELD h -30000 WITHVALUES", "ZRANDMEMBER z -30000 WITHSCORES"] {
            let all = array(node.ask_line(ask));
            assert_eq!(
                (all.len(), &all[0], &all[59_999]),
                (60_000, &Value::Bulk(b"a".to_vec()), &Value::Bulk(b"1".to_vec()))
            );
        }
        node.converse("HELLO 3");
        for ask in ["HRANDFIELD h -30000 WITHVALUES", "ZRANDMEMBER z -30000 WITHSCORES"] {
            let all = array(node.ask_line(ask));
            assert_eq!((all.len(), array(all[29_999].clone()).len()), (30_000, 2));
        }
    }

    #[test]
    fn without_an_end() {
        let mut node = node(&[]);
        node.converse("SADD s a; MULTI; SRANDMEMBER s -9223372036854775807");
        let replies = array(node.ask_line("EXEC"));
        assert!(matches!(&replies[0], Value::Error(text) if text.contains("too long")), "{replies:?}");
    }
}
