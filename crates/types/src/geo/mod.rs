//! Places on the globe: a hash of 52 bits that is a sorted set's score, distances, and what to look through for an area.
//!
//! ```text
//! hash := 26 bits each of latitude (-85.05112878..85.05112878) and longitude (-180..180), taken in turn,
//!         longitude first; higher bits first
//! ```
//! The first 2n bits name a cell of a grid of 2^n by 2^n, so a cell is a range of scores.
//! Known to every client of Redis, down to the last bit: `GEOHASH` text, distances, decoded coordinates.

mod area;

pub use area::{Area, Bounds, Shape};

/// Metres; the globe as a ball.
const EARTH_RADIUS: f64 = 6_372_797.560856;
const STEPS: u32 = 26;
/// Where Mercator's map is a square.
const LAT_MAX: f64 = 85.05112878;
const LON_MAX: f64 = 180.0;

/// A place, in degrees.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Point {
    pub lon: f64,
    pub lat: f64,
}

impl Point {
    /// None outside of what a hash can say.
    pub fn new(lon: f64, lat: f64) -> Option<Point> {
        let inside = (-LON_MAX..=LON_MAX).contains(&lon) && (-LAT_MAX..=LAT_MAX).contains(&lat);
        inside.then_some(Point { lon, lat })
    }

    pub fn hash(self) -> u64 {
        interleave(steps(self.lat, LAT_MAX), steps(self.lon, LON_MAX))
    }

    /// The middle of the smallest cell that a score names.
    pub fn of_score(score: f64) -> Point {
        // A negative score is no hash; Redis's cast wraps it round.
        let (lat, lon) = separate(if score < 0.0 { score as i64 as u64 } else { score as u64 });
        let middle = |at: u32, max: f64| {
            let scale = 2.0 * max;
            let edge = |at: f64| -max + at / f64::from(1 << STEPS) * scale;
            ((edge(f64::from(at)) + edge(f64::from(at) + 1.0)) / 2.0).clamp(-max, max)
        };
        Point { lon: middle(lon, LON_MAX), lat: middle(lat, LAT_MAX) }
    }

    /// Metres between two places, on the great circle.
    pub fn distance(self, other: Point) -> f64 {
        let (lon1, lon2) = (radians(self.lon), radians(other.lon));
        let v = ((lon2 - lon1) / 2.0).sin();
        if v == 0.0 {
            return lat_distance(self.lat, other.lat);
        }
        let (lat1, lat2) = (radians(self.lat), radians(other.lat));
        let u = ((lat2 - lat1) / 2.0).sin();
        let a = u * u + lat1.cos() * lat2.cos() * v * v;
        2.0 * EARTH_RADIUS * a.sqrt().asin()
    }

    /// The standard geohash of eleven letters. The world of that one reaches to the poles.
    pub fn text(self) -> [u8; 11] {
        const LETTERS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
        let bits = interleave(steps(self.lat, 90.0), steps(self.lon, LON_MAX));
        // 52 bits are ten letters and two bits; Redis says "0" for the eleventh.
        std::array::from_fn(|i| match i {
            10 => b'0',
            i => LETTERS[(bits >> (52 - 5 * (i + 1)) & 31) as usize],
        })
    }
}

/// Metres between two latitudes.
fn lat_distance(lat1: f64, lat2: f64) -> f64 {
    EARTH_RADIUS * (radians(lat2) - radians(lat1)).abs()
}

fn radians(degrees: f64) -> f64 {
    degrees * (std::f64::consts::PI / 180.0)
}

fn degrees(radians: f64) -> f64 {
    radians / (std::f64::consts::PI / 180.0)
}

fn steps(degrees: f64, max: f64) -> u32 {
    ((degrees + max) / (2.0 * max) * f64::from(1 << STEPS)) as u32
}

/// Bits of `even` at 0, 2, 4 …, those of `odd` between them.
fn interleave(even: u32, odd: u32) -> u64 {
    spread(even) | spread(odd) << 1
}

fn separate(bits: u64) -> (u32, u32) {
    (gather(bits), gather(bits >> 1))
}

const MASKS: [u64; 5] =
    [0x5555_5555_5555_5555, 0x3333_3333_3333_3333, 0x0f0f_0f0f_0f0f_0f0f, 0x00ff_00ff_00ff_00ff, 0x0000_ffff_0000_ffff];

fn spread(bits: u32) -> u64 {
    (0..5).rev().fold(u64::from(bits), |bits, i| (bits | bits << (1 << i)) & MASKS[i])
}

fn gather(bits: u64) -> u32 {
    let bits = (0..5).fold(bits & MASKS[0], |bits, i| {
        let mask = MASKS.get(i + 1).copied().unwrap_or(0xffff_ffff);
        (bits | bits >> (1 << i)) & mask
    });
    bits as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::world::Rng;

    fn point(lon: f64, lat: f64) -> Point {
        Point::new(lon, lat).expect("on the map")
    }

    #[test]
    fn bits_are_taken_in_turn() {
        assert_eq!(interleave(0b111, 0), 0b10101);
        assert_eq!(interleave(0, 0b101), 0b100010);
        for (even, odd) in [(0, 0), (u32::MAX, 0), (0x1234_5678, 0x9abc_def0), (1, u32::MAX)] {
            assert_eq!(separate(interleave(even, odd)), (even, odd));
        }
    }

    #[test]
    fn known_places() {
        // Asked of Redis 7.0.
        let (palermo, catania) = (point(13.361389, 38.115556), point(15.087269, 37.502669));
        assert_eq!((palermo.hash(), catania.hash()), (3479099956230698, 3479447370796909));
        let (a, b) = (Point::of_score(3479099956230698.0), Point::of_score(3479447370796909.0));
        assert_eq!(format!("{:.4}", a.distance(b)), "166274.1516");
        assert_eq!((&a.text(), &b.text()), (b"sqc8b49rny0", b"sqdtr74hyu0"));
        assert_eq!(
            (kit::text::format_f64_human(a.lon), kit::text::format_f64_human(a.lat)),
            ("13.36138933897018433".into(), "38.11555639549629859".into())
        );
    }

    #[test]
    fn hashes_are_near_what_they_stand_for() {
        let mut rng = Rng::new(1);
        for _ in 0..1000 {
            let place = point(rng.f64() * 360.0 - 180.0, rng.f64() * 170.0 - 85.0);
            let back = Point::of_score(place.hash() as f64);
            assert!(place.distance(back) < 0.6, "{place:?} {back:?}");
            assert_eq!(back.hash(), place.hash());
        }
        assert_eq!((Point::new(180.1, 0.0), Point::new(0.0, 85.1), Point::new(f64::NAN, 0.0)), (None, None, None));
    }
}
