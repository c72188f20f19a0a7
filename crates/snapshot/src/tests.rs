//! Files that go out and come back, whole and damaged, while clients write.

use crate::load::{self, How};
use crate::{COMMANDS, OPTIONS, Snapshots};
use exec::Node;
use exec::seams::Saver;
use keyspace::{Entry, NewValue, SHARDS};
use kit::world::{Rng, UnixMs};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use testkit::TestNode;
use types::rdb::Thresholds;
use types::set::Member;
use types::{Hash, List, Object, Set, SortedSet};

struct Server {
    test: TestNode,
    snapshots: Arc<Snapshots>,
}

impl Server {
    fn new(settings: &[(&str, &str)]) -> Server {
        let test = TestNode::with_lists(COMMANDS, &[OPTIONS], settings);
        let snapshots = crate::start(&test.node, |_| Thresholds::default()).expect("a thread");
        Server { test, snapshots }
    }

    fn node(&self) -> &Node {
        &self.test.node
    }

    fn put(&self, db: usize, entry: Entry) {
        let hash = self.node().keyspace.hash(entry.as_ref().key());
        let mut shard = self.node().keyspace.lock(hash.shard());
        drop(shard.remove(db, hash, entry.as_ref().key()));
        shard.insert(db, hash, entry);
    }

    fn rows(&self) -> Rows {
        let mut rows = Rows::new();
        for shard in 0..SHARDS {
            for db in 0..self.node().databases {
                self.node().keyspace.lock(shard).for_each(db, &mut |entry| {
                    rows.insert((db, entry.key().to_vec()), row(entry));
                });
            }
        }
        rows
    }

    fn file(&self) -> Vec<u8> {
        self.node().disk.read(Path::new("dump.rdb")).expect("a file")
    }

    fn how(&self) -> How {
        self.snapshots.how(self.node())
    }

