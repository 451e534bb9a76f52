-- Blocks that seal the log: each holds the hash of its entries and of the block before, so that an entry that is missing,
-- changed or added later is found.
-- moves: whole
create table log_blocks (
  tenant_id text not null,
  number integer not null, -- from 1
  since text not null, -- the id of the last entry of the block before; empty in the first
  until text not null, -- the id of its last entry
  entries integer not null,
  previous text not null, -- the hash of the block before; empty in the first
  hash text not null, -- hex SHA-256
  sealed_at integer not null,
  primary key (tenant_id, number)
) strict, without rowid;
