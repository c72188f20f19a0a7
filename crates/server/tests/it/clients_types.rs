//! redis-rs over the types of collections, waiting for elements, publish/subscribe. `clients.rs` has strings, keys and time.

use crate::clients::{ask, connect, over_both};
use crate::harness::{Server, within};
use redis::{Commands, Connection, Direction, PushInfo, RedisResult, Value, pipe};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// Longer than anything here takes on a busy machine.
const WAIT_MAX: Duration = Duration::from_secs(20);

fn texts<const N: usize>(of: [&str; N]) -> Vec<String> {
    of.map(String::from).to_vec()
}

fn set_of<const N: usize>(of: [&str; N]) -> BTreeSet<String> {
    of.map(String::from).into()
}

#[test]
fn lists() {
    over_both(|con| {
        assert_eq!(con.rpush::<_, _, usize>("l", &["a", "b", "c"]).unwrap(), 3);
        assert_eq!(con.lpush::<_, _, usize>("l", "z").unwrap(), 4);
        assert_eq!(con.lrange::<_, Vec<String>>("l", 0, -1).unwrap(), ["z", "a", "b", "c"]);
        assert_eq!(con.lindex::<_, Option<String>>("l", 9).unwrap(), None);
        let _: () = con.lset("l", 0, "y").unwrap();
        assert_eq!(con.linsert_before::<_, _, _, i64>("l", "b", "x").unwrap(), 5);
        assert_eq!(con.lrem::<_, _, usize>("l", 0, "x").unwrap(), 1);
        assert_eq!(con.lmove::<_, _, String>("l", "m", Direction::Left, Direction::Right).unwrap(), "y");
        assert_eq!(con.lpop::<_, Vec<String>>("l", std::num::NonZero::new(2)).unwrap(), ["a", "b"]);
        assert_eq!(con.rpop::<_, Option<String>>("none", None).unwrap(), None);
        assert_eq!(con.llen::<_, usize>("l").unwrap(), 1);
        let _: () = con.ltrim("l", 1, 0).unwrap();
        assert!(!con.exists::<_, bool>("l").unwrap());
        assert_eq!(ask::<Vec<usize>>(con, "LPOS m y COUNT 0"), [0]);
        assert_eq!(ask::<(String, Vec<String>)>(con, "LMPOP 2 l m LEFT"), ("m".into(), texts(["y"])));
        assert_eq!(con.blpop::<_, Option<(String, String)>>("none", 0.02).unwrap(), None);
    });
}

#[test]
fn hashes() {
    over_both(|con| {
        let _: () = con.hset_multiple("h", &[("a", 1), ("b", 2), ("c", 3)]).unwrap();
        assert_eq!(con.hget::<_, _, i64>("h", "b").unwrap(), 2);
        let all: BTreeMap<String, i64> = con.hgetall("h").unwrap();
        assert_eq!(all, [("a", 1), ("b", 2), ("c", 3)].map(|(field, n)| (field.to_string(), n)).into());
        assert_eq!(con.hmget::<_, _, Vec<Option<i64>>>("h", &["a", "none"]).unwrap(), [Some(1), None]);
        assert_eq!(con.hincr::<_, _, _, i64>("h", "a", 41).unwrap(), 42);
        assert_eq!(con.hincr::<_, _, _, f64>("h", "b", 0.5).unwrap(), 2.5);
        assert!(!con.hset_nx::<_, _, _, bool>("h", "a", 1).unwrap());
        assert_eq!(con.hdel::<_, _, usize>("h", &["a", "none"]).unwrap(), 1);
        assert!(con.hexists::<_, _, bool>("h", "c").unwrap());
        assert_eq!(con.hkeys::<_, BTreeSet<String>>("h").unwrap(), set_of(["b", "c"]));
        assert_eq!(con.hlen::<_, usize>("h").unwrap(), 2);
        if !ask::<String>(con, "INFO server").contains("redis_version:7.0") {
            assert_eq!(ask::<Vec<i64>>(con, "HEXPIRE h 100 FIELDS 2 b none"), [1, -2]);
            assert!((99..=100).contains(&ask::<Vec<i64>>(con, "HTTL h FIELDS 1 b")[0]));
            assert_eq!(ask::<Vec<i64>>(con, "HPEXPIRE h 20 FIELDS 1 c"), [1]);
            std::thread::sleep(Duration::from_millis(40));
            assert_eq!(con.hgetall::<_, HashMap<String, f64>>("h").unwrap(), HashMap::from([("b".into(), 2.5)]));
        }
        for i in 0..2_000 {
            let _: () = con.hset("large", format!("f{i}"), i).unwrap();
        }
        let found: HashMap<String, i64> =
            con.hscan::<_, (String, i64)>("large").unwrap().collect::<RedisResult<_>>().unwrap();
        assert!(found.len() == 2_000 && found["f1999"] == 1_999);
    });
}

