//! Who the command is: the machine client that may manage every tenant.

use super::{environment::Environment, exit::Failure};
use crate::secret::Secret;
use url::Url;

/// What is shown to the server, and nobody else.
pub enum Credentials {
    /// A token that somebody has already.
    Token(Secret),
    /// A machine client, which gets itself a token.
    Client {
        /// Its id.
        id: String,
        /// Its secret.
        secret: Secret,
    },
}

/// What the command line says about it.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Given {
    /// Id of the machine client [env: MANAGEMENT_CLIENT_ID]. Its secret comes from MANAGEMENT_CLIENT_SECRET
    #[arg(long, global = true, value_name = "ID")]
    pub client_id: Option<String>,
    /// File with MANAGEMENT_CLIENT_ID and MANAGEMENT_CLIENT_SECRET; for a server on this machine: .dev.vars
    #[arg(long, global = true, value_name = "FILE")]
    pub secrets_file: Option<std::path::PathBuf>,
}

/// The file that the first start of a local server makes.
const LOCAL: &str = ".dev.vars";

/// Where the server is.
///
/// # Errors
/// It is no URL, or one to which a secret would travel in clear.
pub fn check_url(url: &str) -> Result<Url, Failure> {
    let parsed = Url::parse(url).map_err(|error| Failure::Usage(format!("--url {url}: {error}")))?;
    let origin = parsed.path() == "/" && parsed.query().is_none() && parsed.username().is_empty();
    if !origin || parsed.host_str().is_none() {
        return Err(Failure::Usage(format!(
            "--url {url}: it is the base domain with https://, and nothing after it"
        )));
    }
    if parsed.scheme() == "https" || (parsed.scheme() == "http" && is_local(&parsed)) {
        return Ok(parsed);
    }
    Err(Failure::Usage(format!("--url {url}: secrets go to https:// only, except on this machine")))
}

fn is_local(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        host == "localhost" || host.ends_with(".localhost") || host == "127.0.0.1" || host == "[::1]"
    })
}

/// Finds the credentials for this server: a token in `GATEHOUSE_TOKEN`, else the machine client of the command line, of
/// the variables, or of a file. The file of the local server is for the local server only: nobody else is shown its
/// secret by accident.
///
/// # Errors
/// There are none, and what to do about it.
pub fn find(given: &Given, url: &Url, environment: &dyn Environment) -> Result<Credentials, Failure> {
    if let Some(token) = environment.variable("GATEHOUSE_TOKEN") {
        return Ok(Credentials::Token(Secret::new(token)));
    }
    let file = match &given.secrets_file {
        Some(path) => Some(
            std::fs::read_to_string(path)
                .map_err(|error| Failure::Usage(format!("{} cannot be read: {error}", path.display())))?,
        ),
        None if is_local(url) => std::fs::read_to_string(LOCAL).ok(),
        None => None,
    };
    let find =
        |name| environment.variable(name).or_else(|| file.as_deref().and_then(|file| variable(file, name)));
    let id = given.client_id.clone().or_else(|| find("MANAGEMENT_CLIENT_ID"));
    match (id, find("MANAGEMENT_CLIENT_SECRET")) {
        (Some(id), Some(secret)) => Ok(Credentials::Client { id, secret: Secret::new(secret) }),
        _ => Err(Failure::Usage(format!(
            "there are no credentials for {url}: set MANAGEMENT_CLIENT_ID and MANAGEMENT_CLIENT_SECRET, or name a file \
             that has them with --secrets-file"
        ))),
    }
}

/// The value of a variable in a file of `NAME="value"` lines.
pub fn variable(file: &str, name: &str) -> Option<String> {
    let value =
        file.lines().find_map(|line| line.trim().strip_prefix(name)?.trim_start().strip_prefix('='))?;
    let value = value.trim();
    let unquoted = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    Some(unquoted('"').or_else(|| unquoted('\'')).unwrap_or(value).to_owned())
        .filter(|value| !value.is_empty())
}