    fn load(&self, bytes: &[u8]) -> Result<u64, String> {
        let how = self.how();
        load::load_from(self.node(), &self.snapshots.loading, bytes, true, how).map_err(|error| error.to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.snapshots.clean_up();
    }
}

type Row = (Vec<String>, Option<UnixMs>);
type Rows = BTreeMap<(usize, Vec<u8>), Row>;

fn row(entry: keyspace::EntryRef<'_>) -> Row {
    let mut all = Vec::new();
    match entry.object() {
        Some(object) => object.for_each_digest(&mut |parts| all.push(format!("{parts:?}"))),
        None => all.push(format!("{:?}", entry.value().text(&mut Default::default()))),
    }
    all.sort();
    (all, entry.deadline())
}

const LIMITS: types::hash::Limits = types::hash::Limits { fields: 16, text_len: 64 };

fn object(rng: &mut Rng, len: u64) -> Object {
    let word = |rng: &mut Rng| match rng.below(3) {
        0 => rng.below(1000).to_string().into_bytes(),
        1 => format!("a longer text, which can be compressed compressed compressed {}", rng.below(99)).into_bytes(),
        _ => rng.next_u64().to_le_bytes().to_vec(),
    };
    match rng.below(4) {
        0 => {
            let mut list = List::new();
            (0..len).for_each(|_| list.push(&word(rng)));
            list.settle(types::list::Limit::default());
            list.into()
        }
        1 => {
            let first = word(rng);
            let mut set = Set::for_members(Member::of(&first), 1, &types::set::Limits::USUAL);
            (0..len).for_each(|_| {
                set.add(Member::of(&word(rng)), &types::set::Limits::USUAL);
            });
            set.into()
        }
        2 => {
            let mut hash = Hash::new();
            (0..len).for_each(|_| {
                let (field, value) = (word(rng), word(rng));
                hash.set(&field, &value, types::hash::Life::Forever, &LIMITS);
            });
            hash.into()
        }
        _ => {
            let mut sorted = SortedSet::new();
            (0..len).for_each(|_| {
                let (member, score) = (word(rng), rng.below(100) as f64 / 8.0);
                sorted.insert(&member, score, types::sorted_set::Limits::default());
            });
            sorted.into()
        }
    }
}

fn fill(server: &Server, seed: u64, keys: u64) {
    let mut rng = Rng::new(seed);
    for i in 0..keys {
        let key = format!("key:{i}");
        let deadline = rng.one_in(3).then(|| UnixMs(4_000_000_000_000 + rng.below(1000) as i64));
        let db = if rng.one_in(5) { 1 + rng.below(3) as usize } else { 0 };
        let entry = match rng.below(3) {
            0 => Entry::new(key.as_bytes(), NewValue::Int(rng.next_u64() as i64 >> rng.below(60)), deadline, 7),
            1 => Entry::new(key.as_bytes(), NewValue::Str("x".repeat(rng.below(300) as usize).as_bytes()), deadline, 7),
            _ => {
                let len = [1, 10, 700][rng.below(3) as usize];
                Entry::with_object(key.as_bytes(), object(&mut rng, len), deadline, 7)
            }
        };
        server.put(db, entry);
    }
}

#[test]
fn comes_back_in_every_version() {
    for (version, magic) in
        [("auto", "REDIS0010"), ("9", "REDIS0009"), ("11", "REDIS0011"), ("12", "REDIS0012"), ("80", "VALKEY080")]
    {
        for settings in
            [[("rdbcompression", "yes"), ("rdbchecksum", "yes")], [("rdbcompression", "no"), ("rdbchecksum", "no")]]
        {
            let server = Server::new(&[("rdb-version", version), settings[0], settings[1]]);
            fill(&server, 1, 400);
            server.node().libraries.lock().push(Box::from(&b"#!lua name=lib\n"[..]));
            server.snapshots.save_last().expect("saved");
            let file = server.file();
            assert_eq!(&file[..9], magic.as_bytes());
            let twin = Server::new(&[]);
            twin.load(&file).expect("loaded");
            assert!(server.rows() == twin.rows(), "{version}");
            assert_eq!(*twin.node().libraries.lock(), *server.node().libraries.lock());
            assert_eq!(twin.snapshots.report().keys_loaded, 400);
        }
    }
}

#[test]
fn libraries_that_are_there_already() {
    let server = Server::new(&[]);
    let (first, second) = (&b"#!lua name=lib\nreturn 1"[..], &b"#!lua name=lib\nreturn 2"[..]);
    server.node().libraries.lock().push(first.into());
    server.snapshots.save_last().expect("saved");
    *server.node().libraries.lock() = vec![second.into(), b"#!lua name=other\n"[..].into()];
    let error = server.load(&server.file()).expect_err("it is there");
    assert!(error.contains("Library 'lib' already exists"), "{error}");
    let merge = How { merge: true, ..server.how() };
    load::load_from(server.node(), &server.snapshots.loading, &*server.file(), true, merge).expect("loaded");
    let libraries: Vec<_> = server.node().libraries.lock().iter().map(|code| code.to_vec()).collect();
    assert_eq!(libraries, [b"#!lua name=other\n".to_vec(), first.to_vec()]);
}

#[test]
fn chooses_the_version_that_holds_the_data() {
    let server = Server::new(&[]);
    let mut hash = Hash::new();
    hash.set(b"f", b"v", types::hash::Life::Until(4_000_000_000_000), &LIMITS);
    server.put(0, Entry::with_object(b"h", hash.into(), None, 0));
    server.snapshots.save_last().expect("saved");
    assert_eq!(&server.file()[..9], b"REDIS0012");
    let twin = Server::new(&[]);
    twin.load(&server.file()).expect("loaded");
    assert_eq!(twin.node().keyspace.inner_deadline_count(0), 1);
    server.node().config.set("rdb-version", &["11"]).expect("an option");
    let error = server.snapshots.save_last().expect_err("refused");
    assert!(error.contains("\"h\"") && error.contains("rdb-version"), "{error}");
    assert_eq!(&server.file()[..9], b"REDIS0012", "the last one stays");
    assert!(!server.node().disk.exists(&crate::file::temp_name()));
}

#[test]
fn keys_past_their_time_are_left_out() {
    let mut server = Server::new(&[]);
    server.put(0, Entry::new(b"dead", NewValue::Int(1), Some(UnixMs(1000)), 0));
    server.put(0, Entry::new(b"alive", NewValue::Int(1), None, 0));
    server.test.converse("SAVE");
    wait(&server);
    let twin = Server::new(&[]);
    twin.load(&server.file()).expect("loaded");
    assert_eq!(twin.rows().len(), 1);
    assert_eq!(twin.snapshots.report().keys_expired, 1);
    let base = Server::new(&[]);
    let how = How { is_base: true, ..base.how() };
    load::load_from(base.node(), &base.snapshots.loading, &*server.file(), true, how).expect("loaded");
    assert_eq!(base.rows().len(), 2);
}

/// Until nothing runs in the background.
fn wait(server: &Server) {
    let mut state = server.snapshots.state.lock();
    while state.running.is_some() {
        server.snapshots.bell.wait_for(&mut state, std::time::Duration::from_millis(20));
    }
}

#[test]
fn commands() {
    let mut server = Server::new(&[]);
    server.put(0, Entry::new(b"k", NewValue::Int(1), None, 0));
    server.test.converse("SAVE -> parked");
    wait(&server);
    while server.test.run(1, |_, client| client.session.parked.is_some()) {
        std::thread::yield_now();
        server.test.deliver();
    }
    server.test.converse("<- +OK");
    // Slow enough to be caught at it.
    server.node().config.set("rdb-key-save-delay", &["10000000"]).expect("an option");
    server.test.converse(
        "BGSAVE CANCEL -> -ERR Background saving is currently not in progress or scheduled; \
         BGSAVE NOW -> -ERR syntax error; BGSAVE -> +Background saving started; \
         BGSAVE -> -ERR Background save already in progress; SAVE -> -ERR Background save already in progress; \
         BGREWRITEAOF -> +Background append only file rewriting scheduled",
    );
    let report = server.snapshots.report();
    assert!(report.saving && report.rewrite_scheduled && report.keys_total == 1);
    server.snapshots.state.lock().rewrite_scheduled = false;
    server.test.converse("BGSAVE CANCEL -> +Background saving cancelled");
    wait(&server);
    let report = server.snapshots.report();
    assert!(!report.saving && report.last_save_ok && report.saves == 1);
    assert!(!server.node().keyspace.lock(0).walk_active());
    server.node().config.set("rdb-key-save-delay", &["0"]).expect("an option");
    server.test.converse("BGSAVE -> +Background saving started");
    wait(&server);
    assert_eq!(server.snapshots.report().saves, 2);
}

#[test]
fn shows_one_moment() {
    // Writers keep two keys in different shards equal; a file must never show them different.
    let server = Server::new(&[]);
    let node = &server.test.node;
    const PAIRS: u64 = 3000;
    let set = |pair: u64, value: i64| {
        let keys = [format!("a{pair}"), format!("b{pair}")];
        let hashes = keys.each_ref().map(|key| node.keyspace.hash(key.as_bytes()));
        let mut order = [0, 1];
        order.sort_by_key(|&i| hashes[i].shard());
        let mut guards: Vec<_> = Vec::new();
        for i in order {
            if guards.last().is_none_or(|(shard, _)| *shard != hashes[i].shard()) {
                guards.push((hashes[i].shard(), node.keyspace.lock(hashes[i].shard())));
            }
        }
        for (key, hash) in keys.iter().zip(hashes) {
            let guard = guards.iter_mut().find(|(shard, _)| *shard == hash.shard()).expect("locked");
            let deadline = keyspace::Deadline::None;
            guard.1.set(0, hash, key.as_bytes(), NewValue::Int(value), deadline, 0);
        }
    };
    (0..PAIRS).for_each(|pair| set(pair, 0));
    let (stop, writes) = (AtomicBool::new(false), AtomicU64::new(0));
    let files = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut rng = Rng::new(1);
            while !stop.load(Relaxed) {
                // As an event loop: the world lock keeps it out.
                let _running = node.world.enter(0);
                for _ in 0..20 {
                    set(rng.below(PAIRS), rng.next_u64() as i64);
                    writes.fetch_add(1, Relaxed);
                }
            }
        });
        for _ in 0..8 {
            {
                let job = {
                    let _world = node.world.exclusive();
                    server.snapshots.begin_for_test(node)
                };
                server.snapshots.work(node, job).expect("saved");
            }
            files.lock().push(server.file());
        }
        stop.store(true, Relaxed);
        writing.join().expect("no panic");
    });
    assert!(writes.load(Relaxed) > 1000);
    for file in files.into_inner() {
        let twin = Server::new(&[]);
        twin.load(&file).expect("loaded");
        let rows = twin.rows();
        assert_eq!(rows.len() as u64, 2 * PAIRS);
        for pair in 0..PAIRS {
            let row = |name: &str| &rows[&(0, format!("{name}{pair}").into_bytes())];
            assert_eq!(row("a"), row("b"), "pair {pair}");
        }
    }
}

