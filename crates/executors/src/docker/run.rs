//! `docker.run`.
//!
//! What it creates carries the labels of the run and the step: they prove the creation to a later look, in this process or another. A container that this
//! very step left behind in an earlier attempt is used or made anew; one that anybody else made is never touched.

mod body;
mod like;
mod options;

pub(super) use self::body::{bytes, nano};

use std::time::Duration as Span;

use bollard::models::NetworkConnectRequest;
use bollard::query_parameters::CreateContainerOptionsBuilder;
use runbook_core::action::{
    Action, ActionSpec, Before, BoxFuture, CancelKind, Class, Cx, Failure, FieldFault, Outcome, Residue, Settled, Stream, Verdict,
};

use self::like::Copied;
pub(super) use self::options::{Run as Fields, Written};
use super::client::{Client, SLOW, change};
use super::container::{BEFORE, Container, capture, started};
use super::halt::{Halt, Run, outcome};
use super::inspect::{find_image, missing_image};
use super::labels;
use super::remove::remove;
use super::rename::taken;
use super::start::{STARTED, start};
use super::watch::stays_up;

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: STARTED,
    before: BEFORE,
    example: r#"docker.run = { image = "oceanbase/odc:4.3.4", name = "obodc", network = "host", memory = "8GiB", env = { DATABASE_HOST = "10.0.0.7" } }"#,
    schema: runbook_core::described!(Fields, "docker.run"),
    ..ActionSpec::of::<Fields>("run", Class::IDEMPOTENT, "Creates a container, starts it, and watches that it stays up.")
};

impl Fields {
    async fn go(&self, cx: Cx<'_>) -> Run<Outcome> {
        let client = Client::connect(self.target.as_ref()).await?;
        if let Some(holder) = Container::find(cx, &client, self.name.as_str()).await? {
            if !labels::by_this_step(cx, holder.labels()) {
                return Err(taken(&holder, "name").into());
            }
            if holder.running && !holder.restarting {
                return self.watched(cx, &client, &holder.id).await;
            }
            let note =
                format!("an earlier attempt left the container `{}` behind, which {}: it is made anew\n", holder.name, holder.ending());
            cx.output(Stream::Stderr, note.as_bytes());
            remove(cx, &client, &holder, true, false).await?;
        }
        if find_image(cx, &client, self.image.as_str()).await?.is_none() {
            return Err(missing_image(&self.image).into());
        }
        let id = Box::pin(self.make(cx, &client, [])).await?;
        if let Err(halt) = start(cx, &client, &id, self.name.as_str()).await {
            return Err(self.take_back(cx, &client, &id, halt).await);
        }
        self.watched(cx, &client, &id).await
    }

    /// Creates it, not started, with labels beside those of every container. Gives its id.
    pub(super) async fn make(&self, cx: Cx<'_>, client: &Client, marks: impl IntoIterator<Item = (String, String)>) -> Run<String> {
        let copied = self.copied(cx, client).await?;
        let mut copied = self.body(copied);
        copied.body.labels.get_or_insert_default().extend(marks);
        self.create(cx, client, copied).await
    }

    /// Watches what was started.
    async fn watched(&self, cx: Cx<'_>, client: &Client, id: &str) -> Run<Outcome> {
        let up = stays_up(cx, client, id, self.stays_up.get()).await.map_err(|halt| halt.after(Residue::Partial))?;
        Ok(Outcome::changed(started(&up)))
    }

    /// The settings of the container that it is to be like.
    async fn copied(&self, cx: Cx<'_>, client: &Client) -> Run<Copied> {
        let Some(name) = &self.like else { return Ok(Copied::default()) };
        let Some(old) = Container::find(cx, client, name.as_str()).await? else {
            return Err(super::container::missing(client, name).await.field("like").into());
        };
        let Some(image) = find_image(cx, client, &old.image_id).await? else {
            let failure = Failure::new(
                runbook_core::action::FailureKind::NotFound,
                format!(
                    "the image of the container `{name}` is not on this host any more, so its settings cannot be told from the container's own"
                ),
            );
            return Err(failure.field("like").help("load that image again, or write all settings instead of `like`").into());
        };
        Ok(like::settings(&old.raw, &image.config.unwrap_or_default()))
    }

