create extension if not exists vector;
create schema huedb;
create table huedb.meta (key text primary key, value jsonb not null);
create table huedb.tenant (name text collate "C" primary key);
create table huedb.database (
  id uuid primary key,
  tenant text collate "C" not null references huedb.tenant on delete cascade,
  name text collate "C" not null,
  unique (tenant, name));
-- The records of the collection with number 17 are in huedb.c_17, in the order of seq; settings are as huedb writes them.
create table huedb.collection (
  number bigint generated always as identity primary key,
  id uuid not null unique,
  database uuid not null references huedb.database on delete cascade,
  name text collate "C" not null,
  space text not null check (space in ('l2', 'ip', 'cosine')),
  dimension int,
  settings json not null,
  version bigint not null default 0,
  next bigint not null default 0,
  records bigint not null default 0,
  shards json,
  unique (database, name));
-- Collections with shards on other servers that are being written to, or were when something failed.
create table huedb.doubt (collection bigint primary key);
create table huedb.token (id text collate "C" primary key, entry json not null);
insert into huedb.tenant values ('default_tenant');
insert into huedb.database values ('00000000-0000-0000-0000-000000000000', 'default_tenant', 'default_database');
insert into huedb.meta values ('schema', '1'), ('id', to_jsonb(gen_random_uuid()));
