//! `basalt check FILE-OR-FOLDER [--fix] [--truncate-to-timestamp SECONDS]`
//!
//! RDB files, append-only files, their manifest or folder. Says what redis-check-rdb and redis-check-aof say.

use super::progress::Bar;
use super::{take_flag, take_value};
use ::log::{Checker, Repair};
use kit::text::parse_i64;
use kit::world::{Clock, RealClock, RealDisk};
use std::cell::RefCell;
use std::path::{Path, PathBuf};

pub(crate) const USAGE: &str = "basalt check FILE-OR-FOLDER [--fix] [--truncate-to-timestamp SECONDS]";

/// The exit code; an error is for the terminal.
pub(crate) fn run(words: &[String]) -> Result<u8, String> {
    let mut words = words.to_vec();
    let fix = take_flag(&mut words, "--fix");
    let repair = match take_value(&mut words, "--truncate-to-timestamp")? {
        Some(text) => Repair::TruncateTo(parse_i64(text.as_bytes()).ok_or("the time is seconds since 1970")?),
        None if fix => Repair::Fix,
        None => Repair::Nothing,
    };
    let [path] = words.as_slice() else { return Err(format!("Usage: {USAGE}")) };
    let path = Path::new(path);
    if path.is_file() && snapshot::is_rdb(&RealDisk, path) && !is_log(path) {
        return Ok(u8::from(check_rdb(path).is_err()));
    }
    check_log(&log_of(path), repair)
}

/// An RDB at the head of an append-only file is checked as part of it.
fn is_log(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "aof")
}

/// `appendonlydir`, or the folder that holds it.
fn log_of(path: &Path) -> PathBuf {
    let inside = path.join("appendonlydir");
    if inside.is_dir() { inside } else { path.to_path_buf() }
}

fn check_rdb(path: &Path) -> Result<u64, String> {
    let bar = RefCell::new(Bar::new());
    let mut say = |line: &str| {
        bar.borrow_mut().clear();
        println!("{line}");
    };
    say(&format!("[offset 0] Checking RDB file {}", path.display()));
    let now_ms = RealClock::new().unix_ms().0;
    let checked = snapshot::check_rdb(&RealDisk, path, now_ms, &mut say, &mut |done, total| {
        bar.borrow_mut().set(done, total);
    });
    bar.borrow_mut().clear();
    checked.map(|checked| checked.end)
}

fn check_log(path: &Path, repair: Repair) -> Result<u8, String> {
    let bar = RefCell::new(Bar::new());
    let mut checker = Checker {
        disk: &RealDisk,
        rdb: &mut |path| check_rdb(path),
        progress: &mut |done, total| bar.borrow_mut().set(done, total),
        say: &mut |line| {
            bar.borrow_mut().clear();
            println!("{line}");
        },
    };
    let checked = checker.check(path, repair);
    bar.borrow_mut().clear();
    match checked {
        Ok(checked) => Ok(u8::from(!checked.valid)),
        Err(line) => {
            println!("{line}");
            Ok(1)
        }
    }
}
