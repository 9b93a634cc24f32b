//! Generated files.
use crate::checkout::Checkout;
use crate::error::TaskError;
pub(crate) enum Mode {
    Write,
    Check,
}
pub(crate) fn run(_checkout: &Checkout, _mode: Mode) -> Result<(), TaskError> {
    Ok(())
}
