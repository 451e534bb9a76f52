//! The databases of a real AuthHero install, with what is known of it in clear. They are not part of the repository: where
//! they are absent these tests say so and pass.

use super::{begin, finish, ingest, mapped, plan};
use crate::support::{Answer, Application, Ask, World, world::BEGINNING};
use gatehouse::{
    cli::authhero::{Row, Survey, map, source},
    login::totp,
    time::{Lifetime, Timestamp},
};
use rusqlite::{Connection, OpenFlags, types::ValueRef};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};

/// Half a minute after the last token of the install was issued.
const CUTOVER: i64 = 1_795_400_110_000;

/// A file of the install; says loudly where it is absent.
fn file(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/authhero").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("SKIPPED: there is no {}: nothing is shown about a real install", path.display());
    None
}

/// Every row of every table.
fn rows(connection: &Connection) -> Vec<(String, Row)> {
    let names: Vec<String> = connection
        .prepare("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let mut all = Vec::new();
    for name in names {
        let mut statement = connection.prepare(&format!("select * from \"{name}\"")).unwrap();
        let columns: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let cell = |index| match row.get_ref(index).unwrap() {
                ValueRef::Null => Json::Null,
                ValueRef::Integer(number) => json!(number),
                ValueRef::Real(number) => json!(number),
                ValueRef::Text(text) => json!(std::str::from_utf8(text).unwrap()),
                ValueRef::Blob(_) => panic!("{name} has a blob"),
            };
            let row = columns.iter().enumerate().map(|(index, column)| (column.clone(), cell(index)));
            all.push((name.clone(), row.collect()));
        }
    }
    all
}

/// The install on SQLite, and what is known of it.
fn install() -> Option<(Vec<(String, Row)>, Json)> {
    let (database, known) = (file("kysely.sqlite")?, file("known.json")?);
    let connection = Connection::open_with_flags(
        format!("file:{}?immutable=1", database.display()),
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI,
    );
    let known = serde_json::from_slice(&std::fs::read(known).unwrap()).unwrap();
    Some((rows(&connection.unwrap()), known))
}

/// A world at the moment of the move.
fn world() -> World {
    let world = World::new();
    world.advance(Lifetime::milliseconds(CUTOVER - BEGINNING));
    world
}

fn import(world: &World, rows: &[(String, Row)], known: &Json, source: &str, target: &str) {
    world.tenant(target);
    let plan = plan(source, target, known["issuer"].as_str().unwrap(), Timestamp::from_millis(CUTOVER));
    let (records, _) = mapped(rows, &plan);
    begin(world, target, false).expect(201);
    world.send(Ask::get(target, "/userinfo")).expect(403);
    ingest(world, target, &records);
    let counts: Json =
        records.iter().map(|(table, records)| ((*table).to_owned(), json!(records.len()))).collect();
    finish(world, target, &counts).expect(200);
}

fn application(known: &Json, tenant: &str, target: &str) -> Application {
    let client = &known["tenants"][tenant]["clients"]["app"];
    Application {
        tenant: target.to_owned(),
        id: text(&client[0]),
        secret: Some(text(&client[1])),
        callback: "http://localhost:3000/callback".to_owned(),
    }
}

fn text(value: &Json) -> String {
    value.as_str().unwrap().to_owned()
}

fn userinfo(world: &World, tenant: &str, token: &Json) -> Answer {
    world.send(Ask::get(tenant, "/userinfo").bearer(token.as_str().unwrap()))
}

