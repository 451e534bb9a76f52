//! What an operator sets: read once, at start-up.

use crate::{
    db::{
        Quotas,
        schema::{self, Schema},
    },
    error::Fault,
    http::transport::Transport,
    id::TenantId,
    secret::{KeyRing, Secret},
    time::{Lifetime, Timestamp},
};
use serde::{Deserialize, Serialize};

/// Where a tenant's rows live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    /// In the database that holds many tenants (binding `SHARED`).
    Shared,
    /// In a D1 database of its own.
    Isolated,
}

impl Placement {
    /// Reads `shared` or `isolated`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "shared" => Some(Self::Shared),
            "isolated" => Some(Self::Isolated),
            _ => None,
        }
    }

    /// As stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Isolated => "isolated",
        }
    }
}

/// The settings of an installation. Each field is an environment variable of the same name.
#[derive(Debug, Clone)]
pub struct Config {
    /// `BASE_DOMAIN`: authority of the main tenant; `{tenant}.` in front of it is a tenant. `localhost:8787` in development.
    pub base_domain: String,
    /// `PUBLIC_SCHEME`: what clients use; `http` for localhost by default, for everybody else `https`, always.
    /// `TLS_PROXY=1`: TLS ends at a proxy of the operator's, which speaks plain http to the Worker.
    pub transport: Transport,
    /// `MAIN_TENANT`: id of the control plane; `main` by default.
    pub main_tenant: TenantId,
    /// `DEFAULT_PLACEMENT`: where a tenant lives that does not say; `shared` by default.
    pub default_placement: Placement,
    /// `ENCRYPTION_KEY`: `id:base64[,…]`, 32 bytes each; the first wraps new tenant keys, all unwrap.
    pub encryption_keys: KeyRing,
    /// `ADMIN_EMAIL` and `ADMIN_PASSWORD`: the first administrator, seeded on the first start.
    pub admin: Option<(String, Secret)>,
    /// `MANAGEMENT_CLIENT_ID` and `MANAGEMENT_CLIENT_SECRET`: the machine client with `tenants:all`, seeded on the first start.
    pub management_client: Option<(String, Secret)>,
    /// `CF_ACCOUNT_ID`, `CF_API_TOKEN`, `CF_API_BASE`, `SCRIPT_NAME`, `POOL_FREE`: absent, tenants come from the declared pool only.
    pub cloudflare: Option<CloudflareConfig>,
    /// `BACKUP_KEEP`, `BACKUP_DAYS`: how many archives of a tenant are kept, and for how long; all and for ever by default.
    /// `RETENTION_DAYS`: how long what is deleted can be brought back, whoever has deleted it; 30 by default.
    pub retention: Retention,
    /// `LOG_ROWS`: how many entries the log of a tenant keeps, about; 500,000 by default.
    pub log_rows: i64,
    /// `QUOTAS`: `table=number[,…]`, how much every tenant may have where it is not [`crate::db::quota::QUOTAS`].
    pub quotas: Quotas,
    /// Which migrations databases of tenants have: those of this release. No variable sets it.
    pub schema: Schema,
    /// `RATE_LIMITS=off`: the platform's counters refuse nothing. For measuring only; what a tenant's database counts holds.
    pub rate_limits: bool,
    /// `METER_HEADER=1`: answers carry `x-gatehouse-d1: round trips;rows read;rows written`. For measuring only.
    pub meter_header: bool,
}

/// How many archives are kept, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The newest so many of each tenant; none for all.
    pub keep: Option<i64>,
    /// Not longer than so many days; none for ever.
    pub days: Option<i64>,
    /// How long a tenant that was deleted, or replaced, can be brought back. Zero: not at all.
    pub undo: Lifetime,
}

/// How long the name of a deleted tenant is not given again: nobody takes over the links, the tokens and the trust of
/// the tenant before.
const HOLD: Lifetime = Lifetime::days(30);

impl Retention {
    /// What is deleted by `now` and came after this moment can still be brought back.
    pub fn since(self, now: Timestamp) -> Timestamp {
        now.minus(self.undo)
    }

