//! The end of the process: who may ask for it, and what is done in which order.
//!
//! SHUTDOWN runs on an event-loop thread and signals on their own, and none of them may wait for the loops to end:
//! they ask, and the main thread, which waits for nothing else, does it.

use crate::signals::{FORCE, NOSAVE, SAVE};
use exec::Node;
use exec::seams::Process;
use kit::opt::Config;
use parking_lot::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cause {
    /// SHUTDOWN, which has saved already what is to be saved.
    Command {
        force: bool,
    },
    Signal {
        how: i64,
    },
}

pub(crate) struct Stopper {
    asked: Mutex<Sender<Cause>>,
    config: Arc<Config>,
}

impl Stopper {
    pub(crate) fn new(config: Arc<Config>) -> (Arc<Stopper>, Receiver<Cause>) {
        let (sender, receiver) = channel();
        (Arc::new(Stopper { asked: Mutex::new(sender), config }), receiver)
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn ask(&self, cause: Cause) {
        let _ = self.asked.lock().send(cause); // nobody waits any more: it is stopping
    }
}

impl Process for Stopper {
    fn stop(&self, force: bool) {
        self.ask(Cause::Command { force });
    }
}

/// Waits until somebody asks and nothing stands against it.
pub(crate) fn wait(node: &Weak<Node>, asked: &Receiver<Cause>) {
    while let Ok(cause) = asked.recv() {
        // SHUTDOWN has said so already.
        if let Cause::Signal { .. } = cause {
            kit::warning!("User requested shutdown...");
        }
        let Some(node) = node.upgrade() else { return };
        match save_before(&node, cause) {
            Ok(()) => return,
            Err(error) => {
                kit::warning!("Error trying to save the DB, can't exit: {error}");
                kit::warning!("Errors trying to shut down the server. Check the logs for more information.");
            }
        }
    }
}

/// What a signal's shutdown saves. SHUTDOWN does so itself, because its client wants to know.
fn save_before(node: &Node, cause: Cause) -> Result<(), String> {
    let Cause::Signal { how } = cause else { return Ok(()) };
    let has_save_points = node.config.show("save").is_some_and(|points| !points.is_empty());
    let wanted = how & SAVE != 0 || (has_save_points && how & NOSAVE == 0);
    let Some(saver) = node.saver.get().filter(|_| wanted) else { return Ok(()) };
    kit::notice!("Saving the final RDB snapshot before exiting.");
    match saver.save() {
        Err(error) if how & FORCE != 0 => {
            kit::warning!("Error trying to save the DB, but this is a forced shutdown: {error}");
            Ok(())
        }
        outcome => outcome,
    }
}
