//! Save points: so many changes in so many seconds make a snapshot.

use crate::options;
use exec::Node;
use kit::text::parse_i64;

pub(crate) struct Point {
    pub secs: i64,
    pub changes: u64,
}

pub(crate) fn all(node: &Node) -> Vec<Point> {
    let words = node.config.get(&options::SAVE);
    let number = |word: &str| parse_i64(word.as_bytes()).unwrap_or(i64::MAX);
    let pairs = words.chunks_exact(2);
    pairs.map(|pair| Point { secs: number(&pair[0]), changes: number(&pair[1]).max(0) as u64 }).collect()
}

/// Is there any?
pub(crate) fn any(node: &Node) -> bool {
    !node.config.get(&options::SAVE).is_empty()
}

/// The first that is reached by so many changes, so many seconds after the last save.
pub(crate) fn reached(points: &[Point], secs: i64, changes: u64) -> Option<&Point> {
    points.iter().find(|point| changes >= point.changes && secs > point.secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_must_be_reached() {
        let points = [Point { secs: 3600, changes: 1 }, Point { secs: 60, changes: 10_000 }];
        let found = |secs, changes| reached(&points, secs, changes).map(|point| point.secs);
        assert_eq!(found(61, 10_000), Some(60));
        assert_eq!(found(60, 10_000), None);
        assert_eq!(found(61, 9999), None);
        assert_eq!(found(3601, 1), Some(3600));
        assert_eq!(found(9999, 0), None);
    }
}
