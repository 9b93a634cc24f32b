//! From a call with templates in it to an action with values.
//!
//! Every field is rendered twice in one pass: as the action gets it, and as it may be shown, with each secret replaced by where it comes from
//! (`‹vars.metadb_password›`). Plans, the journal and digests see only the latter.

mod fields;
mod find;
mod preview;
mod texts;

#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::action::{Action, FieldFault, LeaseStore};
use crate::digest::Digest;
use crate::runbook::{ActionCall, Field, Runbook, TargetDecl};
use crate::scope::Scope;
use crate::secret::{Masker, SHORTEST_MASKED, Secret, reference};

pub use find::{locate, refs, unresolved};
pub use preview::{Preview, preview};

/// An action with all its values.
pub struct Prepared {
    /// Ready to be carried out.
    pub action: Box<dyn Action>,
    /// Its fields as they may be shown.
    pub public: Value,
    /// What must never be shown, by the expression it came from; the masker's business.
    pub secrets: Vec<(String, Secret)>,
    /// What others will see of it, by the path of the field. None of it is known to come from a secret; whether it holds one all the same (a program printed it)
    /// is for the caller to find out.
    seen: Vec<(String, String)>,
    /// `EXECUTOR.ACTION`.
    name: String,
}

impl Prepared {
    /// The digest of what may be shown: two actions with the same digest differ in secrets at most. Masks the public fields before, since what a program
    /// printed may hold a secret that nobody put there.
    ///
    /// # Errors
    ///
    /// The fields in which others would see a secret.
    pub fn masked(&mut self, masker: &Masker) -> Result<Digest, Vec<FieldFault>> {
        masker.json(&mut self.public);
        let faults: Vec<_> = self.seen.iter().filter(|(_, text)| masker.finds(text)).map(|(path, _)| fields::exposed(path)).collect();
        if faults.is_empty() { Ok(digest("render1", &self.name, &self.public)) } else { Err(faults) }
    }
}

/// Renders a call's fields and builds its action.
///
/// # Errors
///
/// All faults, by the path of the field ([`locate`] gives its place): a name without a value, a value that does not fit, and what the action itself
/// says about its values.
pub fn prepare(call: &ActionCall, targets: &[TargetDecl], scope: &Scope) -> Result<Prepared, Vec<FieldFault>> {
    let mut rendering = fields::Rendering::new(targets, scope).exposing(&call.exposed);
    let both = rendering.field(&call.fields, "");
    if !rendering.faults.is_empty() {
        return Err(rendering.faults);
    }
    let fields::Rendering { secrets, seen, .. } = rendering;
    let action = (call.spec.build)(both.real).map_err(|faults| masked(faults, &secrets))?;
    Ok(Prepared { action, public: both.public, secrets, seen, name: name(call) })
}

/// A place for locks, with all its values.
pub struct PreparedStore {
    /// Ready to be asked.
    pub store: Box<dyn LeaseStore>,
    /// What must never be shown, by the expression it came from.
    pub secrets: Vec<(String, Secret)>,
}

/// Renders the settings of the target in which a runbook's locks are kept; none where it has no `[lock_store]`. The runbook is the one that says where,
/// be it a called one.
///
/// # Errors
///
/// All faults, by the path of the field in the target's settings.
pub fn lease_store(runbook: &Runbook, scope: &Scope) -> Result<Option<PreparedStore>, Vec<FieldFault>> {
    let Some(written) = &runbook.lock_store else { return Ok(None) };
    let target = runbook.targets.get(written.target);
    let Some((target, build)) = target.and_then(|target| Some((target, target.spec.leases?))) else {
        return Err(vec![FieldFault::new("", "the target of `[lock_store]` cannot keep locks")]);
    };
    let mut rendering = fields::Rendering::new(&runbook.targets, scope);
    let both = rendering.field(&target.settings, "");
    if !rendering.faults.is_empty() {
        return Err(rendering.faults);
    }
    let secrets = rendering.secrets;
    match build(both.real, &written.database) {
        Ok(store) => Ok(Some(PreparedStore { store, secrets })),
        Err(faults) => Err(masked(faults, &secrets)),
    }
}

/// What an action says about its values may quote them.
fn masked(faults: Vec<FieldFault>, secrets: &[(String, Secret)]) -> Vec<FieldFault> {
    let masker = Masker::new(secrets.iter().map(|(name, secret)| (name.as_str(), secret.reveal())));
    let mask = |text: String| {
        let mut text = masker.text(&text);
        // Too short to be looked for anywhere else; where a message quotes it, it stands alone.
        for (name, secret) in secrets.iter().filter(|(_, secret)| (1..SHORTEST_MASKED).contains(&secret.reveal().len())) {
            for quote in ['"', '`', '\''] {
                text = text.replace(&format!("{quote}{}{quote}", secret.reveal()), &reference(name));
            }
        }
        text
    };
    faults.into_iter().map(|fault| FieldFault { message: mask(fault.message), help: fault.help.map(&mask), ..fault }).collect()
}

/// Renders a tree of fields that belongs to no action; what is faulty is null.
pub(crate) fn values(field: &Field, targets: &[TargetDecl], scope: &Scope) -> (Value, Vec<FieldFault>) {
    let mut rendering = fields::Rendering::new(targets, scope);
    let both = rendering.field(field, "");
    (both.real, rendering.faults)
}

/// `EXECUTOR.ACTION`.
fn name(call: &ActionCall) -> String {
    format!("{}.{}", call.executor, call.spec.name)
}

/// The digest of an action's name and public fields.
fn digest(recipe: &str, name: &str, public: &Value) -> Digest {
    Digest::of_json(recipe, &json!({ "action": name, "fields": public }))
}
