//! redis-rs, as a program would use it: all commands of the first release, pipelines, transactions, RESP3, a Unix socket.

use crate::harness::Server;
use redis::{
    Commands, Connection, ExistenceCheck, ProtocolVersion, RedisResult, SetExpiry, SetOptions, Value, cmd, pipe,
};
use std::collections::{BTreeSet, HashMap};

pub(crate) fn connect(server: &Server, extra: &str) -> Connection {
    let url = format!("redis://127.0.0.1:{}/{extra}", server.port);
    redis::Client::open(url).expect("a url").get_connection().expect("a connection")
}

pub(crate) fn ask<T: redis::FromRedisValue>(con: &mut Connection, line: &str) -> T {
    let mut words = line.split(' ');
    let mut command = cmd(words.next().expect("a name"));
    words.for_each(|word| _ = command.arg(word));
    command.query(con).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// The same over both protocols.
pub(crate) fn over_both(check: fn(&mut Connection)) {
    let server = Server::start(&[]);
    for extra in ["", "?protocol=resp3"] {
        let mut con = connect(&server, extra);
        check(&mut con);
        ask::<()>(&mut con, "FLUSHALL");
    }
}

#[test]
fn strings() {
    over_both(|con| {
        let _: () = con.set("k", "v").unwrap();
        assert_eq!(con.get::<_, String>("k").unwrap(), "v");
        assert_eq!(con.get::<_, Option<String>>("none").unwrap(), None);
        let binary: Vec<u8> = (0..=255).collect();
        let _: () = con.set("bin", &binary).unwrap();
        assert_eq!(con.get::<_, Vec<u8>>("bin").unwrap(), binary);
        let options =
            SetOptions::default().conditional_set(ExistenceCheck::NX).get(true).with_expiration(SetExpiry::EX(100));
        assert_eq!(con.set_options::<_, _, Option<String>>("fresh", "a", options.clone()).unwrap(), None);
        assert_eq!(con.set_options::<_, _, Option<String>>("fresh", "b", options).unwrap(), Some("a".into()));
        assert_eq!(con.get::<_, String>("fresh").unwrap(), "a");
        let _: () = con.mset(&[("a", 1), ("b", 2), ("c", 3)]).unwrap();
        assert_eq!(
            con.mget::<_, Vec<Option<i64>>>(&["a", "b", "none", "c"]).unwrap(),
            [Some(1), Some(2), None, Some(3)]
        );
        assert!(!con.mset_nx::<_, _, bool>(&[("a", 5), ("new", 5)]).unwrap());
        assert_eq!(con.incr::<_, _, i64>("a", 41).unwrap(), 42);
        assert_eq!(con.decr::<_, _, i64>("a", 2).unwrap(), 40);
        assert_eq!(con.incr::<_, _, f64>("f", 1.5).unwrap(), 1.5);
        assert_eq!(con.append::<_, _, usize>("text", "hello").unwrap(), 5);
        assert_eq!(con.setrange::<_, _, usize>("text", 0, "J").unwrap(), 5);
        assert_eq!(con.getrange::<_, String>("text", 0, -2).unwrap(), "Jell");
        assert_eq!(con.strlen::<_, usize>("text").unwrap(), 5);
        assert_eq!(con.getset::<_, _, String>("text", "x").unwrap(), "Jello");
        assert_eq!(con.get_del::<_, String>("text").unwrap(), "x");
        assert!(con.set_nx::<_, _, bool>("nx", 1).unwrap());
        let _: () = con.set_ex("ex", 1, 100).unwrap();
        let _: () = con.pset_ex("pex", 1, 100_000).unwrap();
        assert!((99..=100).contains(&con.ttl::<_, i64>("ex").unwrap()));
        assert_eq!(con.get_ex::<_, i64>("ex", redis::Expiry::PERSIST).unwrap(), 1);
        assert_eq!(con.ttl::<_, i64>("ex").unwrap(), -1);
        let _: () = con.mset(&[("l1", "ohmytext"), ("l2", "mynewtext")]).unwrap();
        assert_eq!(ask::<String>(con, "LCS l1 l2"), "mytext");
        let lcs: HashMap<String, Value> = ask(con, "LCS l1 l2 IDX");
        assert_eq!(lcs["len"], Value::Int(6));
    });
}

#[test]
fn bits() {
    over_both(|con| {
        assert!(!con.setbit::<_, bool>("b", 7, true).unwrap());
        assert!(con.getbit::<_, bool>("b", 7).unwrap());
        let _: () = con.set("f", "foobar").unwrap();
        assert_eq!(con.bitcount::<_, i64>("f").unwrap(), 26);
        assert_eq!(con.bitcount_range::<_, i64>("f", 1, 1).unwrap(), 6);
        assert_eq!(con.bit_and::<_, _, i64>("r", &["f", "b"]).unwrap(), 6);
        assert_eq!(con.bit_or::<_, _, i64>("r", &["f", "b"]).unwrap(), 6);
        assert_eq!(con.bit_xor::<_, _, i64>("r", &["f", "b"]).unwrap(), 6);
        assert_eq!(con.bit_not::<_, _, i64>("r", "f").unwrap(), 6);
        assert_eq!(ask::<i64>(con, "BITPOS f 1"), 1);
        assert_eq!(
            ask::<Vec<Option<i64>>>(con, "BITFIELD c INCRBY u8 0 250 OVERFLOW FAIL INCRBY u8 0 10"),
            [Some(250), None]
        );
        assert_eq!(ask::<Vec<i64>>(con, "BITFIELD_RO c GET u8 0"), [250]);
    });
}

#[test]
fn keys_and_time() {
    over_both(|con| {
        let _: () = con.mset(&[("a1", 1), ("a2", 2), ("b1", 3)]).unwrap();
        assert_eq!(con.exists::<_, i64>(&["a1", "a2", "none"]).unwrap(), 2);
        assert_eq!(con.keys::<_, BTreeSet<String>>("a*").unwrap(), ["a1", "a2"].map(String::from).into());
        let found: BTreeSet<String> = con.scan_match::<_, String>("*1").unwrap().collect::<RedisResult<_>>().unwrap();
        assert_eq!(found, ["a1", "b1"].map(String::from).into());
        for i in 0..2_000 {
            let _: () = con.set(format!("many{i}"), i).unwrap();
        }
        let all: BTreeSet<String> = con.scan::<String>().unwrap().collect::<RedisResult<_>>().unwrap();
        assert_eq!(all.len(), 2_003);
        assert!(con.expire::<_, bool>("a1", 100).unwrap());
        assert!(con.pexpire::<_, bool>("a1", 100_000).unwrap());
        assert!(con.expire_at::<_, bool>("a1", 33_177_117_420).unwrap());
        assert_eq!(con.expire_time::<_, i64>("a1").unwrap(), 33_177_117_420);
        assert_eq!(con.pexpire_time::<_, i64>("a1").unwrap(), 33_177_117_420_000);
        assert!(con.persist::<_, bool>("a1").unwrap());
        assert_eq!(con.pttl::<_, i64>("a1").unwrap(), -1);
        assert_eq!(con.ttl::<_, i64>("none").unwrap(), -2);
        let _: () = con.rename("a1", "z1").unwrap();
        assert!(!con.rename_nx::<_, _, bool>("z1", "a2").unwrap());
        assert!(con.copy::<_, _, i64, bool>("z1", "z2", redis::CopyOptions::default().db(0)).unwrap());
        assert_eq!(con.del::<_, i64>(&["z1", "z2", "none"]).unwrap(), 2);
        assert_eq!(con.unlink::<_, i64>("a2").unwrap(), 1);
        assert_eq!(con.key_type::<_, String>("b1").unwrap(), "string");
        assert_eq!(con.object_encoding::<_, String>("b1").unwrap(), "int");
        assert!(con.object_idletime::<_, i64>("b1").unwrap() < 100);
        assert_eq!(ask::<i64>(con, "TOUCH b1 none"), 1);
        assert!(ask::<bool>(con, "MOVE b1 1"));
        assert!(!ask::<String>(con, "RANDOMKEY").is_empty());
        assert_eq!(ask::<i64>(con, "DBSIZE"), 2_000);
        ask::<()>(con, "SWAPDB 0 1");
        assert_eq!(ask::<i64>(con, "DBSIZE"), 1);
        ask::<()>(con, "FLUSHDB");
    });
}

#[test]
fn pipelines_and_transactions() {
    over_both(|con| {
        let (a, b): (i64, Vec<Option<String>>) =
            pipe().set("k", "v").ignore().incr("n", 5).cmd("MGET").arg("k").arg("none").query(con).unwrap();
        assert_eq!((a, b), (5, vec![Some("v".into()), None]));
        let (n, v): (i64, String) = pipe().atomic().incr("n", 1).get("k").query(con).unwrap();
        assert_eq!((n, v), (6, "v".into()));
        let mut large = pipe();
        (0..5_000).for_each(|i| _ = large.set(format!("p{}", i % 100), i).ignore());
        large.get("p99");
        assert_eq!(large.query::<(i64,)>(con).unwrap(), (4_999,));
        let doubled: (i64,) = redis::transaction(con, &["n"], |con, pipe| {
            let n: i64 = con.get("n")?;
            pipe.set("n", n * 2).ignore().get("n").query(con)
        })
        .unwrap();
        assert_eq!(doubled, (12,));
        let failed: RedisResult<()> = pipe().atomic().set("k", 1).cmd("NOSUCH").query(con);
        assert!(failed.is_err());
        assert_eq!(con.get::<_, String>("k").unwrap(), "v");
    });
}

#[test]
fn a_watched_key_that_changes() {
    let server = Server::start(&[]);
    let (mut con, mut other) = (connect(&server, ""), connect(&server, ""));
    let mut tries = 0;
    let (n,): (i64,) = redis::transaction(&mut con, &["n"], |con, pipe| {
        tries += 1;
        let n: Option<i64> = con.get("n")?;
        if tries == 1 {
            let _: () = other.set("n", 10)?;
        }
        pipe.set("n", n.unwrap_or(0) + 1).ignore().get("n").query(con)
    })
    .unwrap();
    assert_eq!((n, tries), (11, 2));
}

#[test]
fn connection_and_server() {
    over_both(|con| {
        assert_eq!(ask::<String>(con, "PING"), "PONG");
        assert_eq!(ask::<String>(con, "ECHO hello"), "hello");
        let _: () = con.client_setname("worker").unwrap();
        assert_eq!(con.client_getname::<Option<String>>().unwrap(), Some("worker".into()));
        assert!(con.client_id::<i64>().unwrap() > 0);
        assert!(ask::<String>(con, "CLIENT LIST").contains("name=worker"));
        let info: redis::InfoDict = ask(con, "INFO server");
        let is_redis_7_0 = info.get::<String>("redis_version").is_some_and(|version| version.starts_with("7.0"));
        assert!(is_redis_7_0 || ask::<String>(con, "CLIENT INFO").contains("lib-name=redis-rs"));
        ask::<()>(con, "CONFIG SET slowlog-max-len 77");
        assert_eq!(ask::<HashMap<String, String>>(con, "CONFIG GET slowlog-max-len")["slowlog-max-len"], "77");
        let info: redis::InfoDict = ask(con, "INFO");
        assert!(info.get::<String>("redis_version").is_some());
        assert_eq!(info.get::<String>("role"), Some("master".into()));
        assert!(ask::<i64>(con, "COMMAND COUNT") > 50);
        assert!(ask::<Vec<String>>(con, "COMMAND LIST").contains(&"get".to_string()));
        assert_eq!(ask::<Vec<String>>(con, "COMMAND GETKEYS MSET a 1 b 2"), ["a", "b"]);
        assert_eq!(ask::<Vec<i64>>(con, "TIME").len(), 2);
        assert!(ask::<i64>(con, "LASTSAVE") > 1_600_000_000);
        assert_eq!(ask::<(String, i64, Vec<String>)>(con, "ROLE").0, "master");
        let _: () = con.set("k", "v").unwrap();
        assert!(ask::<i64>(con, "MEMORY USAGE k") > 0);
        ask::<()>(con, "SLOWLOG RESET");
        assert!(ask::<Vec<Value>>(con, "SLOWLOG GET").len() <= 1);
        assert!(ask::<Vec<Value>>(con, "LATENCY LATEST").is_empty());
        let error = cmd("GET").query::<()>(con).unwrap_err();
        assert_eq!(error.detail(), Some("wrong number of arguments for 'get' command"));
        assert_eq!(error.code(), Some("ERR"));
    });
}

#[test]
fn resp3_is_spoken() {
    let server = Server::start(&[]);
    let client = redis::Client::open(format!("redis://127.0.0.1:{}/?protocol=resp3", server.port)).expect("a url");
    assert_eq!(client.get_connection_info().redis_settings().protocol(), ProtocolVersion::RESP3);
    let mut con = client.get_connection().expect("a connection");
    assert!(matches!(ask::<Value>(&mut con, "CONFIG GET maxmemory"), Value::Map(_)));
    assert!(matches!(ask::<Value>(&mut con, "INFO server"), Value::VerbatimString { .. }));
}

#[test]
fn passwords_and_databases() {
    let server = Server::start(&["--requirepass", "secret"]);
    let open = |url: String| redis::Client::open(url).expect("a url").get_connection();
    let mut con = open(format!("redis://:secret@127.0.0.1:{}/5", server.port)).expect("the right password");
    let _: () = con.set("k", 1).unwrap();
    assert!(open(format!("redis://:wrong@127.0.0.1:{}/", server.port)).is_err());
    let mut stranger =
        open(format!("redis://127.0.0.1:{}/", server.port)).expect("a connection alone needs no password");
    let refused = stranger.get::<_, i64>("k").unwrap_err();
    assert_eq!(refused.code(), Some("NOAUTH"));
    let mut other = open(format!("redis://default:secret@127.0.0.1:{}/0", server.port)).expect("the default user");
    assert!(!other.exists::<_, bool>("k").unwrap());
}

#[test]
fn unix_socket() {
    let path = std::env::temp_dir().join(format!("basalt-it-{}.sock", std::process::id()));
    let server = Server::start(&["--unixsocket", path.to_str().expect("a path")]);
    let mut con = redis::Client::open(format!("unix://{}", path.display()))
        .expect("a url")
        .get_connection()
        .expect("a connection");
    let _: () = con.set("k", "through the file").unwrap();
    let mut tcp = connect(&server, "");
    assert_eq!(tcp.get::<_, String>("k").unwrap(), "through the file");
    drop(server);
    assert!(!path.exists(), "the socket's file goes with the server");
}
