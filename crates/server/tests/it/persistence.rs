//! Files of data: out and back, and to and from Redis 7.0, compared key by key with their deadlines.

use crate::client::Client;
use crate::harness::{Server, within};
use proto::resp_client::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

/// Keys of all types and encodings in three databases.
fn fill(client: &mut Client) {
    for db in [0, 1, 9] {
        client.ask_line(&format!("SELECT {db}"));
        for i in 0..60 {
            client.ask_line(&format!("SET text:{i} {}", "abcdefgh".repeat(i)));
            client.ask_line(&format!("SET number:{i} {}", i64::MAX >> i));
        }
        for (name, count) in [("small", 5), ("large", 3000)] {
            for first in (0..count).step_by(100) {
                let numbers: Vec<usize> = (first..(first + 100).min(count)).collect();
                let each = |f: &dyn Fn(usize) -> String| numbers.iter().map(|i| f(*i)).collect::<Vec<_>>().join(" ");
                client.ask_line(&format!("RPUSH list:{name} {}", each(&|i| format!("element-{i} {i}"))));
                client.ask_line(&format!("SADD set:{name} {}", each(&|i| format!("member-{i}"))));
                client.ask_line(&format!("SADD ints:{name} {}", each(&|i| (i * i).to_string())));
                client.ask_line(&format!("HSET hash:{name} {}", each(&|i| format!("field-{i} {}", i * 7))));
                client.ask_line(&format!("ZADD sorted:{name} {}", each(&|i| format!("{} member-{i}", i as f64 / 8.0))));
            }
            for i in 0..count.min(300) {
                client.ask_line(&format!("XADD stream:{name} {}-1 field value-{i} other {i}", i + 1));
            }
        }
        for line in [
            "XGROUP CREATE stream:small group 0",
            "XREADGROUP GROUP group alice COUNT 3 STREAMS stream:small >",
            "XACK stream:small group 2-1",
            "XDEL stream:small 5-1",
            "ZADD sorted:odd inf a -inf b 0.5 c 3000000000 d",
            "SET dies soon PX 3000000",
            "PEXPIREAT list:small 4000000000123",
            "PEXPIREAT hash:large 4000000000456",
            "SETBIT bits 5000 1",
            "PFADD hll a b c d e",
        ] {
            client.ask_line(line);
        }
        client.ask(&["SET", "", "an empty key"]);
        client.ask(&["SET", "binary\r\n\"key", "\u{0}\u{1}\r\n"]);
    }
}

/// What is behind every key, as text.
fn contents(client: &mut Client) -> Vec<String> {
    let mut all = Vec::new();
    for db in 0..16 {
        client.ask_line(&format!("SELECT {db}"));
        let Value::Array(keys) = client.ask_line("KEYS *") else { panic!("no keys") };
        for key in keys {
            let Value::Bulk(key) = key else { panic!("{key:?}") };
            let mut ask = |words: &[&[u8]]| client.ask(words);
            let Value::Simple(kind) = ask(&[b"TYPE", &key]) else { panic!("no type") };
            let value = match kind.as_str() {
                "string" => ask(&[b"GET", &key]),
                "list" => ask(&[b"LRANGE", &key, b"0", b"-1"]),
                "set" => sorted(ask(&[b"SMEMBERS", &key]), 1),
                "hash" => sorted(ask(&[b"HGETALL", &key]), 2),
                "zset" => ask(&[b"ZRANGE", &key, b"0", b"-1", b"WITHSCORES"]),
                "stream" => {
                    Value::Array(vec![ask(&[b"XRANGE", &key, b"-", b"+"]), groups(ask(&[b"XINFO", b"GROUPS", &key]))])
                }
                other => panic!("{other}"),
            };
            let deadline = ask(&[b"PEXPIRETIME", &key]);
            all.push(format!("{db} {} {kind} {deadline:?} {}", String::from_utf8_lossy(&key), text(&value)));
        }
    }
    all.sort();
    all
}

fn text(value: &Value) -> String {
    match value {
        Value::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Array(all) => format!("[{}]", all.iter().map(text).collect::<Vec<_>>().join(" ")),
        other => format!("{other:?}"),
    }
}

fn sorted(value: Value, width: usize) -> Value {
    let Value::Array(all) = value else { panic!("{value:?}") };
    let mut rows: Vec<Vec<Value>> = all.chunks(width).map(<[Value]>::to_vec).collect();
    rows.sort_by_key(|row| format!("{row:?}"));
    Value::Array(rows.into_iter().flatten().collect())
}

