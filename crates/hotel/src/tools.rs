//! What the receptionist can do, as tools for a brain. Each tool is one file: its arguments, what it asks of the PMS, and its answer.

mod answer;
mod cancel_booking;
mod change_booking;
mod check_availability;
mod create_booking;
mod find_booking;
mod leave_message;
mod quote_change;
mod schema;
mod verify;

use std::sync::Arc;

use agent::Tool;
use cancel_booking::CancelBooking;
use change_booking::ChangeBooking;
use check_availability::CheckAvailability;
use create_booking::CreateBooking;
use find_booking::FindBooking;
use leave_message::LeaveMessage;
use quote_change::QuoteChange;
use store::Records;
use verify::Verifier;

use crate::Pms;

/// The tools for a property. What the PMS cannot do is not among them.
pub fn toolbox(pms: Arc<dyn Pms>, records: Arc<dyn Records>) -> Vec<Arc<dyn Tool>> {
    let capabilities = pms.capabilities();
    // One for all of them: a caller who guesses may not go on guessing with another tool.
    let verifier = Arc::new(Verifier::new(Arc::clone(&pms)));
    let mut tools: Vec<Arc<dyn Tool>> = vec![
        Arc::new(CheckAvailability { pms: Arc::clone(&pms) }),
        Arc::new(FindBooking { verifier: Arc::clone(&verifier) }),
        Arc::new(LeaveMessage { records }),
    ];
    if capabilities.idempotent_create {
        tools.push(Arc::new(CreateBooking { pms: Arc::clone(&pms) }));
    }
    if capabilities.change {
        tools.push(Arc::new(QuoteChange { pms: Arc::clone(&pms), verifier: Arc::clone(&verifier) }));
        tools.push(Arc::new(ChangeBooking { pms: Arc::clone(&pms), verifier: Arc::clone(&verifier) }));
    }
    if capabilities.cancel {
        tools.push(Arc::new(CancelBooking { pms, verifier }));
    }
    tools
}

#[cfg(test)]
mod tests;
