//! Promises about all code at once.

mod audit;
mod authority;
mod bodies;
mod declarations;
mod doors;
mod effects;
mod headers;
mod hosts;
mod inhabitants;
mod isolation;
mod json;
mod layers;
mod limits;
mod lists;
mod migrations;
mod parameters;
mod quotas;
mod readback;
mod revocation;
mod routes;
mod strangers;
mod tidy;
mod transport;
mod unreadable;
mod updates;
mod visitors;

use std::path::{Path, PathBuf};

/// Every file below a folder of the project, by path.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// The path of a file as the project names it.
fn name(path: &Path) -> String {
    path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_string_lossy().replace('\\', "/")
}

/// What a file holds.
fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The path of a route with every parameter replaced.
fn filled(pattern: &str, mut value: impl FnMut(&str) -> String) -> String {
    let fill = |segment: &str| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) => value(name),
        None => segment.to_owned(),
    };
    pattern.split('/').map(fill).collect::<Vec<_>>().join("/")
}
