//! Areas that are searched: what is inside, and which ranges of scores may hold it.
//!
//! The grid is chosen so coarse that the area reaches no further than one cell beyond the cell of its middle. Then that
//! cell and its eight neighbours hold all of it; those that the area does not touch are left out.

use super::{EARTH_RADIUS, LAT_MAX, LON_MAX, Point, STEPS, degrees, interleave, lat_distance, radians, steps};
use std::ops::Range;

#[derive(Clone, PartialEq, Debug)]
pub enum Shape {
    /// Metres.
    Circle { radius: f64 },
    /// Metres, all in all.
    Box { width: f64, height: f64 },
    /// Corners, joined by straight lines on the map; the area does not reach over its edge.
    Polygon { corners: Vec<Point> },
}

#[derive(Clone, PartialEq, Debug)]
pub struct Area {
    pub middle: Point,
    pub shape: Shape,
}

/// Degrees that an area reaches from its middle: what lies beyond is outside, and needs no trigonometry to be told so.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    middle: Point,
    lon: f64,
    lat: f64,
}

impl Bounds {
    #[inline]
    pub fn may_hold(&self, place: Point) -> bool {
        let east = (place.lon - self.middle.lon).abs();
        (place.lat - self.middle.lat).abs() <= self.lat && east.min(2.0 * LON_MAX - east) <= self.lon
    }
}

/// A line from the place to the east crosses the sides an odd number of times.
fn is_within(corners: &[Point], place: Point) -> bool {
    let Some(mut from) = corners.last() else { return false };
    let mut inside = false;
    for to in corners {
        if (from.lat > place.lat) != (to.lat > place.lat) {
            let part = (place.lat - from.lat) / (to.lat - from.lat);
            inside ^= place.lon < from.lon + part * (to.lon - from.lon);
        }
        from = to;
    }
    inside
}

/// In this order, and after the middle: north, south, east, west, and between them. (East, north.)
const NEIGHBOURS: [(i64, i64); 9] = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];

impl Area {
    /// Round the mean of its corners.
    pub fn polygon(corners: Vec<Point>) -> Area {
        let count = corners.len().max(1) as f64;
        let mean = |of: fn(&Point) -> f64| corners.iter().map(of).sum::<f64>() / count;
        Area { middle: Point { lon: mean(|at| at.lon), lat: mean(|at| at.lat) }, shape: Shape::Polygon { corners } }
    }

    /// How far from the middle a place is that is inside.
    pub fn distance_inside(&self, place: Point) -> Option<f64> {
        match &self.shape {
            Shape::Circle { radius } => Some(self.middle.distance(place)).filter(|distance| distance <= radius),
            Shape::Polygon { corners } => is_within(corners, place).then(|| self.middle.distance(place)),
            Shape::Box { width, height } => {
                // Its sides are measured along the meridian, and along the parallel of the place.
                if lat_distance(place.lat, self.middle.lat) > height / 2.0 {
                    return None;
                }
                let beside = Point { lon: self.middle.lon, lat: place.lat };
                (place.distance(beside) <= width / 2.0).then(|| self.middle.distance(place))
            }
        }
    }

    pub fn bounds(&self) -> Bounds {
        let (lon, lat) = self.reach();
        Bounds { middle: self.middle, lon, lat }
    }

    /// Degrees that it reaches from the middle, in longitude and latitude.
    fn reach(&self) -> (f64, f64) {
        // A little more than exact, because all of this is rounded: a millionth, and a tenth of a millimetre.
        let more = |degrees: f64| degrees * 1.000_001 + 1e-9;
        let everywhere = 2.0 * LON_MAX;
        match &self.shape {
            Shape::Polygon { corners } => {
                let far = |of: fn(&Point) -> f64| {
                    corners.iter().fold(0.0f64, |far, corner| far.max((of(corner) - of(&self.middle)).abs()))
                };
                (more(far(|at| at.lon)), more(far(|at| at.lat)))
            }
            Shape::Circle { radius } => {
                let angle = radius / EARTH_RADIUS;
                let lat = more(degrees(angle));
                // Round the pole there is no east and west.
                if self.middle.lat.abs() + lat >= 90.0 {
                    return (everywhere, lat);
                }
                let lon = (angle.sin() / radians(self.middle.lat).cos()).min(1.0).asin();
                (more(degrees(lon)), lat)
            }
            Shape::Box { width, height } => {
                let lat = more(degrees(height / 2.0 / EARTH_RADIUS));
                let far = (self.middle.lat.abs() + lat).min(LAT_MAX);
                let ratio = (width / 4.0 / EARTH_RADIUS).min(std::f64::consts::FRAC_PI_2).sin() / radians(far).cos();
                let lon = if ratio >= 1.0 { everywhere } else { more(degrees(2.0 * ratio.asin())) };
                (lon, lat)
            }
        }
    }

