//! Import: what another server holds becomes rows of a tenant here.
//!
//! ```text
//! AuthHero row ─▶ survey ─▶ map ─▶ Record ─▶ chunk over HTTP ─▶ checked by the models ─▶ sealed ─▶ rows + checkpoint
//!   any dump      pass 1    pass 2  of one of   POST …/records    `rules`                `seal`    one transaction
//!            cli::authhero          `tables`
//! ```
//!
//! The left half runs in the `gatehouse` command, next to the dump: `cli::authhero`. The right half runs in the Worker, and
//! is here. Both share [`tables`] and [`record`], so that they can't mean different things by a column.
//!
//! # The right half (HTTP, base domain, scope `import:tenants`)
//!
//! Whoever fills a tenant can be anybody there: a machine must hold everything (`tenants:all` and every scope), and so must a
//! person, but for a new tenant that they administer. Into the main tenant only a machine imports.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /management/tenants/{id}/import` | `{"source","tenant","issuer"?,"live"?}` | 201 begun, 200 resumed: the import |
//! | `GET /management/tenants/{id}/import` | | the newest import |
//! | `POST /management/tenants/{id}/import/records` | `{"table","from","records":[{…}]}` | 200 `{"table","taken"}` |
//! | `GET /management/tenants/{id}/import/tables/{table}?after=…` | | 200 `{"table","count","hash","after"}` |
//! | `POST /management/tenants/{id}/import/compare` | `{"table","records":[{…}]}` | 200 `{"table","same","missing":["key"],"different":[{"key","columns"}]}` |
//! | `POST /management/tenants/{id}/import/finish` | `{"counts":{"users":155}}` | 200: the import, the tenant serves |
//! | `DELETE /management/tenants/{id}/import` | | 204: as before; 202 `{"left":true}`: ask again |
//!
//! An import is `{"id","source","tenant","issuer","live","status","taken":{"users":155,…},"created_at","finished_at"}`, its
//! status `open`, `discarding`, `finished` or `discarded`. `source` is free text (`authhero`), `tenant` the id it had there. One import of a tenant is
//! open at a time: the same `POST` again answers it with its checkpoints, another one is 409 `import_open`.
//!
//! - **Serving.** A begun import suspends the tenant, and finishing it opens it. `"live": true` leaves it serving, which is the only way into
//!   a tenant that is in use and into the main tenant (409 `tenant_in_use`).
//! - **Chunks.** At most [`tables::CHUNK`] records and 1 MiB. `from` is how many records of the table were sent before; `taken` how many
//!   are stored. A chunk is stored whole, with its checkpoint, or not at all. The same chunk again changes nothing. One that
//!   begins behind the checkpoint is 409 `chunk_gap` and the message says where to go on.
//! - **Errors.** 400 `invalid_record` and 409 `duplicate_record` have `detail: {"table","index","key","column","words"}`, where `index` counts
//!   from the first record of the chunk. Nothing of the chunk is stored.
//! - **Comparing.** The read of a table goes through it in pages: add the hashes up (lane-wise, [`fingerprint::Sum`]) and the counts, and
//!   go on with `after` until it is null. The hash is of what is stored: secrets are opened and digested first. In a tenant that has rows of
//!   its own the sum says nothing: `compare` looks at the rows of the records it is sent, and names what differs.
//! - **Finishing.** Refused with 409 `import_incomplete` and `detail: {"problems":[…]}` ([`record::Problem`]) while rows refer to nothing or a
//!   count is not the expected one.
//!
//! Times are integer milliseconds, flags `true` or `false`, documents JSON. A secret arrives in clear and is sealed or
//! digested before it is bound to a statement; it is stored and logged nowhere else.

pub mod api;
pub mod check;
pub mod fingerprint;
pub mod model;
pub mod record;
pub mod rules;
pub mod seal;
mod steps;
pub mod store;
pub mod tables;
