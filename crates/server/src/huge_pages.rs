//! Keeps the process's memory in huge pages, in the background and slowly (kit/src/huge_pages.rs says why).

use kit::opt::{Bool, Config, Opt};
use std::sync::Arc;
use std::time::Duration;

pub(crate) static HUGE_PAGES: Opt<Bool> = Opt::bool(
    "huge-pages",
    true,
    "Merges memory that was filled into pages of 2 MiB, in the background: a fifth less CPU per command over \
     millions of keys. Nothing here forks, so they cost no copies.",
);

// A merge takes a third of a millisecond, during which a thread that touches those 2 MiB waits: at most a sixth of
// the time is spent so while memory grows, nothing afterwards.
const PAUSE_MERGE: Duration = Duration::from_millis(2);
const PAUSE_PASS_MIN: Duration = Duration::from_millis(200);
const PAUSE_PASS_MAX: Duration = Duration::from_secs(30);

/// Starts the thread; it ends with the process.
pub(crate) fn start(config: Arc<Config>) {
    let spawned = std::thread::Builder::new().name("huge-pages".into()).spawn(move || {
        // On Linux this is for the calling thread only.
        let _ = rustix::process::setpriority_process(None, 19); // a matter of politeness
        run(&config);
    });
    if let Err(error) = spawned {
        kit::warning!("No thread for huge pages: {error}");
    }
}

fn run(config: &Config) {
    let (mut last, mut pause) = (0, PAUSE_PASS_MIN);
    loop {
        std::thread::sleep(pause);
        if !config.get(&HUGE_PAGES) {
            continue;
        }
        let pass = kit::huge_pages::merge(&mut || {
            std::thread::sleep(PAUSE_MERGE);
            config.get(&HUGE_PAGES)
        });
        match pass {
            Ok(pass) if pass.huge == 0 && pass.refused > 0 => {
                kit::verbose!("No huge pages: the kernel refuses to merge ({} pieces)", pass.refused);
                pause = PAUSE_PASS_MAX;
            }
            // Growing memory is looked at again soon, memory at rest seldom.
            Ok(pass) if pass.huge.abs_diff(last) > last / 16 => {
                last = pass.huge;
                pause = PAUSE_PASS_MIN;
            }
            Ok(_) => pause = (pause * 2).min(PAUSE_PASS_MAX),
            Err(error) => {
                kit::verbose!("No huge pages: {error}");
                return;
            }
        }
    }
}
