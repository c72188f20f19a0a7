//! INFO latencystats: percentiles of the time each command took, in microseconds.

use super::Look;
use super::page::Page;
use kit::opt::{Opt, Text};
use kit::text::{format_f64, parse_f64};

pub static PERCENTILES: Opt<Text> = Opt::text(
    "latency-tracking-info-percentiles",
    "50 99 99.9",
    "The percentiles that INFO latencystats shows; empty: none.",
)
.check(percentiles)
.multi_word();

fn percentiles(text: &str) -> Result<String, String> {
    let normal = text.split_ascii_whitespace().map(|word| match parse_f64(word.as_bytes()) {
        None => Err("Invalid latency-tracking-info-percentiles parameters".to_string()),
        Some(percent) if !(0.0..=100.0).contains(&percent) => {
            Err("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]".to_string())
        }
        Some(percent) => Ok(format_f64(percent)),
    });
    Ok(normal.collect::<Result<Vec<_>, _>>()?.join(" "))
}

pub(super) fn write(page: &mut Page, look: &mut Look) {
    let node = look.ctx.node;
    let wanted = node.config.get(&PERCENTILES);
    let wanted: Vec<(&str, f64)> =
        wanted.split(' ').filter_map(|word| Some((word, parse_f64(word.as_bytes())?))).collect();
    for number in node.commands.all() {
        let Some(histogram) = node.command_stats.latency(number) else { continue };
        let shown = wanted.iter().map(|(word, percent)| {
            let ns = histogram.percentile(*percent);
            format!("p{word}={}.{:03}", ns / 1000, ns % 1000)
        });
        let shown: Vec<String> = shown.collect();
        page.field(&format!("latency_percentiles_usec_{}", node.commands.row(number).full_name), shown.join(","));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{field, info};
    use super::*;
    use crate::node;

    #[test]
    fn percentiles_as_asked_for() {
        let mut node =
            node(&[("latency-tracking-info-percentiles", "0.0 50.0 100.0"), ("enable-debug-command", "yes")]);
        node.converse("DEBUG SLEEP 0.05; GET k");
        assert_eq!(
            field(&mut node, "INFO latencystats", "latency_percentiles_usec_get"),
            "p0=0.000,p50=0.000,p100=0.000"
        );
        let text = field(&mut node, "INFO latencystats", "latency_percentiles_usec_debug");
        let values: Vec<f64> = text.split(',').map(|pair| pair.split_once('=').unwrap().1.parse().unwrap()).collect();
        assert!(values.len() == 3 && values.iter().all(|value| (50_000.0..54_000.0).contains(value)), "{text}");
    }

    #[test]
    fn nothing_is_shown_without_tracking() {
        let mut node = node(&[("latency-tracking", "no")]);
        node.converse("GET k");
        assert_eq!(info(&mut node, "INFO latencystats"), "# Latencystats\r\n");
    }

    #[test]
    fn the_setting_is_checked() {
        assert_eq!(percentiles("0.0 50.0 100.0"), Ok("0 50 100".into()));
        assert_eq!(percentiles(""), Ok(String::new()));
        for bad in ["a", "50 101", "-1", "50,99", "nan"] {
            assert!(percentiles(bad).is_err(), "{bad}");
        }
    }
}
