//! What the system knows of this process: its memory, its processor time, the machine it runs on.
//!
//! Comes from Linux's /proc, some 10 us a question: for a timer, not for a command's path. Where /proc cannot be
//! read, amounts are 0.

use rustix::process::{Signal, getpid, kill_process};

/// Processor time spent so far, in microseconds. The kernel counts in ticks, 100 a second as a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CpuTimes {
    pub user_us: u64,
    pub system_us: u64,
}

pub fn id() -> u32 {
    getpid().as_raw_nonzero().get().unsigned_abs()
}

/// Bytes of physical memory the process has now.
pub fn resident_bytes() -> u64 {
    let Ok(text) = std::fs::read_to_string("/proc/self/statm") else { return 0 };
    resident_pages(&text).unwrap_or(0) * rustix::param::page_size() as u64
}

fn resident_pages(statm: &str) -> Option<u64> {
    statm.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// All threads together, then children that have ended and were waited for.
pub fn cpu_times() -> (CpuTimes, CpuTimes) {
    times_of("/proc/self/stat")
}

/// The thread that `main` runs on.
pub fn main_thread_cpu_times() -> CpuTimes {
    times_of(&format!("/proc/self/task/{}/stat", id())).0
}

fn times_of(path: &str) -> (CpuTimes, CpuTimes) {
    let Ok(text) = std::fs::read_to_string(path) else { return Default::default() };
    times_in(&text, rustix::param::clock_ticks_per_second()).unwrap_or_default()
}

fn times_in(stat: &str, ticks_per_second: u64) -> Option<(CpuTimes, CpuTimes)> {
    // The second word is the program's name in parentheses, in which anything may stand.
    let mut words = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let mut time = || Some(words.next()?.parse::<u64>().ok()?.saturating_mul(1_000_000) / ticks_per_second.max(1));
    let own = CpuTimes { user_us: time()?, system_us: time()? };
    let children = CpuTimes { user_us: time()?, system_us: time()? };
    Some((own, children))
}

/// A thread of this process, and what it is doing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Thread {
    pub id: u32,
    pub name: String,
    /// "running", "sleeping" … as the kernel has it.
    pub state: String,
    pub cpu: CpuTimes,
}

pub fn threads() -> Vec<Thread> {
    let Ok(list) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let mut threads: Vec<Thread> = list
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let stat = std::fs::read_to_string(path.join("stat")).ok()?; // it may have ended by now
            thread_in(&stat, rustix::param::clock_ticks_per_second())
        })
        .collect();
    threads.sort_by_key(|thread| thread.id);
    threads
}

fn thread_in(stat: &str, ticks_per_second: u64) -> Option<Thread> {
    let (head, tail) = stat.rsplit_once(')')?;
    let (id, name) = head.split_once(" (")?;
    let state = match tail.split_ascii_whitespace().next()? {
        "R" => "running",
        "S" => "sleeping",
        "D" => "waiting for a disk",
        "T" | "t" => "stopped",
        other => other,
    };
    let (cpu, _) = times_in(stat, ticks_per_second)?;
    Some(Thread { id: id.parse().ok()?, name: name.to_owned(), state: state.to_owned(), cpu })
}

/// Bytes of memory the machine has.
pub fn machine_memory_bytes() -> u64 {
    let Ok(text) = std::fs::read_to_string("/proc/meminfo") else { return 0 };
    total_kib(&text).unwrap_or(0).saturating_mul(1024)
}

fn total_kib(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find(|line| line.starts_with("MemTotal:"))?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// "Linux 6.1.0 x86_64".
pub fn system_name() -> String {
    let name = rustix::system::uname();
    [name.sysname(), name.release(), name.machine()].map(|part| part.to_string_lossy().into_owned()).join(" ")
}

/// Ends the process as a wild pointer would, for tests of what comes after a crash.
pub fn crash() -> ! {
    let _ = kill_process(getpid(), Signal::SEGV);
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_linux_writes() {
        assert_eq!(resident_pages("1000 250 30 4 0 500 0\n"), Some(250));
        let stat = "77 (odd) name (x)) S 1 77 77 0 -1 4194560 10 20 0 0 150 25 300 7 20 0 4 0 100 200 300";
        let own = CpuTimes { user_us: 1_500_000, system_us: 250_000 };
        let children = CpuTimes { user_us: 3_000_000, system_us: 70_000 };
        assert_eq!(times_in(stat, 100), Some((own, children)));
        assert_eq!(times_in("77 (cut) S 1", 100), None);
        let thread = Thread { id: 77, name: "odd) name (x)".into(), state: "sleeping".into(), cpu: own };
        assert_eq!(thread_in(stat, 100), Some(thread));
        assert_eq!(thread_in("77", 100), None);
        assert_eq!(total_kib("MemTotal:       2048 kB\nMemFree: 1 kB\n"), Some(2048));
    }

    #[test]
    fn this_process() {
        assert_eq!(id(), std::process::id());
        let begin = std::time::Instant::now();
        while cpu_times().0 == CpuTimes::default() && begin.elapsed().as_secs() < 5 {}
        assert!(cpu_times().0.user_us + cpu_times().0.system_us >= 10_000);
        assert!(resident_bytes() > 500_000 && machine_memory_bytes() > resident_bytes());
        assert!(system_name().starts_with("Linux "));
        assert!(threads().iter().any(|thread| thread.state == "running"));
        assert!(main_thread_cpu_times().user_us <= cpu_times().0.user_us + 20_000);
    }
}
