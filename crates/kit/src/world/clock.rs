//! Time: the wall clock for deadlines, a monotonic one for durations.
//!
//! `mono_ns` is asked once per command, so `RealClock` reads the CPU's time-stamp counter where the CPU says that
//! it runs evenly, and scales it; `recalibrate`, called now and then, steers the scale towards the system's clock
//! without ever jumping. Everywhere else the system's clock answers.
//! Measured on the 2-core virtual machine we build on (examples/speed.rs): 10 ns a call with the counter, 9 of them the
//! instruction itself, 34 ns with the system's clock; 17 to 21 against 46 to 50 with other builds running.
//! Always true: two readings of `mono_ns` on one thread never go backwards.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970: what deadlines are made of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Hash)]
pub struct UnixMs(pub i64);

impl UnixMs {
    #[must_use]
    pub fn saturating_add_ms(self, ms: i64) -> UnixMs {
        UnixMs(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to here; negative when `earlier` is later.
    pub fn since_ms(self, earlier: UnixMs) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    pub fn secs(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

impl From<i64> for UnixMs {
    fn from(ms: i64) -> UnixMs {
        UnixMs(ms)
    }
}

pub trait Clock: Send + Sync {
    /// Microseconds since 1970. May jump when someone sets the system's clock.
    fn unix_us(&self) -> i64;

    fn unix_ms(&self) -> UnixMs {
        UnixMs(self.unix_us().div_euclid(1000))
    }

    /// Nanoseconds since some moment at start; never goes backwards.
    fn mono_ns(&self) -> u64;

    /// Holds the calling thread up (DEBUG SLEEP).
    fn sleep_us(&self, us: u64) {
        std::thread::sleep(std::time::Duration::from_micros(us));
    }
}

/// The system's clock.
pub struct RealClock {
    #[cfg(target_arch = "x86_64")]
    tsc: Option<tsc::Scaled>,
    start: std::time::Instant,
}

impl RealClock {
    /// Takes up to 2 ms to calibrate: make one and share it.
    pub fn new() -> RealClock {
        RealClock {
            #[cfg(target_arch = "x86_64")]
            tsc: tsc::Scaled::new(),
            start: std::time::Instant::now(),
        }
    }

    /// Never reads the time-stamp counter: for measuring, and where the counter is not to be trusted.
    pub fn without_tsc() -> RealClock {
        RealClock {
            #[cfg(target_arch = "x86_64")]
            tsc: None,
            start: std::time::Instant::now(),
        }
    }

    /// Whether `mono_ns` reads the time-stamp counter.
    pub fn uses_tsc(&self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return self.tsc.is_some();
        #[cfg(not(target_arch = "x86_64"))]
        return false;
    }

    /// Steers the time-stamp counter's scale towards the system's clock. Call it from a slow timer, every second
    /// or so; costs 100 ns.
    pub fn recalibrate(&self) {
        #[cfg(target_arch = "x86_64")]
        if let Some(tsc) = &self.tsc {
            tsc.recalibrate();
        }
    }
}

impl Default for RealClock {
    fn default() -> RealClock {
        RealClock::new()
    }
}

impl Clock for RealClock {
    fn unix_us(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => after.as_micros() as i64,
            Err(before) => -(before.duration().as_micros() as i64),
        }
    }

    #[inline]
    fn mono_ns(&self) -> u64 {
        #[cfg(target_arch = "x86_64")]
        if let Some(tsc) = &self.tsc {
            return tsc.now_ns();
        }
        self.start.elapsed().as_nanos() as u64
    }
}

/// A clock that moves only when told.
#[derive(Debug)]
pub struct SimClock {
    unix_us: AtomicI64,
    mono_ns: AtomicU64,
}

impl SimClock {
    pub fn new(start_unix_ms: impl Into<UnixMs>) -> SimClock {
        SimClock { unix_us: AtomicI64::new(start_unix_ms.into().0 * 1000), mono_ns: AtomicU64::new(0) }
    }

    pub fn advance_ms(&self, ms: u64) {
        self.advance_us(ms * 1000);
    }

    pub fn advance_us(&self, us: u64) {
        self.unix_us.fetch_add(us as i64, Relaxed);
        self.mono_ns.fetch_add(us * 1000, Relaxed);
    }

    /// Someone sets the wall clock, forwards or backwards; the monotonic one does not notice.
    pub fn set(&self, unix_ms: impl Into<UnixMs>) {
        self.unix_us.store(unix_ms.into().0 * 1000, Relaxed);
    }
}

impl Clock for SimClock {
    fn unix_us(&self) -> i64 {
        self.unix_us.load(Relaxed)
    }

    fn mono_ns(&self) -> u64 {
        self.mono_ns.load(Relaxed)
    }

    fn sleep_us(&self, us: u64) {
        self.advance_us(us);
    }
}

impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn unix_us(&self) -> i64 {
        (**self).unix_us()
    }

    fn mono_ns(&self) -> u64 {
        (**self).mono_ns()
    }

    fn sleep_us(&self, us: u64) {
        (**self).sleep_us(us);
    }
}

#[cfg(target_arch = "x86_64")]
mod tsc {
    //! The time-stamp counter scaled to nanoseconds.
    //!
    //! ns = base_ns + (tsc - base_tsc) * scale / 2^32, the three numbers behind a sequence lock. A recalibration
    //! moves the base to the present on the old line and changes only the slope, by 500 ppm at most, so the
    //! line has a bend and no step: an error is worked off over ten seconds.

    use parking_lot::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release, fence};
    use std::time::{Duration, Instant};

    pub(super) struct Scaled {
        /// Odd while the three below are being changed.
        version: AtomicU64,
        base_tsc: AtomicU64,
        base_ns: AtomicU64,
        scale: AtomicU64,
        /// The first pair of readings; the true rate is measured from here to now.
        origin: (Instant, u64),
        writer: Mutex<()>,
    }

    /// How far the slope may lean away from the measured rate.
    const LEAN_MAX: f64 = 500e-6;
    const WORK_OFF_NS: f64 = 10e9;

    impl Scaled {
        /// `None` when the CPU or the kernel does not vouch for the counter.
        pub(super) fn new() -> Option<Scaled> {
            if !trusted() {
                return None;
            }
            let origin = pair();
            let deadline = origin.0 + Duration::from_micros(1500);
            let mut last = pair();
            while last.0 < deadline {
                std::hint::spin_loop();
                last = pair();
            }
            let rate = rate(origin, last)?;
            Some(Scaled {
                version: AtomicU64::new(0),
                base_tsc: AtomicU64::new(origin.1),
                base_ns: AtomicU64::new(0),
                scale: AtomicU64::new(to_scale(rate)),
                origin,
                writer: Mutex::new(()),
            })
        }

        #[inline]
        pub(super) fn now_ns(&self) -> u64 {
            loop {
                let before = self.version.load(Acquire);
                let base_tsc = self.base_tsc.load(Relaxed);
                let base_ns = self.base_ns.load(Relaxed);
                let scale = self.scale.load(Relaxed);
                fence(Acquire);
                if before & 1 == 0 && before == self.version.load(Relaxed) {
                    return line(base_tsc, base_ns, scale, read());
                }
                std::hint::spin_loop(); // the writer needs some 10 ns
            }
        }

        pub(super) fn recalibrate(&self) {
            let Some(_writer) = self.writer.try_lock() else { return };
            let now = pair();
            let Some(rate) = rate(self.origin, now) else { return };
            let ours = self.now_ns() as f64;
            let behind_ns = (now.0 - self.origin.0).as_nanos() as f64 - ours;
            let lean = (behind_ns / WORK_OFF_NS).clamp(-LEAN_MAX, LEAN_MAX);

            let (base_tsc, base_ns, scale) =
                (self.base_tsc.load(Relaxed), self.base_ns.load(Relaxed), self.scale.load(Relaxed));
            let version = self.version.load(Relaxed);
            self.version.store(version + 1, Relaxed);
            fence(Release);
            let tsc = read();
            self.base_tsc.store(tsc, Relaxed);
            self.base_ns.store(line(base_tsc, base_ns, scale, tsc), Relaxed);
            self.scale.store(to_scale(rate * (1.0 + lean)), Relaxed);
            self.version.store(version + 2, Release);
        }
    }

    #[inline]
    fn line(base_tsc: u64, base_ns: u64, scale: u64, tsc: u64) -> u64 {
        // Another core's counter may be some ticks behind the base: then the base itself is the answer.
        let ticks = tsc.saturating_sub(base_tsc);
        base_ns + ((u128::from(ticks) * u128::from(scale)) >> 32) as u64
    }

    fn to_scale(ns_per_tick: f64) -> u64 {
        (ns_per_tick * (1u64 << 32) as f64) as u64
    }

    fn rate(from: (Instant, u64), to: (Instant, u64)) -> Option<f64> {
        let (ns, ticks) = ((to.0 - from.0).as_nanos() as f64, to.1.checked_sub(from.1)? as f64);
        // 0.1 to 20 GHz; anything else is not a clock.
        (ns > 0.0 && (0.1..20.0).contains(&(ticks / ns))).then_some(ns / ticks)
    }

    /// Both clocks at one moment: the closest of three tries.
    fn pair() -> (Instant, u64) {
        let attempt = || {
            let before = read();
            let instant = Instant::now();
            let width = read().saturating_sub(before);
            (width, instant, before + width / 2)
        };
        let (_, instant, tsc) = [attempt(), attempt(), attempt()].into_iter().min_by_key(|a| a.0).expect("three");
        (instant, tsc)
    }

    fn trusted() -> bool {
        let Ok(info) = std::fs::read_to_string("/proc/cpuinfo") else { return false };
        let Some(flags) = info.lines().find(|line| line.starts_with("flags")) else { return false };
        let has = |flag| flags.split_ascii_whitespace().any(|f| f == flag);
        // The kernel falls back to these two when it has seen the counter run unevenly.
        let source = std::fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource");
        let unstable = source.is_ok_and(|name| matches!(name.trim(), "hpet" | "acpi_pm"));
        has("constant_tsc") && has("nonstop_tsc") && !unstable
    }

    #[inline]
    #[allow(unsafe_code)]
    fn read() -> u64 {
        // SAFETY: RDTSC touches no memory and every x86_64 CPU has it; `trusted` read /proc/cpuinfo, so this is
        // Linux, which leaves it open to user space.
        unsafe { core::arch::x86_64::_rdtsc() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn sim_moves_only_when_told() {
        let clock = Arc::new(SimClock::new(1_000));
        assert_eq!((clock.unix_ms(), clock.mono_ns()), (UnixMs(1_000), 0));
        clock.advance_ms(250);
        assert_eq!((clock.unix_ms(), clock.unix_us(), clock.mono_ns()), (UnixMs(1_250), 1_250_000, 250_000_000));
        clock.set(UnixMs(5));
        assert_eq!((clock.unix_ms(), clock.mono_ns()), (UnixMs(5), 250_000_000));
        clock.sleep_us(1_000);
        assert_eq!((clock.unix_ms(), clock.mono_ns()), (UnixMs(6), 251_000_000));
    }

    #[test]
    fn unix_ms_arithmetic() {
        assert_eq!(UnixMs(i64::MAX).saturating_add_ms(1), UnixMs(i64::MAX));
        assert_eq!((UnixMs(1_999).secs(), UnixMs(-1).secs()), (1, -1));
        assert_eq!(UnixMs(5).since_ms(UnixMs(7)), -2);
    }

    #[test]
    fn real_agrees_with_the_system() {
        for clock in [RealClock::new(), RealClock::without_tsc()] {
            let (start_ns, start) = (clock.mono_ns(), std::time::Instant::now());
            std::thread::sleep(std::time::Duration::from_millis(20));
            let (ours, theirs) = (clock.mono_ns() - start_ns, start.elapsed().as_nanos() as u64);
            assert!(ours.abs_diff(theirs) < 5_000_000, "tsc {}: {ours} against {theirs}", clock.uses_tsc());
            assert!(clock.unix_ms().secs() > 1_700_000_000);
        }
    }

    #[test]
    fn never_backwards_while_recalibrated() {
        let clock = Arc::new(RealClock::new());
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let clock = clock.clone();
                std::thread::spawn(move || {
                    let mut last = 0;
                    for _ in 0..200_000 {
                        let now = clock.mono_ns();
                        assert!(now >= last, "{last} then {now}");
                        last = now;
                    }
                })
            })
            .collect();
        while !readers.iter().all(|reader| reader.is_finished()) {
            clock.recalibrate();
            std::thread::sleep(std::time::Duration::from_micros(50));
        }
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    }
}
