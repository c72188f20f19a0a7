//! The memory that the container allows, from its control group, version 2 or 1.

use kit::text::human_bytes;
use std::path::{Path, PathBuf};

/// `maxmemory` when it was not given: four fifths of the container's limit. The rest is for what the allocator
/// holds between values, threads' stacks and the kernel's socket buffers, which the limit counts as well.
pub(crate) fn memory_budget(limit: u64) -> u64 {
    limit / 5 * 4
}

pub(crate) fn describe(limit: u64) -> String {
    format!(
        "Memory budget (maxmemory) {}: four fifths of the container's limit of {}; set 'maxmemory' to choose another",
        human_bytes(memory_budget(limit)),
        human_bytes(limit)
    )
}

/// The lowest limit of the groups this process is in; none when nothing limits it.
pub(crate) fn memory_limit() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    limit_in(Path::new("/sys/fs/cgroup"), &groups)
}

// Version 1 says "no limit" with the largest number of whole pages.
const NO_LIMIT: u64 = i64::MAX as u64 / 2;

fn limit_in(root: &Path, groups: &str) -> Option<u64> {
    let mut lowest: Option<u64> = None;
    for line in groups.lines() {
        // `0::/path` for version 2, `9:memory,cpu:/path` for version 1.
        let mut fields = line.splitn(3, ':');
        let (Some(id), Some(kinds), Some(path)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let (top, file) = match (id, kinds) {
            ("0", "") => (root.to_path_buf(), "memory.max"),
            (_, kinds) if kinds.split(',').any(|kind| kind == "memory") => {
                (root.join("memory"), "memory.limit_in_bytes")
            }
            _ => continue,
        };
        for folder in upwards(&top, path) {
            let Ok(text) = std::fs::read_to_string(folder.join(file)) else { continue };
            let limit = text.trim().parse::<u64>().ok().filter(|limit| (1..NO_LIMIT).contains(limit));
            lowest = lowest.into_iter().chain(limit).min();
        }
    }
    lowest
}

/// The group's folder and those above it, as far as they are seen from inside a container.
fn upwards(top: &Path, path: &str) -> Vec<PathBuf> {
    let inner = top.join(path.trim_start_matches('/'));
    inner.ancestors().take_while(|folder| folder.starts_with(top)).map(Path::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(name: &str, files: &[(&str, &str)]) -> PathBuf {
        let root = std::env::temp_dir().join(format!("basalt-cgroup-{name}-{}", std::process::id()));
        for (path, text) in files {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn version_2_takes_the_lowest_on_the_way_up() {
        let root = root(
            "v2",
            &[("a/memory.max", "1000000\n"), ("a/b/memory.max", "max\n"), ("a/b/c/memory.max", "9000000\n")],
        );
        assert_eq!(limit_in(&root, "0::/a/b/c\n"), Some(1_000_000));
        assert_eq!(limit_in(&root, "0::/../other\n"), None);
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn version_1() {
        let root = root(
            "v1",
            &[("memory/x/memory.limit_in_bytes", "5000\n"), ("memory/memory.limit_in_bytes", "9223372036854771712\n")],
        );
        assert_eq!(limit_in(&root, "8:cpu:/x\n9:memory,hugetlb:/x\n"), Some(5000));
        assert_eq!(limit_in(&root, "9:memory:/\n"), None);
        assert_eq!(limit_in(&root, "9:memory:/not/seen/here\n"), None);
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn the_budget() {
        assert_eq!(memory_budget(5 << 30), 4 << 30);
        assert!(describe(5 << 30).contains("4.00G") && describe(5 << 30).contains("5.00G"));
    }
}
