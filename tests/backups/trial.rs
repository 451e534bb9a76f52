//! A tenant with rows in every table, and what an operator does with its archives.

use crate::{
    moves::{
        furnish::furnish,
        trial::{TENANT, Trial},
    },
    support::{Answer, Ask},
};
use gatehouse::{
    db::schema,
    http::Method,
    id::OperationId,
    time::{Lifetime, Timestamp},
};
use serde_json::{Value as Json, json};

/// Everything that can be asked for.
pub fn everything() -> Json {
    json!({ "include": ["keys", "sessions", "logs"] })
}

/// A tenant with `count` rows in every table.
pub fn furnished(placement: &str, count: usize) -> Trial {
    let trial = Trial::new(placement);
    furnish(&trial.home(), TENANT, count);
    trial
}

/// The same with a log that fills several parts.
pub fn long(placement: &str) -> Trial {
    let trial = furnished(placement, 3);
    trial.home().query(&format!(
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 400)
         insert into logs (tenant_id, id, type, date, description)
         select '{TENANT}', printf('log%04d', i), 's', i, replace(printf('%4000s', ''), ' ', char(65 + i % 26)) from n"
    ));
    trial
}

/// Whether an operation has come to its end.
pub fn is_over(shown: &Json) -> bool {
    shown["status"] != "running" && shown["status"] != "pending"
}

impl Trial {
    /// Asks for a backup; answers the operation and the archive.
    pub fn ask_for_backup(&self, body: &Json) -> (OperationId, String) {
        let answer = self.post(&format!("/management/tenants/{TENANT}/backups"), body).expect(202).json();
        assert_eq!(answer["kind"], "backup");
        (OperationId::new(answer["id"].as_str().unwrap()), answer["backup"].as_str().unwrap().to_owned())
    }

    /// Backs the tenant up; answers the archive.
    #[track_caller]
    pub fn back_up(&self, body: &Json) -> String {
        let (id, backup) = self.ask_for_backup(body);
        let shown = self.until(&id, is_over);
        assert_eq!(shown["status"], "succeeded", "{shown:#}");
        backup
    }

    /// The archive as the API shows it.
    pub fn shown(&self, backup: &str) -> Json {
        self.get(&format!("/management/tenants/{TENANT}/backups/{backup}")).expect(200).json()
    }

    /// Calls the management API of a tenant.
    pub fn manage(&self, tenant: &str, path: &str, body: Option<&Json>) -> Answer {
        let path = format!("/api/v2/{path}");
        let ask = if body.is_some() { Ask::post("", &path) } else { Ask::get("", &path) };
        let ask = ask.bearer(&self.world.machine_token("")).header("tenant-id", tenant);
        self.world.send(match body {
            Some(body) => ask.json(body),
            None => ask,
        })
    }

    /// Restores the archive; answers the operation when it is over.
    #[track_caller]
    pub fn restore(&self, body: &Json) -> Json {
        let answer = self.post(&format!("/management/tenants/{TENANT}/restores"), body);
        assert_eq!(answer.status(), 202, "{}", answer.text());
        self.until(&OperationId::new(answer.json()["id"].as_str().unwrap()), is_over)
    }

    /// Deletes the tenant, and waits until it is gone.
    pub fn delete(&self) {
        let path = format!("/management/tenants/{TENANT}");
        let answer =
            self.world.send(Ask::new(Method::DELETE, "", &path).bearer(&self.world.machine_token("")));
        assert!(matches!(answer.status(), 202 | 204), "{}", answer.text());
        for _ in 0..50 {
            self.ring();
        }
    }

    /// The names of everything that is kept.
    pub fn objects(&self) -> Vec<String> {
        self.world.outside.objects.borrow().keys().cloned().collect()
    }

    /// Lets time pass and alarm clocks ring, in isolates that may die, until no operation is live.
    pub fn run_to_the_end(&self) {
        let outside = &self.world.outside;
        for _ in 0..500 {
            let live = self
                .world
                .database("DIRECTORY")
                .query("select id from operations where status in ('pending', 'running') order by id");
            if live.is_empty() {
                return;
            }
            outside.wakes.borrow_mut().clear();
            self.world.advance(Lifetime::seconds(61));
            for row in live {
                let id = OperationId::new(row["id"].as_str().unwrap());
                let isolate = self.world.another_isolate();
                let _: Option<Result<Option<Timestamp>, _>> = outside.gate.survive(isolate.app.advance(&id));
            }
        }
        panic!("it does not end: {:#?}", outside.log.borrow());
    }
}

/// The rows of a tenant in tables that are, or are not, in one of the groups: `rows` of `furnish`, cut down.
pub fn rows_without(trial: &Trial, tenant: &str, left_out: &[&str]) -> String {
    let database = trial.world.home(tenant);
    let mut whole = String::new();
    for table in schema::CURRENT.moved().into_iter().filter(|table| !left_out.contains(&table.name)) {
        let columns: Vec<_> = table.columns.iter().skip(1).copied().collect();
        let (columns, key) = (columns.join(", "), table.key.join(", "));
        let rows = database.query(&format!(
            "select {columns} from {} where tenant_id = '{tenant}' order by {key}",
            table.name
        ));
        whole.push_str(&format!("{} {}\n", table.name, rows.len()));
        rows.iter().for_each(|row| whole.push_str(&format!("{row:?}\n")));
    }
    whole
}