    /// Scores of cells that hold all of it, in the order in which they are to be searched.
    pub fn score_ranges(&self) -> Vec<Range<f64>> {
        let (lon, lat) = self.reach();
        let grid = (0..=STEPS).rev().find(|&n| {
            let cells = f64::from(1u32 << n);
            // The whole map as one cell needs no neighbours.
            n == 0 || (2.0 * LAT_MAX / cells >= lat && 2.0 * LON_MAX / cells >= lon.min(LON_MAX))
        });
        let n = grid.unwrap_or(0);
        let cells = 1i64 << n;
        let size = |max: f64| 2.0 * max / cells as f64;
        let cell = |degrees: f64, max: f64| i64::from(steps(degrees, max) >> (STEPS - n)).min(cells - 1);
        let (x, y) = (cell(self.middle.lon, LON_MAX), cell(self.middle.lat, LAT_MAX));
        let touches = |at: i64, max: f64, middle: f64, reach: f64| {
            let low = at as f64 * size(max) - max;
            low <= middle + reach && low + size(max) >= middle - reach
        };
        let mut ranges: Vec<Range<f64>> = Vec::with_capacity(9);
        let mut add = |x: i64, y: i64| {
            let (bits, shift) = (interleave(y as u32, x as u32), 2 * (STEPS - n));
            let start = (bits << shift) as f64;
            // Beyond 2^53, where only the very edge of the map is, not every whole number is a score.
            let range = start..(((bits + 1) << shift) as f64).max(start.next_up());
            if !ranges.contains(&range) {
                ranges.push(range);
            }
        };
        for (east, north) in NEIGHBOURS {
            let (x, y) = (x + east, y + north);
            // Places at the very edge, at 180 degrees or at the highest latitude, have a cell beyond the last one.
            let on_map = (0..=cells).contains(&y);
            if !on_map || !touches(x, LON_MAX, self.middle.lon, lon) || !touches(y, LAT_MAX, self.middle.lat, lat) {
                continue;
            }
            // The map is round in one direction.
            add(x.rem_euclid(cells), y);
            if x == cells || x == -1 {
                add(cells, y);
            }
        }
        if n == 0 {
            // All hashes, those of the very edge too; a score that is none lies nowhere.
            ranges = vec![0.0..(1u64 << (2 * STEPS + 2)) as f64];
        }
        ranges
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::world::Rng;

    fn place(rng: &mut Rng) -> Point {
        let lat = match rng.below(4) {
            0 => 84.9 + rng.f64() * 0.15,
            1 => -84.9 - rng.f64() * 0.15,
            _ => rng.f64() * 170.0 - 85.0,
        };
        let lat = if rng.one_in(20) { LAT_MAX } else { lat };
        let lon = if rng.one_in(4) { 179.9 - rng.f64() * 0.5 } else { rng.f64() * 360.0 - 180.0 };
        let lon = if rng.one_in(20) { LON_MAX } else { lon };
        Point::new(lon, lat).expect("on the map")
    }

    fn is_covered(area: &Area, score: f64) -> bool {
        area.score_ranges().iter().any(|range| range.contains(&score))
    }

    #[test]
    fn the_ranges_hold_all_that_is_inside() {
        let mut rng = Rng::new(1);
        let (mut inside, mut left_out) = (0, 0);
        for _ in 0..if cfg!(miri) { 500 } else { 300_000 } {
            let size = |rng: &mut Rng| 10f64.powf(rng.f64() * 7.5);
            let middle = place(&mut rng);
            let area = match rng.below(3) {
                0 => Area { middle, shape: Shape::Circle { radius: size(&mut rng) } },
                1 => Area { middle, shape: Shape::Box { width: size(&mut rng), height: size(&mut rng) } },
                _ => Area::polygon((0..3 + rng.below(4)).map(|_| place(&mut rng)).collect()),
            };
            // Near the middle, as the area is.
            let (lon, lat) = area.reach();
            let mut shifted = |at: f64, by: f64| at + (rng.f64() * 2.2 - 1.1) * by;
            let lat = shifted(area.middle.lat, lat).clamp(-LAT_MAX, LAT_MAX);
            let lon = (shifted(area.middle.lon, lon) + 180.0).rem_euclid(360.0) - 180.0;
            let lon = if rng.one_in(20) { LON_MAX } else { lon };
            let score = Point::new(lon, lat).expect("on the map").hash() as f64;
            let (place, covered) = (Point::of_score(score), is_covered(&area, score));
            match area.distance_inside(place) {
                Some(_) => {
                    inside += 1;
                    assert!(covered && area.bounds().may_hold(place), "{area:?} {place:?}");
                }
                None => left_out += u32::from(!covered),
            }
        }
        assert!(inside > 10 && left_out > 10, "{inside} {left_out}");
    }

    #[test]
    fn polygons_may_have_dents() {
        let at = |lon, lat| Point::new(lon, lat).expect("on the map");
        let area = Area::polygon(vec![at(0.0, 0.0), at(4.0, 0.0), at(4.0, 4.0), at(2.0, 1.0), at(0.0, 4.0)]);
        assert_eq!(area.middle, at(2.0, 1.8));
        for (lon, lat, inside) in [
            (1.0, 1.0, true),
            (3.5, 3.0, true),
            (2.0, 2.0, false),
            (2.0, 0.5, true),
            (5.0, 1.0, false),
            (-1.0, 1.0, false),
        ] {
            assert_eq!(area.distance_inside(at(lon, lat)).is_some(), inside, "{lon} {lat}");
        }
    }

    #[test]
    fn the_middle_itself_is_always_held() {
        for lon in [-LON_MAX, 0.0, 12.5, LON_MAX] {
            for lat in [-LAT_MAX, -12.5, 0.0, LAT_MAX] {
                let score = Point::new(lon, lat).expect("on the map").hash() as f64;
                let area = Area { middle: Point::of_score(score), shape: Shape::Circle { radius: 0.0 } };
                assert!(is_covered(&area, score), "{lon} {lat}");
            }
        }
    }

    #[test]
    fn small_areas_are_few_cells() {
        let middle = Point::new(13.4, 52.5).expect("on the map");
        let area = Area { middle, shape: Shape::Circle { radius: 1000.0 } };
        let ranges = area.score_ranges();
        assert!(ranges.len() <= 9);
        let width = ranges[0].end - ranges[0].start;
        assert!(width <= f64::from(1 << 26), "{width}");
        assert!(ranges[0].contains(&(middle.hash() as f64)), "the middle comes first");
        let area = Area { middle, shape: Shape::Circle { radius: 5e7 } };
        assert_eq!(area.score_ranges().len(), 1);
    }
}
