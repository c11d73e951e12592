#!/bin/sh
# Run by the primary's first start: the roles, the database, and the extension, which only a superuser makes.
set -eu
psql --username postgres --set ON_ERROR_STOP=1 --set huedb="$(cat /run/secrets/huedb)" \
    --set replicator="$(cat /run/secrets/replicator)" << 'SQL'
create role replicator login replication password :'replicator';
create role huedb login password :'huedb';
create database huedb owner huedb;
\connect huedb
create extension vector;
SQL
echo 'host replication replicator samenet scram-sha-256' >> "$PGDATA/pg_hba.conf"
