//! Archives of tenants, and tenants from archives.
//!
//! | call | what it does |
//! |---|---|
//! | `POST /management/tenants/{id}/backups` `{include?: ["keys", "sessions", "logs"]}` | 202, an operation with `backup` |
//! | `GET …/backups`, `GET …/backups/{backup}` | what there is: rows, bytes, hash, schema, the instant that it shows |
//! | `DELETE …/backups/{backup}` | 204; 409 `backup_retained` for what can bring a tenant back, until its retention (`RETENTION_DAYS`) is over |
//! | `POST /management/tenants/{id}/restores` `{backup, into?, placement?}` | 202, an operation; `into` is a new tenant |
//! | `POST /management/tenants/{id}/time-travel` `{timestamp}` | 202, an operation; tenants with a database of their own |
//!
//! # What an archive is
//!
//! Numbered parts, each sealed (AES-256-GCM) under a key that was made for this archive, which `ENCRYPTION_KEY` wraps. A
//! part opens only as the part of this number of this archive. The manifest is written last: it names every part with
//! the hash of what is kept, and says for each table how many rows there are and what they add up to. So a part that
//! was changed, cut, swapped, left out or put back from another time is found, and named.
//!
//! # What is promised
//!
//! 1. *One instant.* An archive shows the tenant as it was at one instant, `taken_at`, although nobody had to wait for
//!    it. The tenant's database captures the keys of all changes from before the first row is copied, as in a
//!    [move](super::moves). What was captured is read again, with the rows as they are then, until little is left; that
//!    little is read in one transaction together with the log and with the number of rows of each table.
//! 2. *Whole or not at all.* It is listed as whole only after every part was read back from where it is kept, opened, and
//!    put together to as many rows of each table as there were at that instant.
//! 3. *Nothing by halves.* A restore reads the whole archive before it touches anything. What it writes is read back and
//!    must add up to what the manifest says before anybody is served from it.
//!
//! Whoever brings back what a tenant had, has it: that is for those who administer the tenant, and the main tenant is
//! neither copied nor taken back. Another tenant gets signing keys of its own: who holds a key of the one does not speak
//! for the other.
//!
//! A tenant that is restored in place is archived first, with everything, so that the way back is open.

pub mod api;
pub mod format;
pub mod model;
pub mod store;
