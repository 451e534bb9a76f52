//! Dependencies point down, rules are pure, and SQL is where it is looked for.

use super::{files, name, text};
use gatehouse::operations::PROCEDURES;

/// The layers of `src/lib.rs`, from the bottom: a module uses its own layer and those below it.
const LAYERS: [&[&str]; 8] = [
    &["error", "id", "json", "secret", "time"],
    &["config", "db", "http", "jose", "limits", "platform"],
    &["cloudflare", "events", "tenant"],
    &["access"],
    &["login", "oauth", "resources"],
    &["importing", "operations"],
    &["app", "routes"],
    &["worker", "cli"],
];

/// The edges that point up all the same: from where, to what, and why. One that is no longer there must go.
const UP: [(&str, &str, &str); 5] = [
    (
        "src/access/",
        "resources::",
        "who may come in depends on clients, sessions, members: their models and stores",
    ),
    (
        "src/http/route.rs",
        "access::",
        "a row of the table ties the handler to the area that admits its callers",
    ),
    ("src/id.rs", "db::Value", "an id says how it is bound"),
    ("src/secret.rs", "db::Value", "only a digest and a sealed secret say how they are bound"),
    ("src/", "platform::Platform", "ids and secrets are drawn from the platform's randomness"),
];

/// A source file without comments: its name, its module, and its lines.
struct Source {
    name: String,
    module: String,
    code: String,
}

fn sources() -> Vec<Source> {
    let read = |path: &std::path::PathBuf| {
        let name = name(path);
        let module =
            name.trim_start_matches("src/").trim_end_matches(".rs").split('/').next().unwrap().to_owned();
        let code = text(path)
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n");
        Source { name, module, code }
    };
    files("src").iter().filter(|path| name(path).ends_with(".rs")).map(read).collect()
}

fn rank(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// Every path that the code names below `crate::`, with nested imports written out.
fn used(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let mut rest = &code[at + "crate::".len()..];
        expand(String::new(), &mut rest, &mut paths);
    }
    paths
}

fn expand(prefix: String, rest: &mut &str, paths: &mut Vec<String>) {
    if let Some(inner) = rest.strip_prefix('{') {
        *rest = inner;
        while !rest.starts_with('}') {
            *rest = rest.trim_start_matches([' ', '\n', ',']);
            expand(prefix.clone(), rest, paths);
            *rest = rest.trim_start_matches([' ', '\n', ',']);
        }
        *rest = &rest[1..];
        return;
    }
    let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
    let (ident, after) = rest.split_at(end);
    let path = if prefix.is_empty() { ident.to_owned() } else { format!("{prefix}::{ident}") };
    *rest = after;
    if let Some(inner) = rest.strip_prefix("::") {
        *rest = inner;
        return expand(path, rest, paths);
    }
    // `a as b` and `*`
    *rest = rest.trim_start_matches('*');
    if let Some(alias) = rest.strip_prefix(" as ") {
        *rest = alias.trim_start_matches(|letter: char| letter.is_alphanumeric() || letter == '_');
    }
    paths.push(path);
}

#[test]
fn a_module_uses_what_is_below_it() {
    let mut stale: Vec<_> = UP.iter().collect();
    let mut wrong = Vec::new();
    for source in sources() {
        if source.module == "lib" {
            continue;
        }
        let own = rank(&source.module).unwrap_or_else(|| panic!("{} is in no layer", source.name));
        for path in used(&source.code) {
            let Some(rank) = path.split("::").next().and_then(rank) else { continue };
            if rank <= own {
                continue;
            }
            let allowed =
                |(from, to, _): &(&str, &str, &str)| source.name.starts_with(from) && path.starts_with(to);
            match UP.iter().find(|edge| allowed(edge)) {
                // Of a resource, access takes what is there and never what can be asked of it.
                Some(_) if path.contains("::api") => wrong.push(format!("{} uses {path}", source.name)),
                Some(edge) => stale.retain(|other| *other != edge),
                None => wrong.push(format!("{} uses {path}", source.name)),
            }
        }
    }
    assert!(wrong.is_empty(), "these point up:\n{}", wrong.join("\n"));
    assert!(stale.is_empty(), "these are not there any more: {stale:?}");
}

#[test]
fn every_module_is_declared_in_the_order_of_the_layers() {
    let map = text(&files("src").into_iter().find(|path| name(path) == "src/lib.rs").unwrap());
    let declared = map.lines().filter_map(|line| line.split_once("mod ")?.1.strip_suffix(';'));
    let ranks: Vec<_> =
        declared.map(|module| rank(module).unwrap_or_else(|| panic!("{module} is in no layer"))).collect();
    assert!(
        ranks.is_sorted_by(|above, below| above >= below),
        "src/lib.rs is not in the order of a request: {ranks:?}"
    );
}

#[test]
fn rules_are_pure() {
    let pure = ["model.rs", "flow.rs", "decide.rs", "checks.rs"];
    for source in
        sources().iter().filter(|source| pure.iter().any(|file| source.name.ends_with(&format!("/{file}"))))
    {
        for word in ["async ", ".await", "Platform", "TenantDb", "DirectoryDb", "Db<"] {
            assert!(!source.code.contains(word), "{} is about rules, not about {word}", source.name);
        }
    }
}

#[test]
fn only_the_shell_names_the_worker_crate() {
    for source in sources().iter().filter(|source| source.module != "worker") {
        for word in ["worker::", "wasm_bindgen", "js_sys"] {
            let named =
                source.code.match_indices(word).any(|(at, _)| !source.code[..at].ends_with([':', '_']));
            assert!(!named, "{} names {word}", source.name);
        }
    }
}

