//! The real environment: the process, and HTTP over sockets.

use super::environment::Environment;
use crate::{
    platform::{Incoming, Outgoing},
    time::{Lifetime, Timestamp},
};
use std::{
    io::{Error, Read},
    process::{Command, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How long we wait for an answer: a chunk of an import may take its time.
const PATIENCE: Duration = Duration::from_mins(2);

/// The largest answer that is read, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The process that the command runs in.
pub struct Native {
    agent: ureq::Agent,
}

impl Native {
    /// With nothing connected yet.
    pub fn new() -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(PATIENCE))
            .user_agent(concat!("gatehouse/", env!("CARGO_PKG_VERSION")));
        Self { agent: config.build().into() }
    }
}

impl Default for Native {
    fn default() -> Self {
        Self::new()
    }
}

impl Environment for Native {
    fn send(&self, request: &Outgoing) -> Result<Incoming, String> {
        let (url, host) = dialled(&request.url);
        let mut builder = http::Request::builder().method(request.method.clone()).uri(url);
        if let Some(host) = host {
            builder = builder.header("host", host);
        }
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let request = builder.body(request.body.as_slice()).map_err(|error| error.to_string())?;
        let response = self.agent.run(request).map_err(|error| error.to_string())?;
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers =
            response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let status = response.status().as_u16();
        let mut body = Vec::new();
        let mut reader = response.into_body().into_reader().take(LARGEST);
        reader.read_to_end(&mut body).map_err(|error| error.to_string())?;
        Ok(Incoming { status, headers, body })
    }

    #[allow(clippy::disallowed_methods, reason = "this is the clock that commands are given")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    #[allow(clippy::disallowed_methods, reason = "a command waits; it is no Worker")]
    fn pause(&self, span: Lifetime) {
        std::thread::sleep(Duration::from_millis(u64::try_from(span.as_millis()).unwrap_or_default()));
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }

    fn run(&self, program: &str, arguments: &[String], variables: &[(&str, String)]) -> Result<bool, String> {
        let mut command = Command::new(program);
        command.args(arguments).envs(variables.iter().map(|(name, value)| (*name, value.as_str())));
        // Our output is the report, or one JSON document; theirs goes where progress goes.
        let theirs: Result<Stdio, Error> = duplicate_of_stderr();
        command.stdout(theirs.map_err(|error| error.to_string())?);
        let status = command.status().map_err(|error| format!("{program} cannot be started: {error}"))?;
        Ok(status.success())
    }

    fn ask(&self, program: &str, arguments: &[&str]) -> Result<Option<String>, String> {
        let output = Command::new(program).args(arguments).output();
        let output = output.map_err(|error| format!("{program} cannot be started: {error}"))?;
        Ok(output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned()))
    }
}

/// The URL to connect to, and the host to ask there if that is another: a name below `localhost` is this machine
/// (RFC 6761 §6.3), which not every resolver knows.
fn dialled(url: &str) -> (String, Option<String>) {
    let Some((host, port)) = url.strip_prefix("http://").and_then(|rest| {
        let authority = rest.split(['/', '?']).next()?;
        Some(authority.rsplit_once(':').unwrap_or((authority, "80")))
    }) else {
        return (url.to_owned(), None);
    };
    if !host.ends_with(".localhost") {
        return (url.to_owned(), None);
    }
    let authority = format!("{host}:{port}");
    (url.replacen(&authority, &format!("localhost:{port}"), 1), Some(authority))
}

/// Another handle of our error stream.
#[cfg(unix)]
fn duplicate_of_stderr() -> Result<Stdio, Error> {
    use std::os::fd::AsFd;
    Ok(std::io::stderr().as_fd().try_clone_to_owned()?.into())
}

/// Another handle of our error stream.
#[cfg(windows)]
fn duplicate_of_stderr() -> Result<Stdio, Error> {
    use std::os::windows::io::AsHandle;
    Ok(std::io::stderr().as_handle().try_clone_to_owned()?.into())
}
