//! A server process for one test: started on a free port in a folder of its own, stopped when dropped.
//!
//! Always true: when `start` returns the server has said "Ready to accept"; a port that somebody else took in between
//! costs another try, not a failure. When the test fails, the end of the server's log is printed.

use crate::client::Client;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub(crate) const REDIS_SERVER: &str = "/usr/bin/redis-server";

/// A debug build on a machine that does other things: far more than any start takes.
const START_MAX: Duration = Duration::from_secs(30);
const STOP_MAX: Duration = Duration::from_secs(10);

/// Outgoing connections take their ports from 32768 up: below it nobody takes ours by chance.
const PORTS: std::ops::Range<u32> = 12_000..32_000;

pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    pub(crate) dir: PathBuf,
    is_redis: bool,
    binary: PathBuf,
}

impl Server {
    /// The server under test, with these arguments beside port and folder.
    pub(crate) fn start(args: &[&str]) -> Server {
        let path = std::env::var("BASALT_TEST_SERVER").unwrap_or_else(|_| env!("CARGO_BIN_EXE_basalt").into());
        Server::start_binary(Path::new(&path), args)
    }

    /// Redis 7.0 beside it; `None`, with a notice, where it is not installed.
    pub(crate) fn start_redis(args: &[&str]) -> Option<Server> {
        if !Path::new(REDIS_SERVER).exists() {
            println!("skipped: {REDIS_SERVER} is not installed");
            return None;
        }
        Some(Server::start_binary(Path::new(REDIS_SERVER), args))
    }

    fn start_binary(binary: &Path, args: &[&str]) -> Server {
        let mut last_log = String::new();
        for _ in 0..5 {
            match Server::try_start(binary, args) {
                Ok(server) => return server,
                Err(log) => last_log = log,
            }
        }
        panic!("{} {args:?} does not start; its log ends:\n{last_log}", binary.display());
    }

    fn try_start(binary: &Path, args: &[&str]) -> Result<Server, String> {
        let port = free_port();
        let dir = std::env::temp_dir().join(format!("basalt-it-{}-{port}", std::process::id()));
        fs::create_dir_all(&dir).expect("a folder for the server");
        let child = spawn(binary, port, &dir, args);
        let mut server = Server { child, port, dir, is_redis: false, binary: binary.to_path_buf() };
        server.wait_until_ready()?;
        server.is_redis = server.log().contains("Redis version=7.0");
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> Result<(), String> {
        let server = self;
        let started = Instant::now();
        while !server.log().contains("Ready to accept") {
            if server.child.try_wait().expect("its state").is_some() || started.elapsed() > START_MAX {
                return Err(server.log_end());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Ends it without any warning, as a crash does.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Another process on the same port and folder, after this one has ended. The error is the end of its log.
    pub(crate) fn start_again(&mut self, args: &[&str]) -> Result<(), String> {
        assert!(!self.is_running(), "one at a time");
        self.child = spawn(&self.binary, self.port, &self.dir, args);
        self.wait_until_ready()
    }

    /// Is Redis 7.0 under test? Then what came later, and what only we promise, is left out.
    pub(crate) fn is_redis(&self) -> bool {
        self.is_redis
    }

    pub(crate) fn connect(&self) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        Client::new(stream)
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("its state").is_none()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Memory that is in use and resident, as the kernel counts it.
    pub(crate) fn rss_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of kB");
        kib * 1024
    }

    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.join("log")).unwrap_or_default()).into_owned()
    }

    fn log_end(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).expect("the pid of a child");
        kill_process(pid, signal).expect("sent");
    }

    /// Asks the server to end and waits until it has. `None`: it did not, in time.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).expect("the pid of a child");
        let _ = kill_process(pid, Signal::TERM);
        let started = Instant::now();
        while started.elapsed() < STOP_MAX {
            if let Some(status) = self.child.try_wait().expect("its state") {
                return Some(status.code().unwrap_or(-1));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    }
}

fn spawn(binary: &Path, port: u16, dir: &Path, args: &[&str]) -> Child {
    let log = fs::File::create(dir.join("log")).expect("a log file");
    Command::new(binary)
        .args(["--port", &port.to_string(), "--save", "", "--dir"])
        .arg(dir)
        .args(args)
        .stdin(Stdio::null())
        .stderr(log.try_clone().expect("the same file"))
        .stdout(log)
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", binary.display()))
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("---- the end of the server's log (port {}):\n{}\n----", self.port, self.log_end());
        }
        if self.is_running() && self.stop().is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A port that nobody listens on, and that no other test of this run was given.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // Another run at the same time begins elsewhere.
        let port = PORTS.start + (std::process::id() * 131 + number) % (PORTS.end - PORTS.start);
        let port = u16::try_from(port).expect("below 65536");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Runs `check` until it says yes or the time is over.
pub(crate) fn within(time: Duration, mut check: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    loop {
        if check() {
            return true;
        }
        if started.elapsed() > time {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn stops_when_asked() {
    let mut server = Server::start(&[]);
    assert_eq!(server.connect().ask_line("PING"), crate::client::simple("PONG"));
    assert_eq!(server.stop(), Some(0), "SIGTERM ends it, without an error");
}
