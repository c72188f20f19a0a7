//! Coordinates, units and distances as they stand in requests and replies.

use exec::{Args, Error};
use kit::text;
use proto::Reply;
use types::SortedSet;
use types::geo::Point;

/// Longitude at word `i`, latitude behind it.
pub(super) fn point(args: &Args, i: usize) -> Result<Point, Error> {
    let (lon, lat) = (args.float(i)?, args.float(i + 1)?);
    Point::new(lon, lat).ok_or_else(|| Error::err(format_args!("invalid longitude,latitude pair {lon:.6},{lat:.6}")))
}

/// Metres of the unit at word `i`.
pub(super) fn unit(args: &Args, i: usize) -> Result<f64, Error> {
    const UNITS: [(&str, f64); 4] = [("m", 1.0), ("km", 1000.0), ("ft", 0.3048), ("mi", 1609.34)];
    let unit = UNITS.iter().find(|(name, _)| args.is(i, name)).map(|(_, metres)| *metres);
    unit.ok_or(Error::Static("ERR unsupported unit provided. please use M, KM, FT, MI"))
}

/// A length in units of which the word behind it says what they are; `error` when it is none.
pub(super) fn length(args: &Args, i: usize, error: &'static str) -> Result<f64, Error> {
    text::parse_f64(args.get(i)).ok_or(Error::Static(error))
}

pub(super) fn of_member(set: &SortedSet, member: &[u8]) -> Option<Point> {
    set.score(member).map(Point::of_score)
}

/// Four decimals, a string in RESP3 too.
pub(super) fn say_distance(reply: &mut Reply, distance: f64) {
    let scaled = distance * 10_000.0;
    let (whole, rest) = (scaled.floor(), scaled - scaled.floor());
    // Near a half it takes all digits to know which way to round, and of a large number few are left behind the point.
    if !(0.0..1e12).contains(&scaled) || (rest - 0.5).abs() < 1e-3 {
        return reply.bulk_str(&format!("{distance:.4}"));
    }
    let all = whole as u64 + u64::from(rest > 0.5);
    let mut text = Vec::with_capacity(16);
    text::write_u64(&mut text, all / 10_000);
    text.push(b'.');
    text.extend([1000, 100, 10, 1].map(|unit| b'0' + (all / unit % 10) as u8));
    reply.bulk(&text);
}

pub(super) fn say_point(reply: &mut Reply, point: Point) {
    reply.array(2);
    for degrees in [point.lon, point.lat] {
        let text = text::format_f64_human(degrees);
        if reply.is_resp3() {
            reply.raw(format!(",{text}\r\n").as_bytes());
        } else {
            reply.bulk_str(&text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::world::Rng;

    #[test]
    fn distances_have_four_decimals() {
        let mut rng = Rng::new(1);
        let random = (0..20_000).map(|i| rng.f64() * 10f64.powi(i % 12));
        let odd = [0.0, 0.00005, 0.00015, 0.99995, 1.00005, 12.34565, 190_442.425, 1e9, 1e300, 0.25, 0.12345];
        for distance in odd.into_iter().chain(random) {
            let mut reply = Reply::new();
            say_distance(&mut reply, distance);
            let text = format!("{distance:.4}");
            assert_eq!(reply.front(), format!("${}\r\n{text}\r\n", text.len()).as_bytes());
        }
    }
}
