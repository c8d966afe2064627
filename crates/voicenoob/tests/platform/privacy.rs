//! Personal data and secrets: they are in the records they belong to, and nowhere else.

mod age;
mod callers;
mod canary;
mod masked;
mod people;
mod places;
mod sealing;
mod stage;

use anyhow::{Context, Result, ensure};

use places::Places;
use stage::Stage;
use store::Database;
use testkit::ApiClient;
use testkit::postgres::PostgresServer;

/// What comes in by calls and the API is looked for in everything the program leaves anywhere.
async fn nothing_strays(format: &str, database_url: Option<&str>) -> Result<(Stage, ApiClient)> {
    let mut stage = Stage::open(format, database_url).await?;
    callers::all(&mut stage).await?;
    let admin = people::all(&mut stage).await?;
    stage.look().await?;
    let missing = stage.places.missing(&stage.canaries);
    ensure!(missing.is_empty(), "these should be in the records: {missing:?}");
    stage.expect_clean()?;
    callers::given_out_and_erased(&mut stage, &admin).await?;
    Ok((stage, admin))
}

#[tokio::test]
async fn canaries_are_in_the_records_and_nowhere_else() -> Result<()> {
    let (mut stage, _) = nothing_strays("json", None).await?;
    stage.look().await?;
    stage.expect_clean()?;
    // The file itself, with all it has freed: what was erased is not in it any more.
    let Stage { server, canaries, .. } = stage;
    let left = server.stop().await?;
    let mut files = Places::default();
    files.files(left.data.path())?;
    let erased: Vec<_> = canaries.into_iter().filter(|canary| canary.name == "the caller's number").map(canary::Canary::erased).collect();
    let strays = files.strays(&erased);
    ensure!(erased.len() == 1 && strays.is_empty(), "erased, and still there: {strays:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn canaries_are_not_in_a_log_for_people_either_nor_in_errors_of_a_database_that_is_away() -> Result<()> {
    let mut postgres = PostgresServer::start().await?;
    let url = postgres.database().await?;
    Database::migrate(&url).await?;
    let (mut stage, admin) = nothing_strays("pretty", Some(&url)).await?;
    let password = url.split(['@', ':']).nth(2).context("no password in the address")?;
    stage.secret("the database's password", &format!(":{password}@"));
    postgres.crash().await?;
    callers::in_an_outage(&mut stage, &admin).await?;
    postgres.start_again().await?;
    let database = Database::connect(&url).await?;
    database.close().await;
    stage.look().await?;
    stage.expect_clean()
}