/// Name, consumers, pending, last ID: what every version says of a group.
fn groups(value: Value) -> Value {
    let Value::Array(all) = value else { panic!("{value:?}") };
    let rows = all.into_iter().map(|row| match row {
        Value::Array(fields) => Value::Array(fields.into_iter().take(8).collect()),
        other => other,
    });
    Value::Array(rows.collect())
}

/// Both the same, or the first difference, cut short.
fn compare(after: &[String], before: &[String], when: &str) {
    for i in 0..after.len().max(before.len()) {
        let (after, before) = (after.get(i), before.get(i));
        if after != before {
            let same = |a: &str, b: &str| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
            let (after, before) = (after.map_or("nothing", |row| row), before.map_or("nothing", |row| row));
            let at = same(after, before).saturating_sub(60);
            let cut = |row: &str| {
                format!("{} … {}", &row[..row.len().min(60)], row.get(at..row.len().min(at + 200)).unwrap_or(""))
            };
            panic!("{when}:\n  was {}\n  is  {}", cut(before), cut(after));
        }
    }
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
}

const RDB: &[&str] = &["--appendonly", "no"];
const AOF: &[&str] = &["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0"];
const PLAIN_AOF: &[&str] =
    &["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0", "--aof-use-rdb-preamble", "no"];

fn ok(value: &Value) -> bool {
    *value == Value::Simple("OK".into())
}

fn until_idle(client: &mut Client) {
    let idle = within(Duration::from_secs(60), || {
        let Value::Bulk(text) = client.ask_line("INFO persistence") else { panic!("no INFO") };
        let text = String::from_utf8_lossy(&text);
        ["rdb_bgsave_in_progress", "aof_rewrite_in_progress", "aof_rewrite_scheduled"]
            .iter()
            .all(|field| text.contains(&format!("{field}:0")))
    });
    assert!(idle, "it saves for ever");
}

#[test]
fn a_snapshot_comes_back() {
    let mut server = Server::start(RDB);
    let mut client = server.connect();
    fill(&mut client);
    let before = contents(&mut client);
    assert!(ok(&client.ask_line("SAVE")));
    client.ask_line("FLUSHALL");
    server.kill();
    server.start_again(RDB).expect("it starts");
    compare(&contents(&mut server.connect()), &before, "afterwards");
}

#[test]
fn the_log_comes_back_with_and_without_rewrites() {
    for args in [AOF, PLAIN_AOF] {
        let mut server = Server::start(args);
        let mut client = server.connect();
        fill(&mut client);
        let before = contents(&mut client);
        server.kill();
        server.start_again(args).expect("it starts");
        let mut client = server.connect();
        compare(&contents(&mut client), &before, "afterwards");
        client.ask_line("SELECT 0");
        assert!(matches!(client.ask_line("BGREWRITEAOF"), Value::Simple(_)));
        client.ask_line("SET after rewrite");
        until_idle(&mut client);
        let before = contents(&mut client);
        server.kill();
        server.start_again(args).expect("it starts");
        compare(&contents(&mut server.connect()), &before, &format!("{args:?}"));
        let log = server.log();
        for line in
            ["DB loaded from base file appendonly.aof.2.base.", "DB loaded from incr file appendonly.aof.2.incr.aof: "]
        {
            assert!(log.contains(line), "{line}: {log}");
        }
        assert!(log.contains("DB loaded from append only file: "), "{log}");
    }
}

