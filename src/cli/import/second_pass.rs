//! The second pass: every record that will be sent is made, and checked by the rules that the server will check it by.

use super::{
    super::{
        authhero,
        exit::Failure,
        plan::cost::Amount,
        screen::Screen,
        source::{Row, Source},
    },
    Findings, Progress,
    first_pass::FirstPass,
    target::Target,
    tenant_of,
};
use crate::{
    db::schema,
    importing::{
        check,
        fingerprint::Sum,
        record::{Note, Problem, Record},
        rules::{self, Context},
        tables,
    },
    time::Timestamp,
};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What is to be sent.
pub struct SecondPass {
    /// For each target, what goes there.
    pub tallies: Vec<Tally>,
    /// What makes the source unfit.
    pub problems: Findings,
    /// What is lost or changed: in how many rows.
    pub lost: BTreeMap<Note, u64>,
}

/// What goes to one target.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// By table.
    pub tables: BTreeMap<&'static str, Volume>,
}

/// Records of one table.
#[derive(Debug, Clone, Default)]
pub struct Volume {
    /// How many.
    pub records: u64,
    /// Their size as JSON.
    pub bytes: u64,
    /// What they add up to.
    pub sum: Sum,
}

impl Tally {
    /// All of its records.
    pub fn records(&self) -> u64 {
        self.tables.values().map(|volume| volume.records).sum()
    }

    /// What it writes and keeps: each record is a row, and each index of its table another.
    pub fn amount(&self) -> Amount {
        let of = |(name, volume): (&&'static str, &Volume)| Amount {
            rows_written: volume.records * (1 + indexes(name)),
            bytes: volume.bytes,
        };
        self.tables.iter().map(of).fold(Amount::default(), Amount::plus)
    }

    /// Names exactly these records: an import is taken up again only with the same ones.
    pub fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for (name, volume) in &self.tables {
            digest.update(format!("{name} {} {}\n", volume.records, volume.sum.to_hex()));
        }
        digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// How many indexes a table has besides its key.
fn indexes(name: &str) -> u64 {
    let table = tables::by_name(name).map_or(name, |table| table.rows);
    let on = format!(" on {table} (");
    let all = schema::TENANT.iter().flat_map(|(_, sql)| schema::split(sql));
    let count =
        all.filter(|sql| sql.starts_with("create") && sql.contains(" index ") && sql.contains(&on)).count();
    u64::try_from(count).unwrap_or_default()
}

/// The largest record, in bytes: a request holds a megabyte, and D1 two in a row.
const LARGEST: usize = 1_000_000;

/// Makes and checks every record. `begun`: when the import begins.
///
/// # Errors
/// The source cannot be read.
pub fn second_pass(
    source: &dyn Source,
    targets: &[Target],
    first: &FirstPass,
    base_domain: &str,
    begun: Timestamp,
    screen: &mut Screen<'_>,
) -> Result<SecondPass, Failure> {
    let mut pass = SecondPass {
        tallies: vec![Tally::default(); targets.len()],
        problems: Findings::default(),
        lost: BTreeMap::new(),
    };
    let mut progress = Progress::new(screen, "check", source);
    each_row(source, targets, &mut progress, &mut |pass_over, target, table, row| {
        let Some((index, target)) = target else {
            if let Some(words) = pass_over {
                *pass.lost.entry(Note::new(table, "", words)).or_default() += 1;
            }
            return Ok(());
        };
        match authhero::map(table, &row.values, &target.mapping, &first.survey) {
            Err(problem) => pass.problems.add(problem, Some(row)),
            Ok(mapped) => {
                for note in mapped.notes {
                    *pass.lost.entry(note).or_default() += 1;
                }
                let context = Context { main: target.is_main(), base_domain, begun };
                for record in mapped.records {
                    match weigh(&record, &context) {
                        Ok((table, bytes)) => {
                            if let Some(tally) = pass.tallies.get_mut(index) {
                                let volume = tally.tables.entry(table.name).or_default();
                                volume.records += 1;
                                volume.bytes += u64::try_from(bytes).unwrap_or_default();
                                volume.sum.add(table, &record.values);
                            }
                        }
                        Err(problem) => pass.problems.add(problem, Some(row)),
                    }
                }
            }
        }
        Ok(())
    })?;
    progress.end();
    Ok(pass)
}

/// The table and size of a record that the server will take.
fn weigh(record: &Record, context: &Context<'_>) -> Result<(&'static tables::Table, usize), Problem> {
    let problem = |key: String, column: String, words: String| Problem {
        table: record.table.to_owned(),
        key,
        column,
        words,
    };
    let Some(table) = tables::by_name(record.table) else {
        return Err(problem(String::new(), String::new(), "is no table of a tenant".to_owned()));
    };
    let checked =
        check::check(table, &record.values).and_then(|()| rules::check(table, &record.values, context));
    checked.map_err(|wrong| problem(table.key_of(&record.values), wrong.column, wrong.words))?;
    let bytes = serde_json::to_vec(&record.values).map_or(0, |bytes| bytes.len());
    if bytes > LARGEST {
        let words = format!("is {bytes} bytes long: at most {LARGEST} can be sent at once");
        return Err(problem(table.key_of(&record.values), String::new(), words));
    }
    Ok((table, bytes))
}

/// What happens to a row: the reason if it goes nowhere, else a target with its index; the table; the row.
pub(super) type Visit<'v> = &'v mut dyn FnMut(
    Option<&'static str>,
    Option<(usize, &Target)>,
    &'static str,
    &Row,
) -> Result<(), Failure>;

/// Reads every row of every table in the order in which records are sent, and brings it to each target that takes it.
pub(super) fn each_row(
    source: &dyn Source,
    targets: &[Target],
    progress: &mut Progress<'_, '_>,
    visit: Visit<'_>,
) -> Result<(), Failure> {
    let mut of = BTreeMap::<&str, Vec<usize>>::new();
    for (index, target) in targets.iter().enumerate() {
        of.entry(&target.destination.from).or_default().push(index);
    }
    let everybody: Vec<_> = (0..targets.len()).collect();
    for table in
        authhero::TABLES.iter().filter(|table| matches!(table.becomes, authhero::Becomes::Records(_)))
    {
        progress.read(source, table.table, &mut |row| {
            let tenant = tenant_of(table.table, row);
            let indexes = match tenant {
                None if table.table == "keys" => Some(&everybody),
                None => None,
                Some(tenant) => of.get(tenant),
            };
            let Some(indexes) = indexes else {
                return visit(Some("belongs to a tenant that does not come along"), None, table.table, row);
            };
            let mut taken = false;
            for index in indexes {
                if let Some(target) =
                    targets.get(*index).filter(|target| target.takes(table.table, &row.values))
                {
                    taken = true;
                    visit(None, Some((*index, target)), table.table, row)?;
                }
            }
            if taken { Ok(()) } else { visit(Some("is in no part of its tenant"), None, table.table, row) }
        })?;
    }
    Ok(())
}
