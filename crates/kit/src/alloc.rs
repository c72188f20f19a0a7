//! The allocator: jemalloc with size classes every 8 bytes, and its statistics.
//!
//! Built with 8-byte classes (see .cargo/config.toml), jemalloc promises 8-byte alignment and no more, so every request
//! for more says so. For the same reason its functions keep their prefix: C code, which counts on 16 bytes
//! from malloc, keeps the C library's own. Lua allocates through Rust and so is counted here.
//! The binary installs it: `#[global_allocator] static ALLOC: kit::alloc::Alloc = kit::alloc::Alloc;` and
//! `kit::malloc_conf!();`. Statistics are 0 where nothing was allocated through it.
#![allow(unsafe_code)] // an allocator is a bundle of raw pointers; jemalloc is C

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;
use tikv_jemalloc_sys as je;

pub struct Alloc;

/// What jemalloc gives without being asked, with LG_QUANTUM 3.
const ALIGN_FREE: usize = 8;

#[inline]
fn flags(layout: Layout) -> c_int {
    if layout.align() <= ALIGN_FREE { 0 } else { je::MALLOCX_ALIGN(layout.align()) }
}

// SAFETY: blocks come from jemalloc, have the size and alignment asked for (`flags`; the test `aligned` checks it), and
// stay until they are given back; none of the functions unwinds.
unsafe impl GlobalAlloc for Alloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let flags = flags(layout);
        // SAFETY: the caller of `GlobalAlloc` promises a size above 0. `malloc` has a faster path than `mallocx`.
        unsafe { if flags == 0 { je::malloc(layout.size()) } else { je::mallocx(layout.size(), flags) }.cast() }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let flags = flags(layout);
        // SAFETY: as in `alloc`.
        unsafe {
            if flags == 0 { je::calloc(1, layout.size()) } else { je::mallocx(layout.size(), flags | je::MALLOCX_ZERO) }
                .cast()
        }
    }

    #[inline]
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller promises that the block came from here with this layout, so size and flags are the ones
        // it was made with.
        unsafe { je::sdallocx(ptr.cast(), layout.size(), flags(layout)) }
    }

    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let flags = flags(layout);
        // SAFETY: as in `dealloc`, and the new size is above 0; the alignment stays.
        unsafe {
            if flags == 0 { je::realloc(ptr.cast(), new_size) } else { je::rallocx(ptr.cast(), new_size, flags) }.cast()
        }
    }
}

/// Settings read by jemalloc when the process starts; put this once into the binary, at module level.
///
/// A thread of jemalloc's own gives unused pages back, so no command pays for it, and after 1 second instead of 10: a
/// sorted set of half a million members that was just filled took 73 bytes a member with 5 seconds, and takes 54.
/// Large blocks are not padded by a page (a value of 16 KiB takes 16, not 20). The number of arenas cannot be told from
/// the number of cores here: `bind_thread` keeps it small.
#[macro_export]
macro_rules! malloc_conf {
    () => {
        $crate::malloc_conf!("background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0,cache_oblivious:false");
    };
    ($conf:literal) => {
        #[allow(unsafe_code)]
        // SAFETY: jemalloc declares this symbol as a weak `const char *` and reads a C string through it; a reference
        // to an array is one thin pointer, and the string ends with a zero.
        #[unsafe(export_name = "_rjem_malloc_conf")]
        pub static MALLOC_CONF: &[u8; concat!($conf, "\0").len()] = {
            let text = concat!($conf, "\0").as_bytes();
            text.first_chunk().expect("its own length")
        };
    };
}

/// Bytes in live allocations.
pub fn allocated() -> usize {
    statistic(c"stats.allocated")
}

/// Bytes in pages that hold live allocations.
pub fn active() -> usize {
    statistic(c"stats.active")
}

/// Bytes in pages that the kernel has put into memory.
pub fn resident() -> usize {
    statistic(c"stats.resident")
}

/// Bytes of address space kept for later, given back to the kernel.
pub fn retained() -> usize {
    statistic(c"stats.retained")
}

/// Bytes of address space in use.
pub fn mapped() -> usize {
    statistic(c"stats.mapped")
}

/// Bytes of jemalloc's own bookkeeping.
pub fn metadata() -> usize {
    statistic(c"stats.metadata")
}

/// The statistics above of one moment, and pages that the kernel may take back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Statistics {
    pub allocated: usize,
    pub active: usize,
    pub resident: usize,
    pub retained: usize,
    pub muzzy: usize,
}

