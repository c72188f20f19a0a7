//! Scripts against a node in process, all commands there.

mod sandbox;
mod threads;

use exec::Command;
use testkit::TestNode;

fn node(settings: &[(&str, &str)]) -> TestNode {
    static ALL: std::sync::OnceLock<Vec<&'static Command>> = std::sync::OnceLock::new();
    let all =
        ALL.get_or_init(|| commands::COMMANDS.iter().copied().chain([script::COMMANDS]).flatten().copied().collect());
    TestNode::with_lists(all, &[commands::OPTIONS, script::OPTIONS], settings)
}