#[test]
fn damaged_files_are_refused() {
    let server = Server::new(&[]);
    fill(&server, 3, 300);
    server.snapshots.save_last().expect("saved");
    let file = server.file();
    let mut rng = Rng::new(5);
    let rounds = if std::env::var_os("BASALT_LONG").is_some() { 10_000 } else { 300 };
    for round in 0..rounds {
        let mut bytes = file.clone();
        let at = 9 + rng.below(bytes.len() as u64 - 9) as usize;
        match rng.below(4) {
            0 => bytes[at] ^= 1 << rng.below(8),
            1 => bytes.truncate(at),
            2 => bytes.insert(at, rng.next_u64() as u8),
            _ => {
                let end = (at + 1 + rng.below(64) as usize).min(bytes.len());
                if bytes[at..end].iter().all(|&byte| byte == 0) {
                    continue;
                }
                bytes[at..end].fill(0);
            }
        }
        let twin = Server::new(&[]);
        // All zeros at the end say that there is no checksum; then only the structure speaks.
        let unsummed = bytes.ends_with(&[0; 8]);
        let loaded = twin.load(&bytes);
        assert!(loaded.is_err() || unsummed, "round {round}: byte {at}");
    }
}

#[test]
fn names_what_is_wrong() {
    let server = Server::new(&[]);
    let cases: &[(&[u8], &str)] = &[
        (b"", "The RDB file is empty"),
        (b"REDIS0013\xff", "Can't handle RDB format version 13"),
        (b"REDIS0000\xff", "Can't handle RDB format version 0"),
        (b"NOTREDIS0", "Wrong signature trying to load DB from file"),
        (
            b"REDIS0010\xfe\x7f\xff",
            "Data file was created with a Redis server configured to handle more than 16 databases",
        ),
        (b"REDIS0010\x00\x01k\x01v", "Unexpected EOF reading RDB file, at byte 14"),
        (
            b"REDIS0010\x00\x01k\x01v\x00\x01k\x01v\xff\0\0\0\0\0\0\0\0",
            "RDB has duplicated key, at byte 14 (key \"k\")",
        ),
        (b"REDIS0010\x00\x01x\x01v\xff\x01\0\0\0\0\0\0\0", "RDB CRC error"),
        (b"REDIS0010\x63\x01k", "Unknown RDB encoding type 99"),
        (b"REDIS0010\x10\x01k\x03abc\xff\0\0\0\0\0\0\0\0", "(key \"k\")"),
        // A list of 2^62 elements.
        (b"REDIS0010\x01\x01k\x81\x40\0\0\0\0\0\0\0\x01a", "Unexpected EOF"),
    ];
    for (file, expected) in cases {
        let error = server.load(file).expect_err("it is wrong");
        assert!(error.contains(expected), "{error}");
        for shard in 0..SHARDS {
            drop(server.node().keyspace.lock(shard).take_db(0));
        }
    }
    // The oldest form has neither databases nor a checksum.
    server.load(b"REDIS0001\x00\x01k\x01v\xff").expect("loaded");
    assert_eq!(server.rows().len(), 1);
}

