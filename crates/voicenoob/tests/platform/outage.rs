//! PostgreSQL goes and comes back while people work.

mod books;
mod clients;
mod lost_answer;
mod pool;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Result, ensure};
use call::Carrier;
use dial::Script;
use store::{Database, query};
use testkit::postgres::PostgresServer;
use testkit::{ApiClient, CuttingProxy, Server};

use self::books::Books;
use self::clients::Office;
use crate::program;

/// The program waits so long for a connection, seconds; set short, for every request of an outage waits so long.
const ACQUIRE: u64 = 1;

/// What is committed outlives a crash, as it does where PostgreSQL is not set up for short tests.
const LASTING: &str = "ALTER ROLE CURRENT_USER SET synchronous_commit = on";

/// A server, its PostgreSQL, and the line between them.
struct Place {
    server: Server,
    postgres: PostgresServer,
    /// Of the database, without the line.
    url: String,
    line: CuttingProxy,
}

impl Place {
    async fn start(settings: &[(&str, &str)]) -> Result<Self> {
        let postgres = PostgresServer::start().await?;
        let url = postgres.database().await?;
        let direct = SocketAddr::from((Ipv4Addr::LOCALHOST, postgres.port()));
        let line = CuttingProxy::start(direct).await?;
        Database::migrate(&url).await?;
        let direct_way = Database::connect(&url).await?;
        query(LASTING).execute(direct_way.writer()).await?;
        direct_way.close().await;
        let over_line = url.replace(&direct.to_string(), &line.address().to_string());
        let acquire = ACQUIRE.to_string();
        let own = [("DATABASE_URL", over_line.as_str()), ("DATABASE_ACQUIRE_TIMEOUT", &acquire), ("LOG_LEVEL", "off")];
        let server = Server::start_with(program(), &[&own, settings].concat()).await?;
        Ok(Self { server, postgres, url, line })
    }
}

async fn verified(server: &Server) -> Result<()> {
    let verify = server.command(&["audit", "verify"]).output().await?;
    ensure!(verify.status.success(), "{}{}", String::from_utf8_lossy(&verify.stdout), String::from_utf8_lossy(&verify.stderr));
    Ok(())
}

/// Told at once that it cannot be done now; once it can be, everything works without a restart, and nothing is half done or done twice.
#[tokio::test(flavor = "multi_thread")]
async fn postgresql_crashes_stops_and_falls_silent_under_load_and_nothing_is_half_done() -> Result<()> {
    let mut place = Place::start(&[]).await?;
    let ann = place.server.administrator().await?;
    let mut office = Office::open(&ann).await?;
    office.works("before").await?;

    place.postgres.crash().await?;
    office.is_refused("after the crash").await?;
    place.postgres.start_again().await?;
    office.works("after the crash").await?;

    place.postgres.stop().await?;
    office.is_refused("after the stop").await?;
    place.postgres.start_again().await?;
    office.works("after the stop").await?;

    place.line.freeze();
    office.is_refused("while the line is frozen").await?;
    place.line.heal().await;
    office.works("after the line was frozen").await?;

    let told = office.close().await?;
    ensure!(told.wrong.is_empty(), "{} wrong answers:\n{}", told.wrong.len(), told.wrong.join("\n"));
    Books::read(&ann).await?.agree(&told)?;
    verified(&place.server).await?;
    place.server.call(Script::saying(Carrier::Twilio, ["what time is breakfast"])).await?;
    Ok(())
}

/// How many API keys have this name.
async fn named(client: &ApiClient, name: &str) -> Result<usize> {
    Ok(Books::read(client).await?.keys.iter().filter(|(_, key)| *key == name).count())
}

/// A deadline for what must happen on a busy machine at some time.
const LONG: Duration = Duration::from_secs(30);
