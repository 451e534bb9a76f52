//! `gatehouse import`: from a plan to tenants that serve. Killed at any moment and run again, it goes on.

use super::{
    super::{
        answer::Answered,
        api::Api,
        exit::{Exit, Failure, Outcome},
        import::{self, Begun, Compared, Existing, Sender, Tally, Target},
        screen::{Screen, count, table},
    },
    Connect, plan, tenants,
};
use crate::{importing::model::Import, time::Lifetime};
use clap::Args;
use http::Method;
use serde_json::{Map, Value as Json, json};
use std::path::PathBuf;

/// Carries out a plan.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The plan
    #[arg(long, value_name = "PLAN")]
    plan: PathBuf,
    /// Takes back what an import that is not finished has brought
    #[arg(long)]
    discard: bool,
}

impl Arguments {
    /// Does it. The source is read to its end, and every record checked, before the first request.
    ///
    /// # Errors
    /// The plan makes no sense, or the server refuses: what it has taken by then it keeps.
    pub fn run(
        self,
        url: &str,
        connect: Connect<'_, '_>,
        screen: &mut Screen<'_>,
    ) -> Result<Outcome, Failure> {
        let planned = plan::read(&self.plan, screen)?;
        if self.discard {
            return discard(&planned, &connect()?, screen);
        }
        let report = plan::check(&planned, url, screen)?;
        if !report.fit {
            let text = format!("{}\n\nNothing was sent.", report.text);
            return Ok(Outcome { exit: Exit::Differences, text, document: report.document });
        }
        let api = connect()?;
        let main = main_tenant(&api)?;
        for destination in planned.plan.destinations().unwrap_or_default() {
            if let Some(to) = &destination.to {
                ensure(&api, screen, to.as_str(), &destination)?;
            }
        }
        fill(&planned, &api, &main, screen)
    }
}

/// The id of the main tenant: the one at the base domain itself.
fn main_tenant(api: &Api<'_>) -> Result<String, Failure> {
    let authority = import::authority(api.base());
    let tenants = tenants::all(api, None)?;
    let main = tenants.iter().find(|tenant| tenant.domain == authority);
    main.map(|tenant| tenant.id.clone()).ok_or_else(|| {
        Failure::Other(format!(
            "no tenant is at {authority}: --url must be the base domain, as the installation has it"
        ))
    })
}

/// Makes a tenant unless it is there.
fn ensure(
    api: &Api<'_>,
    screen: &mut Screen<'_>,
    tenant: &str,
    destination: &super::super::plan::Destination,
) -> Result<(), Failure> {
    match tenants::get(api, tenant) {
        Err(failure) if failure.is_status(404) => {
            let optional = [
                ("friendly_name", destination.name.clone()),
                ("placement", destination.placement.map(|placement| placement.as_str().to_owned())),
                ("region", destination.region.clone()),
            ];
            let mut body = Map::from_iter([("id".to_owned(), Json::from(tenant))]);
            body.extend(
                optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))),
            );
            match api.post::<Json>("/management/tenants", &Json::Object(body)) {
                // The answer to the first request was lost.
                Err(failure) if failure.is_status(409) && tenants::get(api, tenant).is_ok() => {}
                made => drop(made?),
            }
        }
        found => drop(found?),
    }
    tenants::until_active(api, screen, tenant).map(drop)
}

/// Fills the tenants, compares, and opens them.
fn fill(
    planned: &plan::Planned,
    api: &Api<'_>,
    main: &str,
    screen: &mut Screen<'_>,
) -> Result<Outcome, Failure> {
    let plan::Planned { plan, source, first, key } = planned;
    let (source, now) = (source.as_ref(), screen.environment().now());
    let has_main = plan.tenant.iter().any(|tenant| tenant.main && !tenant.skip);
    let existing = if has_main { Existing::ask(api)? } else { Existing::default() };
    let targets = import::targets(plan, first, api.base(), key.as_deref(), &existing)?;
    let authority = import::authority(api.base());
    let second = import::second_pass(source, &targets, first, &authority, now, screen)?;
    if second.problems.count > 0 {
        let text = format!("{}\n\nNothing was sent.", second.problems.text());
        let document = json!({"problems": second.problems.document()});
        return Ok(Outcome { exit: Exit::Differences, text, document });
    }
    let each = || targets.iter().zip(&second.tallies);
    let begun: Vec<Begun> = each()
        .map(|(target, tally)| import::begin(api, target.id(main), target, tally))
        .collect::<Result<_, _>>()?;
    let mut senders: Vec<_> = targets
        .iter()
        .zip(&begun)
        .map(|(target, begun)| (!begun.finished).then(|| Sender::new(api, target.id(main), begun.clone())))
        .collect();
    import::send(source, &targets, first, &mut senders, screen)?;
    let mut verdicts = Vec::new();
    for ((target, tally), begun) in each().zip(&begun) {
        let tenant = target.id(main);
        screen.say(format!("comparing {tenant}"));
        verdicts.push(if begun.finished {
            Verdict::Before
        } else if target.is_main() {
            Verdict::Records(import::compare_records(source, target, first, (api, tenant), screen)?)
        } else {
            Verdict::Hashes(import::compare(api, tenant, tally)?)
        });
    }
    let lost: Vec<_> = verdicts.iter().flat_map(Verdict::lost).cloned().collect();
    if !lost.is_empty() {
        let text = format!("{}\n\nNo import is finished, and what was closed stays closed.", lost.join("\n"));
        return Ok(Outcome { exit: Exit::Differences, text, document: json!({"differences": lost}) });
    }
    let finished: Vec<Finished> = each()
        .map(|(target, tally)| finish(api, target.id(main), target, tally))
        .collect::<Result<_, _>>()?;
    let rows: Vec<_> = each().zip(&verdicts).zip(&finished).collect();
    Ok(done(&rows, main, api))
}

