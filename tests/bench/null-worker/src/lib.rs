//! Answers at once, or after one read of a database: the two costs that no Worker can avoid.
use worker::{Context, Env, Request, Response, Result, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, _: Context) -> Result<Response> {
    if request.path() == "/d1" {
        let one: Option<i32> = env.d1("DIRECTORY")?.prepare("select 1 as one").first(Some("one")).await?;
        return Response::ok(format!("{{\"one\":{}}}", one.unwrap_or_default()));
    }
    Response::ok("{\"status\":\"ok\"}")
}
