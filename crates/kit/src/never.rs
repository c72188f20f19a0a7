//! Assertions that spare the server: a broken belief stops a test, and is only told (once) in production.
//!
//! `always!(x > 0)` and `never!(list.is_empty())` give their condition back, so the code can go on safely:
//! `if never!(slot >= len, "slot {slot}") { return None; }`. For beliefs about our own code, not for outside data. Where
//! going on could do harm (a log out of order), use `assert!`.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// True as we believe; otherwise panics in debug builds, logs once in release builds. Gives the condition back.
#[macro_export]
macro_rules! always {
    ($cond:expr $(,)?) => {
        $crate::always!($cond, "not so: {}", stringify!($cond))
    };
    ($cond:expr, $($message:tt)+) => {{
        let so: bool = $cond;
        if !so {
            static TOLD: ::std::sync::atomic::AtomicBool = ::std::sync::atomic::AtomicBool::new(false);
            $crate::never::broken(&TOLD, file!(), line!(), format_args!($($message)+));
        }
        so
    }};
}

/// False as we believe; otherwise panics in debug builds, logs once in release builds. Gives the condition back.
#[macro_export]
macro_rules! never {
    ($cond:expr $(,)?) => {
        $crate::never!($cond, "it happened: {}", stringify!($cond))
    };
    ($cond:expr, $($message:tt)+) => {
        !$crate::always!(!$cond, $($message)+)
    };
}

#[doc(hidden)]
#[cold]
pub fn broken(told: &AtomicBool, file: &str, line: u32, message: std::fmt::Arguments) {
    if cfg!(debug_assertions) {
        panic!("{file}:{line}: {message}");
    }
    if !told.swap(true, Relaxed) {
        crate::warning!("A bug, please report it: {file}:{line}: {message}");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_condition_comes_back() {
        assert!(always!(1 + 1 == 2));
        assert!(!never!(1 + 1 == 3, "sums to {}", 3));
    }

    #[test]
    #[cfg(debug_assertions)]
    fn a_test_stops() {
        let broken = std::panic::catch_unwind(|| never!(1 + 1 == 2, "two is {}", 2)).unwrap_err();
        assert!(broken.downcast_ref::<String>().unwrap().ends_with("two is 2"));
        assert!(std::panic::catch_unwind(|| always!(1 > 2)).is_err());
    }

    #[test]
    #[cfg(not(debug_assertions))]
    fn production_goes_on() {
        assert!(never!(1 + 1 == 2) && !always!(1 > 2));
    }
}