#[test]
fn people_machines_and_tokens_of_a_real_install_go_on_where_they_were() {
    let Some((rows, known)) = install() else { return };
    let world = world();
    for tenant in ["acme", "globex"] {
        import(&world, &rows, &known, tenant, tenant);
    }
    for tenant in ["acme", "globex"] {
        let known = &known["tenants"][tenant];
        let app = application(&json!({ "tenants": { tenant: known } }), tenant, tenant);
        // Its tokens are accepted by the tenant that they name, and by no other.
        let token = &known["tokens"]["access_token"];
        let other = if tenant == "acme" { "globex" } else { "acme" };
        let person = userinfo(&world, tenant, token).expect(200).json();
        assert_eq!(person["sub"], known["user"]["user_id"]);
        assert_eq!(person["email"], known["user"]["email"]);
        userinfo(&world, other, token).expect(401);
        userinfo(&world, "", token).expect(401);
        userinfo(&world, tenant, &known["tokens"]["id_token"]).expect(401);
        // Its refresh token refreshes here, and nowhere else.
        let refresh = text(&known["tokens"]["refresh_token"]);
        let elsewhere = Application { tenant: other.to_owned(), ..app.clone() };
        elsewhere.refresh(&world, &refresh).expect(401);
        let fresh = app.refresh(&world, &refresh).expect(200).json();
        let claims = opened(&fresh["access_token"]);
        assert_eq!(claims["iss"], format!("http://{tenant}.localhost:8787/"));
        assert_eq!(claims["sub"], known["user"]["user_id"]);
        // The same person signs in with the same password, whose hash is then ours.
        let hash = || {
            let user = known["user"]["user_id"].as_str().unwrap();
            let rows = world.home(tenant).query(&format!(
                "select hash from passwords where tenant_id = '{tenant}' and user_id = '{user}'"
            ));
            text(&rows[0]["hash"])
        };
        assert!(hash().starts_with("$2"), "{}", hash());
        let (email, password) = (text(&known["user"]["email"]), text(&known["user"]["password"]));
        let back = world.browser().sign_in(&app.authorize(&[]), &email, &password);
        let tokens = app.redeem(&world, &back).expect(200).json();
        assert_eq!(opened(&tokens["id_token"])["sub"], known["user"]["user_id"]);
        assert!(hash().starts_with("$argon2id$"), "{}", hash());
        world.browser().sign_in(&app.authorize(&[]), &email, &password);
        // The same machine gets tokens for the same API, but not with the other tenant's secret.
        let machine = |secret: &str| {
            let fields = [
                ("grant_type", "client_credentials"),
                ("client_id", known["clients"]["m2m"][0].as_str().unwrap()),
                ("client_secret", secret),
                ("audience", known["audience"].as_str().unwrap()),
            ];
            world.send(Ask::post(tenant, "/oauth/token").form(&fields))
        };
        let token = machine(known["clients"]["m2m"][1].as_str().unwrap()).expect(200).json();
        assert_eq!(opened(&token["access_token"])["scope"], "read:things write:things");
        machine("another-secret").expect(401);
    }
    // Once the longest of them has expired, the old key is worth nothing.
    world.advance(Lifetime::days(1));
    userinfo(&world, "acme", &known["tenants"]["acme"]["tokens"]["access_token"]).expect(401);
}

#[test]
fn every_tenant_of_a_real_install_is_mapped_without_a_column_that_nobody_knows() {
    let Some((rows, known)) = install() else { return };
    for (source, target) in
        [("control_plane", "main"), ("acme", "acme"), ("globex", "globex"), ("umwsmumdr", "t")]
    {
        let plan = plan(source, target, known["issuer"].as_str().unwrap(), Timestamp::from_millis(CUTOVER));
        let (records, notes) = mapped(&rows, &plan);
        let unknown: Vec<_> = notes.iter().filter(|note| note.words.contains("not known")).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
        let of = |table: &str| {
            rows.iter().filter(|(name, row)| name == table && row["tenant_id"] == source).count()
        };
        for (table, destination) in [
            ("users", "users"),
            ("clients", "clients"),
            ("roles", "roles"),
            ("logs", "logs"),
            ("passwords", "passwords"),
            ("sessions", "sessions"),
            ("refresh_tokens", "refresh_tokens"),
        ] {
            let count = records.get(destination).map_or(0, Vec::len);
            assert_eq!(count, of(table), "{source} {table}");
        }
    }
}

