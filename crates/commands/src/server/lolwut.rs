//! LOLWUT [VERSION version [columns [rows]]]
//!
//! A picture, by chance, and the version below it: a cliff of basalt columns. Whatever version of the
//! picture is asked for, there is only this one.

use exec::{Arg, ArgKind, Args, Arity, Command, Ctx, Error, Flags, Group, version};
use kit::world::Rng;

pub static LOLWUT: Command = Command {
    name: "LOLWUT",
    group: Group::Server,
    since: "5.0.0",
    arity: Arity::AtLeast(1),
    flags: Flags::READONLY.and(Flags::FAST),
    complexity: "O(N), N = characters of the picture",
    summary: "Draws a picture and tells the version.",
    docs: &[Arg { name: "version", kind: ArgKind::Integer, token: Some("VERSION"), optional: true, ..Arg::BASE }],
    run,
    ..Command::BASE
};

const COLUMNS: usize = 14;
const COLUMNS_MAX: usize = 60;
const ROWS: usize = 14;
const ROWS_MAX: usize = 60;
/// Roof and side of a column need this many rows.
const ROWS_MIN: usize = 5;
/// Neighbours share an edge.
const COLUMN_STEP: usize = 4;

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let size_at = if args.is(1, "VERSION") && args.len() > 2 {
        args.int(2)?;
        3
    } else {
        1
    };
    // What is no number is no size: LOLWUT never complains of its taste in words.
    let size = |i: usize, default: usize, min: usize, max: usize| match args.opt(i).map(kit::text::parse_i64) {
        Some(Some(n)) => usize::try_from(n).unwrap_or(0).clamp(min, max),
        Some(None) | None => default,
    };
    let (columns, rows) = (size(size_at, COLUMNS, 1, COLUMNS_MAX), size(size_at + 1, ROWS, ROWS_MIN, ROWS_MAX));
    let mut text = cliff(ctx.rng(), columns, rows);
    text.push_str(&format!("\nBasalt ver. {}\n", version::BASALT));
    ctx.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

fn cliff(rng: &mut Rng, columns: usize, rows: usize) -> String {
    let mut canvas = vec![vec![b' '; columns * COLUMN_STEP + 1]; rows];
    let mut height = rows / 2;
    for column in 0..columns {
        height = (height + rng.index(5)).saturating_sub(2).clamp(1, rows - ROWS_MIN + 1);
        draw(&mut canvas, rng, column * COLUMN_STEP, rows - height - 3);
    }
    canvas.push(waves(rng, columns * COLUMN_STEP + 1));
    let lines = canvas.iter().map(|row| String::from_utf8_lossy(row).trim_end().to_owned() + "\n");
    lines.collect()
}

/// A six-sided roof at this place and the side below it, down to the water.
fn draw(canvas: &mut [Vec<u8>], rng: &mut Rng, left: usize, top: usize) {
    for (depth, row) in canvas[top..].iter_mut().enumerate() {
        let row = &mut row[left..=left + COLUMN_STEP];
        match depth {
            0 => row[1..COLUMN_STEP].fill(b'_'),
            1 => row.copy_from_slice(b"/   \\"),
            2 => row.copy_from_slice(b"\\___/"),
            _ => {
                let mut grain = || if rng.one_in(7) { b".:'"[rng.index(3)] } else { b' ' };
                row.copy_from_slice(&[b'|', grain(), grain(), grain(), b'|']);
            }
        }
    }
}

fn waves(rng: &mut Rng, len: usize) -> Vec<u8> {
    (0..len).map(|_| b"~~~~-^ "[rng.index(7)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check, node};
    use proto::resp_client::Value;

    #[test]
    fn draws_in_the_size_asked_for() {
        for (columns, rows) in [(1, ROWS_MIN), (14, 14), (COLUMNS_MAX, ROWS_MAX), (60, 5)] {
            let text = cliff(&mut Rng::new(1), columns, rows);
            assert_eq!(text.lines().count(), rows + 1);
            assert!(text.lines().all(|line| line.len() <= columns * COLUMN_STEP + 1));
            assert!(text.contains("\\___/"), "{text}");
        }
    }

    #[test]
    fn takes_any_version_and_tells_ours() {
        let mut node = node(&[]);
        for line in ["LOLWUT", "LOLWUT VERSION 5", "LOLWUT version 6 20 30", "LOLWUT foo", "LOLWUT -5 99999999999"] {
            let Value::Bulk(text) = node.ask_line(line) else { panic!("{line}") };
            assert!(text.ends_with(format!("\nBasalt ver. {}\n", version::BASALT).as_bytes()), "{line}");
        }
        check("LOLWUT VERSION x -> -ERR value is not an integer or out of range");
    }
}
