//! The two servers, each in a process of its own.

use crate::child::{tell, wait_for_the_end};
use crate::ours::Ours;
use crate::work::Work;
use anyhow::Context;
use axum::http::StatusCode;
use axum::routing::post;
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use sledger_server::{Config, Server};
use std::net::Ipv4Addr;
use std::path::Path;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// Serves a ledger with the full users of `work` until the parent is done; its port is the line told.
pub(crate) fn serve(folder: &Path, work: &Work) -> anyhow::Result<()> {
    let ours = Ours::filled(folder, work)?;
    let config = Config { listen: "127.0.0.1:0".to_owned(), ..Config::default() };
    runtime()?.block_on(async {
        let server = Server::bind(config, ours.ledger().clone()).await?;
        tell(&[server.local_addr().port().into()])?;
        server.run(the_end()).await.context("serve")
    })?;
    ours.close();
    Ok(())
}

/// A login, as far as it is sent.
#[derive(Deserialize)]
struct Login {
    user: String,
    session: String,
}

/// The least that can be answered.
#[derive(Serialize)]
struct Admitted {
    outcome: &'static str,
}

/// The peer: a body is read into a type, and an object written.
async fn empty(Json(login): Json<Login>) -> (StatusCode, Json<Admitted>) {
    std::hint::black_box((login.user, login.session));
    (StatusCode::CREATED, Json(Admitted { outcome: "admitted" }))
}

/// Serves the empty handler until the parent is done; its port is the line told.
pub(crate) fn serve_empty() -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        tell(&[listener.local_addr()?.port().into()])?;
        let listener = listener.tap_io(|stream| {
            // As ours; a socket that refuses is slower only.
            let _slower = stream.set_nodelay(true);
        });
        let router = Router::new().route("/v1/sessions", post(empty));
        axum::serve(listener, router).with_graceful_shutdown(the_end()).await.context("serve")
    })
}

/// As the command makes it.
fn runtime() -> anyhow::Result<Runtime> {
    Builder::new_multi_thread().enable_all().build().context("start a runtime")
}

/// Ready when the parent is done with this process.
async fn the_end() {
    // A panic of it is as good a reason to end.
    let _ended = tokio::task::spawn_blocking(wait_for_the_end).await;
}
