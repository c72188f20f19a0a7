//! What the executor counts. Each thread counts for itself; INFO adds them up.

use kit::metric::{AnyMetric, Counter, Gauge};

macro_rules! counters {
    ($($ident:ident = $name:literal, $doc:literal;)*) => {
        $(pub static $ident: Counter = Counter::new($name, $doc);)*
        pub static METRICS: &[&dyn AnyMetric] = &[$(&$ident,)* &CLIENTS_HELD];
    };
}

counters! {
    COMMANDS_PROCESSED = "total_commands_processed", "Commands run, those in transactions included.";
    KEYSPACE_HITS = "keyspace_hits", "Lookups of keys that were there.";
    KEYSPACE_MISSES = "keyspace_misses", "Lookups of keys that were not there.";
    EXPIRED_KEYS = "expired_keys", "Keys removed because their time had come.";
    EXPIRED_FIELDS = "expired_subkeys", "Fields of hashes removed because their time had come.";
    EXPIRED_SWEPT = "expired_keys_active", "Those of them found by the background sweep.";
    EXPIRE_CAP_REACHED = "expired_time_cap_reached_count", "Sweeps that stopped at their time limit with keys left.";
    EVICTED_KEYS = "evicted_keys", "Keys removed to stay below maxmemory.";
    EVICTED_CLIENTS = "evicted_clients", "Clients closed to stay below maxmemory-clients.";
    ERROR_REPLIES = "total_error_replies", "Errors sent to clients.";
    CONNECTIONS_RECEIVED = "total_connections_received", "Connections accepted.";
    CONNECTIONS_REJECTED = "rejected_connections", "Connections refused because of maxclients.";
    NET_IN = "total_net_input_bytes", "Bytes read from clients.";
    NET_OUT = "total_net_output_bytes", "Bytes written to clients.";
    READS = "total_reads_processed", "Reads from sockets.";
    WRITES = "total_writes_processed", "Writes to sockets.";
    QUERY_LIMIT_CLOSED = "client_query_buffer_limit_disconnections", "Clients closed for too long a request.";
    OUTPUT_LIMIT_CLOSED = "client_output_buffer_limit_disconnections", "Clients closed for too many unread replies.";
    ACL_DENIED_AUTH = "acl_access_denied_auth", "Failed authentications.";
    ACL_DENIED_COMMAND = "acl_access_denied_cmd", "Commands refused by ACL.";
    ACL_DENIED_KEY = "acl_access_denied_key", "Keys refused by ACL.";
    ACL_DENIED_CHANNEL = "acl_access_denied_channel", "Channels refused by ACL.";
    ACL_DENIED_DATABASE = "acl_access_denied_db", "Databases refused by ACL.";
    CLUSTER_INCOMPATIBLE = "cluster_incompatible_ops", "Of the commands checked, those that a cluster would refuse.";
    PANICS = "command_panics", "Commands ended by a mistake of the server's.";
    TURNS = "eventloop_cycles", "Turns of the event loops.";
    TURN_NANOS = "eventloop_duration_nanos", "Time spent in turns, waiting left out.";
    EXPIRE_NANOS = "expire_cycle_cpu_nanos", "Time spent in the background sweep of keys past their time.";
    REPLIES_HELD = "replies_held", "Times that a client's replies had to wait for the log to take what they answer.";
    CRON_NANOS = "eventloop_duration_cron_nanos", "Time spent in what happens ten times a second.";
}

pub static CLIENTS_HELD: Gauge =
    Gauge::new("clients_with_held_replies", "Clients whose replies wait for the log at this moment.");
