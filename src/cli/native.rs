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
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

/// How long we wait for an answer: a chunk of an import may take its time.
const PATIENCE: Duration = Duration::from_mins(2);

/// The largest answer that is read, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Whom we trust to name a server: whoever `SSL_CERT_FILE` (PEM) has, as with OpenSSL and curl, or the roots that browsers trust.
fn roots() -> RootCerts {
    let pem = std::env::var_os("SSL_CERT_FILE").and_then(|file| std::fs::read(file).ok()).unwrap_or_default();
    let certificates: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() { RootCerts::WebPki } else { RootCerts::new_with_certs(&certificates) }
}

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
            .tls_config(TlsConfig::builder().root_certs(roots()).build())
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
    let authority =
        url.split_once("://").and_then(|(_, rest)| rest.split(['/', '?']).next()).unwrap_or_default();
    let (host, port) = authority.find(':').map_or((authority, ""), |at| authority.split_at(at));
    if !host.ends_with(".localhost") {
        return (url.to_owned(), None);
    }
    (url.replacen(authority, &format!("localhost{port}"), 1), Some(authority.to_owned()))
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
