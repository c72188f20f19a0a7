//! Beside a real Redis 7: it opens our folder, we open its, and redis-check-aof finds nothing to say.

use kit::world::{RealClock, RealDisk};
use log::{Base, Batch, Format, LoadSink, Log, Policy, Settings, Unit};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

struct Server {
    _process: Process,
    stream: BufReader<TcpStream>,
}

impl Server {
    fn start(dir: &Path) -> Option<Server> {
        if !Path::new("/usr/bin/redis-server").exists() {
            eprintln!("no redis-server here: not tested");
            return None;
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // Its `everysec` may hold a write back for two seconds while it syncs, and answers all the same.
        let process = Command::new("/usr/bin/redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--save",
                "",
                "--appendonly",
                "yes",
                "--appendfsync",
                "always",
                "--dir",
            ])
            .arg(dir)
            .stdout(Stdio::from(std::fs::File::create(dir.join("redis.log")).unwrap()))
            .spawn();
        let process = Process(process.unwrap());
        for _ in 0..1000 {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
                let mut server = Server { _process: process, stream: BufReader::new(stream) };
                while server.ask("PING").starts_with("-LOADING") {
                    std::thread::sleep(std::time::Duration::from_millis(10));
                }
                return Some(server);
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("{}", std::fs::read_to_string(dir.join("redis.log")).unwrap());
    }

    fn ask(&mut self, command: &str) -> String {
        self.stream.get_mut().write_all(format!("{command}\r\n").as_bytes()).unwrap();
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        if let Some(len) = line.strip_prefix('$').and_then(|len| len.trim().parse::<usize>().ok()) {
            let mut bytes = vec![0; len + 2];
            std::io::Read::read_exact(&mut self.stream, &mut bytes).unwrap();
            return String::from_utf8_lossy(&bytes[..len]).into_owned();
        }
        line.trim().to_owned()
    }
}

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[derive(Default)]
struct Map(BTreeMap<(u32, String), String>);

impl LoadSink for Map {
    /// The bases in these tests are empty data sets of Redis, or commands.
    fn rdb(&mut self, path: &Path) -> Result<u64, String> {
        Ok(std::fs::metadata(path).unwrap().len())
    }

