//! `cargo xtask`: what the workspace checks and makes for itself.
//!
//! `tidy` checks what the compiler and clippy do not (it is a test too: `cargo test -p xtask`), `docs` writes the pages
//! that are generated from the binary, `echo` is the server that does nothing, to measure what system calls cost.
//! Knows no crate of the house: it reads their files and runs their binary.
#![forbid(unsafe_code)]

mod docs;
mod echo;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "cargo xtask tidy                            checks the house: floors, lists, stories, limits
cargo xtask docs [--check] [--basalt PATH]  writes docs/{commands,options,metrics}.md from the binary
cargo xtask echo [--port P] [--threads N]   answers every request with +OK: the floor for bench/run";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["tidy"] => tidy::run(&root()),
        ["docs", rest @ ..] => docs::run(&root(), rest),
        ["echo", rest @ ..] => echo::run(rest),
        [] | ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        [unknown, ..] => Err(format!("unknown task '{unknown}'; there are:\n{HELP}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's folder.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_path_buf()
}