/// All at once: what costs is bringing them up to date, some 20 us.
pub fn statistics() -> Statistics {
    let _ = write(c"epoch", 1u64);
    let bytes = |name: &CStr| read::<usize>(name).unwrap_or(0);
    let page = read::<usize>(c"arenas.page").unwrap_or(0);
    Statistics {
        allocated: bytes(c"stats.allocated"),
        active: bytes(c"stats.active"),
        resident: bytes(c"stats.resident"),
        retained: bytes(c"stats.retained"),
        // 4096 stands for all arenas together (MALLCTL_ARENAS_ALL).
        muzzy: bytes(c"stats.arenas.4096.pmuzzy").saturating_mul(page),
    }
}

/// Everything jemalloc tells of itself, for MEMORY MALLOC-STATS. Takes milliseconds.
pub fn report() -> String {
    extern "C" fn collect(to: *mut c_void, text: *const c_char) {
        // SAFETY: `to` is the String handed over below, which nobody else touches meanwhile; jemalloc passes C strings.
        let (report, text) = unsafe { (&mut *to.cast::<String>(), CStr::from_ptr(text)) };
        report.push_str(&text.to_string_lossy());
    }
    let mut report = String::new();
    // SAFETY: `collect` is only called before the function returns, with the pointer given here; null options are allowed.
    unsafe { je::malloc_stats_print(Some(collect), ptr::from_mut(&mut report).cast(), ptr::null()) };
    report
}

/// Bytes that this thread allocated less those it freed, whoever allocated them; over all threads the sum is what is
/// in use. Two loads: cheap enough for every batch.
pub fn thread_net() -> i64 {
    thread_local! {
        static COUNTERS: Option<(*const u64, *const u64)> =
            read(c"thread.allocatedp").and_then(|up| Ok((up, read(c"thread.deallocatedp")?))).ok();
    }
    // SAFETY: jemalloc documents both as pointers to counters of the calling thread, valid as long as the thread
    // lives; they are read by that thread only, because a thread-local gives them to nobody else.
    COUNTERS.with(|counters| counters.map_or(0, |(up, down)| unsafe { (*up).wrapping_sub(*down) as i64 }))
}

/// What a block of `size` bytes really takes; 0 takes nothing.
#[inline]
pub fn usable_size(size: usize) -> usize {
    if size == 0 {
        return 0;
    }
    // SAFETY: computes from its arguments only; the size is above 0.
    unsafe { je::nallocx(size, 0) }
}

/// Gives all unused pages back to the kernel now. Takes milliseconds: not on a request's path.
pub fn purge() {
    flush_thread();
    // 4096 stands for all arenas (MALLCTL_ARENAS_ALL).
    let _ = act(c"arena.4096.purge");
}

/// Gives back what this thread keeps for its next allocations.
pub fn flush_thread() {
    let _ = act(c"thread.tcache.flush");
}

/// Lets this thread allocate from arena `i` modulo twice the number of cores, so that many threads share few arenas.
pub fn bind_thread(i: usize) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let arena = (i % (2 * cores)) as u32; // jemalloc makes four per core unless told otherwise
    let _ = write(c"thread.arena", arena);
}

/// jemalloc's own thread that gives unused pages back. The error says that this build has none.
pub fn set_background_thread(on: bool) -> Result<(), MallctlError> {
    write(c"background_thread", on)
}

/// The C library's error number, or a name with a zero in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MallctlError(pub i32);

impl std::fmt::Display for MallctlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "mallctl: {}", std::io::Error::from_raw_os_error(self.0))
    }
}

impl std::error::Error for MallctlError {}

/// Reads a number of any width by name ("arenas.narenas", "stats.allocated"), for DEBUG MALLCTL.
pub fn mallctl_i64(name: &str) -> Result<i64, MallctlError> {
    let name = c_name(name)?;
    read::<u64>(&name)
        .map(|n| n as i64)
        .or_else(|_| read::<u32>(&name).map(i64::from))
        .or_else(|_| read::<u8>(&name).map(i64::from))
}

/// Sets a number by name and returns the one before, for DEBUG MALLCTL.
pub fn mallctl_set_i64(name: &str, value: i64) -> Result<i64, MallctlError> {
    let before = mallctl_i64(name)?;
    let name = c_name(name)?;
    // jemalloc refuses a width that is not the setting's own, so the second is tried only where the first did nothing.
    write(&name, value).or_else(|_| write(&name, value as u32)).or_else(|_| write(&name, value != 0))?;
    Ok(before)
}