#[test]
fn says_that_it_loads_while_it_reloads() {
    let mut server = Server::start(&["--appendonly", "yes", "--enable-debug-command", "yes", "--save", "3600 1"]);
    let (mut client, mut other) = (server.connect(), server.connect());
    let keys = 500;
    for key in 0..keys {
        client.ask_line(&format!("SET key:{key} {key}"));
    }
    for line in ["DEBUG RELOAD", "DEBUG LOADAOF", "DEBUG RELOAD NOSAVE"] {
        other.ask_line("MULTI");
        other.ask_line("SET key:1 x");
        client.ask_line("CONFIG SET key-load-delay 1000");
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(ok(&client.ask_line(line)), "{line}"));
            let mut says = Value::Null;
            let loads = within(Duration::from_secs(5), || {
                says = server.connect().ask_line("GET key:1");
                format!("{says:?}").contains("LOADING Redis is loading the dataset in memory")
            });
            assert!(loads, "{line}: {says:?}");
            let exec = format!("{:?}", other.ask_line("EXEC"));
            assert!(exec.contains("EXECABORT Transaction discarded because of: LOADING"), "{line}: {exec}");
            assert!(text(&other.ask_line("INFO persistence")).contains("loading:1"), "{line}");
            other.ask_line("CONFIG SET key-load-delay 0");
        });
        assert_eq!(client.ask_line("GET key:1"), Value::Bulk(b"1".to_vec()), "{line}");
        assert_eq!(client.ask_line("DBSIZE"), Value::Int(keys), "{line}");
    }
    // A process that ends meanwhile saves nothing, and nothing is lost.
    other.ask_line("CONFIG SET key-load-delay 100000");
    std::thread::scope(|scope| {
        let port = server.port;
        scope.spawn(move || {
            use std::io::Write;
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("a connection");
            stream.write_all(b"DEBUG RELOAD\r\n").expect("sent");
        });
    });
    assert!(within(Duration::from_secs(5), || text(&other.ask_line("INFO persistence")).contains("loading:1")));
    assert_eq!(server.stop(), Some(0), "{}", server.log());
    fs::remove_dir_all(server.dir.join("appendonlydir")).expect("it was there");
    server.start_again(AOF).expect("it starts");
    assert_eq!(server.connect().ask_line("DBSIZE"), Value::Int(keys));
}

#[test]
fn who_removes_a_large_value_does_not_wait_for_the_snapshot() {
    let args = ["--appendonly", "no", "--enable-debug-command", "yes"];
    let mut server = Server::start(&args);
    let (mut client, mut waits) = (server.connect(), server.connect());
    for key in ["deleted", "unlinked", "replaced", "changed", "of an open transaction"] {
        for first in (0..20_000).step_by(1000) {
            let mut words = vec!["HSET".to_owned(), key.to_owned()];
            for field in first..first + 1000 {
                words.extend([format!("field {field}"), format!("{field:0100}")]);
            }
            client.ask(&words);
        }
    }
    let text_of_3_mb = "x".repeat(3 << 20);
    client.ask(&["SET", "text", &text_of_3_mb]);
    client.ask(&["SET", "taken", &text_of_3_mb]);
    let before = text(&client.ask_line("DEBUG DIGEST"));
    client.ask_line("CONFIG SET rdb-key-save-delay 100000000");
    client.ask_line("BGSAVE");
    let begin = std::time::Instant::now();
    assert_eq!(client.ask_line("DEL deleted"), Value::Int(1));
    assert_eq!(client.ask_line("UNLINK unlinked"), Value::Int(1));
    assert!(ok(&client.ask_line("SET replaced x")));
    assert!(ok(&client.ask_line("SETEX text 100 y")));
    assert_eq!(text(&client.ask_line("GETDEL taken")).len(), 3 << 20);
    // What stands at the key by now is small, and nobody's but the client's.
    assert_eq!(client.ask_line("HSET deleted field value"), Value::Int(1));
    assert_eq!(client.ask_line("APPEND replaced y"), Value::Int(2));
    client.ask_line("MULTI");
    client.ask(&["DEL", "of an open transaction"]);
    client.ask_line("SET k v");
    assert!(matches!(client.ask_line("EXEC"), Value::Array(_)));
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    assert!(text(&client.ask_line("INFO persistence")).contains("rdb_bgsave_in_progress:1"));
    std::thread::scope(|scope| {
        // A change in place waits for it.
        let changed = scope.spawn(|| waits.ask_line("HSET changed field value"));
        std::thread::sleep(Duration::from_millis(100));
        assert!(!changed.is_finished());
        client.ask_line("CONFIG SET rdb-key-save-delay 0");
        assert_eq!(changed.join().expect("no panic"), Value::Int(1));
    });
    until_idle(&mut client);
    server.kill();
    server.start_again(&args).expect("it starts");
    assert_eq!(text(&server.connect().ask_line("DEBUG DIGEST")), before);
}

fn changes(client: &mut Client) -> String {
    let info = text(&client.ask_line("INFO persistence"));
    let line = info.lines().find_map(|line| line.strip_prefix("rdb_changes_since_last_save:"));
    line.expect("a field").to_owned()
}

