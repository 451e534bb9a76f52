//! Gatehouse: a multi-tenant identity server at the edge.
//!
//! # The journey of a request
//!
//! A request is refined, never decorated: each stage consumes the value of the stage before it and
//! returns a narrower one, and every constructor is private to its stage, so that no stage can be
//! skipped, reordered or faked.
//!
//! ```text
//! Request ─▶ Host ─▶ Tenant + TenantDb ─▶ Route ─▶ access proven ─▶ handler(cx, input) ─▶ Output ─▶ Response
//!            parse   directory            table    area             pure rules + SQL      render
//!            400     404                  404/405  the area's own refusal                 in one place
//! ```
//!
//! [`app`] is that journey on one page. The modules below are declared in the order in which a request
//! meets them, and may only use modules further down ([the layer test](../tests/laws/layers.rs) holds them to it).
//!
//! # Glossary
//!
//! One meaning each, everywhere in the crate; what is not here has the meaning of its RFC or of Auth0's documentation.
//!
//! | word | meaning |
//! |---|---|
//! | main tenant | the tenant of the base domain, whose people and machines manage the others |
//! | host | the authority of a request, and the only thing that decides whose it is |
//! | placement | `shared` (a database of many tenants) or `isolated` (one of its own) |
//! | home | the database in which a tenant's rows are served |
//! | epoch | counts the homes that a tenant has had; a handle of an older one is refused |
//! | fence | the row in a database that refuses handles of an older epoch |
//! | route | where a tenant is, as an isolate remembers it for five seconds |
//! | snapshot | the configuration of a tenant, as an isolate remembers it for five seconds |
//! | area | a part of the surface with one way in and one way to say no ([`access::Area`]) |
//! | scope | a permission in a token; `tenant:admin` and `tenants:all` are the two that stand for more |
//! | bearer | whoever presents a token: a person, a machine, or an administrator inside an organization |
//! | vouched for | said, by somebody who holds everything, of a client that need not ask for consent |
//! | refusal | an answer that says no in words for the caller; a fault is a failure of ours, logged and never shown |
//! | entry | a row of a tenant's log; a block seals entries |
//! | sealed | encrypted with the tenant's data key, which is wrapped with `ENCRYPTION_KEY` |
//! | declaration | a plain resource as one value ([`resources`]) from which routes, SQL and documentation follow |
//! | ending | what ends a session, a refresh token or a code before its time |
//! | operation | work on a tenant in steps that survives the worker; a procedure is its list of steps |
//! | lease | the right of one worker to go on with an operation, until a moment |
//! | move | an operation that changes a tenant's home while it serves |
//! | primary, replica | the home during a move, and the database that follows it |
//! | lag | changes of the primary that the replica has not got yet |
//! | cursor | where a copy or a list goes on; in the API `next` and `from` |
//! | pool | databases that wait for a tenant, bound in advance |
//! | archive | a backup, as objects in R2; its manifest says what it holds |
//! | fleet | the state of all tenants together while an installation is rolled out |
//! | source | the server that an import comes from |
//!
//! # Invariants
//!
//! - [`tenant::Directory`] is the only maker of a [`tenant::Tenant`] and of a [`db::TenantDb`].
//! - A [`db::TenantDb`] speaks for exactly one tenant: it binds `?1` of every statement itself.
//! - A write is a value ([`db::Statement`]) until it is committed, together with its audit event, in one batch.
//! - Only [`secret::Digest`] and [`secret::Sealed`] can be bound to a statement, never a [`secret::Secret`].
//! - Only a refusal has text that can reach a client; a [`error::Fault`] is logged once, in [`app`].
//! - An isolate remembers of a tenant only what cannot be read without its [`tenant::Tenant`], and for all of them only the
//!   work in flight: who waits for a turn ([`limits::turns`]) and who was told to come back later ([`limits::Limits`]).
//! - Time and chance come from the [`platform::Platform`], so whatever happens can be replayed from a seed.
//! - Only `worker` names the `worker` crate. Everything else builds, and is tested, natively.

#[cfg(target_arch = "wasm32")]
mod worker;

#[cfg(not(target_arch = "wasm32"))]
pub mod cli;

pub mod app;
pub mod routes;

pub mod importing;
pub mod operations;

pub mod login;
pub mod oauth;
pub mod resources;

pub mod access;

pub mod cloudflare;
pub mod events;
pub mod tenant;

pub mod config;
pub mod db;
pub mod http;
pub mod jose;
pub mod limits;
pub mod platform;

pub mod error;
pub mod id;
pub mod json;
pub mod secret;
pub mod time;
