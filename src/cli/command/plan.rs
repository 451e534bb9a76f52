//! `gatehouse plan`: what an import would do, before anything is done.

use super::super::{
    credentials::check_url,
    exit::{Exit, Failure, Outcome},
    import::{self, Existing, FirstPass, Report},
    plan::{Plan, draft, file},
    screen::Screen,
    source::{self, Source, dump::Dialect},
};
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Drafts a plan for a source, or looks at one again.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The plan to look at
    #[arg(required_unless_present = "from", conflicts_with = "from")]
    plan: Option<PathBuf>,
    /// The source: a SQLite file, or a dump of D1, MySQL or PostgreSQL
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Where the draft is written; not over a plan that is there
    #[arg(short, long, value_name = "PLAN", default_value = "plan.toml")]
    output: PathBuf,
    /// Whose dump it is, where its first lines do not say
    #[arg(long, requires = "from")]
    dialect: Option<Dialect>,
}

/// A plan, and the source that it is for, read once.
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// The source.
    pub source: Box<dyn Source>,
    /// What the first pass has found.
    pub first: FirstPass,
    /// The key of encrypted values.
    pub key: Option<String>,
}

impl Arguments {
    /// Does it. `url`: the base domain of the installation, which the issuers follow from; it is not asked.
    ///
    /// # Errors
    /// The source or the plan cannot be read, or makes no sense.
    pub fn run(self, url: &str, screen: &mut Screen<'_>) -> Result<Outcome, Failure> {
        let written = match (&self.plan, &self.from) {
            (Some(plan), _) => (plan, None),
            (None, Some(from)) => (&self.output, Some(self.draft(from, screen)?)),
            (None, None) => return Err(Failure::Usage("name a plan, or a source with --from".to_owned())),
        };
        let (path, drafted) = written;
        let planned = read(path, screen)?;
        let Report { mut text, mut document, fit } = check(&planned, url, screen)?;
        if let Some(members) = document.as_object_mut() {
            members.insert("plan".to_owned(), json!(path));
        }
        if drafted.is_some() {
            let path = path.display();
            text = format!("{text}\n\nThe plan is in {path}. Edit it, and look at it with gatehouse plan.");
        }
        Ok(Outcome { exit: if fit { Exit::Done } else { Exit::Differences }, text, document })
    }

    fn draft(&self, from: &Path, screen: &mut Screen<'_>) -> Result<(), Failure> {
        let output = &self.output;
        if output.exists() {
            let words = format!(
                "{} is there already: look at it with gatehouse plan, or choose another --output",
                output.display()
            );
            return Err(Failure::Usage(words));
        }
        let source = source::open(from, self.dialect)?;
        let first = import::first_pass(source.as_ref(), None, screen)?;
        let mut drafted = draft::draft(&relative(from, output), &first.facts, screen.environment().now());
        drafted.source.dialect = self.dialect;
        let text = file::write(&drafted, &first.facts.unknown_tables);
        std::fs::write(output, text)
            .map_err(|error| Failure::Other(format!("{} cannot be written: {error}", output.display())))
    }
}

/// The path of a source as a plan names it: by its name if both are in the same folder, else from the root.
fn relative(from: &Path, plan: &Path) -> PathBuf {
    let folder = |path: &Path| {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        parent.unwrap_or(Path::new(".")).canonicalize().ok()
    };
    match (folder(from), folder(plan), from.file_name()) {
        (Some(of_source), Some(of_plan), Some(name)) if of_source == of_plan => name.into(),
        _ => from.canonicalize().unwrap_or_else(|_| from.to_owned()),
    }
}

/// Reads a plan, and its source once.
///
/// # Errors
/// One of them cannot be read.
pub fn read(path: &Path, screen: &mut Screen<'_>) -> Result<Planned, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Usage(format!("{} cannot be read: {error}", path.display())))?;
    let plan = file::read(&text).map_err(|why| Failure::Usage(format!("{}: {why}", path.display())))?;
    // What makes no sense by itself is said before a large source is read.
    plan.destinations()
        .map_err(|problems| Failure::Usage(format!("the plan:\n  {}", problems.join("\n  "))))?;
    let key = match &plan.source.encryption_key {
        None => None,
        Some(name) => Some(screen.environment().variable(name).ok_or_else(|| {
            Failure::Usage(format!(
                "the plan takes the source's encryption key from {name}, which is not set"
            ))
        })?),
    };
    let file = path.parent().unwrap_or(Path::new("")).join(&plan.source.path);
    let source = source::open(&file, plan.source.dialect)?;
    let first = import::first_pass(source.as_ref(), Some(&plan), screen)?;
    Ok(Planned { plan, source, first, key })
}

/// Makes and checks every record, and asks no server.
///
/// # Errors
/// The plan makes no sense for its source.
pub fn check(planned: &Planned, url: &str, screen: &mut Screen<'_>) -> Result<Report, Failure> {
    let base = check_url(url)?;
    let Planned { plan, source, first, key } = planned;
    let targets = import::targets(plan, first, &base, key.as_deref(), &Existing::expected(plan))?;
    let now = screen.environment().now();
    let authority = import::authority(&base);
    let second = import::second_pass(source.as_ref(), &targets, first, &authority, now, screen)?;
    Ok(import::report(source.kind(), first, &second, &targets))
}
