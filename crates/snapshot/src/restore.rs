//! `basalt restore`: the data as of a moment, out of a log's files, into a snapshot in another folder.

use crate::file::{self, Control, Failure, Plan};
use crate::form::RdbForm;
use crate::keeper::Snapshots;
use crate::replay::Replay;
use crate::walk::Moment;
use exec::Node;
use keyspace::SHARDS;
use log::{Log, Moments};
use std::path::Path;
use std::sync::Arc;

impl Snapshots {
    /// Loads what `log` held at the end of the second `until_s` into this node, which is empty and serves nobody, and
    /// writes it to `path`. How many keys there were; None when nothing is kept of that time.
    pub fn restore(
        &self,
        node: &Arc<Node>,
        log: &Log,
        moments: &[Moments],
        until_s: i64,
        path: &Path,
    ) -> Result<Option<u64>, String> {
        let mut replay = Replay::new(self, node);
        let loaded = log.load_until(moments, until_s, &mut replay).map_err(|error| error.to_string())?;
        if loaded.is_none() {
            return Ok(None);
        }
        let form = Arc::new(RdbForm::choose(node));
        let control = Control::default();
        let moment = Moment::begin(node, form.clone(), control.counts.clone(), |look| {
            (0..SHARDS).for_each(|shard| look(&mut node.keyspace.lock(shard)));
        });
        let keys = moment.databases.iter().map(|db| db.keys as u64).sum();
        let plan = Plan {
            path: path.to_path_buf(),
            temp: path.with_file_name(file::temp_name()),
            head: form.head(node, &moment.databases, false),
            form,
            rdb_end: true,
            checksum: true,
        };
        let told = |failure| match failure {
            Failure::Cancelled => "it was cancelled".to_owned(),
            Failure::Failed(why) => why,
        };
        file::write(node, &plan, moment, &control).map_err(told)?;
        file::publish(&*node.disk, &plan).map_err(told)?;
        Ok(Some(keys))
    }
}
