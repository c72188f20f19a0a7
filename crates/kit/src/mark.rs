//! Coverage marks: a branch that is easy to miss says `mark!(name)`, and one test says `let _mark = expect_mark!(name);`
//! and fails if the branch was not taken before the end of its scope.
//!
//! Counts are per thread, so tests beside each other do not disturb; the branch must run on the test's thread.
//! In release builds a mark is nothing.

use std::cell::RefCell;
use std::collections::HashMap;

thread_local! {
    static HITS: RefCell<HashMap<&'static str, u64>> = RefCell::default();
}

/// Notes that this branch was taken.
#[macro_export]
macro_rules! mark {
    ($name:ident) => {
        if cfg!(debug_assertions) {
            $crate::mark::hit(stringify!($name));
        }
    };
}

/// Fails at the end of the scope unless the mark was hit since. Bind it: `let _mark = expect_mark!(name);`
#[macro_export]
macro_rules! expect_mark {
    ($name:ident) => {
        $crate::mark::expect(stringify!($name))
    };
}

#[doc(hidden)]
pub fn hit(name: &'static str) {
    HITS.with_borrow_mut(|hits| *hits.entry(name).or_default() += 1);
}

/// How often this thread hit the mark.
pub fn hits(name: &str) -> u64 {
    HITS.with_borrow(|hits| hits.get(name).copied().unwrap_or(0))
}

/// What `expect_mark!` returns.
#[must_use = "it checks when it is dropped: bind it to a name"]
pub fn expect(name: &'static str) -> Expected {
    Expected { name, before: hits(name) }
}

pub struct Expected {
    name: &'static str,
    before: u64,
}

impl Drop for Expected {
    fn drop(&mut self) {
        // A second panic would hide the first.
        if cfg!(debug_assertions) && !std::thread::panicking() {
            assert!(hits(self.name) > self.before, "mark `{}` was not hit", self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    fn halve(n: u32) -> u32 {
        if n % 2 == 1 {
            mark!(odd_number);
        }
        n / 2
    }

    #[test]
    fn hit() {
        let _mark = expect_mark!(odd_number);
        halve(3);
    }

    #[test]
    #[cfg(debug_assertions)]
    fn missed() {
        let missed = std::panic::catch_unwind(|| {
            let _mark = expect_mark!(odd_number);
            halve(4);
        });
        assert!(missed.is_err());
    }
}