/// Reads a text by name ("version"), for DEBUG MALLCTL-STR.
pub fn mallctl_str(name: &str) -> Result<String, MallctlError> {
    let name = c_name(name)?;
    // A pointer has the width of a number; following one that is none would be the end.
    if !TEXTS.contains(&name.to_bytes()) {
        return Err(MallctlError(rustix::io::Errno::INVAL.raw_os_error()));
    }
    let text = read::<*const c_char>(&name)?;
    if text.is_null() {
        return Ok(String::new());
    }
    // SAFETY: the settings in `TEXTS` are C strings that jemalloc never frees or changes.
    Ok(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// Settings whose value is a text (jemalloc(3)).
const TEXTS: &[&[u8]] = &[
    b"version",
    b"config.malloc_conf",
    b"opt.metadata_thp",
    b"opt.percpu_arena",
    b"opt.dss",
    b"opt.junk",
    b"opt.thp",
    b"opt.zero_realloc",
    b"opt.stats_print_opts",
    b"opt.stats_interval_opts",
    b"arena.0.dss",
];

fn c_name(name: &str) -> Result<CString, MallctlError> {
    CString::new(name).map_err(|_| MallctlError(rustix::io::Errno::INVAL.raw_os_error()))
}

fn statistic(name: &CStr) -> usize {
    // Statistics stand still until the epoch moves.
    let _ = write(c"epoch", 1u64);
    read::<usize>(name).unwrap_or(0)
}

fn read<T: Plain>(name: &CStr) -> Result<T, MallctlError> {
    let (mut value, mut len) = (T::ZERO, size_of::<T>());
    // SAFETY: the name ends with a zero; jemalloc writes at most `len` bytes to `value` (checked by it against the
    // setting's own width, which it answers with EINVAL), and any bytes make a valid `T`.
    let code =
        unsafe { je::mallctl(name.as_ptr(), ptr::from_mut(&mut value).cast::<c_void>(), &mut len, ptr::null_mut(), 0) };
    if code == 0 { Ok(value) } else { Err(MallctlError(code)) }
}

/// Types that any bytes make a valid value of, and that mallctl knows.
trait Plain: Copy {
    const ZERO: Self;
}
impl Plain for u64 {
    const ZERO: u64 = 0;
}
impl Plain for usize {
    const ZERO: usize = 0;
}
impl Plain for u32 {
    const ZERO: u32 = 0;
}
impl Plain for u8 {
    const ZERO: u8 = 0;
}
impl Plain for *const c_char {
    const ZERO: *const c_char = ptr::null();
}
impl Plain for *const u64 {
    const ZERO: *const u64 = ptr::null();
}

fn write<T: Copy>(name: &CStr, mut value: T) -> Result<(), MallctlError> {
    // SAFETY: the name ends with a zero; jemalloc reads `size_of::<T>()` bytes from `value`, and refuses a width
    // that is not the setting's own.
    let code = unsafe {
        je::mallctl(
            name.as_ptr(),
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::from_mut(&mut value).cast::<c_void>(),
            size_of::<T>(),
        )
    };
    if code == 0 { Ok(()) } else { Err(MallctlError(code)) }
}

fn act(name: &CStr) -> Result<(), MallctlError> {
    // SAFETY: the name ends with a zero, and nothing is read or written.
    let code = unsafe { je::mallctl(name.as_ptr(), ptr::null_mut(), ptr::null_mut(), ptr::null_mut(), 0) };
    if code == 0 { Ok(()) } else { Err(MallctlError(code)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Rng;

    /// A block with its layout, content and all.
    struct Block(*mut u8, Layout, u8);

    impl Block {
        fn new(layout: Layout, zeroed: bool, seed: u8) -> Block {
            // SAFETY: every size in these tests is above 0.
            let ptr = unsafe { if zeroed { Alloc.alloc_zeroed(layout) } else { Alloc.alloc(layout) } };
            let mut block = Block(ptr, layout, seed);
            block.is_aligned();
            assert!(!zeroed || block.bytes().iter().all(|&b| b == 0));
            block.fill();
            block
        }

        fn bytes(&mut self) -> &mut [u8] {
            // SAFETY: the block has this size, and the bytes are written before they are read, or zeroed.
            unsafe { std::slice::from_raw_parts_mut(self.0, self.1.size()) }
        }

        fn is_aligned(&self) {
            assert!(!self.0.is_null() && self.0.addr().is_multiple_of(self.1.align()), "{:?} at {:?}", self.1, self.0);
        }

        fn fill(&mut self) {
            let seed = self.2;
            self.bytes().iter_mut().enumerate().for_each(|(at, b)| *b = seed.wrapping_add(at as u8));
        }

        fn holds(&mut self, len: usize) {
            let seed = self.2;
            let kept = self.bytes()[..len].iter().enumerate().all(|(at, &b)| b == seed.wrapping_add(at as u8));
            assert!(kept, "content of {:?} is kept", self.1);
        }

        fn resize(&mut self, size: usize) {
            let old = self.1.size();
            // SAFETY: the block has this layout; the new size is above 0.
            self.0 = unsafe { Alloc.realloc(self.0, self.1, size) };
            self.1 = Layout::from_size_align(size, self.1.align()).unwrap();
            self.is_aligned();
            self.holds(old.min(size));
            self.fill();
        }
    }

    impl Drop for Block {
        fn drop(&mut self) {
            // SAFETY: made in `new`, with the layout that `resize` keeps up to date.
            unsafe { Alloc.dealloc(self.0, self.1) }
        }
    }

    const SIZES: [usize; 21] =
        [1, 2, 7, 8, 9, 16, 17, 24, 40, 54, 56, 63, 64, 65, 100, 1000, 4095, 4096, 5000, 20_000, 100_000];

    #[test]
    fn every_size_at_every_alignment() {
        // Many alive at once: a fresh slab hands out its first places, which are aligned by chance.
        for zeroed in [false, true] {
            let mut live = Vec::new();
            for (size, log) in SIZES.iter().flat_map(|&size| (0..=13).map(move |log| (size, log))) {
                for seed in 0..if size < 100 { 9 } else { 2 } {
                    live.push(Block::new(Layout::from_size_align(size, 1 << log).unwrap(), zeroed, seed));
                }
            }
            live.iter_mut().for_each(|block| block.holds(block.1.size()));
        }
    }

    #[test]
    fn grows_and_shrinks() {
        let mut rng = Rng::new(1);
        let mut live: Vec<Block> = Vec::new();
        for _ in 0..5_000 {
            let size = SIZES[rng.index(SIZES.len())];
            let choice = rng.below(3);
            if live.is_empty() || (choice == 0 && live.len() < 200) {
                let layout = Layout::from_size_align(size, 1 << rng.below(8)).unwrap();
                live.push(Block::new(layout, false, rng.next_u64() as u8));
            } else if choice == 1 {
                let at = rng.index(live.len());
                live[at].resize(size);
            } else {
                let at = rng.index(live.len());
                let mut block = live.swap_remove(at);
                block.holds(block.1.size());
            }
        }
    }

    #[test]
    fn classes_are_8_bytes_apart() {
        for (size, taken) in [(0, 0), (1, 8), (9, 16), (17, 24), (33, 40), (54, 56), (65, 80)] {
            assert_eq!(usable_size(size), taken, "JEMALLOC_SYS_WITH_LG_QUANTUM=3 is set in .cargo/config.toml");
        }
    }

    #[test]
    fn statistics_follow() {
        let before = allocated();
        let blocks: Vec<_> =
            (0..100).map(|_| Block::new(Layout::from_size_align(100_000, 8).unwrap(), false, 0)).collect();
        let full = allocated();
        assert!(full >= before + 5_000_000, "{before} then {full}"); // other tests free theirs meanwhile
        assert!(active() > 0 && resident() > 0 && mapped() >= active() / 2 && metadata() > 0);
        drop(blocks);
        purge();
        assert!(allocated() < full);
        let _ = retained();
        let all = statistics();
        assert!(all.allocated > 0 && all.active >= all.allocated && all.resident >= all.active, "{all:?}");
        assert!(report().contains("jemalloc statistics"));
    }

    #[test]
    fn settings() {
        assert!(mallctl_str("version").unwrap().starts_with("5."));
        assert!(mallctl_i64("arenas.narenas").unwrap() > 0);
        assert_eq!(mallctl_i64("arenas.quantum"), Ok(8));
        assert!(mallctl_i64("no.such").is_err() && mallctl_i64("a\0b").is_err() && mallctl_str("epoch").is_err());
        assert_eq!(mallctl_set_i64("background_thread", 1), Ok(0));
        assert_eq!(mallctl_i64("background_thread"), Ok(1));
        set_background_thread(false).unwrap();
        bind_thread(1);
        flush_thread();
    }
}
