//! A bar on standard error, where somebody sees it.

use std::io::{IsTerminal, Write};

const WIDTH: u64 = 40;

pub(super) struct Bar {
    shown: bool,
    last: Option<u64>,
}

impl Bar {
    pub(super) fn new() -> Bar {
        Bar { shown: std::io::stderr().is_terminal(), last: None }
    }

    pub(super) fn set(&mut self, done: u64, total: u64) {
        let permille = done.min(total).saturating_mul(1000) / total.max(1);
        if !self.shown || self.last == Some(permille) {
            return;
        }
        self.last = Some(permille);
        let full = permille * WIDTH / 1000;
        let bar: String = (0..WIDTH).map(|i| if i < full { '#' } else { '.' }).collect();
        // Who looks away loses nothing.
        let _ = write!(std::io::stderr(), "\r[{bar}] {}.{}%", permille / 10, permille % 10);
    }

    /// Nothing of it stays.
    pub(super) fn clear(&mut self) {
        if self.shown && self.last.is_some() {
            let _ = write!(std::io::stderr(), "\r{:60}\r", "");
            self.last = None;
        }
    }
}
