//! From ranks to a count: the estimator of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog
//! sketches" (2017), the one that Redis uses. The sums run in the same order, so the numbers are the same.

use super::REGISTERS;

/// How many registers have each rank.
pub(super) struct Ranks([usize; 64]);

/// The highest rank.
const RANK_MAX: usize = 64 - REGISTERS.trailing_zeros() as usize + 1;
/// 1 / (2 ln 2).
const ALPHA: f64 = 0.721_347_520_444_481_7;

impl Default for Ranks {
    fn default() -> Ranks {
        Ranks([0; 64])
    }
}

impl Ranks {
    #[inline]
    pub(super) fn add(&mut self, rank: u8, registers: usize) {
        self.0[usize::from(rank & 63)] += registers;
    }

    pub(super) fn estimate(&self) -> u64 {
        let m = REGISTERS as f64;
        let mut z = m * tau((m - self.0[RANK_MAX] as f64) / m);
        for rank in (1..RANK_MAX).rev() {
            z += self.0[rank] as f64;
            z *= 0.5;
        }
        z += m * sigma(self.0[0] as f64 / m);
        (ALPHA * m * m / z).round() as u64
    }
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if before == z {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x).powi(2) * y;
        if before == z {
            return z / 3.0;
        }
    }
}
