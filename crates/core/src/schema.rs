//! What is published about the format, generated from the same types that the decoder holds a file against: the JSON Schema for editors, and the
//! reference for people.

mod publish;
mod reference;
mod types;

pub use publish::runbook_schema;
pub use reference::reference;
pub use types::types;
