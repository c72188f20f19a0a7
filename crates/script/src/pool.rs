//! Threads for scripts that may take long. Started when they are needed first, and kept.
//!
//! They hold the node weakly: its end ends them when they have finished what they run.

use crate::machine;
use exec::script::STACK_BYTES;
use exec::scripts::{Deferred, Pool, THREADS};
use exec::{Node, Worker};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Lets scripts of this node leave the event loops.
pub fn start(node: &Arc<Node>) {
    let (sender, receiver) = channel();
    node.scripts.set_pool(Arc::new(Threads {
        node: Arc::downgrade(node),
        sender: Mutex::new(sender),
        receiver: Arc::new(Mutex::new(receiver)),
        started: AtomicUsize::new(0),
        unfinished: Arc::default(),
    }));
}

/// A machine takes 0.2 ms to make, so one that nobody needed for so long is given back.
const IDLE: Duration = Duration::from_millis(100);

/// Waits for work, of which this thread takes one piece. None: there will be no more.
fn next(receiver: &Mutex<Receiver<Deferred>>) -> Option<Deferred> {
    if machine::is_idle() {
        // One waits for work, the others for that one.
        match receiver.try_lock_for(IDLE).map(|receiver| receiver.recv_timeout(IDLE)) {
            Some(Ok(work)) => return Some(work),
            Some(Err(RecvTimeoutError::Disconnected)) => return None,
            Some(Err(RecvTimeoutError::Timeout)) | None => machine::give_back(),
        }
    }
    receiver.lock().recv().ok()
}

struct Threads {
    node: Weak<Node>,
    sender: Mutex<Sender<Deferred>>,
    receiver: Arc<Mutex<Receiver<Deferred>>>,
    started: AtomicUsize,
    unfinished: Arc<AtomicUsize>,
}

impl Pool for Threads {
    fn submit(&self, work: Deferred) {
        let unfinished = self.unfinished.fetch_add(1, SeqCst) + 1;
        let started = self.started.load(SeqCst);
        if unfinished > started
            && started < THREADS
            && self.started.compare_exchange(started, started + 1, SeqCst, SeqCst).is_ok()
        {
            self.spawn(started);
        }
        let _ = self.sender.lock().send(work); // the receiver lives as long as this
    }

    fn collect(&self) {
        machine::collect();
    }
}

impl Threads {
    fn spawn(&self, idx: usize) {
        let (node, receiver) = (self.node.clone(), Arc::clone(&self.receiver));
        let unfinished = Arc::clone(&self.unfinished);
        let run = move || {
            loop {
                let Some(work) = next(&receiver) else { return };
                let Some(node) = node.upgrade() else { return };
                let thread = node.threads + idx;
                kit::alloc::bind_thread(thread);
                Worker::new(node, thread).run_deferred(work);
                unfinished.fetch_sub(1, SeqCst);
            }
        };
        let spawned = std::thread::Builder::new().name(format!("script-{idx}")).stack_size(STACK_BYTES).spawn(run);
        if let Err(error) = spawned {
            kit::warning!("No thread for scripts that take long: {error}");
        }
    }
}
