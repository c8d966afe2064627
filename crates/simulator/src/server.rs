//! The listener that all vendors share.

use std::net::SocketAddr;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::{Behaviour, Ears, Journal, Mind, Mouth, Plan, Seen, SimulatorError, Vendor, control, vendors};

/// What a simulator is started with.
pub struct Config {
    /// Where it listens; port 0 takes a free one.
    pub address: SocketAddr,
    /// Where Riva's gRPC listens; port 0 takes a free one.
    pub riva: SocketAddr,
    /// Voices.
    pub mouth: Mouth,
    /// Ears.
    pub ears: Ears,
    /// Mind.
    pub mind: Mind,
}

/// What every vendor works with. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) plan: Plan,
    pub(crate) mouth: Mouth,
    pub(crate) ears: Ears,
    pub(crate) mind: Mind,
    pub(crate) journal: Journal,
    /// Cancelled when the simulator stops.
    pub(crate) stop: CancellationToken,
}

/// Simulated vendors at work. Dropped, they stop, and every connection breaks.
pub struct Simulator {
    address: SocketAddr,
    riva: SocketAddr,
    stage: Stage,
}

impl Simulator {
    /// Starts all vendors.
    pub async fn start(config: Config) -> Result<Self, SimulatorError> {
        let listener = bind(config.address).await?;
        let address = listener.local_addr().map_err(|source| SimulatorError::Listen { address: config.address, source })?;
        let (mouth, ears, mind) = (config.mouth, config.ears, config.mind);
        let stage = Stage { plan: Plan::default(), mouth, ears, mind, journal: Journal::default(), stop: CancellationToken::new() };
        let riva = vendors::riva::start(config.riva, stage.clone()).await?;
        let router = Router::new().merge(control::router(&stage)).merge(vendors::router(&stage));
        let stop = stage.stop.clone();
        // Vendors do not hold small pieces back for 40 ms; one that cannot be told so is only slower.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        tokio::spawn(async move {
            let serving = axum::serve(listener, router);
            tokio::select! {
                served = serving => if let Err(fault) = served { error!(error = %fault, "the simulator's listener failed") },
                () = stop.cancelled() => {}
            }
        });
        Ok(Self { address, riva, stage })
    }

    /// A simulator on free ports of this machine that hums, hears the script and follows it: for tests.
    pub async fn quick() -> Result<Self, SimulatorError> {
        let mind = Mind::built_in()?;
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::start(Config { address: local, riva: local, mouth: Mouth::Hum, ears: Ears::script(mind.callers()), mind }).await
    }

    /// The base address of a vendor.
    pub fn url(&self, vendor: Vendor) -> String {
        vendor.base_url(if vendor == Vendor::Riva { self.riva } else { self.address })
    }

    /// Where behaviour is seen and changed over HTTP.
    pub fn control_url(&self) -> String {
        format!("http://{}/simulator", self.address)
    }

    /// Changes how a vendor behaves, in streams that last a call too.
    pub fn strike(&self, vendor: Vendor, behaviour: Behaviour) {
        self.stage.plan.strike(vendor, behaviour);
    }

    /// Changes how a vendor behaves, from its next request on.
    pub fn behave(&self, vendor: Vendor, behaviour: Behaviour) {
        self.stage.plan.behave(vendor, behaviour);
    }

    /// When what happened at Deepgram's ears, OpenAI's chat completions and ElevenLabs' HTTP streams.
    pub fn journal(&self) -> &Journal {
        &self.stage.journal
    }

    /// What was seen of a vendor's users.
    pub fn seen(&self, vendor: Vendor) -> Seen {
        self.stage.plan.seen(vendor)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stage.stop.cancel();
    }
}

pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, SimulatorError> {
    TcpListener::bind(address).await.map_err(|source| SimulatorError::Listen { address, source })
}