/// What comparing a tenant with what was sent came to.
enum Verdict {
    /// Its import was finished before, and it has been in use since.
    Before,
    /// It has nothing else: what differs, by table.
    Hashes(Vec<String>),
    /// It has rows of its own, and serves: what was sent, record by record.
    Records(Compared),
}

impl Verdict {
    /// What was sent and is not there.
    fn lost(&self) -> &[String] {
        match self {
            Self::Before => &[],
            Self::Hashes(differences) => differences,
            Self::Records(compared) => &compared.missing,
        }
    }

    /// What is there, and not as it was sent: somebody else's doing in a tenant that serves.
    fn changed(&self) -> &[String] {
        match self {
            Self::Before | Self::Hashes(_) => &[],
            Self::Records(compared) => &compared.different,
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Before => "not again: in use since".to_owned(),
            Self::Hashes(_) => "same hashes".to_owned(),
            Self::Records(Compared { same, different, .. }) if different.is_empty() => {
                format!("{} records, all the same", count(*same))
            }
            Self::Records(Compared { same, different, .. }) => {
                format!("{} records the same, {} changed", count(*same), different.len())
            }
        }
    }

    fn document(&self) -> Json {
        match self {
            Self::Before => json!("finished before"),
            Self::Hashes(_) => json!("hashes"),
            Self::Records(_) => json!("records"),
        }
    }
}

/// Has the server check what refers to what, and open the tenant.
fn finish(api: &Api<'_>, tenant: &str, target: &Target, tally: &Tally) -> Result<Finished, Failure> {
    let counts: Map<String, Json> = if target.is_main() {
        Map::new()
    } else {
        tally.tables.iter().map(|(name, volume)| ((*name).to_owned(), volume.records.into())).collect()
    };
    api.post(&format!("/management/tenants/{tenant}/import/finish"), &json!({"counts": counts}))
}

/// An import that is over, as the server shows it.
type Finished = Answered<Import>;

/// A target, what was sent there, what comparing it came to, and its import.
type Row<'a> = (((&'a Target, &'a Tally), &'a Verdict), &'a Finished);

fn done(rows: &[Row<'_>], main: &str, api: &Api<'_>) -> Outcome {
    let row = |(((target, tally), verdict), import): &Row<'_>| {
        [
            target.destination.from.clone(),
            target.id(main).to_owned(),
            count(tally.records()),
            import.status.as_str().to_owned(),
            verdict.words(),
            target.mapping.issuer.as_str().to_owned(),
        ]
    };
    let shown = table(
        ["FROM", "TO", "ROWS", "IMPORT", "COMPARED", "ISSUER"],
        &rows.iter().map(row).collect::<Vec<_>>(),
    );
    let tenant = |(((target, tally), verdict), import): &Row<'_>| {
        json!({"from": target.destination.from, "to": target.id(main), "rows": tally.records(),
            "compared": verdict.document(), "changed": verdict.changed(), "issuer": target.mapping.issuer, "import": import})
    };
    let tenants: Vec<_> = rows.iter().map(tenant).collect();
    let mut lines = vec![shown, String::new(), format!("Every tenant at {} serves.", api.base())];
    let changed: Vec<_> = rows.iter().flat_map(|((_, verdict), _)| verdict.changed()).collect();
    if !changed.is_empty() {
        lines.push("It was in use meanwhile, or had these already; they were left as they are:".to_owned());
        lines.extend(changed.iter().take(100).map(|line| format!("  {line}")));
    }
    let exit = if changed.is_empty() { Exit::Done } else { Exit::Differences };
    Outcome { exit, text: lines.join("\n"), document: json!({"tenants": tenants}) }
}

fn discard(planned: &plan::Planned, api: &Api<'_>, screen: &mut Screen<'_>) -> Result<Outcome, Failure> {
    let mut discarded = Vec::new();
    let destinations = planned.plan.destinations().unwrap_or_default();
    for to in destinations.iter().filter_map(|destination| destination.to.as_ref()) {
        loop {
            match api.call(Method::DELETE, &format!("/management/tenants/{to}/import"), None) {
                Ok(answer) if answer.status == 202 => {
                    screen.say(format!("{to}: deleting"));
                    api.environment().pause(Lifetime::milliseconds(100));
                }
                Ok(_) => {
                    discarded.push(to.to_string());
                    break;
                }
                // There is no such tenant, or no import of it that is open.
                Err(failure) if failure.is_status(404) || failure.is_status(409) => {
                    screen.say(format!("{to}: {failure}"));
                    break;
                }
                Err(failure) => return Err(failure),
            }
        }
    }
    let text = if discarded.is_empty() {
        "There was nothing to take back.".to_owned()
    } else {
        format!("Taken back: {}. The tenants are there, and empty.", discarded.join(", "))
    };
    Ok(Outcome::done(text, json!({"discarded": discarded})))
}
