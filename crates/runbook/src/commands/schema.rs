//! `runbook schema`.

use runbook_core::schema::runbook_schema;

use crate::exit::Exit;
use crate::streams::Streams;

/// Prints the JSON schema of runbooks.
pub(crate) fn run(streams: &mut Streams) -> Exit {
    let schema = runbook_schema(&runbook_executors::registry());
    streams.out.line(format_args!("{schema:#}"));
    Exit::Done
}
