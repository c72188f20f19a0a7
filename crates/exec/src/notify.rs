//! Classes of keyspace events (`notify-keyspace-events`).

pub const KEYSPACE: u32 = 1 << 0;
pub const KEYEVENT: u32 = 1 << 1;
pub const GENERIC: u32 = 1 << 2;
pub const STRING: u32 = 1 << 3;
pub const LIST: u32 = 1 << 4;
pub const SET: u32 = 1 << 5;
pub const HASH: u32 = 1 << 6;
pub const ZSET: u32 = 1 << 7;
pub const EXPIRED: u32 = 1 << 8;
pub const EVICTED: u32 = 1 << 9;
pub const STREAM: u32 = 1 << 10;
pub const KEY_MISS: u32 = 1 << 11;
pub const MODULE: u32 = 1 << 12;
pub const NEW: u32 = 1 << 13;
pub const ALL: u32 = GENERIC | STRING | LIST | SET | HASH | ZSET | EXPIRED | EVICTED | STREAM | MODULE;

const LETTERS: &[(char, u32)] = &[
    ('g', GENERIC),
    ('$', STRING),
    ('l', LIST),
    ('s', SET),
    ('h', HASH),
    ('z', ZSET),
    ('x', EXPIRED),
    ('e', EVICTED),
    ('t', STREAM),
    ('d', MODULE),
    ('K', KEYSPACE),
    ('E', KEYEVENT),
    ('m', KEY_MISS),
    ('n', NEW),
];

/// Letters to classes; `None` for an unknown letter.
pub fn parse(letters: &str) -> Option<u32> {
    letters.chars().try_fold(0, |classes, letter| match letter {
        'A' => Some(classes | ALL),
        letter => LETTERS.iter().find(|(known, _)| *known == letter).map(|(_, class)| classes | class),
    })
}

/// Classes to letters, as CONFIG GET shows them.
pub fn show(classes: u32) -> String {
    let mut text = String::new();
    let mut rest = classes;
    if classes & ALL == ALL {
        text.push('A');
        rest &= !ALL;
    }
    text.extend(LETTERS.iter().filter(|(_, class)| rest & class != 0).map(|(letter, _)| letter));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_round_trip() {
        assert_eq!(show(parse("KEA").unwrap()), "AKE");
        assert_eq!(show(parse("Kg$").unwrap()), "g$K");
        assert_eq!(show(parse("AKEmn").unwrap()), "AKEmn");
        assert_eq!(show(parse("").unwrap()), "");
        assert_eq!(parse("Q"), None);
    }
}
