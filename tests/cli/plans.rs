//! The rules of plans.

use gatehouse::cli::plan::{
    Plan,
    cost::{Amount, Cost, bytes},
    destination::Choice,
    draft::{Facts, draft},
    file,
    split::Split,
};
use gatehouse::time::Timestamp;
use serde_json::{Map, Value as Json, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

fn plan(tenants: &str) -> Plan {
    file::read(&format!("version = 1\n[source]\npath = \"a.sql\"\n{tenants}")).unwrap()
}

/// What is wrong with a plan of these tenants.
fn problems(tenants: &str) -> Vec<String> {
    plan(tenants).destinations().unwrap_err()
}

fn set(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

#[test]
fn a_draft_brings_everybody_along_under_ids_that_are_allowed() {
    let tenant = |name: &str, organizations: &[&str]| (Some(name.to_owned()), set(organizations));
    let facts = Facts {
        tenants: BTreeMap::from([
            ("control_plane".to_owned(), tenant("Control", &["acme", "globex_eu", "www"])),
            ("acme".to_owned(), tenant("Acme \"A\" \\ \u{7f}\n", &["sales"])),
            ("globex_eu".to_owned(), tenant("", &[])),
            ("Globex-EU".to_owned(), tenant("Other", &[])),
            ("www".to_owned(), tenant("Web", &[])),
        ]),
        origins: BTreeMap::from([
            ("https://auth.example.com".to_owned(), 9),
            ("http://localhost:3000".to_owned(), 1),
        ]),
        unknown_tables: set(&["from_the_future"]),
    };
    let drafted = draft(Path::new("kysely.sqlite"), &facts, Timestamp::from_millis(0));
    let text = file::write(&drafted, &facts.unknown_tables);
    assert!(text.contains("from_the_future"), "{text}");
    assert_eq!(file::read(&text).unwrap(), drafted, "{text}");
    assert_eq!(drafted.source.issuer.as_deref(), Some("https://auth.example.com/"));
    let ids: Vec<_> =
        drafted.destinations().unwrap().iter().map(|to| (to.from.clone(), to.label())).collect();
    let expected = [
        ("Globex-EU", "globex-eu"),
        ("acme", "acme"),
        ("globex_eu", "globex-eu-tenant"),
        ("www", "www-tenant"),
        ("control_plane", "the main tenant"),
    ];
    assert_eq!(ids, expected.map(|(from, to)| (from.to_owned(), to.to_owned())), "the main tenant is last");
}

#[test]
fn a_plan_that_makes_no_sense_is_refused_in_words() {
    for (tenants, expected) in [
        (
            "[[tenant]]\nfrom = \"a\"",
            "tenant a: `to` is missing: the id that it gets, or main = true, or skip = true",
        ),
        (
            "[[tenant]]\nfrom = \"a\"\nto = \"A b\"",
            "tenant a: \"A b\" is no id here: 1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit",
        ),
        ("[[tenant]]\nfrom = \"a\"\nto = \"admin\"", "tenant a: the id admin is reserved"),
        (
            "[[tenant]]\nfrom = \"a\"\nto = \"x\"\n[[tenant]]\nfrom = \"b\"\nto = \"x\"",
            "both a and b become tenant x",
        ),
        (
            "[[tenant]]\nfrom = \"a\"\nto = \"x\"\n[[tenant]]\nfrom = \"a\"\nskip = true",
            "tenant a is in the plan twice",
        ),
        (
            "[[tenant]]\nfrom = \"a\"\nmain = true\n[[tenant]]\nfrom = \"b\"\nmain = true",
            "two tenants become the main tenant",
        ),
        (
            "[[tenant]]\nfrom = \"a\"\nmain = true\nplacement = \"shared\"",
            "tenant a: the main tenant is where it is: placement and region are not for it",
        ),
        (
            "[[tenant]]\nfrom = \"a\"\nto = \"x\"\nplacement = \"shared\"\nregion = \"eu\"",
            "tenant a: a region needs placement = \"isolated\"",
        ),
        (
            "[[tenant]]\nfrom = \"a\"\nto = \"x\"\nothers = \"leave\"",
            "tenant a: others = \"leave\" without parts leaves everybody: say skip = true",
        ),
        (
            "[[tenant]]\nfrom = \"a\"\nto = \"x\"\n[[tenant.part]]\nto = \"y\"",
            "tenant a: part y has nobody: say organizations, connections or email_domains",
        ),
        (
            "[[tenant]]\nfrom = \"a\"\nto = \"x\"\n[[tenant.part]]\nto = \"y\"\nemail_domains = [\"e.com\"]\n[[tenant.part]]\nto = \"z\"\nemail_domains = [\"E.com\"]",
            "tenant a: e-mail domain E.com is in two parts",
        ),
    ] {
        assert_eq!(problems(tenants), [expected], "{tenants}");
    }
    let there = plan("[[tenant]]\nfrom = \"a\"\nto = \"x\"").check_tenants(&["b"]);
    assert_eq!(
        there,
        [
            "tenant a is not in the source",
            "tenant b of the source is not in the plan: add it, perhaps with skip = true"
        ]
    );
    for text in [
        "version = 1",
        "version = 1\n[source]\npath = \"a\"\nsecret = 1",
        "[[[",
        "version = 1\n[source]\npath = \"a\"\n[[tenant]]\nfrom = \"a\"\nplacement = \"moon\"",
    ] {
        assert!(file::read(text).is_err(), "{text}");
    }
}

fn row(value: Json) -> Map<String, Json> {
    value.as_object().unwrap().clone()
}

#[test]
fn a_tenant_is_split_and_what_belongs_together_stays_together() {
    let plan = plan(
        "[[tenant]]\nfrom = \"a\"\nto = \"rest\"
        [[tenant.part]]\nto = \"eu\"\norganizations = [\"org_1\"]
        [[tenant.part]]\nto = \"saml\"\nconnections = [\"corp\"]\nemail_domains = [\"Corp.example\"]",
    );
    let mut split = Split::new(&plan.tenant[0]);
    for (table, value) in [
        ("organizations", json!({"id": "org_1", "name": "eu"})),
        ("organizations", json!({"id": "org_2", "name": "us"})),
        ("user_organizations", json!({"user_id": "in-org", "organization_id": "org_1"})),
        ("user_organizations", json!({"user_id": "linked-to-corp", "organization_id": "org_1"})),
        ("user_organizations", json!({"user_id": "nobody", "organization_id": "org_2"})),
        ("user_organizations", json!({"user_id": "gone", "organization_id": "org_1"})),
        ("users", json!({"user_id": "in-org", "email": "a@x.example", "connection": "db"})),
        ("users", json!({"user_id": "corp", "email": "b@x.example", "connection": "corp"})),
        ("users", json!({"user_id": "mail", "email": "c@CORP.example", "connection": "db"})),
        ("users", json!({"user_id": "nobody", "email": "d@notcorp.example", "connection": "db"})),
        (
            "users",
            json!({"user_id": "linked-to-corp", "email": "e@x.example", "connection": "social", "linked_to": "corp"}),
        ),
        (
            "users",
            json!({"user_id": "linked-to-nobody", "email": "e@corp.example", "connection": "corp", "linked_to": "nobody"}),
        ),
        ("users", json!({"user_id": "phone", "email": null, "connection": "sms"})),
    ] {
        split.see(table, &row(value));
    }
    let division = split.divide();
    let people = |choice| division.people(choice).unwrap();
    assert_eq!(people(Choice::Part(0)), set(&["in-org", "corp", "linked-to-corp"]));
    assert_eq!(people(Choice::Part(1)), set(&["corp", "mail", "linked-to-corp"]));
    assert_eq!(people(Choice::Others), set(&["nobody", "linked-to-nobody", "phone"]));
    assert_eq!(division.in_several, 1, "corp is a member of org_1 by its linked account");
    assert_eq!(division.people(Choice::All), None);

    let takes = |choice, table, value| division.takes(choice, table, &row(value));
    let org = |id: &str| json!({"id": id, "organization_id": id});
    for table in ["organizations", "invites", "user_roles", "organization_connections"] {
        assert!(
            takes(Choice::Part(0), table, org("org_1")) && !takes(Choice::Others, table, org("org_1")),
            "{table}"
        );
        assert!(
            takes(Choice::Others, table, org("org_2")) && !takes(Choice::Part(0), table, org("org_2")),
            "{table}"
        );
        assert!(!takes(Choice::Part(1), table, org("org_1")), "{table}");
    }
    assert!(takes(Choice::Part(1), "user_roles", json!({"organization_id": ""})), "a role everywhere");
    assert!(takes(Choice::Part(0), "clients", json!({"client_id": "c"})), "settings are copied");
    assert!(
        !takes(Choice::Part(0), "custom_domains", json!({"domain": "d"})),
        "a domain leads to one tenant"
    );
}

#[test]
fn costs_are_those_of_the_price_list() {
    let cost = Cost::of(Amount { rows_written: 60_000_000, bytes: 6_000_000_000 });
    let expected = "$60.00 once and $4.50 a month; $10.00 and $0.75 where the included 50 million rows and 5 GB are not used otherwise";
    assert_eq!(cost.to_string(), expected);
    assert_eq!([999, 12_345, 2_500_000, 3_210_000_000].map(bytes), ["999 B", "12.3 kB", "2.5 MB", "3.21 GB"]);
}