#[test]
fn sets() {
    over_both(|con| {
        assert_eq!(con.sadd::<_, _, usize>("s", &["a", "b", "c"]).unwrap(), 3);
        assert_eq!(con.sadd::<_, _, usize>("t", &["b", "c", "d"]).unwrap(), 3);
        assert_eq!(con.smembers::<_, BTreeSet<String>>("s").unwrap(), set_of(["a", "b", "c"]));
        assert!(con.sismember::<_, _, bool>("s", "a").unwrap());
        assert_eq!(con.smismember::<_, _, Vec<bool>>("s", &["a", "x"]).unwrap(), [true, false]);
        assert_eq!(con.sinter::<_, BTreeSet<String>>(&["s", "t"]).unwrap(), set_of(["b", "c"]));
        assert_eq!(con.sunionstore::<_, _, usize>("d", &["s", "t"]).unwrap(), 4);
        assert_eq!(con.sdiff::<_, BTreeSet<String>>(&["s", "t"]).unwrap(), set_of(["a"]));
        assert!(con.smove::<_, _, _, bool>("s", "t", "a").unwrap());
        assert_eq!(con.srem::<_, _, usize>("t", &["a", "none"]).unwrap(), 1);
        assert_eq!(con.scard::<_, usize>("t").unwrap(), 3);
        assert_eq!(con.srandmember_multiple::<_, Vec<String>>("t", -7).unwrap().len(), 7);
        let popped: String = con.spop("t").unwrap();
        assert!(set_of(["b", "c", "d"]).contains(&popped));
        let _: () = con.sadd("large", (0..3_000).collect::<Vec<i64>>()).unwrap();
        let found: BTreeSet<i64> = con.sscan::<_, i64>("large").unwrap().collect::<RedisResult<_>>().unwrap();
        assert_eq!(found, (0..3_000).collect());
    });
}

#[test]
fn sorted_sets() {
    over_both(|con| {
        let _: () = con.zadd_multiple("z", &[(1.0, "a"), (2.0, "b"), (3.5, "c")]).unwrap();
        assert_eq!(con.zrange::<_, Vec<String>>("z", 0, -1).unwrap(), ["a", "b", "c"]);
        let scored: Vec<(String, f64)> = con.zrange_withscores("z", 1, 2).unwrap();
        assert_eq!(scored, [("b".into(), 2.0), ("c".into(), 3.5)]);
        assert_eq!(con.zrangebyscore::<_, _, _, Vec<String>>("z", "(1", "+inf").unwrap(), ["b", "c"]);
        assert_eq!(con.zrevrange::<_, Vec<String>>("z", 0, 0).unwrap(), ["c"]);
        assert_eq!(con.zscore::<_, _, Option<f64>>("z", "none").unwrap(), None);
        assert_eq!(con.zincr::<_, _, _, f64>("z", "a", 0.5).unwrap(), 1.5);
        assert_eq!(con.zrank::<_, _, usize>("z", "c").unwrap(), 2);
        assert_eq!(con.zcount::<_, _, _, usize>("z", "-inf", 2).unwrap(), 2);
        assert_eq!(ask::<usize>(con, "ZUNIONSTORE d 2 z z WEIGHTS 1 2"), 3);
        assert_eq!(con.zscore::<_, _, f64>("d", "a").unwrap(), 4.5);
        assert_eq!(con.zrem::<_, _, usize>("z", "b").unwrap(), 1);
        assert_eq!(con.zpopmin::<_, Vec<(String, f64)>>("d", 1).unwrap(), [("a".into(), 4.5)]);
        assert_eq!(ask::<Vec<String>>(con, "ZRANGE z 0 -1 REV"), ["c", "a"]);
        for i in 0..2_000 {
            let _: () = con.zadd("large", format!("m{i}"), i).unwrap();
        }
        let found: Vec<(String, f64)> =
            con.zscan::<_, (String, f64)>("large").unwrap().collect::<RedisResult<_>>().unwrap();
        assert_eq!(found.len(), 2_000);
    });
}

#[test]
fn streams_places_and_sketches() {
    over_both(|con| {
        assert_eq!(ask::<String>(con, "XADD x 5-1 f 1"), "5-1");
        assert_eq!(ask::<String>(con, "XADD x 5-* f 2"), "5-2");
        assert_eq!(ask::<usize>(con, "XLEN x"), 2);
        let entries: Vec<(String, HashMap<String, i64>)> = ask(con, "XRANGE x - + COUNT 1");
        assert_eq!(entries, [("5-1".into(), HashMap::from([("f".into(), 1)]))]);
        ask::<()>(con, "XGROUP CREATE x g 0");
        type Entries = Vec<(String, HashMap<String, i64>)>;
        let read: Vec<(String, Entries)> = ask(con, "XREADGROUP GROUP g one COUNT 1 STREAMS x >");
        assert_eq!(read, [("x".into(), entries)]);
        assert_eq!(ask::<(usize, String, String, Vec<(String, usize)>)>(con, "XPENDING x g").0, 1);
        assert_eq!(ask::<usize>(con, "XACK x g 5-1"), 1);
        assert_eq!(ask::<usize>(con, "XTRIM x MAXLEN 1"), 1);
        assert_eq!(ask::<usize>(con, "GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania"), 2);
        assert_eq!(ask::<f64>(con, "GEODIST g Palermo Catania km"), 166.2742);
        assert_eq!(ask::<Vec<String>>(con, "GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC"), ["Catania", "Palermo"]);
        assert!(con.pfadd::<_, _, bool>("p", &["a", "b", "c"]).unwrap());
        assert_eq!(con.pfcount::<_, usize>("p").unwrap(), 3);
        let (len, first, members): (usize, Vec<String>, BTreeSet<String>) = pipe()
            .atomic()
            .rpush("l", "x")
            .lrange("l", 0, 0)
            .ignore()
            .cmd("LRANGE")
            .arg("l")
            .arg(0)
            .arg(-1)
            .sadd("s", "m")
            .ignore()
            .smembers("s")
            .query(con)
            .unwrap();
        assert_eq!((len, first, members), (1, texts(["x"]), set_of(["m"])));
    });
}

