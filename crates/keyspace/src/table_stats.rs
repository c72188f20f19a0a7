//! How a table, or all of a database, is filled.

/// What DEBUG HTSTATS tells.
#[derive(Clone, Debug, Default)]
pub struct TableStats {
    pub len: usize,
    pub buckets: usize,
    pub overflow_lines: usize,
    /// Keys that do not stand in their bucket's first cache line.
    pub far: usize,
    /// How many buckets hold `i` keys; the last counts those with more, too.
    pub filled: [usize; 25],
}

impl TableStats {
    pub fn add(&mut self, other: &TableStats) {
        self.len += other.len;
        self.buckets += other.buckets;
        self.overflow_lines += other.overflow_lines;
        self.far += other.far;
        for (sum, count) in self.filled.iter_mut().zip(other.filled) {
            *sum += count;
        }
    }
}