    /// How long the name of a deleted tenant is kept for it: never shorter than it can be brought back.
    pub fn hold(self) -> Lifetime {
        if self.undo.as_millis() > HOLD.as_millis() { self.undo } else { HOLD }
    }
}

/// How to reach the Cloudflare API.
#[derive(Debug, Clone)]
pub struct CloudflareConfig {
    /// Account that owns the databases and the script.
    pub account_id: String,
    /// A token with D1 Edit and Workers Scripts Edit, nothing else.
    pub api_token: Secret,
    /// `https://api.cloudflare.com/client/v4` unless a test says otherwise.
    pub api_base: String,
    /// The script that gets the bindings.
    pub script_name: String,
    /// How many databases of the pool are kept free for new tenants; 2 by default.
    pub pool_free: i64,
}

impl Config {
    /// Reads the configuration through `variable`, which answers `None` for what is not set.
    ///
    /// # Errors
    /// A fault that names the variable that is missing or malformed.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Fault> {
        let required =
            |name: &str| variable(name).ok_or_else(|| Fault::internal(format!("{name} is not set")));
        let pair = |name: &str, secret: &str| Some((variable(name)?, Secret::new(variable(secret)?)));
        let number = |name: &str, default: i64| {
            let text = variable(name).unwrap_or_else(|| default.to_string());
            text.parse::<i64>().map_err(|_| Fault::internal(format!("{name} must be a whole number")))
        };
        let limit = |name: &str| {
            let number = variable(name).map(|text| text.parse::<i64>().ok().filter(|number| *number > 0));
            let malformed = || Fault::internal(format!("{name} must be a whole number above 0"));
            number.map(|number| number.ok_or_else(malformed)).transpose()
        };
        // A century is for ever, and leaves room for dates.
        let undo = Lifetime::days(number("RETENTION_DAYS", 30)?.clamp(0, 36_500));
        let retention = Retention { keep: limit("BACKUP_KEEP")?, days: limit("BACKUP_DAYS")?, undo };
        let pool_free = number("POOL_FREE", 2)?;
        let main = variable("MAIN_TENANT").unwrap_or_else(|| "main".to_owned());
        let placement = variable("DEFAULT_PLACEMENT").unwrap_or_else(|| "shared".to_owned());
        let base_domain = required("BASE_DOMAIN")?.to_ascii_lowercase();
        let scheme = variable("PUBLIC_SCHEME");
        let switched_on = |name: &str| variable(name).is_some_and(|value| value == "1");
        Ok(Self {
            transport: Transport::read(&base_domain, scheme.as_deref(), switched_on("TLS_PROXY"))?,
            base_domain,
            main_tenant: TenantId::parse(&main)
                .ok_or_else(|| Fault::internal("MAIN_TENANT must be a DNS label"))?,
            default_placement: Placement::parse(&placement)
                .ok_or_else(|| Fault::internal("DEFAULT_PLACEMENT must be shared or isolated"))?,
            encryption_keys: KeyRing::parse(&required("ENCRYPTION_KEY")?)?,
            admin: pair("ADMIN_EMAIL", "ADMIN_PASSWORD"),
            management_client: pair("MANAGEMENT_CLIENT_ID", "MANAGEMENT_CLIENT_SECRET"),
            cloudflare: pair("CF_ACCOUNT_ID", "CF_API_TOKEN").map(|(account_id, api_token)| {
                CloudflareConfig {
                    account_id,
                    api_token,
                    api_base: variable("CF_API_BASE")
                        .unwrap_or_else(|| "https://api.cloudflare.com/client/v4".to_owned()),
                    script_name: variable("SCRIPT_NAME").unwrap_or_else(|| "gatehouse".to_owned()),
                    pool_free,
                }
            }),
            retention,
            log_rows: limit("LOG_ROWS")?.unwrap_or(500_000),
            quotas: Quotas::parse(&variable("QUOTAS").unwrap_or_default())?,
            schema: schema::CURRENT,
            rate_limits: variable("RATE_LIMITS").is_none_or(|value| value != "off"),
            meter_header: switched_on("METER_HEADER"),
        })
    }

    /// The scheme of every URL that is issued.
    pub const fn scheme(&self) -> &'static str {
        self.transport.scheme()
    }
}
