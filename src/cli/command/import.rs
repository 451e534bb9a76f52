//! `gatehouse import`: from a plan to tenants that serve. Killed at any moment and run again, it goes on.

use super::{
    super::{
        api::Api,
        exit::{Exit, Failure, Outcome},
        import::{self, Begun, Existing, Sender, Tally, Target},
        screen::{Screen, count, table},
    },
    Connect, plan,
    tenants::{self, text},
};
use crate::time::Lifetime;
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
    let main = tenants.iter().find(|tenant| text(tenant, "domain") == authority);
    main.map(|tenant| text(tenant, "id").to_owned()).ok_or_else(|| {
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
            match api.post("/management/tenants", &Json::Object(body)) {
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
    let mut differences = Vec::new();
    for (target, tally) in each() {
        screen.say(format!("comparing {}", target.id(main)));
        // The main tenant has rows of its own among those that were sent.
        if !target.is_main() {
            differences.extend(import::compare(api, target.id(main), tally)?);
        }
    }
    if !differences.is_empty() {
        let text = format!("{}\n\nThe tenants stay closed.", differences.join("\n"));
        return Ok(Outcome { exit: Exit::Differences, text, document: json!({"differences": differences}) });
    }
    let finished: Vec<Json> = each()
        .map(|(target, tally)| finish(api, target.id(main), target, tally))
        .collect::<Result<_, _>>()?;
    Ok(done(&targets, &second.tallies, &finished, main, api))
}

/// Has the server check what refers to what, and open the tenant.
fn finish(api: &Api<'_>, tenant: &str, target: &Target, tally: &Tally) -> Result<Json, Failure> {
    let counts: Map<String, Json> = if target.is_main() {
        Map::new()
    } else {
        tally.tables.iter().map(|(name, volume)| ((*name).to_owned(), volume.records.into())).collect()
    };
    api.post(&format!("/management/tenants/{tenant}/import/finish"), &json!({"counts": counts}))
}

fn done(targets: &[Target], tallies: &[Tally], finished: &[Json], main: &str, api: &Api<'_>) -> Outcome {
    let row = |((target, tally), import): ((&Target, &Tally), &Json)| {
        [
            target.destination.from.clone(),
            target.id(main).to_owned(),
            count(tally.records()),
            text(import, "status").to_owned(),
            if target.is_main() { "counted".to_owned() } else { "same hashes".to_owned() },
            target.mapping.issuer.as_str().to_owned(),
        ]
    };
    let rows: Vec<_> = targets.iter().zip(tallies).zip(finished).map(row).collect();
    let shown = table(["FROM", "TO", "ROWS", "IMPORT", "COMPARED", "ISSUER"], &rows);
    let tenant = |((target, tally), import): ((&Target, &Tally), &Json)| {
        json!({"from": target.destination.from, "to": target.id(main), "rows": tally.records(),
            "compared": !target.is_main(), "issuer": target.mapping.issuer, "import": import})
    };
    let tenants: Vec<_> = targets.iter().zip(tallies).zip(finished).map(tenant).collect();
    let text = format!("{shown}\n\nEvery tenant at {} serves.", api.base());
    Outcome::done(text, json!({"tenants": tenants}))
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