#[test]
fn flushall_leaves_no_change_to_be_saved() {
    let mut server = Server::start(&["--save", "3600 1", "--stop-writes-on-bgsave-error", "no"]);
    let mut client = server.connect();
    let transaction = |client: &mut Client| {
        client.ask_line("MULTI");
        client.ask_line("SET y 1");
        client.ask_line("FLUSHALL");
        client.ask_line("EXEC");
    };
    client.ask_line("SET x y");
    transaction(&mut client);
    assert_eq!(changes(&mut client), "0");
    until_idle(&mut client);
    // Beside a snapshot that shows what was there before.
    client.ask_line("MSET a 1 b 1 c 1");
    client.ask_line("CONFIG SET rdb-key-save-delay 1000000");
    client.ask_line("BGSAVE");
    client.ask_line("SET x y");
    transaction(&mut client);
    assert_eq!(changes(&mut client), "0");
    client.ask_line("CONFIG SET rdb-key-save-delay 0");
    assert!(within(Duration::from_secs(10), || server.log().matches("DB saved on disk").count() == 2));
    assert_eq!(changes(&mut client), "0");
    // What could not be saved counts again.
    fs::remove_file(server.dir.join("dump.rdb")).expect("it was there");
    fs::create_dir(server.dir.join("dump.rdb")).expect("a folder in its place");
    client.ask_line("SET x y");
    transaction(&mut client);
    assert!(within(Duration::from_secs(10), || server.log().contains("Error moving temp DB file")));
    assert!(within(Duration::from_secs(10), || changes(&mut client) == "4"), "{}", changes(&mut client));
    server.kill(); // it would not end by itself without having saved
}

#[test]
fn what_takes_long_is_a_latency_event() {
    let server = Server::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let mut client = server.connect();
    assert!(ok(&client.ask_line("CONFIG SET latency-monitor-threshold 1")));
    let large = "x".repeat(64 << 20);
    assert!(ok(&client.ask(&["SET", "k", &large])));
    let latest = format!("{:?}", client.ask_line("LATENCY LATEST"));
    for event in ["aof-write", "aof-write-alone", "aof-fsync-always"] {
        let history = client.ask_line(&format!("LATENCY HISTORY {event}"));
        assert!(matches!(&history, Value::Array(samples) if !samples.is_empty()), "{event}: {latest}");
    }
}

#[test]
fn a_snapshot_becomes_the_first_base() {
    let mut server = Server::start(RDB);
    let mut client = server.connect();
    fill(&mut client);
    assert!(ok(&client.ask_line("SAVE")));
    let before = contents(&mut client);
    server.kill();
    server.start_again(AOF).expect("it starts");
    compare(&contents(&mut server.connect()), &before, "afterwards");
    assert!(server.log().contains("becomes its base"));
    fs::remove_file(server.dir.join("dump.rdb")).expect("it was there");
    server.kill();
    server.start_again(AOF).expect("it starts");
    compare(&contents(&mut server.connect()), &before, "afterwards");
}

#[test]
fn on_and_off_at_run_time() {
    let mut server = Server::start(RDB);
    let mut client = server.connect();
    client.ask_line("SET before 1");
    assert!(ok(&client.ask_line("CONFIG SET appendonly yes")));
    client.ask_line("SET during 1");
    until_idle(&mut client);
    client.ask_line("SET after 1");
    let before = contents(&mut client);
    server.kill();
    server.start_again(AOF).expect("it starts");
    let mut client = server.connect();
    compare(&contents(&mut client), &before, "afterwards");
    client.ask_line("SELECT 0");
    assert!(ok(&client.ask_line("CONFIG SET appendonly no")));
    assert!(!text(&client.ask_line("INFO persistence")).contains("aof_current_size"));
    client.ask_line("SET lost 1");
    server.kill();
    server.start_again(AOF).expect("it starts");
    compare(&contents(&mut server.connect()), &before, "afterwards");
}

