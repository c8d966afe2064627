//! The key that seals is replaced while the server runs, and nothing that was sealed is lost.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use secrets::{KeyFile, Sealer};
use serde_json::json;
use store::Database;
use testkit::{ADMINISTRATOR, Server};
use totp_rs::Totp;

use crate::{program, until};

async fn run(server: &Server, arguments: &[&str]) -> Result<(bool, String)> {
    let output = server.command(arguments).output().await?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

#[tokio::test]
async fn after_what_it_sealed_is_sealed_again_an_old_key_may_go() -> Result<()> {
    let server = Server::start(program()).await?;
    let admin = server.administrator().await?;
    let vendor = json!({ "value": "sk-provider-key-of-this-story" });
    for provider in ["openai", "deepgram"] {
        let (status, answer) = admin.send(Method::PUT, &format!("/api/v1/settings/providers/{provider}"), Some(&vendor)).await?;
        ensure!(status.is_success(), "{answer}");
    }
    let tool = json!({ "kind": "mcp", "url": "https://tools.example.com/mcp", "auth": { "type": "bearer" } });
    admin.post("/api/v1/tools", &json!({ "name": "shop_tools", "definition": tool, "secret": "a tool's secret of this story" })).await?;
    let setup = admin.post("/api/v1/auth/totp", &json!({ "password": ADMINISTRATOR.1 })).await?;
    let app = Totp::from_url(setup["url"].as_str().context("no address for the app")?)?;
    admin.post("/api/v1/auth/totp/confirm", &json!({ "code": app.generate_current().to_string() })).await?;

    let (_, listed) = run(&server, &["secrets", "list"]).await?;
    let old = listed.lines().find_map(|line| line.strip_prefix("sealing")?.split_whitespace().next()).context("no sealing key")?.to_owned();
    let (refused, said) = run(&server, &["secrets", "retire-sealing", &old]).await?;
    ensure!(!refused && said.contains("2 keys of providers, 1 second factors, 1 secrets of tools"), "{said}");
    let (rotated, said) = run(&server, &["secrets", "rotate-sealing"]).await?;
    ensure!(rotated, "{said}");
    let (refused, said) = run(&server, &["secrets", "retire-sealing", &old]).await?;
    ensure!(!refused && said.contains("2 keys of providers, 1 second factors, 1 secrets of tools"), "{said}");
    let (resealed, said) = run(&server, &["secrets", "reseal"]).await?;
    ensure!(resealed && said.contains("2 keys of providers, 1 second factors, 1 secrets of tools"), "{said}");
    let (again, said) = run(&server, &["secrets", "reseal"]).await?;
    ensure!(again && said.contains("0 keys of providers, 0 second factors, 0 secrets of tools"), "once is enough: {said}");
    // Not before every running program knows the new key.
    until("the old key may go", async || Ok(run(&server, &["secrets", "retire-sealing", &old]).await?.0.then_some(()))).await?;
    let (_, listed) = run(&server, &["secrets", "list"]).await?;
    ensure!(!listed.contains(&old), "{listed}");

    // The server that was running opens the second factor with a key it was not started with.
    let login = json!({ "email": ADMINISTRATOR.0, "password": ADMINISTRATOR.1 });
    let first = server.http().post(server.url().join("/api/v1/auth/login")?).json(&login).send().await?;
    let ticket: serde_json::Value = first.json().await?;
    let code = app.generate(u64::try_from(jiff::Timestamp::now().as_second())? + 30).to_string();
    let step = json!({ "ticket": ticket["ticket"], "code": code });
    let second = server.http().post(server.url().join("/api/v1/auth/second-factor")?).json(&step).send().await?;
    ensure!(second.status().is_success(), "{}", second.text().await?);

    let (keys, database) = (KeyFile::load(&server.data_dir().join("secrets.toml"))?, Database::open(server.data_dir()).await?);
    let sealed = store::sealed::provider_keys(&database, None).await?;
    ensure!(sealed.len() == 2);
    for key in sealed {
        let (tenant, provider) = &key.whose;
        let plain = keys.open(&format!("provider-key:{tenant}:{provider}"), &key.value).await?;
        ensure!(plain.as_slice() == b"sk-provider-key-of-this-story");
    }
    let tools = store::sealed::tools(&database, None).await?;
    ensure!(tools.len() == 1);
    let (tenant, tool) = tools[0].whose;
    ensure!(keys.open(&format!("tool:{tenant}:{tool}"), &tools[0].value).await?.as_slice() == b"a tool's secret of this story");
    database.close().await;
    server.stop().await?;
    Ok(())
}
