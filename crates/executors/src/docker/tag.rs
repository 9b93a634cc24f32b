//! `docker.tag`.

use bollard::query_parameters::TagImageOptionsBuilder;
use runbook_core::action::{
    Action, ActionSpec, Before, BoxFuture, Class, Cx, Failure, FailureKind, FieldFault, Outcome, OutputKind, OutputSpec, Outputs, Target,
    Verdict,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, QUICK, Settings, change};
use super::container::{object, text_before};
use super::failure;
use super::halt::{Run, outcome};
use super::inspect::{find_image, missing_image};
use super::names::ImageName;

/// Gives an image another name. Where the name stands for it already, nothing is done.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Tag {
    /// The image's name or id.
    image: ImageName,
    /// The name that it gets beside its others, with a tag: `oceanbase/odc:before-4.3.4`.
    to: ImageName,
    /// Whether a name that stands for another image may be taken from it. Without it that is a failure.
    #[serde(default)]
    r#move: bool,
    /// The Docker Engine; without it the machine's own.
    #[schemars(extend("x-target" = "docker"))]
    target: Option<Target<Settings>>,
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("id", OutputKind::String, "The image's id."),
        OutputSpec::new("name", OutputKind::String, "The name that it has now."),
        OutputSpec::new("former", OutputKind::String, "The id that the name stood for before; null where it stood for none."),
    ],
    before: &[OutputSpec::new("former", OutputKind::String, "The id that the name stood for; null where it stood for none.")],
    example: r#"docker.tag = { image = "oceanbase/odc:4.2.4", to = "oceanbase/odc:before-4.3.4" }"#,
    schema: runbook_core::described!(Tag, "docker.tag"),
    ..ActionSpec::of::<Tag>("tag", Class::IDEMPOTENT, "Gives an image another name.")
};

impl Tag {
    async fn go(&self, cx: Cx<'_>) -> Run<Outcome> {
        let client = Client::connect(self.target.as_ref()).await?;
        let Some(id) = find_image(cx, &client, self.image.as_str()).await?.and_then(|image| image.id) else {
            return Err(missing_image(&self.image).into());
        };
        let former = find_image(cx, &client, self.to.as_str()).await?.and_then(|image| image.id);
        match &former {
            Some(former) if *former == id => return Ok(Outcome::unchanged(self.outputs(&id, Some(former)))),
            Some(former) if !self.r#move => {
                let failure = Failure::new(FailureKind::Conflict, format!("the name `{}` stands for another image", self.to.as_str()));
                return Err(failure.field("to").detail(format!("it is {former}")).help("take another name, or write `move = true`").into());
            }
            Some(_) | None => {}
        }
        let (repo, tag) = parts(self.to.as_str());
        let options = TagImageOptionsBuilder::new().repo(repo).tag(tag.unwrap_or("latest")).build();
        let what = format!("give the image `{}` the name `{}`", self.image.as_str(), self.to.as_str());
        change(cx, &what, client.within(QUICK).tag_image(&id, Some(options))).await?;
        Ok(Outcome::changed(self.outputs(&id, former.as_deref())))
    }

    fn outputs(&self, id: &str, former: Option<&str>) -> Outputs {
        object(json!({ "id": id, "name": self.to.as_str(), "former": former }))
    }

    async fn id(&self, client: &Client, name: &ImageName) -> Result<Option<String>, Failure> {
        match client.quick().inspect_image(name.as_str()).await {
            Ok(found) => Ok(found.id),
            Err(error) if failure::is_missing(&error) => Ok(None),
            Err(error) => Err(failure::of(&error, &format!("inspect the image `{}`", name.as_str()))),
        }
    }

    async fn verdict(&self, before: &Before) -> Result<Verdict, Failure> {
        let client = Client::connect(self.target.as_ref()).await?;
        let (image, now) = (self.id(&client, &self.image).await?, self.id(&client, &self.to).await?);
        let former = text_before(before, "former");
        Ok(match now {
            Some(now) if image.as_ref() == Some(&now) => {
                Verdict::Done { changed: former != Some(&now), outputs: self.outputs(&now, former) }
            }
            Some(_) | None => Verdict::NotDone,
        })
    }
}

/// Repository and tag. A colon before the last slash belongs to the host's port.
pub(super) fn parts(name: &str) -> (&str, Option<&str>) {
    let last = name.rfind('/').map_or(0, |slash| slash + 1);
    match name[last..].find(':') {
        Some(colon) => (&name[..last + colon], Some(&name[last + colon + 1..])),
        None => (name, None),
    }
}

impl Action for Tag {
    fn validate(&self) -> Vec<FieldFault> {
        let to = self.to.as_str();
        if to.contains('@') || to.starts_with("sha256:") {
            return vec![FieldFault::new("to", "is a digest, which no image can be given").help("write a name with a tag")];
        }
        Vec::new()
    }

    fn capture<'a>(&'a self, _cx: Cx<'a>) -> BoxFuture<'a, Result<Before, Failure>> {
        Box::pin(async {
            let client = Client::connect(self.target.as_ref()).await?;
            Ok(Before(object(json!({ "former": self.id(&client, &self.to).await? }))))
        })
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { outcome(self.go(cx).await) })
    }

    fn probe<'a>(&'a self, _cx: Cx<'a>, before: &'a Before) -> BoxFuture<'a, Verdict> {
        Box::pin(async move { self.verdict(before).await.unwrap_or_else(|failure| Verdict::Unknown { why: failure.message }) })
    }
}