#[test]
fn the_answer_comes_when_the_log_is_on_or_off() {
    let mut server = Server::start(RDB);
    let mut client = server.connect();
    client.ask_line("SET k v");
    let folder = server.dir.join("appendonlydir");
    let (increment, lock) = (folder.join("appendonly.aof.1.incr.aof"), folder.join("appendonly.aof.lock"));
    // The base takes long to be written, what comes meanwhile has its file at once.
    client.ask_line("CONFIG SET rdb-key-save-delay 10000000");
    assert!(ok(&client.ask_line("CONFIG SET appendonly yes")));
    assert!(increment.exists() && lock.exists());
    let info = text(&client.ask_line("INFO persistence"));
    assert!(info.contains("aof_enabled:1") && info.contains("aof_rewrite_in_progress:1"), "{info}");
    assert!(ok(&client.ask_line("CONFIG SET appendonly no")));
    let info = text(&client.ask_line("INFO persistence"));
    assert!(info.contains("aof_enabled:0") && info.contains("aof_rewrite_in_progress:0"), "{info}");
    assert!(!lock.exists());
    // Nor does turning off wait for a snapshot.
    client.ask_line("CONFIG SET rdb-key-save-delay 0");
    assert!(ok(&client.ask_line("CONFIG SET appendonly yes")));
    until_idle(&mut client);
    client.ask_line("CONFIG SET rdb-key-save-delay 10000000");
    client.ask_line("BGSAVE");
    assert!(ok(&client.ask_line("CONFIG SET appendonly no")));
    assert!(!lock.exists() && text(&client.ask_line("INFO persistence")).contains("rdb_bgsave_in_progress:1"));
    // Turning on does, and is answered at once.
    assert!(ok(&client.ask_line("CONFIG SET appendonly yes")));
    assert!(text(&client.ask_line("INFO persistence")).contains("aof_rewrite_scheduled:1"));
    assert!(ok(&client.ask_line("CONFIG SET appendonly no")));
    client.ask_line("CONFIG SET rdb-key-save-delay 0");
    until_idle(&mut client);
    assert!(!lock.exists(), "the rewrite that was scheduled has ended");
    // Somebody else has the files.
    let dir = server.dir.to_string_lossy().into_owned();
    let other = Server::start(&["--appendonly", "yes", "--dir", &dir]);
    let refused = format!("{:?}", client.ask_line("CONFIG SET appendonly yes"));
    assert!(
        refused.contains("Unable to turn on AOF. Check server logs.") && refused.contains("another server"),
        "{refused}"
    );
    assert_eq!(text(&client.ask_line("CONFIG GET appendonly")), "[appendonly no]");
    drop(other);
    assert!(ok(&client.ask_line("CONFIG SET appendonly yes")));
    until_idle(&mut client);
    server.kill();
    server.start_again(AOF).expect("it starts");
    assert_eq!(text(&server.connect().ask_line("GET k")), "v");
}

#[test]
fn redis_reads_our_files_and_we_read_its() {
    for (args, file) in [(RDB, "dump.rdb"), (AOF, "appendonlydir"), (PLAIN_AOF, "appendonlydir")] {
        for (from_redis, to_redis) in [(false, true), (true, false)] {
            let start = |redis: bool| if redis { Server::start_redis(args) } else { Some(Server::start(args)) };
            let (Some(mut from), Some(mut to)) = (start(from_redis), start(to_redis)) else { return };
            let mut client = from.connect();
            fill(&mut client);
            match file {
                "dump.rdb" => assert!(ok(&client.ask_line("SAVE"))),
                // Half of it in the base, half behind.
                _ => {
                    client.ask_line("BGREWRITEAOF");
                    until_idle(&mut client);
                    client.ask_line("SELECT 3");
                    client.ask_line("RPUSH list:behind a b c");
                    client.ask_line("SPOP set:small");
                    client.ask_line("SET expires 1 EX 100000");
                }
            }
            let before = contents(&mut client);
            from.stop();
            to.kill();
            let (here, there) = (from.dir.join(file), to.dir.join(file));
            if here.is_dir() {
                fs::remove_dir_all(&there).expect("it had one of its own");
                copy_dir(&here, &there);
            } else {
                fs::copy(&here, &there).expect("copied");
            }
            to.start_again(args).unwrap_or_else(|log| panic!("{file} of redis: {from_redis}:\n{log}"));
            let after = contents(&mut to.connect());
            compare(&after, &before, &format!("{args:?}, written by Redis: {from_redis}"));
        }
    }
}

#[test]
fn a_damaged_snapshot_stops_the_start() {
    let mut server = Server::start(RDB);
    let mut client = server.connect();
    fill(&mut client);
    assert!(ok(&client.ask_line("SAVE")));
    server.kill();
    let path = server.dir.join("dump.rdb");
    let mut bytes = fs::read(&path).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    fs::write(&path, bytes).expect("written");
    let log = server.start_again(RDB).expect_err("it must not start");
    assert!(log.contains("Fatal error loading the DB"), "{log}");
}