/// A hash of about 3 MB.
fn large_hash(seed: u64) -> Object {
    let mut rng = Rng::new(seed);
    let mut hash = Hash::new();
    for i in 0..20_000 {
        let value: Vec<u8> = (0..8).flat_map(|_| rng.next_u64().to_le_bytes()).collect();
        hash.set(format!("field {i}").as_bytes(), &value, types::hash::Life::Forever, &LIMITS);
    }
    hash.into()
}

#[test]
fn large_values_go_out_in_parts_as_they_were() {
    for round in 0..8 {
        let server = Server::new(&[]);
        fill(&server, 7, 300);
        server.put(0, Entry::with_object(b"large", large_hash(1), Some(UnixMs(4_000_000_000_000)), 0));
        server.put(2, Entry::with_object(b"large too", large_hash(2), None, 0));
        server.put(0, Entry::new(b"long", NewValue::Str(&vec![b'x'; 2 << 20]), None, 0));
        let before = server.rows();
        let node = &server.test.node;
        let job = {
            let _world = node.world.exclusive();
            server.snapshots.begin_for_test(node)
        };
        // The walk is made slow, so that somebody changes the values while they are on their way.
        node.config.set("rdb-key-save-delay", &["300"]).expect("an option");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(std::time::Duration::from_millis(10 * round));
                for (db, key) in [(0, &b"large"[..]), (2, b"large too"), (0, b"long")] {
                    let hash = node.keyspace.hash(key);
                    let mut shard = node.keyspace.lock(hash.shard());
                    match round % 4 {
                        0 => drop(shard.remove(db, hash, key)),
                        3 => drop(shard.discard(db, hash, key)),
                        1 => drop(shard.set(db, hash, key, NewValue::Int(1), keyspace::Deadline::None, 0)),
                        _ => {
                            if let Some(mut object) = shard.find_mut(db, hash, key).and_then(|entry| entry.object_mut())
                                && let Object::Hash(hash) = &mut *object
                            {
                                hash.set(b"field 1", b"changed", types::hash::Life::Forever, &LIMITS);
                            }
                        }
                    }
                    node.config.set("rdb-key-save-delay", &["0"]).expect("an option");
                }
            });
            server.snapshots.work(node, job).expect("saved");
        });
        let twin = Server::new(&[]);
        twin.load(&server.file()).expect("loaded");
        assert!(twin.rows() == before, "round {round}");
    }
}

