//! `docker.rename`.

use bollard::query_parameters::RenameContainerOptionsBuilder;
use runbook_core::action::{
    Action, ActionSpec, Before, BoxFuture, Class, Cx, Failure, FailureKind, Outcome, OutputKind, OutputSpec, Outputs, Target, Verdict,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, QUICK, Settings, change};
use super::container::{BEFORE, Container, again, capture, missing, object, text_before};
use super::halt::{Run, outcome};
use super::names::ContainerName;

/// Gives a container another name. Where it has that name already, nothing is done.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rename {
    /// The container's name or id now.
    container: ContainerName,
    /// The name that it gets.
    to: ContainerName,
    /// Whether it is well that there is neither a container of the old name nor one of the new.
    #[serde(default)]
    missing_ok: bool,
    /// The Docker Engine; without it the machine's own.
    #[schemars(extend("x-target" = "docker"))]
    target: Option<Target<Settings>>,
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("id", OutputKind::String, "The container's id."),
        OutputSpec::new("name", OutputKind::String, "Its name now."),
        OutputSpec::new("former", OutputKind::String, "Its name before."),
    ],
    before: BEFORE,
    example: r#"docker.rename = { container = "obodc", to = "obodc-before-4.3.4" }"#,
    schema: runbook_core::described!(Rename, "docker.rename"),
    ..ActionSpec::of::<Rename>("rename", Class::IDEMPOTENT, "Gives a container another name.")
};

impl Rename {
    async fn go(&self, cx: Cx<'_>) -> Run<Outcome> {
        let client = Client::connect(self.target.as_ref()).await?;
        let holder = Container::find(cx, &client, self.to.as_str()).await?;
        let found = Container::find(cx, &client, self.container.as_str()).await?;
        match (found, holder) {
            (Some(found), Some(holder)) if found.id == holder.id && found.name == self.to.as_str() => {
                Ok(Outcome::unchanged(outputs(&found, &found.name)))
            }
            (Some(_), Some(holder)) => Err(taken(&holder, "to").into()),
            (Some(found), None) => {
                rename(cx, &client, &found, self.to.as_str()).await?;
                Ok(Outcome::changed(outputs(&Container { name: self.to.as_str().to_owned(), ..found.clone() }, &found.name)))
            }
            // Already so: an undo meets this where its step did not come to the renaming.
            (None, Some(holder)) => Ok(Outcome::unchanged(outputs(&holder, &holder.name))),
            (None, None) if self.missing_ok => Ok(Outcome::unchanged(object(json!({ "id": null, "name": null, "former": null })))),
            (None, None) => Err(missing(&client, &self.container).await.into()),
        }
    }
}

/// Has the engine give a container another name.
pub(super) async fn rename(cx: Cx<'_>, client: &Client, found: &Container, to: &str) -> Run<()> {
    let options = RenameContainerOptionsBuilder::new().name(to).build();
    let what = format!("rename the container `{}` to `{to}`", found.name);
    change(cx, &what, client.within(QUICK).rename_container(&found.id, options)).await
}

/// A name that another container has.
pub(super) fn taken(holder: &Container, field: &str) -> Failure {
    Failure::new(FailureKind::Conflict, format!("the name `{}` is taken by another container", holder.name))
        .field(field)
        .detail(format!("it is {}, of the image `{}`, {}", &holder.id.get(..12).unwrap_or(&holder.id), holder.image, holder.status))
        .help("rename that container (`docker.rename`), or remove it (`docker.remove`) if nobody needs it")
}

fn outputs(container: &Container, former: &str) -> Outputs {
    object(json!({ "id": container.id, "name": container.name, "former": former }))
}

impl Action for Rename {
    fn capture<'a>(&'a self, _cx: Cx<'a>) -> BoxFuture<'a, Result<Before, Failure>> {
        Box::pin(capture(self.target.as_ref(), &self.container))
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { outcome(self.go(cx).await) })
    }

    /// By its id, which a rename does not change: the name alone could belong to another by now.
    fn probe<'a>(&'a self, _cx: Cx<'a>, before: &'a Before) -> BoxFuture<'a, Verdict> {
        Box::pin(async {
            let former = text_before(before, "name").unwrap_or_default();
            match again(self.target.as_ref(), before, &self.container).await {
                Ok(now) if now.name == self.to.as_str() => Verdict::Done { outputs: outputs(&now, former), changed: former != now.name },
                Ok(_) => Verdict::NotDone,
                Err(verdict) => verdict,
            }
        })
    }
}
