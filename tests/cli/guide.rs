//! The guide of the command, carried out line by line.

use super::{files::Folder, imports::install, session::Session};
use crate::support::World;
use std::process::Command;

#[test]
fn every_line_of_the_guide_works() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/README.md")).unwrap();
    let (_, rest) = readme.split_once("<!-- guide -->").unwrap();
    let (guide, _) = rest.split_once("<!-- /guide -->").unwrap();
    let lines: Vec<_> =
        guide.lines().filter(|line| !line.trim().is_empty() && !line.starts_with(['#', '`'])).collect();
    assert!(lines.len() >= 10, "{lines:?}");

    let (world, folder) = (World::new(), Folder::new());
    let session = Session::new(&world);
    std::fs::rename(install(&folder, &[("acme", 3), ("globex", 2)]), folder.path("kysely.sqlite")).unwrap();
    let in_folder = |word: &str| match word {
        "plan.toml" | "kysely.sqlite" => folder.path(word).to_str().unwrap().to_owned(),
        word => word.to_owned(),
    };
    for line in lines {
        let Some(command) = line.strip_prefix("gatehouse ") else {
            let status = Command::new("sh").args(["-c", line]).current_dir(folder.path("")).status().unwrap();
            assert!(status.success(), "{line}");
            continue;
        };
        let words: Vec<_> = command.split_whitespace().map(in_folder).collect();
        let said = session.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(said.exit, 0, "{line}\n{}\n{}", said.out, said.err);
    }
    let shown = session.type_in("tenants get acme --json").json();
    assert_eq!(shown["placement"], "shared", "it was moved, and moved back");
}

#[test]
fn every_command_that_a_readme_names_exists() {
    let world = World::new();
    let session = Session::new(&world);
    let help = session.type_in("--help").expect(0).out;
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/README.md")).unwrap();
    let named = readme.split("`gatehouse ").skip(1).filter_map(|rest| rest.split(['`', ' ']).next());
    let mut count = 0;
    for command in named {
        assert!(help.contains(&format!("\n  {command} ")), "there is no gatehouse {command}");
        count += 1;
    }
    assert!(count > 10);
}
