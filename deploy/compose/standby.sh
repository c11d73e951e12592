#!/bin/sh
# The start of the standby: a copy of the primary where there is none yet, then PostgreSQL, which follows it.
set -eu
if ! test -s "$PGDATA/PG_VERSION"; then
    PGPASSWORD=$(cat /run/secrets/replicator) pg_basebackup --pgdata "$PGDATA" --write-recovery-conf --wal-method stream \
        --checkpoint fast --dbname "host=primary user=replicator application_name=standby"
fi
exec docker-entrypoint.sh "$@"
