//! The demo.
use crate::checkout::Checkout;
use crate::error::TaskError;
pub(crate) enum Keep {
    Yes,
    No,
}
pub(crate) fn run(_checkout: &Checkout, _keep: Keep) -> Result<(), TaskError> {
    Ok(())
}