#[test]
fn sql_is_in_stores_and_below() {
    let begins =
        ["select ", "insert into ", "update ", "delete from ", "create ", "drop ", "alter ", "with "];
    for source in sources() {
        let store = source.name.ends_with("/store.rs") || source.name.contains("/store/");
        if store || source.module == "db" || source.name == "src/tenant/scope.rs" {
            continue;
        }
        for literal in source.code.split('"').skip(1).step_by(2) {
            let literal = literal.trim_start();
            let sql = begins.iter().any(|begin| literal.starts_with(begin))
                && [" from ", " into ", " set ", " table ", " where "]
                    .iter()
                    .any(|word| literal.contains(word));
            assert!(!sql, "{} has SQL: {literal}", source.name);
        }
    }
}

#[test]
fn sql_is_lower_case_and_lists_its_columns() {
    for source in sources().iter().filter(|source| source.name.ends_with("/store.rs")) {
        for word in ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "select *", "returning *"] {
            assert!(!source.code.contains(word), "{} has {word}", source.name);
        }
    }
}

/// The features of `src/operations`, from the bottom: each uses itself, those before it, and `PROCEDURES`, the list of what
/// there is, which it hands to the engine. What lies beside the folders puts them together.
const FEATURES: [&str; 5] = ["engine", "tenants", "moves", "backups", "migrations"];

/// Every path below `operations` that a source uses, from the root of the crate or from where it is.
fn used_of_operations(source: &Source) -> Vec<String> {
    let mut here: Vec<_> =
        source.name.trim_start_matches("src/").trim_end_matches(".rs").split('/').collect();
    if here.last() == Some(&"mod") {
        here.pop();
    }
    let mut paths = used(&source.code);
    for (at, _) in source.code.match_indices("super::") {
        let before = &source.code[..at];
        if before.ends_with("super::") || before.ends_with("in ") {
            continue;
        }
        let mut rest = &source.code[at..];
        let mut up = 0;
        // `super::{super::{…}}` goes up from inside the braces too: what is there is found by its own `super`.
        while let Some(after) = rest.strip_prefix("super::") {
            (rest, up) = (after, up + 1);
        }
        let nested = nesting(before);
        let base = here[..here.len().saturating_sub(up + nested)].join("::");
        let mut found = Vec::new();
        expand(base, &mut rest, &mut found);
        paths.extend(found);
    }
    paths.into_iter().filter(|path| path.starts_with("operations::") && !path.contains("::super")).collect()
}

/// How many `super` lie around the end of this code, in the braces that are open there.
fn nesting(code: &str) -> usize {
    let statement = &code[code.rfind(';').map_or(0, |end| end + 1)..];
    let mut open: Vec<usize> = Vec::new();
    for (at, letter) in statement.char_indices() {
        match letter {
            '{' => {
                let mut supers = 0;
                let mut before = &statement[..at];
                while let Some(rest) = before.strip_suffix("super::") {
                    (before, supers) = (rest, supers + 1);
                }
                open.push(supers);
            }
            '}' => drop(open.pop()),
            _ => {}
        }
    }
    open.into_iter().sum()
}

/// What is wrong with how the features of `src/operations` know each other.
fn entangled(sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources {
        let Some(own) = source.name.strip_prefix("src/operations/").and_then(|path| path.split('/').next())
        else {
            continue;
        };
        let Some(rank) = FEATURES.iter().position(|feature| *feature == own) else { continue };
        for path in used_of_operations(source) {
            let used = path.split("::").nth(1).unwrap_or_default();
            let allowed = match FEATURES.iter().position(|feature| *feature == used) {
                Some(below) => below <= rank,
                None => used == "PROCEDURES" && rank > 0,
            };
            if !allowed {
                wrong.push(format!("{} uses {path}", source.name));
            }
        }
        if own != "engine" {
            continue;
        }
        for procedure in PROCEDURES {
            let steps = procedure.steps.iter().chain(procedure.undo()).map(|step| step.name);
            for name in steps.chain([procedure.name]) {
                for literal in [format!("\"{name}\""), format!("'{name}'")] {
                    if source.code.contains(&literal) {
                        wrong.push(format!("{} names {literal}", source.name));
                    }
                }
            }
        }
    }
    wrong
}

#[test]
fn the_engine_of_operations_names_no_feature_and_features_build_on_each_other() {
    let wrong = entangled(&sources());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_engine_that_knew_a_feature_would_be_found() {
    let planted = |name: &str, code: &str| {
        let (name, code) = (name.to_owned(), code.to_owned());
        entangled(&[Source { name, module: "operations".to_owned(), code }])
    };
    let engine = "src/operations/engine/mod.rs";
    for fault in [
        "use crate::operations::{engine, moves::model::Role};",
        "use super::moves::MOVE;",
        "use super::{api, engine};",
        "use crate::operations::PROCEDURES;",
        "fn removes(step: &str) -> bool { step == \"wipe\" }",
        "write(\"update operations set held = 1 where kind = 'move'\")",
    ] {
        assert!(!planted(engine, fault).is_empty(), "{fault}");
    }
    let deep = "src/operations/tenants/databases/pool.rs";
    for fault in ["use super::super::super::moves;", "use super::super::{super::{backups, engine}, store};"] {
        assert!(!planted(deep, fault).is_empty(), "{fault}");
    }
    for fine in ["use super::super::{super::engine, store};", "use crate::operations::{PROCEDURES, engine};"]
    {
        assert_eq!(planted(deep, fine), [""; 0], "{fine}");
    }
}
