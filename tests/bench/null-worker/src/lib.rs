//! Answers at once, after one read of a database, or after one write: the costs that no Worker can avoid.
use worker::{Context, Env, Request, Response, Result, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, _: Context) -> Result<Response> {
    if request.path() == "/d1" {
        let one: Option<i32> = env.d1("DIRECTORY")?.prepare("select 1 as one").first(Some("one")).await?;
        return Response::ok(format!("{{\"one\":{}}}", one.unwrap_or_default()));
    }
    if request.path() == "/d1-table" {
        env.d1("DIRECTORY")?.exec("create table if not exists written (text text)").await?;
    }
    if request.path() == "/d1-write" {
        env.d1("DIRECTORY")?.prepare("insert into written (text) values ('something')").run().await?;
    }
    Response::ok("{\"status\":\"ok\"}")
}
