//! A client that is reached through its guard only.

use std::fmt;
use std::sync::Arc;

use crate::{Begun, CallError, Classify, Guard, Rejected, Repeat};

/// The only road to an outside service: `inner` cannot be had without passing the guard.
pub struct Guarded<T: ?Sized> {
    inner: Arc<T>,
    guard: Guard,
}

impl<T: ?Sized> Guarded<T> {
    /// Puts a client behind a guard. Done where the program is wired, and nowhere else.
    pub fn new(inner: Arc<T>, guard: Guard) -> Self {
        Self { inner, guard }
    }

    /// Makes a call; see [`Guard::call`].
    pub async fn call<R, E, F>(&self, what: &'static str, repeat: Repeat, mut work: impl FnMut(Arc<T>) -> F) -> Result<R, CallError<E>>
    where
        E: Classify,
        F: Future<Output = Result<R, E>>,
    {
        self.guard.call(what, repeat, || work(Arc::clone(&self.inner))).await
    }

    /// Begins something longer than a call, such as a stream; see [`Guard::begin`].
    pub async fn begin(&self) -> Result<(Arc<T>, Begun), Rejected> {
        let begun = self.guard.begin().await?;
        Ok((Arc::clone(&self.inner), begun))
    }
}

impl<T: ?Sized> Clone for Guarded<T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), guard: self.guard.clone() }
    }
}

impl<T: ?Sized> fmt::Debug for Guarded<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Guarded").field(&self.guard).finish()
    }
}
