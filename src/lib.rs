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
