//! What SQLite means to do with a statement, and which plans break a law: nothing reads all rows of a table that grows.
//!
//! A tenant's own database holds one tenant, so a search by `tenant_id` alone is a scan there. SQLite prefers just that
//! over a second index column more often than one thinks: without statistics it takes the first column of an index to
//! select ten rows. `indexed by` is the remedy: it says which index, and fails if it does not fit. Where no index is worth
//! its writes, the statement says so itself: `/* all rows: why */`.

/// Tables whose size an operator decides by hand, and those of the directory that know few rows per tenant; all others
/// grow with the people of a tenant, or with the tenants.
const SMALL: [&str; 28] = [
    "attack_protection",
    "branding",
    "client_grants",
    "connections",
    "custom_domains",
    "custom_texts",
    "data_keys",
    "databases",
    "email_providers",
    "email_templates",
    "extensions",
    "fences",
    "former_keys",
    "hosts",
    "import_checkpoints",
    "imports",
    "meta",
    "moves",
    "operations",
    "organization_connections",
    "page_templates",
    "prompt_settings",
    "resource_servers",
    "role_permissions",
    "roles",
    "settings",
    "signing_keys",
    "themes",
];

/// The step of the plan that breaks the law, if one does. `tables`: all tables of the schema.
pub fn unlawful<'a>(sql: &str, plan: &'a [String], tables: &[String]) -> Option<&'a str> {
    if sql.contains("/* all rows: ") {
        return None;
    }
    let words: Vec<&str> = sql
        .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
        .collect();
    let grows = |name: &str| {
        // A step names the alias; the table stands in front of it.
        let aliased =
            words.windows(2).find(|pair| pair[1] == name && tables.iter().any(|table| table == pair[0]));
        let table =
            if tables.iter().any(|table| table == name) { name } else { aliased.map_or("", |pair| pair[0]) };
        !table.is_empty() && !SMALL.contains(&table)
    };
    let reads_all = |step: &&String| {
        let mut parts = step.split(' ');
        match (parts.next(), parts.next()) {
            (Some("SCAN"), Some(name)) => grows(name) && !step.contains("VIRTUAL TABLE"),
            (Some("SEARCH"), Some(name)) => grows(name) && step.ends_with("(tenant_id=?)"),
            _ => false,
        }
    };
    // A page reads in the order of an index and stops; a total is asked for by name. Neither excuses a second step.
    let sorts = plan.iter().any(|step| step.contains("TEMP B-TREE FOR ORDER BY"));
    let excused = usize::from((words.contains(&"limit") && !sorts) || sql.contains("count(*) as total"));
    plan.iter().filter(reads_all).nth(excused).map(String::as_str)
}
