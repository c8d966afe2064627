//! What live calls are told from outside: go on, move to another instance, say goodbye.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use call::CallId;
use session::Order;
use tokio::sync::watch;

/// Every live call's orders.
#[derive(Clone, Default)]
pub struct Orders(Arc<Mutex<Table>>);

#[derive(Default)]
struct Table {
    calls: HashMap<CallId, Entry>,
    last: u64,
    /// What was told to all who waited, and to all who talked: who comes later is told the same.
    to_waiting: Order,
    to_talking: Order,
}

struct Entry {
    serial: u64,
    waiting: bool,
    /// The call goes on over another instance's stream.
    gone: bool,
    order: watch::Sender<Order>,
}

/// A call's place in the table; dropping it takes the call out.
pub(crate) struct Ordered {
    table: Orders,
    id: CallId,
    serial: u64,
}

impl Orders {
    /// Enters a call. The same call on an earlier stream, should there be one, is told to let go: it has come back on this one.
    pub(crate) fn enter(&self, id: CallId, waiting: bool) -> (watch::Receiver<Order>, Ordered) {
        let mut table = self.lock();
        let (order, orders) = watch::channel(table.standing(waiting));
        table.last += 1;
        let serial = table.last;
        if let Some(earlier) = table.calls.insert(id, Entry { serial, waiting, gone: false, order }) {
            earlier.order.send_replace(Order::HandOver);
        }
        (orders, Ordered { table: self.clone(), id, serial })
    }

    /// Tells all calls that wait, or all that talk, and those that come later.
    pub(crate) fn tell(&self, waiting: bool, order: Order) {
        let mut table = self.lock();
        if waiting {
            table.to_waiting = order;
        } else {
            table.to_talking = order;
        }
        for entry in table.calls.values().filter(|entry| entry.waiting == waiting) {
            entry.order.send_replace(order);
        }
    }

    /// The call goes on over another instance's stream: the one here is to let go of it.
    pub(crate) fn let_go(&self, id: CallId) {
        if let Some(entry) = self.lock().calls.get_mut(&id) {
            entry.gone = true;
            entry.order.send_replace(Order::HandOver);
        }
    }

    /// True while the call has not come back on another stream than the one of this number.
    fn is_current(&self, id: CallId, serial: u64) -> bool {
        self.lock().calls.get(&id).is_some_and(|entry| entry.serial == serial && !entry.gone)
    }

    /// The stop is called off: who comes now may stay. What somebody was told already is being done.
    pub(crate) fn go_on(&self) {
        let mut table = self.lock();
        (table.to_waiting, table.to_talking) = (Order::GoOn, Order::GoOn);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn standing(&self, waiting: bool) -> Order {
        if waiting { self.to_waiting } else { self.to_talking }
    }
}

impl Ordered {
    /// The caller who waited talks with an agent now.
    pub(crate) fn served(&self) {
        let mut table = self.table.lock();
        let standing = table.to_talking;
        if let Some(entry) = table.calls.get_mut(&self.id)
            && entry.serial == self.serial
        {
            entry.waiting = false;
            if standing != Order::GoOn {
                entry.order.send_replace(standing);
            }
        }
    }

    /// True while the call has not come back on another stream.
    pub(crate) fn is_current(&self) -> bool {
        self.table.is_current(self.id, self.serial)
    }

    /// True when the call has come back on another stream here.
    pub(crate) fn is_replaced(&self) -> bool {
        self.table.lock().calls.get(&self.id).is_some_and(|entry| entry.serial != self.serial)
    }

    /// [`Self::is_current`] for whoever outlives this place.
    pub(crate) fn watcher(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        let (table, id, serial) = (self.table.clone(), self.id, self.serial);
        move || table.is_current(id, serial)
    }
}

impl Drop for Ordered {
    fn drop(&mut self) {
        let mut table = self.table.lock();
        if table.calls.get(&self.id).is_some_and(|entry| entry.serial == self.serial) {
            table.calls.remove(&self.id);
        }
    }
}
