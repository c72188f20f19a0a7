//! The end of the process: who may ask for it, and what is done in which order.
//!
//! SHUTDOWN runs on an event-loop thread and signals on their own, and none of them may wait for the loops to end:
//! they ask, and the main thread, which waits for nothing else, does it. Saving holds the world: nothing that
//! was answered is missing in the last snapshot.

use crate::signals::{FORCE, NOSAVE, SAVE};
use exec::Node;
use exec::node::alarm;
use exec::seams::{Process, Stop};
use kit::opt::Config;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub(crate) enum Cause {
    /// SHUTDOWN.
    Command(Stop),
    Signal {
        how: i64,
    },
    /// The data were loaded, or could not be.
    Loaded(bool),
}

pub(crate) struct Stopper {
    asked: Mutex<Sender<Cause>>,
    config: Arc<Config>,
    /// Somebody asked, and nobody has begun to do it.
    pending: AtomicBool,
    /// What must not be left undone even when the process ends at once.
    last_act: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Stopper {
    pub(crate) fn new(config: Arc<Config>) -> (Arc<Stopper>, Receiver<Cause>) {
        let (sender, receiver) = channel();
        (
            Arc::new(Stopper {
                asked: Mutex::new(sender),
                config,
                pending: AtomicBool::new(false),
                last_act: OnceLock::new(),
            }),
            receiver,
        )
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn set_last_act(&self, act: impl Fn() + Send + Sync + 'static) {
        let _ = self.last_act.set(Box::new(act)); // there is one
    }

    /// Who cannot wait: a second SIGINT.
    pub(crate) fn exit_now(&self) -> ! {
        kit::warning!("You insist... exiting now.");
        if let Some(act) = self.last_act.get() {
            act();
        }
        std::process::exit(1);
    }

    pub(crate) fn ask(&self, cause: Cause) {
        if !matches!(cause, Cause::Loaded(_)) {
            self.pending.store(true, SeqCst);
        }
        let _ = self.asked.lock().send(cause); // nobody waits any more: it is stopping
    }
}

impl Process for Stopper {
    fn stop(&self, stop: Stop) {
        self.ask(Cause::Command(stop));
    }

    fn abort(&self) -> bool {
        let aborted = self.pending.swap(false, SeqCst);
        if aborted {
            kit::notice!("Shutdown manually aborted.");
        }
        aborted
    }
}

/// While the data are loaded: true when they are there, false when that takes longer than `patience`. The error is the
/// exit code of a process that ends. `stop` ends the loading.
pub(crate) fn wait_for_data(asked: &Receiver<Cause>, patience: Option<Duration>, stop: impl Fn()) -> Result<bool, u8> {
    let mut ends = false;
    loop {
        let cause = match patience.filter(|_| !ends) {
            Some(patience) => match asked.recv_timeout(patience) {
                Err(RecvTimeoutError::Timeout) => return Ok(false),
                cause => cause.ok(),
            },
            None => asked.recv().ok(),
        };
        match cause {
            Some(Cause::Loaded(_)) if ends => return Err(0),
            Some(Cause::Loaded(true)) => return Ok(true),
            Some(Cause::Loaded(false)) | None => return Err(1),
            Some(Cause::Command(_) | Cause::Signal { .. }) => {
                kit::warning!("Received shutdown signal during loading, exiting now.");
                ends = true;
                stop();
            }
        }
    }
}

/// Waits until somebody asks and nothing stands against it.
pub(crate) fn wait(node: &Node, stopper: &Stopper, asked: &Receiver<Cause>) {
    while let Ok(cause) = asked.recv() {
        // Signals are acted upon ten times a second in Redis, and tests stop its clockwork to be faster than that.
        while node.cron_paused.load(SeqCst) && stopper.pending.load(SeqCst) {
            std::thread::sleep(Duration::from_millis(10));
        }
        if !stopper.pending.swap(false, SeqCst) {
            if let Cause::Command(Stop { refused: Some(refused), .. }) = cause {
                refused();
            }
            continue;
        }
        // SHUTDOWN has said so already.
        if let Cause::Signal { .. } = cause {
            kit::warning!("User requested shutdown...");
        }
        let Err(error) = save_before(node, &cause) else { return };
        kit::warning!("Error trying to save the DB, can't exit: {error}");
        kit::warning!("Errors trying to shut down the server. Check the logs for more information.");
        if let Cause::Command(Stop { refused: Some(refused), .. }) = cause {
            refused();
        }
    }
}

fn save_before(node: &Node, cause: &Cause) -> Result<(), String> {
    let has_save_points = node.config.show("save").is_some_and(|points| !points.is_empty());
    let (wanted, force) = match cause {
        Cause::Command(stop) => (stop.save.unwrap_or(has_save_points), stop.force),
        Cause::Signal { how } => (how & SAVE != 0 || (has_save_points && how & NOSAVE == 0), how & FORCE != 0),
        Cause::Loaded(_) => (false, false),
    };
    let is_turning_on = node.config.show("appendonly").as_deref() == Some("yes") && !node.log.is_on();
    if is_turning_on || node.log.status().waits_for_base {
        // A script that does not end holds up the base as well, which would never be there: SHUTDOWN NOSAVE ends both.
        let asked = matches!(cause, Cause::Command(stop) if stop.save == Some(false));
        let stuck = asked && node.alarms.get() & alarm::BUSY_SCRIPT != 0;
        if !force && !stuck {
            return Err("Writing initial AOF, can't exit".into());
        }
        kit::warning!("Writing initial AOF. Exit anyway.");
    }
    let Some(saver) = node.saver.get().filter(|_| wanted) else { return Ok(()) };
    kit::notice!("Saving the final RDB snapshot before exiting.");
    match saver.save_last() {
        Err(error) if force => {
            kit::warning!("Error trying to save the DB, but this is a forced shutdown: {error}");
            Ok(())
        }
        outcome => outcome,
    }
}
