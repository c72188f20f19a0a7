//! The binary `basalt`.
#![deny(unsafe_code)] // the allocator's settings are exported to C by kit's macro

mod args;
mod config_file;
mod container;
mod daemon;
mod dir;
mod folder_lock;
mod huge_pages;
mod list;
mod log;
#[cfg(test)]
mod names;
mod oom;
mod options;
mod parts;
mod report;
mod signals;
mod start;
mod stop;
mod tools;

use args::Wish;
use std::process::ExitCode;

#[global_allocator]
static ALLOC: kit::alloc::Alloc = kit::alloc::Alloc;
kit::malloc_conf!();

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    match args::parse(&words) {
        Wish::Help => println!("{}", args::HELP),
        Wish::Version => println!("{}", args::version()),
        Wish::List(what) => match list::rows(&what) {
            Ok(rows) => print!("{rows}"),
            Err(text) => return refuse(&text),
        },
        Wish::Refused(text) => return refuse(&text),
        Wish::Check(words) => return end(tools::check::run(&words)),
        Wish::Restore(words) => return end(tools::restore::run(&words)),
        Wish::Run(sources) => return end(start::run(&sources)),
    }
    ExitCode::SUCCESS
}

fn end(outcome: Result<u8, String>) -> ExitCode {
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(text) => refuse(&text),
    }
}

fn refuse(text: &str) -> ExitCode {
    eprintln!("{text}");
    ExitCode::FAILURE
}
