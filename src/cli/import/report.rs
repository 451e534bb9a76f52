//! What an import comes to: rows, bytes, time, money, and everything that is lost or changed on the way. Pure.

use super::{
    super::{
        plan::cost::{Amount, Cost, EMPTY_DATABASE, bytes},
        screen::{count, table},
    },
    Findings,
    first_pass::FirstPass,
    second_pass::{SecondPass, Tally},
    target::Target,
};
use serde_json::{Value as Json, json};

/// Records that the server takes in a second, one chunk at a time, cautiously: on workerd with two cores it took 4,418 to
/// 10,909 (`tests/worker/import.test.mjs` prints it); the network is counted apart.
const RECORDS_A_SECOND: u64 = 4_000;

/// How long a chunk is on its way, in milliseconds.
const ROUND_TRIP: u64 = 100;

/// A report, for people and for programs.
pub struct Report {
    /// For people.
    pub text: String,
    /// For programs.
    pub document: Json,
    /// Whether nothing stands in the way.
    pub fit: bool,
}

/// What the passes have found.
pub fn report(kind: &str, first: &FirstPass, second: &SecondPass, targets: &[Target]) -> Report {
    let mut problems = Findings::default();
    problems.extend(&first.problems);
    problems.extend(&second.problems);
    let amounts = targets.iter().zip(&second.tallies);
    let total = amounts.map(|(_, tally)| amount(tally)).fold(Amount::default(), Amount::plus);
    let seconds: u64 = second.tallies.iter().map(seconds).sum();
    let cost = Cost::of(total);
    let mut text = vec![
        format!(
            "{kind}: {} rows that are known, of {} tenants",
            count(first.rows),
            first.facts.tenants.len()
        ),
        String::new(),
        tenants(targets, &second.tallies),
        String::new(),
        format!("About {}, {cost}.", duration(seconds)),
        String::new(),
        tables(&second.tallies),
    ];
    for (from, division) in first.divisions.iter().filter(|(_, division)| division.in_several > 0) {
        text.push(format!("\n{} people of {from} are in several parts and go to each.", division.in_several));
    }
    text.push(lost(second));
    if problems.count > 0 {
        text.push(format!("\n{} problems stand in the way:\n{}", count(problems.count), problems.text()));
    }
    let document = json!({
        "kind": kind,
        "rows": first.rows,
        "tenants": targets.iter().zip(&second.tallies).map(of_tenant).collect::<Vec<_>>(),
        "rows_written": total.rows_written,
        "bytes": total.bytes,
        "seconds": seconds,
        "cost": {"once": cost.once, "monthly": cost.monthly,
            "once_beyond_included": cost.once_beyond_included, "monthly_beyond_included": cost.monthly_beyond_included},
        "lost": second.lost.iter().map(|(note, rows)| json!({
            "table": note.table, "column": note.column, "rows": rows, "what": note.words,
        })).collect::<Vec<_>>(),
        "problems": problems.document(),
    });
    Report { text: text.join("\n"), document, fit: problems.count == 0 }
}

fn amount(tally: &Tally) -> Amount {
    tally.amount().plus(Amount { rows_written: 0, bytes: EMPTY_DATABASE })
}

fn seconds(tally: &Tally) -> u64 {
    let chunk = u64::try_from(crate::importing::tables::CHUNK).unwrap_or(1);
    let chunks: u64 = tally.tables.values().map(|volume| volume.records.div_ceil(chunk)).sum();
    (tally.records() * 1000 / RECORDS_A_SECOND + chunks * ROUND_TRIP).div_ceil(1000)
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} minutes", seconds.div_ceil(60)),
        _ => format!("{} hours", seconds.div_ceil(3600)),
    }
}

fn placement(target: &Target) -> &'static str {
    match (target.is_main(), target.destination.placement) {
        (true, _) => "as it is",
        (false, Some(placement)) => placement.as_str(),
        (false, None) => "default",
    }
}

fn tenants(targets: &[Target], tallies: &[Tally]) -> String {
    let row = |(target, tally): (&Target, &Tally)| {
        [
            target.destination.from.clone(),
            target.destination.label(),
            placement(target).to_owned(),
            count(tally.records()),
            bytes(tally.amount().bytes),
            duration(seconds(tally)),
        ]
    };
    let rows: Vec<_> = targets.iter().zip(tallies).map(row).collect();
    table(["FROM", "TO", "PLACEMENT", "ROWS", "SIZE", "TIME"], &rows)
}

fn tables(tallies: &[Tally]) -> String {
    let name = |table: &&crate::importing::tables::Table| table.name;
    let sum = |name: &'static str| {
        let of = tallies.iter().filter_map(|tally| tally.tables.get(name));
        let (records, size) =
            of.fold((0, 0), |(records, size), volume| (records + volume.records, size + volume.bytes));
        (records > 0).then(|| [name.to_owned(), count(records), bytes(size)])
    };
    let rows: Vec<_> = crate::importing::tables::TABLES.iter().map(name).filter_map(sum).collect();
    table(["TABLE", "ROWS", "SIZE"], &rows)
}

fn lost(second: &SecondPass) -> String {
    if second.lost.is_empty() {
        return "\nNothing is lost or changed.".to_owned();
    }
    let row = |(note, rows): (&crate::importing::record::Note, &u64)| {
        [note.table.clone(), note.column.clone(), count(*rows), note.words.clone()]
    };
    let rows: Vec<_> = second.lost.iter().map(row).collect();
    format!("\nLost or changed on the way:\n{}", table(["TABLE", "COLUMN", "ROWS", "WHAT"], &rows))
}

fn of_tenant((target, tally): (&Target, &Tally)) -> Json {
    let amount = amount(tally);
    let tables = tally.tables.iter().map(|(name, volume)| {
        json!({"table": name, "rows": volume.records, "bytes": volume.bytes, "hash": volume.sum.to_hex()})
    });
    json!({
        "from": target.destination.from, "to": target.destination.to, "main": target.is_main(),
        "placement": placement(target), "rows": tally.records(), "bytes": amount.bytes,
        "rows_written": amount.rows_written, "seconds": seconds(tally), "tables": tables.collect::<Vec<_>>(),
    })
}
