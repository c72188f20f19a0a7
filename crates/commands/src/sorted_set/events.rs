//! Events of all commands of the group.

use crate::node;

#[test]
fn all_are_published() {
    let mut node = node(&[("notify-keyspace-events", "KEA")]);
    node.converse("SUBSCRIBE __keyspace@0__:z __keyspace@0__:d");
    let mut expect = |command: &str, events: &str| {
        node.converse(&format!("c2> {command}"));
        let (key, events) = events.split_once(' ').expect("key and events");
        for event in events.split(' ') {
            node.converse(&format!("<- [message __keyspace@0__:{key} {event}]"));
        }
        node.converse("<- silence");
    };
    expect("ZADD z 1 a 2 b 3 c 4 d 5 e 6 f 7 g", "z zadd");
    expect("ZADD z INCR 1 a", "z zincr");
    expect("ZINCRBY z 1 a", "z zincr");
    expect("ZREM z a", "z zrem");
    expect("ZPOPMIN z", "z zpopmin");
    expect("ZPOPMAX z", "z zpopmax");
    expect("ZMPOP 1 z MIN", "z zpopmin");
    expect("BZPOPMAX z 0", "z zpopmax");
    expect("ZRANGESTORE d z 0 -1", "d zrangestore");
    expect("ZUNIONSTORE d 1 z", "d zunionstore");
    expect("ZINTERSTORE d 1 z", "d zinterstore");
    expect("ZDIFFSTORE d 1 z", "d zdiffstore");
    expect("ZDIFFSTORE d 2 z z", "d del");
    expect("ZADD z 1 h 1 i 1 j 1 k", "z zadd");
    expect("ZREMRANGEBYRANK z 0 0", "z zremrangebyrank");
    expect("ZREMRANGEBYLEX z [i [i", "z zremrangebylex");
    expect("ZREMRANGEBYSCORE z -inf inf", "z zremrangebyscore del");
}
