//! Labels that look like ours and so can't be a tenant's.

use crate::id::TenantId;

/// Sorted, for the binary search.
const RESERVED: &[&str] = &[
    "account", "accounts", "admin", "administrator", "api", "app", "assets", "auth", "autoconfig", "autodiscover",
    "billing", "blog", "cdn", "console", "control-plane", "dashboard", "dev", "dns", "docs", "email", "ftp", "gatehouse",
    "help", "host", "hostmaster", "id", "identity", "imap", "internal", "localhost", "login", "logout", "mail", "main",
    "manage", "management", "metrics", "mx", "ns", "ns1", "ns2", "oauth", "oidc", "pop", "postmaster", "proxy", "root",
    "security", "shop", "smtp", "sso", "staging", "static", "status", "support", "system", "tenant", "tenants", "test",
    "webmail", "webmaster", "wpad", "www",
];

/// Whether a new tenant may not have this id. `xn--` labels are refused with them: a look-alike in Unicode would
/// pass for another tenant in the address bar.
pub fn is_reserved(id: &TenantId) -> bool {
    RESERVED.binary_search(&id.as_str()).is_ok() || id.as_str().starts_with("xn--")
}