fn tool(server: &Server, words: &[&str]) -> (bool, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_basalt")).current_dir(&server.dir).args(words).output().expect("it runs");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn files_are_checked() {
    let mut server = Server::start(AOF);
    if server.is_redis() {
        return;
    }
    let mut client = server.connect();
    fill(&mut client);
    assert!(ok(&client.ask_line("SAVE")));
    client.ask_line("BGREWRITEAOF");
    until_idle(&mut client);
    client.ask_line("SET behind the-base");
    server.stop();
    let (valid, said) = tool(&server, &["check", "dump.rdb"]);
    assert!(valid && said.contains("RDB looks OK!"), "{said}");
    let (valid, said) = tool(&server, &["check", "."]);
    assert!(valid && said.contains("All AOF files and manifest are valid"), "{said}");
    let path = server.dir.join("dump.rdb");
    let mut bytes = fs::read(&path).expect("a file");
    bytes.truncate(bytes.len() / 2);
    fs::write(&path, bytes).expect("written");
    let (valid, said) = tool(&server, &["check", "dump.rdb"]);
    assert!(!valid && said.contains("RDB ERROR DETECTED"), "{said}");
}

#[test]
fn a_moment_comes_back() {
    let args = ["--aof-timestamp-enabled", "yes"];
    let mut server = Server::start(&args);
    if server.is_redis() {
        return;
    }
    let mut client = server.connect();
    client.ask_line("SET key value");
    client.ask_line("RPUSH list a b c");
    let before = contents(&mut client);
    let time = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    let moment = time();
    while time() < moment + 2 {
        std::thread::sleep(Duration::from_millis(50));
    }
    client.ask_line("FLUSHALL");
    server.stop();
    let (done, said) = tool(&server, &["restore", "--dir", "."]);
    assert!(done && said.contains("moments"), "{said}");
    let to = moment.to_string();
    let (done, said) = tool(&server, &["restore", "--dir", ".", "--to", &to, "--out", "back"]);
    assert!(done && said.contains("2 keys"), "{said}");
    fs::copy(server.dir.join("back/dump.rdb"), server.dir.join("dump.rdb")).expect("copied");
    server.start_again(RDB).expect("it starts");
    compare(&contents(&mut server.connect()), &before, "restored");
}

/// Money moves between accounts in transactions while snapshots are made: each of them shows all of it.
#[test]
fn a_snapshot_shows_one_moment() {
    const ACCOUNTS: u64 = 500;
    let mut server = Server::start(RDB);
    let mut client = server.connect();
    for account in 0..ACCOUNTS {
        client.ask_line(&format!("SET account:{account} 1000"));
    }
    let stop = AtomicBool::new(false);
    let files: Vec<Vec<u8>> = std::thread::scope(|scope| {
        for writer in 0..4 {
            let mut client = server.connect();
            let stop = &stop;
            scope.spawn(move || {
                let mut i: u64 = writer;
                while !stop.load(Relaxed) {
                    i = i.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let (from, to) = ((i >> 33) % ACCOUNTS, (i >> 13) % ACCOUNTS);
                    client.ask_line("MULTI");
                    client.ask_line(&format!("DECRBY account:{from} 7"));
                    client.ask_line(&format!("INCRBY account:{to} 7"));
                    assert!(matches!(client.ask_line("EXEC"), Value::Array(_)));
                }
            });
        }
        let files = (0..6).map(|i| {
            let started = client.ask_line(if i % 2 == 0 { "BGSAVE" } else { "SAVE" });
            assert!(matches!(started, Value::Simple(_)), "{started:?}");
            until_idle(&mut client);
            fs::read(server.dir.join("dump.rdb")).expect("a file")
        });
        let files = files.collect();
        stop.store(true, Relaxed);
        files
    });
    for file in files {
        server.kill();
        fs::write(server.dir.join("dump.rdb"), file).expect("written");
        server.start_again(RDB).expect("it starts");
        let mut client = server.connect();
        let sum: i64 = (0..ACCOUNTS)
            .map(|account| match client.ask_line(&format!("GET account:{account}")) {
                Value::Bulk(digits) => String::from_utf8_lossy(&digits).parse::<i64>().expect("a number"),
                other => panic!("{other:?}"),
            })
            .sum();
        assert_eq!(sum, 1000 * ACCOUNTS as i64);
    }
}

#[test]
fn a_rewrite_in_a_transaction_begins_behind_it() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    for line in ["MULTI", "SET k v", "BGREWRITEAOF"] {
        client.ask_line(line);
    }
    let reply = crate::client::show(&client.ask_line("EXEC"));
    assert!(reply.contains("rewriting scheduled"), "{reply}");
}
