//! The tools that everybody has: redis-cli and redis-benchmark, as they come from Debian.

use crate::harness::Server;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn tool(name: &str) -> Option<String> {
    let path = format!("/usr/bin/{name}");
    if Path::new(&path).exists() {
        return Some(path);
    }
    println!("skipped: {path} is not installed");
    None
}

fn run(path: &str, server: &Server, args: &[&str], input: &str) -> Output {
    let mut child = Command::new(path)
        .args(["-p", &server.port.to_string()])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the tool starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("its input"), input.as_bytes()).expect("it reads");
    child.wait_with_output().expect("it ends")
}

fn says(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).trim_end().to_string()
}

#[test]
fn redis_cli() {
    let Some(path) = tool("redis-cli") else { return };
    let server = Server::start(&[]);
    let cli = |args: &[&str]| says(&run(&path, &server, args, ""));
    assert_eq!(cli(&["SET", "k", "a value"]), "OK");
    assert_eq!(cli(&["GET", "k"]), "a value");
    assert_eq!(cli(&["-3", "GET", "k"]), "a value");
    assert_eq!(cli(&["GET", "none"]), "");
    assert_eq!(cli(&["--no-raw", "GET", "none"]), "(nil)");
    assert_eq!(cli(&["--no-raw", "INCR", "n"]), "(integer) 1");
    assert_eq!(
        cli(&["--no-raw", "-3", "CONFIG", "GET", "maxmemory-policy"]),
        "1# \"maxmemory-policy\" => \"noeviction\""
    );
    assert_eq!(cli(&["-n", "3", "SET", "k", "three"]), "OK");
    assert_eq!(cli(&["-n", "3", "GET", "k"]), "three");
    assert_eq!(cli(&["GET", "k"]), "a value");
    assert_eq!(cli(&["NOSUCH"]).split(',').next(), Some("ERR unknown command 'NOSUCH'"));
    assert_eq!(says(&run(&path, &server, &["-x", "SET", "piped"], "from stdin")), "OK");
    assert_eq!(cli(&["GET", "piped"]), "from stdin");
    assert_eq!(says(&run(&path, &server, &[], "SET a 1\nINCR a\nGET a\n")), "OK\n2\n2");
    let mut keys: Vec<String> = cli(&["--scan"]).lines().map(str::to_string).collect();
    keys.sort();
    assert_eq!(keys, ["a", "k", "n", "piped"]);
    assert_eq!(cli(&["--scan", "--pattern", "p*"]), "piped");
    assert!(cli(&["INFO", "server"]).contains("redis_version:"));
}

#[test]
fn redis_cli_pipe() {
    let Some(path) = tool("redis-cli") else { return };
    let server = Server::start(&[]);
    let input: String = (0..20_000).map(|i| format!("SET key{i} value{i}\r\n")).collect();
    let said = says(&run(&path, &server, &["--pipe"], &input));
    assert!(said.ends_with("errors: 0, replies: 20000"), "{said}");
    assert_eq!(says(&run(&path, &server, &["DBSIZE"], "")), "20000");
}

#[test]
fn redis_benchmark() {
    let Some(path) = tool("redis-benchmark") else { return };
    let server = Server::start(&["--io-threads", "2"]);
    for args in [
        &["-n", "10000", "-q", "-t", "set,get,incr,mset", "-P", "16"][..],
        &["-n", "3000", "-q", "-t", "ping,set,get", "-c", "20"],
        &["-n", "5000", "-q", "-t", "set", "-P", "4", "--threads", "2", "-r", "1000", "-d", "500"],
        &["-n", "5000", "-q", "-P", "50", "SET", "key:__rand_int__", "x"],
    ] {
        let said = says(&run(&path, &server, args, ""));
        assert!(said.contains("requests per second") && !said.contains("rror"), "{args:?}: {said}");
    }
}
