//! What a live call is told from outside.

use tokio::sync::watch;

/// What all calls of a process are told when it stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Nothing special.
    #[default]
    GoOn,
    /// Store where the call stands and let go of it: it goes on on another instance.
    HandOver,
    /// Say a last sentence and hang up.
    SayGoodbye,
}

/// Waits until the order is another one than `seen`; for ever, when nobody can give orders any more. May be dropped and called again.
pub(crate) async fn changed(orders: &mut watch::Receiver<Order>, seen: Order) -> Order {
    let order = orders.wait_for(|order| *order != seen).await.map(|order| *order);
    match order {
        Ok(order) => order,
        Err(_) => std::future::pending().await,
    }
}