    /// Creates it and connects it to its networks; it does not run yet. Gives its id.
    async fn create(&self, cx: Cx<'_>, client: &Client, settings: Copied) -> Run<String> {
        let Copied { mut body, later } = settings;
        body.labels.get_or_insert_default().extend(labels::of(cx));
        let options = CreateContainerOptionsBuilder::new().name(self.name.as_str()).build();
        let what = format!("create the container `{}`", self.name);
        let created =
            change(cx, &what, client.within(SLOW).create_container(Some(options), body)).await.map_err(|halt| self.explained(halt))?;
        for warning in created.warnings {
            cx.output(Stream::Stderr, format!("{warning}\n").as_bytes());
        }
        for (network, endpoint) in later {
            let what = format!("connect the container `{}` to the network `{network}`", self.name);
            let request = NetworkConnectRequest { container: created.id.clone(), endpoint_config: Some(endpoint) };
            let Some(network) = super::forms::Network::parse(&network) else { continue };
            if let Err(halt) = change(cx, &what, client.quick().connect_network(&network.0, request)).await {
                return Err(self.take_back(cx, client, &created.id, halt).await);
            }
        }
        if cx.cancel_requested().is_some() {
            return Err(self.take_back(cx, client, &created.id, Halt::told()).await);
        }
        Ok(created.id)
    }

    /// Removes what was created and never ran: nothing can be lost with it. Where that fails too, it is said.
    async fn take_back(&self, cx: Cx<'_>, client: &Client, id: &str, halt: Halt) -> Halt {
        if cx.cancel_requested() == Some(CancelKind::Kill) {
            return halt.after(Residue::Partial);
        }
        let found = match Container::look(client, id).await {
            Ok(Some(found)) if !found.running => found,
            Ok(None) => return Halt { residue: Residue::None, ..halt },
            Ok(Some(_)) | Err(_) => return Halt { residue: Residue::Partial, ..halt },
        };
        let halt = self.explained(halt);
        let (residue, became) = match remove(cx, client, &found, false, true).await {
            Ok(()) => (Residue::None, "was created, did not start, and was removed again"),
            Err(_) => (Residue::Partial, "was created, did not start, and is still there"),
        };
        let failure = halt.failure.map(|failure| Box::new(failure.detail(format!("the container `{}` {became}", self.name))));
        Halt { failure, residue, ..halt }
    }

    /// Points a refusal of the engine at the field that it is about, where the author wrote that field.
    fn explained(&self, mut halt: Halt) -> Halt {
        let about: [(&str, &str, bool); 8] = [
            ("bind source path", "mounts", !self.mounts.is_empty()),
            ("mount", "volumes", !self.volumes.is_empty()),
            ("port is already allocated", "ports", !self.ports.is_empty()),
            ("network", "network", self.network.is_some()),
            ("exec: ", "command", self.command.is_some()),
            ("apply caps", "privileged", self.privileged.is_some()),
            ("memory", "memory", self.memory.is_some()),
            ("CPU", "cpus", self.cpus.is_some()),
        ];
        if let Some(failure) = &mut halt.failure
            && failure.field.is_none()
        {
            let speaks_of = |(words, _, written): &&(&str, &str, bool)| *written && failure.message.contains(words);
            failure.field = about.iter().find(speaks_of).map(|(_, field, _)| (*field).to_owned());
        }
        halt
    }

    async fn verdict(&self, cx: Cx<'_>) -> Result<Verdict, Failure> {
        let client = Client::connect(self.target.as_ref()).await?;
        let Some(found) = Container::look(&client, self.name.as_str()).await? else { return Ok(Verdict::NotDone) };
        if !labels::by_this_step(cx, found.labels()) {
            return Ok(Verdict::NotDone);
        }
        let ended_as_meant = self.stays_up.get().is_zero() && found.started_at.is_some();
        Ok(if (found.running && !found.restarting) || ended_as_meant {
            Verdict::Done { outputs: started(&found), changed: true }
        } else if found.started_at.is_none() {
            Verdict::Partial { why: format!("the container `{}` was created and not started", found.name) }
        } else {
            Verdict::Partial { why: format!("the container `{}` was started and {}", found.name, found.ending()) }
        })
    }
}

impl Action for Fields {
    fn validate(&self) -> Vec<FieldFault> {
        self.faults()
    }

    fn capture<'a>(&'a self, _cx: Cx<'a>) -> BoxFuture<'a, Result<Before, Failure>> {
        Box::pin(capture(self.target.as_ref(), &self.name))
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { outcome(Box::pin(self.go(cx)).await) })
    }

    /// A creation that the engine has begun shows by its name within moments.
    fn settle<'a>(&'a self, cx: Cx<'a>, _evidence: &'a [serde_json::Value]) -> BoxFuture<'a, Settled> {
        Box::pin(async move {
            cx.sleep(Span::from_secs(1)).await;
            Settled::AtRest
        })
    }

    fn probe<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Verdict> {
        Box::pin(async move { self.verdict(cx).await.unwrap_or_else(|failure| Verdict::Unknown { why: failure.message }) })
    }
}
