//! Import: rows of another server become a tenant.

mod authhero;
mod authority;
mod browser_sessions;
mod chunks;
mod everything;
mod former_keys;
mod install;
mod mapping;
mod passwords;
mod second_factors;

use crate::support::{Answer, Ask, World};
use gatehouse::{
    cli::authhero::{Plan, Row, Survey, map},
    http::Method,
    importing::{
        fingerprint::Sum,
        record::{Note, Record},
        tables,
    },
    routes::ROUTES,
    tenant::Issuer,
    time::Timestamp,
};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// Asks for something of the import into a tenant, with the machine's own token.
pub fn ask(world: &World, method: Method, tenant: &str, path: &str, body: &Json) -> Answer {
    let path = format!("/management/tenants/{tenant}/import{path}");
    world.send(Ask::new(method, "", &path).bearer(&world.machine_token("")).json(body))
}

/// Begins an import of the tenant `acme` of a source.
pub fn begin(world: &World, tenant: &str, live: bool) -> Answer {
    let body =
        json!({ "source": "authhero", "tenant": "acme", "issuer": "http://old.example/", "live": live });
    ask(world, Method::POST, tenant, "", &body)
}

/// Sends a chunk.
pub fn send(world: &World, tenant: &str, table: &str, from: usize, records: &[Json]) -> Answer {
    let body = json!({ "table": table, "from": from, "records": records });
    ask(world, Method::POST, tenant, "/records", &body)
}

/// Ends the import.
pub fn finish(world: &World, tenant: &str, counts: &Json) -> Answer {
    ask(world, Method::POST, tenant, "/finish", &json!({ "counts": counts }))
}

/// What the server says it holds of a table: how many rows, and their sum.
pub fn held(world: &World, tenant: &str, table: &str) -> (usize, Sum) {
    let (mut count, mut sum, mut after) = (0, Sum::default(), None::<String>);
    loop {
        let query = after.as_ref().map_or_else(String::new, |after| {
            format!(
                "?{}",
                form_urlencoded::Serializer::new(String::new()).append_pair("after", after).finish()
            )
        });
        let path = format!("/tables/{table}{query}");
        let page = ask(world, Method::GET, tenant, &path, &json!({})).expect(200).json();
        count += usize::try_from(page["count"].as_u64().unwrap()).unwrap();
        sum.add_sum(Sum::parse(page["hash"].as_str().unwrap()).unwrap());
        match page["after"].as_str() {
            Some(next) => after = Some(next.to_owned()),
            None => return (count, sum),
        }
    }
}

/// The plan for a tenant of a source that signs as `issuer`.
pub fn plan(source: &str, target: &str, issuer: &str, cutover: Timestamp) -> Plan {
    let issuer_here = Issuer::of("http", &format!("{target}.localhost:8787"));
    let mut plan = Plan::new(source, issuer_here, cutover, &ROUTES.management_scopes());
    plan.former_issuer = Some(issuer.to_owned());
    plan
}

/// What all rows of a source become, by table; and what is said of them.
pub fn mapped(rows: &[(String, Row)], plan: &Plan) -> (BTreeMap<&'static str, Vec<Record>>, Vec<Note>) {
    let mut survey = Survey::default();
    for (table, row) in rows {
        assert_eq!(survey.see(table, row), [], "the source is whole");
    }
    let (mut records, mut notes) = (BTreeMap::<_, Vec<Record>>::new(), Vec::new());
    for (table, row) in rows {
        let mapped = map(table, row, plan, &survey).unwrap_or_else(|problem| panic!("{problem}"));
        for record in mapped.records {
            records.entry(record.table).or_default().push(record);
        }
        notes.extend(mapped.notes);
    }
    (records, notes)
}

/// Sends records in chunks, and compares what the server then holds with what was sent.
pub fn ingest(world: &World, tenant: &str, records: &BTreeMap<&'static str, Vec<Record>>) {
    for table in tables::TABLES.iter().copied() {
        let Some(records) = records.get(table.name) else { continue };
        let mut sum = Sum::default();
        for (index, chunk) in records.chunks(200).enumerate() {
            let values: Vec<Json> = chunk.iter().map(|record| json!(record.values)).collect();
            let answer = send(world, tenant, table.name, index * 200, &values).expect(200).json();
            assert_eq!(answer["taken"], json!(index * 200 + chunk.len()));
            chunk.iter().for_each(|record| sum.add(table, &record.values));
        }
        let (count, held) = held(world, tenant, table.name);
        assert_eq!((count, held.to_hex()), (records.len(), sum.to_hex()), "{}", table.name);
    }
}