/// As INFO tells it.
fn blocked_count(con: &mut Connection) -> usize {
    ask::<redis::InfoDict>(con, "INFO clients").get("blocked_clients").expect("it is told")
}

#[test]
fn clients_that_wait_are_served_in_order() {
    let server = Server::start(&["--io-threads", "2"]);
    let mut con = connect(&server, "");
    std::thread::scope(|scope| {
        let mut waiters = Vec::new();
        for i in 0..10 {
            let mut own = connect(&server, if i % 2 == 0 { "" } else { "?protocol=resp3" });
            waiters.push(scope.spawn(move || own.blpop::<_, (String, usize)>(&["none", "queue"], 20.0).unwrap()));
            assert!(within(WAIT_MAX, || blocked_count(&mut con) == i + 1));
        }
        let _: () = con.rpush("queue", (0..10).collect::<Vec<usize>>()).unwrap();
        for (i, waiter) in waiters.into_iter().enumerate() {
            assert_eq!(waiter.join().unwrap(), ("queue".into(), i), "the oldest first");
        }
        let mut own = connect(&server, "");
        let mover = scope.spawn(move || ask::<String>(&mut own, "BLMOVE from to LEFT RIGHT 20"));
        let mut own = connect(&server, "");
        let popper = scope.spawn(move || ask::<Vec<String>>(&mut own, "BZPOPMIN z 20"));
        let mut own = connect(&server, "");
        let reader = scope.spawn(move || ask::<Value>(&mut own, "XREAD BLOCK 20000 STREAMS x $"));
        assert!(within(WAIT_MAX, || blocked_count(&mut con) == 3));
        let _: () = pipe()
            .atomic()
            .zadd("z", "m", 1)
            .rpush("from", "e")
            .cmd("XADD")
            .arg("x")
            .arg("1-1")
            .arg("f")
            .arg(1)
            .query::<((), (), ())>(&mut con)
            .map(|_| ())
            .unwrap();
        assert_eq!(mover.join().unwrap(), "e");
        assert_eq!(popper.join().unwrap(), ["z", "m", "1"]);
        assert!(format!("{:?}", reader.join().unwrap()).contains("1-1"));
    });
}

#[test]
fn publish_subscribe() {
    let server = Server::start(&["--io-threads", "2"]);
    let mut con = connect(&server, "");
    let mut listener = connect(&server, "");
    let mut pubsub = listener.as_pubsub();
    pubsub.set_read_timeout(Some(WAIT_MAX)).unwrap();
    pubsub.subscribe(&["news", "other"]).unwrap();
    pubsub.psubscribe("n?ws").unwrap();
    assert_eq!(con.publish::<_, _, usize>("news", "hello").unwrap(), 2);
    let plain = pubsub.get_message().unwrap();
    assert_eq!((plain.get_channel_name(), plain.get_payload::<String>().unwrap()), ("news", "hello".into()));
    let by_pattern = pubsub.get_message().unwrap();
    assert_eq!(by_pattern.get_pattern::<String>().unwrap(), "n?ws");
    assert_eq!(ask::<BTreeSet<String>>(&mut con, "PUBSUB CHANNELS"), set_of(["news", "other"]));
    pubsub.unsubscribe("news").unwrap();
    pubsub.punsubscribe("n?ws").unwrap();
    assert_eq!(con.publish::<_, _, usize>("news", "nobody").unwrap(), 0);
    assert_eq!(con.publish::<_, _, usize>("other", "last").unwrap(), 1);
    assert_eq!(pubsub.get_message().unwrap().get_payload::<String>().unwrap(), "last");
}

#[test]
fn messages_are_pushes_in_resp3() {
    let server = Server::start(&[]);
    let (mut con, mut listener) = (connect(&server, ""), connect(&server, "?protocol=resp3"));
    let (sender, pushes) = std::sync::mpsc::channel::<PushInfo>();
    listener.set_push_sender(sender);
    let _: () = listener.subscribe_resp3("news").unwrap();
    assert_eq!(con.publish::<_, _, usize>("news", "hello").unwrap(), 1);
    // A connection that listens may ask, too.
    assert_eq!(ask::<String>(&mut listener, "ECHO still"), "still");
    let kinds: Vec<String> = pushes.try_iter().map(|push| format!("{:?}", push.kind)).collect();
    assert!(kinds.contains(&"Message".to_string()), "{kinds:?}");
}
