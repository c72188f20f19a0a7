//! Names of options of Redis 7.0 to 8 and Valkey 9: none of them may stop a start.

use crate::parts;
use kit::opt::Config;

/// From the configuration files of Redis 7.0 and 8, and CONFIG GET, aliases included.
const REDIS: &str = "\
    acl-pubsub-default aclfile acllog-max-len active-defrag-cycle-max active-defrag-cycle-min \
    active-defrag-ignore-bytes active-defrag-max-scan-fields active-defrag-threshold-lower \
    active-defrag-threshold-upper active-expire-effort activedefrag activerehashing always-show-logo \
    aof-disable-auto-gc aof-load-corrupt-tail-max-size aof-load-truncated aof-rewrite-cpulist \
    aof-rewrite-incremental-fsync aof-timestamp-enabled aof-use-rdb-preamble aof_rewrite_cpulist appenddirname \
    appendfilename appendfsync appendonly auto-aof-rewrite-min-size auto-aof-rewrite-percentage bgsave-cpulist \
    bgsave_cpulist bind bind-source-addr bio-cpulist bio_cpulist busy-reply-threshold client-default-resp \
    client-output-buffer-limit client-query-buffer-limit cluster-allow-pubsubshard-when-down \
    cluster-allow-reads-when-down cluster-allow-replica-migration cluster-announce-bus-port \
    cluster-announce-hostname cluster-announce-human-nodename cluster-announce-ip cluster-announce-port \
    cluster-announce-tls-port cluster-compatibility-sample-ratio cluster-config-file cluster-enabled \
    cluster-link-sendbuf-limit cluster-migration-barrier cluster-node-timeout cluster-ping-interval cluster-port \
    cluster-preferred-endpoint-type cluster-replica-no-failover cluster-replica-validity-factor \
    cluster-require-full-coverage cluster-slave-no-failover cluster-slave-validity-factor cluster-slot-stats-enabled \
    crash-log-enabled crash-memcheck-enabled daemonize databases dbfilename dir disable-thp dynamic-hz \
    enable-debug-command enable-module-command enable-protected-configs hash-max-listpack-entries \
    hash-max-listpack-value hash-max-ziplist-entries hash-max-ziplist-value hide-user-data-from-log \
    hll-sparse-max-bytes hz ignore-warnings io-threads io-threads-do-reads jemalloc-bg-thread key-load-delay \
    latency-monitor-threshold latency-tracking latency-tracking-info-percentiles lazyexpire-nested-arbitrary-keys \
    lazyfree-lazy-eviction lazyfree-lazy-expire lazyfree-lazy-server-del lazyfree-lazy-user-del \
    lazyfree-lazy-user-flush lfu-decay-time lfu-log-factor list-compress-depth list-max-listpack-size \
    list-max-ziplist-entries list-max-ziplist-size list-max-ziplist-value loading-process-events-interval-bytes \
    locale-collate logfile loglevel lookahead lua-enable-deprecated-api lua-replicate-commands lua-time-limit \
    masterauth masteruser max-new-connections-per-cycle max-new-tls-connections-per-cycle maxclients maxmemory \
    maxmemory-clients maxmemory-eviction-tenacity maxmemory-policy maxmemory-samples min-replicas-max-lag \
    min-replicas-to-write min-slaves-max-lag min-slaves-to-write no-appendfsync-on-rewrite notify-keyspace-events \
    oom-score-adj oom-score-adj-values pidfile port proc-title-template propagation-error-behavior protected-mode \
    proto-max-bulk-len rdb-del-sync-files rdb-key-save-delay rdb-save-incremental-fsync rdbchecksum rdbcompression \
    rename-command repl-backlog-size repl-backlog-ttl repl-disable-tcp-nodelay repl-diskless-load repl-diskless-sync \
    repl-diskless-sync-delay repl-diskless-sync-max-replicas repl-ping-replica-period repl-ping-slave-period \
    repl-rdb-channel repl-timeout replica-announce-ip replica-announce-port replica-announced \
    replica-full-sync-buffer-limit replica-ignore-disk-write-errors replica-ignore-maxmemory replica-lazy-flush \
    replica-priority replica-read-only replica-serve-stale-data replicaof req-res-logfile requirepass \
    sanitize-dump-payload save server-cpulist server_cpulist set-max-intset-entries set-max-listpack-entries \
    set-max-listpack-value set-proc-title shutdown-on-sigint shutdown-on-sigterm shutdown-timeout slave-announce-ip \
    slave-announce-port slave-ignore-maxmemory slave-lazy-flush slave-priority slave-read-only \
    slave-serve-stale-data slaveof slowlog-log-slower-than slowlog-max-len socket-mark-id \
    stop-writes-on-bgsave-error stream-idmp-duration stream-idmp-maxsize stream-node-max-bytes \
    stream-node-max-entries supervised syslog-enabled syslog-facility syslog-ident tcp-backlog tcp-keepalive timeout \
    tls-auth-clients tls-ca-cert-dir tls-ca-cert-file tls-cert-file tls-ciphers tls-ciphersuites \
    tls-client-cert-file tls-client-key-file tls-client-key-file-pass tls-cluster tls-dh-params-file tls-key-file \
    tls-key-file-pass tls-port tls-prefer-server-ciphers tls-protocols tls-replication tls-session-cache-size \
    tls-session-cache-timeout tls-session-caching tracking-table-max-keys unixsocket unixsocketperm \
    use-exit-on-panic user watchdog-period zset-max-listpack-entries zset-max-listpack-value \
    zset-max-ziplist-entries zset-max-ziplist-value";