#[test]
fn commands_in_parts_are_the_same_commands() {
    use crate::commands_form::Commands;
    use crate::walk::Form;
    for seed in 0..200 {
        let mut rng = Rng::new(seed);
        let deadline = rng.one_in(3).then_some(UnixMs(4_000_000_000_000));
        let len = 1 + rng.below(3000);
        let mut object = object(&mut rng, len);
        if let Object::Hash(hash) = &mut object
            && rng.one_in(2)
        {
            hash.set(b"mortal", b"v", types::hash::Life::Until(4_000_000_000_000), &LIMITS);
        }
        let entry = match rng.one_in(5) {
            true => Entry::new(b"k", NewValue::Str(&vec![b'x'; rng.below(300_000) as usize]), deadline, 0),
            false => Entry::with_object(b"k", object, deadline, 0),
        };
        let (mut whole, mut parts) = (Vec::new(), Vec::new());
        Commands.write(&mut whole, entry.as_ref()).expect("written");
        let mut part = Commands.begin(&mut parts, entry.as_ref()).expect("begun");
        let mut steps = 1;
        while !part.step(&mut parts, entry.as_ref(), rng.below(5000) as usize) {
            steps += 1;
        }
        assert!(whole == parts, "seed {seed}");
        assert!(steps >= whole.len() / 100_000, "seed {seed}: {steps} steps for {} bytes", whole.len());
    }
}

#[test]
fn a_walk_that_is_given_up_leaves_nothing() {
    let server = Server::new(&[]);
    server.put(0, Entry::with_object(b"large", large_hash(1), None, 0));
    let node = &server.test.node;
    let job = {
        let _world = node.world.exclusive();
        server.snapshots.begin_for_test(node)
    };
    server.snapshots.state.lock().running.as_ref().expect("it runs").control.cancel.store(true, Relaxed);
    assert!(server.snapshots.work(node, job).is_err());
    assert!(!node.disk.exists(&crate::file::temp_name()));
    assert!((0..SHARDS).all(|shard| !node.keyspace.lock(shard).walk_active()));
    let hash = node.keyspace.hash(b"large");
    assert!(!node.keyspace.lock(hash.shard()).walk_wants(0, hash, b"large"));
}

#[test]
fn checks_files_without_loading_them() {
    let server = Server::new(&[]);
    fill(&server, 3, 300);
    server.put(0, Entry::new(b"dead", NewValue::Int(1), Some(UnixMs(1000)), 0));
    server.snapshots.save_last().expect("saved");
    let disk = &*server.node().disk;
    let check = |path: &str| {
        let mut lines = Vec::new();
        let checked = crate::check_rdb(
            disk,
            Path::new(path),
            2000,
            &mut |line| lines.push(line.to_owned()),
            &mut |done, total| assert!(done <= total),
        );
        (checked, lines)
    };
    let (checked, lines) = check("dump.rdb");
    let checked = checked.expect("valid");
    assert_eq!((checked.version, checked.keys, checked.expired), (10, 301, 1));
    assert_eq!(checked.end, server.file().len() as u64);
    assert!(lines.iter().any(|line| line.ends_with("Checksum OK")), "{lines:?}");
    assert!(crate::is_rdb(disk, Path::new("dump.rdb")));
    let mut bytes = server.file();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    disk.write_atomic(Path::new("bad.rdb"), &bytes).expect("written");
    let (checked, lines) = check("bad.rdb");
    assert!(checked.is_err() && lines.iter().any(|line| line == "--- RDB ERROR DETECTED ---"), "{lines:?}");
    disk.write_atomic(Path::new("short.rdb"), &bytes[..middle]).expect("written");
    assert!(check("short.rdb").0.is_err());
}
