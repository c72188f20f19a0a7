//! The binary as a process: what it says, how it starts and stops, what it writes.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const BASALT: &str = env!("CARGO_BIN_EXE_basalt");
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder for one test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("basalt-start-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path.canonicalize().unwrap())
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A port that nobody had a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn run(words: &[&str]) -> Output {
    Command::new(BASALT).args(words).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A server whose log is in its folder.
struct Server {
    child: Child,
    port: u16,
    log: PathBuf,
}

impl Server {
    fn start(folder: &Folder, words: &[&str]) -> Server {
        let port = free_port();
        let log = folder.0.join("log");
        let mut command = Command::new(BASALT);
        command.current_dir(&folder.0).args(words).args(["--port", &port.to_string(), "--logfile", "log"]);
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        let server = Server { child, port, log };
        until("Ready to accept", || server.log().contains("Ready to accept connections tcp").then_some(()));
        server
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn ask(&self, words: &[&str]) -> Vec<String> {
        ask(self.port, words)
    }

    fn one(&self, words: &[&str]) -> String {
        self.ask(words).join(" ")
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Ends it with SIGTERM; its exit code.
    fn stop(mut self) -> i32 {
        self.signal(Signal::TERM);
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request; the reply's lines without lengths.
fn ask(port: u16, words: &[&str]) -> Vec<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut request = format!("*{}\r\n", words.len());
    words.iter().for_each(|word| request.push_str(&format!("${}\r\n{word}\r\n", word.len())));
    stream.write_all(request.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    let mut replies = Vec::new();
    let mut left = 1;
    while left > 0 {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim_end();
        left -= 1;
        match line.split_at(1) {
            ("*", count) => left += count.parse::<usize>().unwrap(),
            ("$", len) => {
                let mut bytes = vec![0; len.parse::<usize>().unwrap() + 2];
                reader.read_exact(&mut bytes).unwrap();
                replies.push(text(&bytes[..bytes.len() - 2]));
            }
            _ => replies.push(line.to_owned()),
        }
    }
    replies
}

#[test]
fn says_what_it_is() {
    let version = run(&["--version"]);
    assert!(version.status.success() && text(&version.stdout).starts_with("Basalt v="));
    assert!(text(&version.stdout).contains("Redis server v="));
    assert_eq!(run(&["-v"]).stdout, version.stdout);
    assert!(text(&run(&["--help"]).stdout).contains("Usage: basalt"));
    for (what, known) in
        [("commands", "\nCONFIG GET\tserver\t"), ("options", "\nmaxmemory\tmemory\t"), ("metrics", "\n")]
    {
        let list = run(&["--list", what]);
        assert!(list.status.success() && text(&list.stdout).contains(known), "{what}");
    }
    assert_eq!(run(&["--list", "x"]).status.code(), Some(1));
    assert_eq!(run(&["--sentinel"]).status.code(), Some(1));
}

#[test]
fn mistakes_end_the_start() {
    let folder = Folder::new("mistakes");
    let conf = folder.file("a.conf", "port 0\nmaxmemry 1gb\n");
    for (words, expected) in [
        (&[conf.to_str().unwrap()][..], "at line 2 of"),
        (&[conf.to_str().unwrap()], "Did you mean 'maxmemory'?"),
        (&["--invalid"], ">>> 'invalid'\nBad directive or wrong number of arguments"),
        (&["--port"], ">>> 'port'\nwrong number of arguments"),
        (&["--port", "6379", "6380"], ">>> 'port \"6379\" \"6380\"'\nwrong number of arguments"),
        (
            &["--port", "--bla", "--loglevel", "verbose"],
            ">>> 'port \"--bla\"'\nargument couldn't be parsed into an integer",
        ),
        (&["--port", "0", "--logfile", "/no/such/log"], "Can't open the log file /no/such/log: "),
        (&["--user", "foo", "--user", "foo"], "Duplicate user found"),
        (
            &["--user", "foo", "+nosuch"],
            "Error in user declaration 'foo': Error in applying operation '+nosuch': Unknown",
        ),
        (&["--user", "foo", "--aclfile", "/users.acl"], "use one or the other, not both"),
        (&["--aclfile", "/no/such.acl"], "opening file '/no/such.acl': No such file or directory"),
        (&["/no/such.conf"], "Fatal error, can't open config file '/no/such.conf': No such file or directory"),
    ] {
        let output = run(words);
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        assert!(text(&output.stderr).contains(expected), "{words:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "{words:?}: {}", text(&output.stdout));
    }
}

#[test]
fn starts_serves_and_stops() {
    let folder = Folder::new("serves");
    let server = Server::start(
        &folder,
        &["--pidfile", "pid", "--unixsocket", "socket", "--appendonly", "yes", "--maxmemory", "1gb"],
    );
    let pid = server.child.id();
    let log = server.log();
    let after = log.split(&format!(" PID: {pid}")).nth(1).expect("the process's number");
    assert!(after.contains("Server initialized") && after.contains("Ready to accept connections unix"), "{log}");
    assert!(log.contains(&format!("Port: {}", server.port)) && log.contains("Data directory: /"), "{log}");
    assert!(log.contains("Event-loop threads: ") && log.contains("(maxmemory): 1.00G"), "{log}");
    assert_eq!(server.one(&["PING"]), "+PONG");
    assert_eq!(folder.read("pid"), format!("{pid}\n"));
    assert_eq!(server.one(&["CONFIG", "GET", "dir"]), format!("dir {}", folder.0.display()));
    server.signal(Signal::HUP);
    assert_eq!(server.one(&["PING"]), "+PONG", "SIGHUP is ignored");
    assert_eq!(server.stop(), 0);
    let log = folder.read("log");
    assert!(log.contains("User requested shutdown...") && log.contains("ready to exit, bye bye..."), "{log}");
    assert!(!folder.0.join("pid").exists() && !folder.0.join("socket").exists());
}

#[test]
fn sigint_stops_too() {
    let folder = Folder::new("sigint");
    let mut server = Server::start(&folder, &[]);
    server.signal(Signal::INT);
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    assert!(server.log().contains("Received SIGINT scheduling shutdown..."));
}

#[test]
fn ends_although_a_script_does_not() {
    let folder = Folder::new("script");
    let mut server = Server::start(&folder, &["--appendonly", "yes", "--busy-reply-threshold", "10"]);
    // And a snapshot waits for the script's shard.
    for i in 0..1000 {
        assert_eq!(server.one(&["SET", &format!("key:{i}"), "x"]), "+OK");
    }
    assert_eq!(server.one(&["CONFIG", "SET", "rdb-key-save-delay", "1000"]), "+OK");
    assert!(server.one(&["BGSAVE"]).starts_with("+Background"));
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.write_all(b"EVAL \"redis.call('set',KEYS[1],1) while true do end\" 1 k\r\n").unwrap();
    until("BUSY", || server.one(&["PING"]).starts_with("-BUSY").then_some(()));
    assert!(server.one(&["SHUTDOWN"]).starts_with("-BUSY"), "the data cannot be saved");
    let mut other = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    other.write_all(b"SHUTDOWN NOSAVE\r\n").unwrap();
    let code = until("the end", || server.child.try_wait().unwrap());
    assert_eq!(code.code(), Some(0));
    assert!(server.log().contains("A script that does not end is left behind"));
}

/// The first base of a log that is turned on waits for the script's shard.
#[test]
fn ends_although_a_script_holds_up_the_first_base() {
    let folder = Folder::new("script-base");
    let mut server = Server::start(&folder, &["--appendonly", "no", "--busy-reply-threshold", "10"]);
    for i in 0..1000 {
        assert_eq!(server.one(&["SET", &format!("key:{i}"), "x"]), "+OK");
    }
    assert_eq!(server.one(&["CONFIG", "SET", "rdb-key-save-delay", "1000"]), "+OK");
    let connect = |port| TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (mut turns_on, mut runs, mut ends) = (connect(server.port), connect(server.port), connect(server.port));
    turns_on.write_all(b"CONFIG SET appendonly yes\r\n").unwrap();
    runs.write_all(b"EVAL \"redis.call('set',KEYS[1],1) while true do end\" 1 k\r\n").unwrap();
    until("BUSY", || server.one(&["PING"]).starts_with("-BUSY").then_some(()));
    ends.write_all(b"SHUTDOWN NOSAVE\r\n").unwrap();
    let code = until("the end", || server.child.try_wait().unwrap());
    assert_eq!(code.code(), Some(0));
}

#[test]
fn a_port_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = Folder::new("port");
    let dir = folder.0.display().to_string();
    let output = run(&["--port", &port, "--bind", "127.0.0.1", "--dir", &dir]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("Failed listening on port"), "{}", text(&output.stdout));
    let output = run(&["--port", "0", "--dir", &dir]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("Configured to not listen anywhere, exiting."));
}

#[test]
fn a_pid_file_that_cannot_be_written_only_warns() {
    let folder = Folder::new("nopid");
    let server = Server::start(&folder, &["--pidfile", "/no/such/folder/pid"]);
    assert!(server.log().contains("# Failed to write PID file /no/such/folder/pid: No such file or directory"));
    assert_eq!(server.stop(), 0);
}

#[test]
fn options_change_while_it_runs() {
    let folder = Folder::new("change");
    let server = Server::start(&folder, &["--enable-protected-configs", "local"]);
    assert_eq!(server.one(&["CONFIG", "SET", "dir", "/"]), "+OK");
    assert_eq!(server.one(&["CONFIG", "GET", "dir"]), "dir /");
    let refused = server.one(&["CONFIG", "SET", "maxmemory-samples", "9", "dir", "/no/such"]);
    assert_eq!(refused, "-ERR CONFIG SET failed (possibly related to argument 'dir') - No such file or directory");
    assert_eq!(server.one(&["CONFIG", "GET", "dir", "maxmemory-samples"]), "dir / maxmemory-samples 5");
    assert_eq!(server.one(&["CONFIG", "SET", "loglevel", "debug"]), "+OK");
    assert_eq!(server.one(&["CONFIG", "SET", "appendonly", "no"]), "+OK");
    // Memory is not moved: who asks for it is told, and goes on without (Redis's own tests do).
    let refused = server.one(&["CONFIG", "SET", "activedefrag", "yes"]);
    let words = "-ERR CONFIG SET failed (possibly related to argument 'activedefrag') - Active defragmentation cannot be enabled: it";
    assert!(refused.starts_with(words), "{refused}");
    assert_eq!(server.one(&["CONFIG", "GET", "activedefrag"]), "activedefrag no");
    assert_eq!(server.one(&["CONFIG", "SET", "activedefrag", "no"]), "+OK");
    assert_eq!(server.one(&["CONFIG", "REWRITE"]), "-ERR The server is running without a config file");

    let taken = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let refused = server.one(&["CONFIG", "SET", "maxmemory", "5mb", "port", &port]);
    assert!(
        refused.starts_with(
            "-ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port"
        ),
        "{refused}"
    );
    assert_eq!(server.one(&["CONFIG", "GET", "maxmemory-samples"]), "maxmemory-samples 5", "it listens where it did");
    let other = free_port();
    assert_eq!(server.one(&["CONFIG", "SET", "port", &other.to_string()]), "+OK");
    until("the new port", || TcpStream::connect(("127.0.0.1", other)).ok());
    assert_eq!(ask(other, &["CONFIG", "GET", "port"]), ["port".to_owned(), other.to_string()]);
}

/// Where files are written and what is loaded is not for clients to say: only the configuration does, or who it names.
#[test]
fn paths_are_for_the_configuration() {
    let protected = ["dbfilename", "dir"];
    let fixed = [
        "aclfile",
        "appenddirname",
        "appendfilename",
        "cluster-config-file",
        "enable-debug-command",
        "enable-module-command",
        "enable-protected-configs",
        "logfile",
        "pidfile",
        "unixsocket",
    ];
    // Only read, when they are set; Redis lets clients change them too.
    let read = [
        "tls-ca-cert-dir",
        "tls-ca-cert-file",
        "tls-cert-file",
        "tls-client-cert-file",
        "tls-client-key-file",
        "tls-dh-params-file",
        "tls-key-file",
    ];
    let folder = Folder::new("paths");
    let server = Server::start(&folder, &[]);
    let refusal = |server: &Server, name: &str, value: &str| {
        let reply = server.one(&["CONFIG", "SET", name, value]);
        let about = format!("-ERR CONFIG SET failed (possibly related to argument '{name}') - ");
        reply.strip_prefix(&about).unwrap_or_else(|| panic!("{name}: {reply}")).to_string()
    };
    for name in protected {
        assert_eq!(refusal(&server, name, "elsewhere"), "can't set protected config");
    }
    for name in fixed {
        assert_eq!(refusal(&server, name, "yes"), "can't set immutable config");
    }
    // Nor together with what may be set, nor through a transaction or a script.
    assert!(server.one(&["CONFIG", "SET", "maxmemory", "1gb", "dir", "/"]).contains("can't set protected config"));
    assert_eq!(server.one(&["CONFIG", "GET", "maxmemory"]), "maxmemory 0");
    let by_script = server.one(&["EVAL", "return redis.call('config', 'set', 'dir', '/')", "0"]);
    assert!(by_script.starts_with("-ERR This Redis command is not allowed from script"), "{by_script}");
    for words in [&["DEBUG", "RELOAD"][..], &["MODULE", "LOAD", "/x.so"], &["MODULE", "LOADEX", "/x.so"]] {
        let reply = server.one(words);
        assert!(reply.starts_with(&format!("-ERR {} command not allowed.", words[0])), "{words:?}: {reply}");
    }
    // A new option that may hold a path must choose its list here.
    let shown = server.ask(&["CONFIG", "GET", "*"]);
    let names = shown.chunks_exact(2).map(|pair| pair[0].as_str());
    let ends = ["file", "filename", "dir", "dirname", "unixsocket", "path"];
    let paths: Vec<&str> = names.filter(|name| ends.iter().any(|end| name.ends_with(end))).collect();
    let listed = |name: &&str| protected.contains(name) || fixed.contains(name) || read.contains(name);
    assert!(paths.len() > 10 && paths.iter().all(listed), "{paths:?}");
    assert_eq!(server.stop(), 0);

    // Who may change them still names files in `dir`, not paths.
    let folder = Folder::new("paths-allowed");
    let server = Server::start(&folder, &["--enable-protected-configs", "yes", "--enable-debug-command", "local"]);
    for name in ["../x.rdb", "/x.rdb", "a/b"] {
        assert_eq!(refusal(&server, "dbfilename", name), "dbfilename can't be a path, just a filename");
    }
    assert_eq!(server.one(&["DEBUG", "SLEEP", "0"]), "+OK");
    assert_eq!(server.stop(), 0);
    for option in ["--appenddirname", "--appendfilename", "--dbfilename"] {
        let output = run(&[option, "../x", "--port", "0"]);
        assert_eq!(output.status.code(), Some(1), "{option}");
    }
}

#[test]
fn every_option_takes_the_value_it_shows() {
    let folder = Folder::new("sanity");
    let server = Server::start(&folder, &["--enable-protected-configs", "yes"]);
    let shown = server.ask(&["CONFIG", "GET", "*"]);
    let immutable = |reply: &str| reply.ends_with("can't set immutable config");
    let mut count = 0;
    for pair in shown.chunks_exact(2) {
        let reply = server.one(&["CONFIG", "SET", &pair[0], &pair[1]]);
        assert!(reply == "+OK" || immutable(&reply), "{} '{}': {reply}", pair[0], pair[1]);
        assert_eq!(server.ask(&["CONFIG", "GET", &pair[0]]), pair);
        count += 1;
    }
    assert!(count > 200, "{count}");
    assert_eq!(server.ask(&["CONFIG", "GET", "*of"]).iter().filter(|name| name.ends_with("of")).count(), 2);
    assert_eq!(server.one(&["CONFIG", "GET", "key-load-*"]), "");
    assert_eq!(server.one(&["CONFIG", "GET", "key-load-delay"]), "key-load-delay 0");
}

#[test]
fn a_rewritten_file_starts_the_same_server() {
    let folder = Folder::new("rewrite");
    folder.file("a.conf", "# mine\nsave 900 1\nhash-max-ziplist-entries 100\nrename-command flushdb badger\nuser default on nopass ~* +@all\nmaxmemory 100mb\n");
    let server = Server::start(&folder, &["a.conf", "--latency-tracking-info-percentiles", "50", "99"]);
    for (name, value) in [
        ("save", ""),
        ("hash-max-listpack-entries", "7"),
        ("notify-keyspace-events", "KEA"),
        ("client-output-buffer-limit", "pubsub 1mb 2mb 3"),
        ("shutdown-on-sigterm", "now nosave"),
        ("oom-score-adj-values", "1 2 3"),
        ("requirepass", ""),
    ] {
        assert_eq!(server.one(&["CONFIG", "SET", name, value]), "+OK", "{name}");
    }
    let (before, port) = (server.ask(&["CONFIG", "GET", "*"]), server.port);
    assert_eq!(server.one(&["CONFIG", "REWRITE"]), "+OK");
    assert_eq!(server.stop(), 0);
    let file = folder.read("a.conf");
    assert!(file.starts_with("# mine\nsave \"\"\nhash-max-listpack-entries 7\nrename-command flushdb badger\nuser default on nopass ~* +@all\nmaxmemory 100mb\n# Generated by CONFIG REWRITE\n"), "{file}");

    let mut again = Command::new(BASALT).arg("a.conf").current_dir(&folder.0).spawn().unwrap();
    let after = until("the second start", || {
        TcpStream::connect(("127.0.0.1", port)).ok().map(|_| ask(port, &["CONFIG", "GET", "*"]))
    });
    kill_process(Pid::from_child(&again), Signal::TERM).unwrap();
    again.wait().unwrap();
    assert_eq!(after, before);
}

#[test]
fn configuration_from_standard_input() {
    let folder = Folder::new("stdin");
    let port = free_port();
    let mut child = Command::new(BASALT)
        .args(["--databases", "3", "-"])
        .current_dir(&folder.0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(format!("port {port}\nmaxclients 77\n").as_bytes()).unwrap();
    until("the port", || TcpStream::connect(("127.0.0.1", port)).ok());
    assert_eq!(ask(port, &["CONFIG", "GET", "maxclients"]), ["maxclients", "77"]);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn in_the_background() {
    let folder = Folder::new("daemon");
    let port = free_port();
    let mut child = Command::new(BASALT)
        .args(["--daemonize", "yes", "--pidfile", "pid", "--logfile", "log", "-"])
        .current_dir(&folder.0)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(format!("port {port}\n").as_bytes()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "the first process ends");
    let pid = until("the pid file", || folder.read("pid").trim().parse::<i32>().ok());
    assert_ne!(pid, child.id() as i32);
    until("the port", || TcpStream::connect(("127.0.0.1", port)).ok());
    assert_eq!(ask(port, &["PING"]), ["+PONG"]);
    let pid = Pid::from_raw(pid).unwrap();
    assert_eq!(rustix::process::getsid(Some(pid)).unwrap(), pid, "a session of its own");
    kill_process(pid, Signal::TERM).unwrap();
    until("its end", || (!folder.0.join("pid").exists()).then_some(()));
    until("the last line", || folder.read("log").contains("bye bye").then_some(()));
}

#[test]
fn mistakes_of_a_daemon_are_told_at_the_terminal() {
    let output = run(&["--daemonize", "yes", "--port", "x"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("FATAL CONFIG FILE ERROR"));
}

#[test]
fn systemd_is_told() {
    let folder = Folder::new("systemd");
    let path: &Path = &folder.0.join("notify");
    let socket = UnixDatagram::bind(path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let port = free_port().to_string();
    let mut child = Command::new(BASALT)
        .args(["--supervised", "systemd", "--port", &port])
        .current_dir(&folder.0)
        .env("NOTIFY_SOCKET", path)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut buf = [0; 200];
    let len = socket.recv(&mut buf).unwrap();
    assert!(text(&buf[..len]).contains("READY=1"));
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let len = socket.recv(&mut buf).unwrap();
    assert_eq!(text(&buf[..len]), "STOPPING=1\n");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