/// What Valkey has beyond them.
const VALKEY: &str = "\
    active-defrag-cycle-us availability-zone cluster-announce-client-ipv4 cluster-announce-client-ipv6 \
    cluster-announce-client-port cluster-announce-client-tls-port cluster-blacklist-ttl cluster-config-save-behavior \
    cluster-databases cluster-manual-failover-timeout cluster-message-gossip-perc cluster-slot-migration-log-max-len \
    cluster-slot-stats-enabled commandlog-execution-slower-than commandlog-large-reply-max-len \
    commandlog-large-request-max-len commandlog-reply-larger-than commandlog-request-larger-than \
    commandlog-slow-execution-max-len debug-context dual-channel-replication-enabled enable-debug-assert \
    events-per-io-thread extended-redis-compatibility hash-seed hide-user-data-from-log import-mode \
    io-threads-always-active log-format log-timestamp-format lua-enable-insecure-api max-new-connections-per-cycle \
    max-new-tls-connections-per-cycle min-io-threads-avoid-copy-reply min-string-size-avoid-copy-reply \
    min-string-size-avoid-copy-reply-threaded mptcp prefetch-batch-max-size primaryauth primaryuser \
    rdb-version-check rdma-bind rdma-completion-vector rdma-port rdma-rx-size repl-mptcp \
    slot-migration-max-failover-repl-bytes tls-auth-clients-user tls-auto-reload-interval unixsocketgroup";

#[test]
fn none_is_unknown() {
    let config = Config::new(parts::OPTIONS);
    let missing: Vec<&str> = [REDIS, VALKEY]
        .iter()
        .flat_map(|names| names.split_whitespace())
        .filter(|name| config.find(name).is_none())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(REDIS.split_whitespace().count() > 200 && VALKEY.split_whitespace().count() > 40);
}

#[test]
fn every_option_reads_its_own_lines() {
    let config = Config::new(parts::OPTIONS);
    for opt in config.all() {
        assert!(!opt.doc().is_empty() && opt.doc().ends_with('.'), "{}: a sentence", opt.name());
        let copy = Config::new(parts::OPTIONS);
        for line in config.file_lines(opt.name()).unwrap() {
            let words = kit::text::split_words(line.as_bytes()).unwrap();
            copy.set_line(&words[0], &words[1..]).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
        assert_eq!(copy.show(opt.name()), config.show(opt.name()));
        if !opt.traits().immutable {
            let shown = opt.default_shown();
            assert_eq!(copy.set(opt.name(), &[&shown]), Ok(false), "CONFIG SET {} '{shown}'", opt.name());
        }
    }
}

/// Those that Redis's own test of CONFIG leaves out; it expects all others that are shown to be settable.
const AT_START_ONLY: &str = "rdbchecksum daemonize tcp-backlog always-show-logo syslog-enabled cluster-enabled disable-thp \
    aclfile unixsocket pidfile syslog-ident appendfilename appenddirname supervised syslog-facility databases io-threads \
    logfile unixsocketperm replicaof server-cpulist bio-cpulist aof-rewrite-cpulist bgsave-cpulist set-proc-title \
    cluster-config-file cluster-port enable-protected-configs enable-debug-command enable-module-command \
    socket-mark-id req-res-logfile client-default-resp metrics-port metrics-bind";

#[test]
fn what_is_shown_can_be_set() {
    let config = Config::new(parts::OPTIONS);
    let fixed = config.all().filter(|opt| opt.traits().immutable && !opt.traits().hidden);
    let unexpected: Vec<&str> = fixed
        .map(|opt| opt.name())
        .filter(|name| AT_START_ONLY.split_whitespace().all(|known| known != *name))
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
}