    fn batch(&mut self, batch: &Batch) -> Result<(), String> {
        for command in batch.units().flatten() {
            let words: Vec<_> = batch.words(command).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
            match words[0].to_ascii_uppercase().as_str() {
                "SET" => self.0.insert((command.db, words[1].clone()), words[2].clone()),
                other => return Err(format!("Unknown command '{other}'")),
            };
        }
        Ok(())
    }
}

fn open(dir: &Path, timestamps: bool) -> (Log, Map, log::Loaded) {
    let mut settings = Settings::new(dir);
    settings.live.policy = Policy::Always;
    settings.live.timestamps = timestamps;
    let log = Log::new(Arc::new(RealDisk), Arc::new(RealClock::new()), settings);
    let plan = log.plan().unwrap();
    let mut map = Map::default();
    let loaded = log.load(&plan, &mut map, true).unwrap();
    let base = plan.is_empty().then(|| {
        let temp = dir.join("temp-base.aof");
        std::fs::write(&temp, "").unwrap();
        Base { temp, format: Format::Aof }
    });
    log.begin(&loaded, base.as_ref()).unwrap();
    (log, map, loaded)
}

fn set(log: &Log, keys: &[(usize, &str, &str)]) {
    let mut unit = Unit::default();
    for (db, key, value) in keys {
        unit.push(*db, [&b"SET"[..], key.as_bytes(), value.as_bytes()].into_iter());
    }
    log.append(&unit);
}

fn temp(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("basalt-log-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

#[test]
fn each_opens_what_the_other_wrote() {
    for timestamps in [false, true] {
        let dir = temp(if timestamps { "times" } else { "plain" });
        let (log, _, _) = open(&dir, timestamps);
        let long = "x".repeat(100_000);
        for number in 0..300 {
            set(&log, &[(number % 3, &format!("a{number}"), if number % 50 == 0 { &long } else { "1" })]);
            if number % 7 == 0 {
                set(&log, &[(0, "m", "1"), (1, "m", "2"), (0, &format!("n{number}"), "3")]);
                log.sync_now().unwrap();
            }
        }
        let prepared = log.prepare_rotate().unwrap();
        log.rotate(prepared);
        set(&log, &[(2, "after", "rotation")]);
        log.sync_now().unwrap();
        log.switch_off();
        log.close().unwrap();

        let manifest = dir.join("appendonlydir/appendonly.aof.manifest");
        if Path::new("/usr/bin/redis-check-aof").exists() {
            let output = Command::new("/usr/bin/redis-check-aof").arg(&manifest).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(text.contains("All AOF files and manifest are valid"), "{text}");
        }
        let Some(mut redis) = Server::start(&dir) else { return };
        assert_eq!(redis.ask("GET a150").len(), 100_000);
        assert_eq!((redis.ask("GET m"), redis.ask("GET n294")), ("1".into(), "3".into()));
        redis.ask("SELECT 1");
        assert_eq!((redis.ask("GET m"), redis.ask("GET a1")), ("2".into(), "1".into()));
        redis.ask("SELECT 2");
        assert_eq!(redis.ask("GET after"), "rotation");
        redis.ask("SET theirs 1");
        redis.ask("SELECT 5");
        assert_eq!(redis.ask("SET theirs 2"), "+OK");
        drop(redis); // kill -9

        // Theirs behind ours, and ours again behind theirs.
        let (log, map, loaded) = open(&dir, timestamps);
        assert_eq!(map.0[&(5, "theirs".into())], "2");
        assert_eq!((map.0[&(1, "m".into())].as_str(), map.0[&(2, "after".into())].as_str()), ("2", "rotation"));
        assert!(loaded.unchecked_bytes > 0 && loaded.cuts.is_empty());
        set(&log, &[(7, "ours", "again")]);
        log.sync_now().unwrap();
        drop(log);
        let mut redis = Server::start(&dir).unwrap();
        redis.ask("SELECT 7");
        assert_eq!(redis.ask("GET ours"), "again");
        redis.ask("SELECT 5");
        assert_eq!(redis.ask("GET theirs"), "2");
        redis.ask("CONFIG SET aof-use-rdb-preamble no");
        redis.ask("BGREWRITEAOF");
        while !redis.ask("INFO persistence").contains("aof_rewrite_in_progress:0") {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        redis.ask("SET last 1");
        drop(redis);
        let (_, map, loaded) = open(&dir, timestamps);
        assert_eq!(map.0[&(5, "last".into())], "1");
        assert_eq!(map.0[&(7, "ours".into())], "again");
        assert!(loaded.cuts.is_empty());
        std::fs::remove_dir_all(&dir).unwrap();
    }
}

#[test]
fn threads_share_syncs() {
    let dir = temp("threads");
    let (log, _, _) = open(&dir, false);
    let log = Arc::new(log);
    let (told, waits) = (Arc::new(parking_lot::Mutex::new(())), Arc::new(parking_lot::Condvar::new()));
    let (lock, bell) = (told.clone(), waits.clone());
    log.set_listener(move |_| {
        let _told = lock.lock();
        bell.notify_all();
    });
    let background = std::thread::spawn({
        let log = log.clone();
        move || log.run_background()
    });
    let workers: Vec<_> = (0..8)
        .map(|worker| {
            let (log, told, waits) = (log.clone(), told.clone(), waits.clone());
            std::thread::spawn(move || {
                for number in 0..100 {
                    let mut unit = Unit::default();
                    unit.push(
                        0,
                        [&b"SET"[..], format!("w{worker}").as_bytes(), number.to_string().as_bytes()].into_iter(),
                    );
                    let position = log.append(&unit);
                    log.flush(position);
                    let mut told = told.lock();
                    while log.acknowledged() < position {
                        waits.wait_for(&mut told, std::time::Duration::from_millis(50));
                    }
                    drop(told);
                    assert!(log.synced() >= position);
                }
            })
        })
        .collect();
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    log.stop_background();
    background.join().unwrap();
    let status = log.status();
    assert!(status.syncs < 800, "{} syncs for 800 units", status.syncs);
    assert_eq!(status.synced, status.position);
    drop(log);
    let (_, map, _) = open(&dir, false);
    assert!((0..8).all(|worker| map.0[&(0, format!("w{worker}"))] == "99"));
    std::fs::remove_dir_all(&dir).unwrap();
}
