//! Import: what another server holds becomes rows of a tenant here.
//!
//! ```text
//! AuthHero row ─▶ survey ─▶ map ─▶ Record ─▶ chunk over HTTP ─▶ checked by the models ─▶ sealed ─▶ rows + checkpoint
//!   any dump      pass 1    pass 2  of one of   POST …/records    `rules`                `seal`    one transaction
//!                 authhero          `tables`
//! ```
//!
//! The left half runs in the `gatehouse` command, next to the dump; it is pure and does not exist in WASM. The right half
//! runs in the Worker. Both share [`tables`] and [`record`], so that they can't mean different things by a column.
//!
//! # The left half (`authhero`, native)
//!
//! ```text
//! authhero::TABLES: [Source]                     every table an install can have, in the order in which it is sent, and
//!                                                what becomes of it: `Becomes::Rows(&[…])` or `Becomes::Nothing(why)`
//! Survey::default()
//! survey.see(table, &row) -> Vec<Problem>        pass 1 over every row of every table, in any order
//! survey.tenants() -> Vec<&str>                  the source's tenants, as found
//! survey.shares_keys(tenant) -> bool             whether the install signs for it with a key of everybody
//! Plan::new(source_tenant, issuer, cutover, scopes)   what becomes of one tenant; `scopes`: `ROUTES.management_scopes()`
//!     .main            bool                      whether it becomes the main tenant
//!     .former_issuer   Option<String>            whose tokens are still accepted; without one they end with the move
//!     .key             Option<Unsealing>         opens `enc:v1:` (`Unsealing::parse`, 32 bytes in base64 or hex)
//!     .people          Option<BTreeSet<String>>  only these users, with what is theirs (splitting)
//!     .connections, .organizations, .roles  BTreeMap  ids that the tenant has under another id already: not sent, renamed
//!     .keeps_settings  bool                      the tenant is in use: its settings, branding and mail stay as they are
//!     .verified_domains  BTreeSet<String>        custom domains that the operator vouches for
//!     .ignores_unsupported_factors  bool  whether who has only such second factors signs in with the password alone
//!     .logs, .sessions, .browser_sessions  bool  whether they come along; the last one keeps browsers signed in
//! map(table, &row, &plan, &survey) -> Result<Mapped, Problem>      pass 2
//! Mapped { records: Vec<Record>, notes: Vec<Note> }                empty for a row of another tenant
//! ```
//!
//! A row is a `serde_json::Map`: null, text, integers; flags may be 0, 1, true or false, and JSON columns text or JSON. Columns
//! are read by name: one that is unknown is ignored with a note, one that is missing is null. A [`record::Problem`] is a
//! value that can't be brought over: it names table, key and column, and nothing should be sent while there is one. A
//! [`record::Note`] is something that is lost or changed on purpose: it is for the plan's report. Orphans (a password of nobody) and what
//! an operator chose to leave out are notes.
//!
//! Send the records of one chunk by destination ([`record::Record::table`]), in the order of [`tables::TABLES`].
//! [`fingerprint::Sum`] adds up what is sent of a table, to be compared with what the server says it holds.
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
#[cfg(not(target_arch = "wasm32"))]
pub mod authhero;
pub mod check;
pub mod fingerprint;
pub mod model;
pub mod record;
pub mod rules;
pub mod seal;
mod steps;
pub mod store;
pub mod tables;
