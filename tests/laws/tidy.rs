//! Files are small, say what they are, and are all in use.

use super::{files, name, text};

fn sources() -> Vec<(String, String)> {
    let of = |folder| files(folder).into_iter().map(|path| (name(&path), path));
    let wanted = |name: &str| [".rs", ".mjs", ".sql"].iter().any(|end| name.ends_with(end));
    ["src", "tests", "migrations", ".scripts"]
        .into_iter()
        .flat_map(of)
        .filter(|(name, _)| wanted(name) && !name.contains("/node_modules/") && !name.contains("/target/"))
        .map(|(name, path)| (name, text(&path)))
        .collect()
}

#[test]
fn a_file_has_at_most_500_lines() {
    for (name, text) in sources() {
        assert!(text.lines().count() <= 500, "{name} has {} lines", text.lines().count());
    }
}

#[test]
fn a_file_begins_by_saying_what_it_is() {
    for (name, text) in sources() {
        let start = match name.rsplit('.').next() {
            Some("rs") => "//! ",
            Some("sql") => "-- ",
            _ => "//",
        };
        let first = text.lines().find(|line| !line.starts_with("#!")).unwrap_or_default();
        assert!(first.starts_with(start), "{name} begins with {first:?}");
    }
}

#[test]
fn nothing_is_left_for_later() {
    // Put together, so that this file is not the one that it finds.
    let marks = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"]].map(|parts| parts.concat());
    for (name, text) in sources() {
        for mark in &marks {
            assert!(!text.contains(mark.as_str()), "{name} has a {mark}");
        }
    }
}

#[test]
fn a_file_ends_with_one_newline_and_has_no_carriage_return() {
    for (name, text) in sources() {
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{name} must end with one newline");
        assert!(!text.contains('\r'), "{name} has a carriage return");
    }
}

#[test]
fn every_rust_file_is_declared_by_its_parent() {
    for (name, _) in sources().into_iter().filter(|(name, _)| name.ends_with(".rs")) {
        let (folder, file) = name.rsplit_once('/').unwrap();
        let (module, parents) = match file {
            "main.rs" | "lib.rs" => continue,
            // The entry points of other binaries are declared by Cargo.toml.
            _ if text_of("Cargo.toml").contains(&format!("path = \"{name}\"")) => continue,
            "mod.rs" => {
                let (above, module) = folder.rsplit_once('/').unwrap();
                (module, [format!("{above}/mod.rs"), format!("{above}/lib.rs"), format!("{above}/main.rs")])
            }
            _ => {
                let module = file.trim_end_matches(".rs");
                (
                    module,
                    [format!("{folder}/mod.rs"), format!("{folder}/lib.rs"), format!("{folder}/main.rs")],
                )
            }
        };
        let declares =
            |parent: &String| text_of(parent).lines().any(|line| line.ends_with(&format!("mod {module};")));
        assert!(parents.iter().any(declares), "{name} is declared nowhere: it is not even compiled");
    }
}

/// What a file of the project holds; nothing if it is not there.
fn text_of(name: &str) -> String {
    std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap_or_default()
}

#[test]
fn every_snapshot_belongs_to_a_test() {
    let tests: String =
        files("tests").iter().filter(|path| name(path).ends_with(".rs")).map(|path| text(path)).collect();
    for path in files("tests").iter().filter(|path| name(path).ends_with(".snap")) {
        let function = name(path).trim_end_matches(".snap").rsplit("__").next().unwrap().to_owned();
        assert!(tests.contains(&format!("fn {function}()")), "{} is of no test", name(path));
    }
}