/// The columns of tables that are empty there are known too.
#[test]
fn every_column_of_the_real_schema_is_known() {
    let (Some(database), Some(dump)) = (file("kysely.sqlite"), file("d1-export.sql")) else { return };
    let real = Connection::open_with_flags(
        format!("file:{}?immutable=1", database.display()),
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI,
    )
    .unwrap();
    let d1 = Connection::open_in_memory().unwrap();
    d1.execute_batch(&std::fs::read_to_string(dump).unwrap()).unwrap();
    let samples = super::install::rows();
    let mut survey = Survey::default();
    samples.iter().for_each(|(table, row)| drop(survey.see(table, row)));
    let plan = plan("acme", "acme", "http://old.example/", Timestamp::from_millis(BEGINNING));
    for connection in [&real, &d1] {
        for (table, row) in &samples {
            let mut statement =
                connection.prepare(&format!("select name from pragma_table_info('{table}')")).unwrap();
            let columns = statement.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap);
            let mut whole = row.clone();
            for column in columns {
                whole.entry(column).or_insert(Json::Null);
            }
            let notes = map(table, &whole, &plan, &survey).unwrap().notes;
            let unknown: Vec<_> = notes.iter().filter(|note| note.words.contains("not known: ")).collect();
            assert!(unknown.is_empty(), "{unknown:?}");
        }
        let mut statement =
            connection.prepare("select name from sqlite_schema where type = 'table'").unwrap();
        for table in statement.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap) {
            assert!(source(&table).is_some(), "{table} is not known");
        }
    }
}

#[test]
fn a_thousand_people_of_a_real_d1_install_are_brought_over() {
    let Some(dump) = file("d1-export.sql") else { return };
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(&std::fs::read_to_string(dump).unwrap()).unwrap();
    let rows = rows(&connection);
    let (world, mut people) = (world(), 0);
    let tenants: Vec<String> =
        rows.iter().filter(|(table, _)| table == "tenants").map(|(_, row)| text(&row["id"])).collect();
    for source in tenants.iter().filter(|tenant| *tenant != "control_plane") {
        import(&world, &rows, &json!({ "issuer": "http://localhost:3111/" }), source, source);
        let count = format!("select count(*) as total from users where tenant_id = '{source}'");
        people += world.home(source).query(&count)[0]["total"].as_i64().unwrap();
    }
    assert!(people > 1000, "{people}");
}

fn opened(token: &Json) -> Json {
    let (_, claims) = crate::oauth::opened(token.as_str().unwrap());
    claims
}

/// The install has nobody with a second factor: two rows give Alice of acme one, as AuthHero keeps it, and the policy that
/// asks for it. Bob's tenant never asked.
#[test]
fn a_person_of_a_real_install_is_asked_for_the_code_that_they_were_asked_for_there() {
    let Some((mut rows, known)) = install() else { return };
    let (world, seed) = (world(), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
    for (_, row) in rows.iter_mut().filter(|(table, row)| table == "tenants" && row["id"] == "acme") {
        let mfa = r#"{"policy":"always","factors":{"sms":false,"otp":true}}"#;
        row.insert("mfa".to_owned(), json!(mfa));
    }
    for tenant in ["acme", "globex"] {
        let row = json!({
            "id": format!("01M8{tenant}"), "tenant_id": tenant, "user_id": known["tenants"][tenant]["user"]["user_id"],
            "type": "totp", "phone_number": null, "totp_secret": seed, "confirmed": 1, "credential_id": null,
            "public_key": null, "sign_count": null, "credential_backed_up": null, "transports": null,
            "friendly_name": null, "created_at_ts": CUTOVER - 1000, "updated_at_ts": CUTOVER - 1000,
        });
        rows.push(("authentication_methods".to_owned(), row.as_object().unwrap().clone()));
    }
    for tenant in ["acme", "globex"] {
        import(&world, &rows, &known, tenant, tenant);
    }
    let who = |tenant: &str| {
        let user = &known["tenants"][tenant]["user"];
        (application(&known, tenant, tenant), text(&user["email"]), text(&user["password"]))
    };
    let (app, email, password) = who("acme");
    let browser = world.browser();
    let page = browser.submit(&browser.open(&app.authorize(&[])), &[("username", &email)]);
    let page = browser.submit(&page, &[("password", &password)]);
    assert_eq!(page.path(), "/u/mfa-otp-challenge");
    let step = totp::step(Timestamp::from_millis(world.outside.now_millis()));
    let code = totp::code(&totp::base32(seed).unwrap(), step).unwrap();
    let back = browser.submit(&page, &[("code", &code)]).away();
    let tokens = app.redeem(&world, &back).expect(200).json();
    assert_eq!(opened(&tokens["id_token"])["amr"], json!(["mfa", "otp"]));
    // Her applications go on without her.
    app.refresh(&world, &text(&known["tenants"]["acme"]["tokens"]["refresh_token"])).expect(200);
    let (app, email, password) = who("globex");
    world.browser().sign_in(&app.authorize(&[]), &email, &password);
}
