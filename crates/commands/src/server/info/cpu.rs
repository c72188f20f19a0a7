//! INFO cpu: processor seconds, as of the last second's sample. The kernel counts in ticks of 10 ms as a rule.

use super::Look;
use super::page::Page;
use kit::process::CpuTimes;

pub(super) fn write(page: &mut Page, look: &mut Look) {
    let usage = look.ctx.node.samples.usage();
    for (times, of) in [(usage.cpu, ""), (usage.children_cpu, "_children"), (usage.main_thread_cpu, "_main_thread")] {
        let CpuTimes { user_us, system_us } = times;
        page.field(&format!("used_cpu_sys{of}"), seconds(system_us));
        page.field(&format!("used_cpu_user{of}"), seconds(user_us));
    }
}

fn seconds(us: u64) -> String {
    format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::super::tests::field;
    use super::*;
    use crate::node;

    #[test]
    fn six_decimals() {
        assert_eq!(seconds(12_000_340), "12.000340");
        let mut node = node(&[]);
        for name in ["used_cpu_sys", "used_cpu_user_children", "used_cpu_user_main_thread"] {
            assert!(field(&mut node, "INFO cpu", name).parse::<f64>().is_ok());
        }
    }
}
