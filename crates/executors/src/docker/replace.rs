//! `docker.replace`.
//!
//! The new container is made first, under a name of its own and not started: what the engine refuses is refused before the old one is touched, and what
//! the old one was (did it run? under which restart policy?) is written on the new one, where every later attempt finds it.

use std::collections::BTreeMap;
use std::time::Duration as Span;

use runbook_core::action::{
    Action, ActionSpec, Before, BoxFuture, Class, Cx, Failure, FailureKind, FieldFault, Outcome, OutputKind, OutputSpec, Outputs, Residue,
    Settled, Stream, Target, Verdict,
};
use runbook_core::value::{Duration, Pattern};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Client, Settings};
use super::container::{BEFORE, Container, missing, object, text_before};
use super::forms::{Argument, RestartPolicy, Volume};
use super::halt::{Halt, Run, outcome};
use super::inspect::{find_image, missing_image};
use super::labels::{self, REPLACES, REPLACES_RUNNING};
use super::names::{ContainerName, ImageName};
use super::put_back::{PutBack, next_name};
use super::rename::{rename, taken};
use super::run::{Fields, Written};
use super::start::{shortly, start};
use super::stop::{minute, stop};
use super::update::set_restart_policy;
use super::wait::Wait;
use super::watch::{log_tail, stays_up};

/// Replaces a container by one of another image with the same settings. The old one is stopped and set aside; where the new one does not come up, the
/// old one is put back and the new one kept under `NAME-failed-RUN`. For an application that changes a database when it starts this alone is no upgrade:
/// put back, the old image meets a changed database.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Replace {
    /// The container's name, before and after.
    container: ContainerName,
    /// The image of the new container; it must be on the host already.
    image: ImageName,
    /// The name that the old container gets. Its restart policy is taken away, so that it does not come back with the Docker daemon.
    aside: ContainerName,
    /// Environment variables beside the old container's, which they replace where the names are the same. A secret may stand here.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Folders and volumes beside the old container's, `SOURCE:TARGET[:ro]`.
    #[serde(default)]
    volumes: Vec<Volume>,
    /// Labels beside the old container's.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// Its arguments, instead of the old container's.
    command: Option<Vec<Argument>>,
    /// How long a container may take to end by itself before it is killed.
    #[serde(default = "minute")]
    grace: Duration,
    /// How long the new container is watched after its start: it must neither end nor be started again in that time.
    #[serde(default = "shortly")]
    stays_up: Duration,
    /// A regular expression that must be found in a line of the new container's output. Without it a container with a health check must become healthy.
    log: Option<Pattern>,
    /// How long that may take.
    #[serde(default = "five_minutes")]
    within: Duration,
    /// The Docker Engine; without it the machine's own.
    #[schemars(extend("x-target" = "docker"))]
    target: Option<Target<Settings>>,
}

fn five_minutes() -> Duration {
    Duration::new(Span::from_mins(5))
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("id", OutputKind::String, "The new container's id."),
        OutputSpec::new("name", OutputKind::String, "Its name."),
        OutputSpec::new("image_id", OutputKind::String, "The id of its image."),
        OutputSpec::new("started", OutputKind::String, "When it was started, RFC 3339, by the engine's clock."),
        OutputSpec::new("aside", OutputKind::String, "The old container's name now."),
        OutputSpec::new("replaced", OutputKind::String, "The old container's id."),
    ],
    before: BEFORE,
    example: r#"docker.replace = { container = "grafana", image = "grafana/grafana:12.0.0", aside = "grafana-before-{{run.id}}" }"#,
    schema: runbook_core::described!(Replace, "docker.replace"),
    ..ActionSpec::of::<Replace>(
        "replace",
        Class::IDEMPOTENT,
        "Replaces a container by one of another image; puts the old one back if that fails.",
    )
};

/// The new container, wherever it is by now, and what the old one was.
struct Made {
    new: Container,
    /// The old container's id.
    old: String,
    ran: bool,
    policy: String,
}

impl Made {
    /// Reads what was written on a container that this step made.
    fn read(cx: Cx<'_>, new: Container) -> Option<Self> {
        let labels = new.labels().filter(|labels| labels::by_this_step(cx, Some(labels)))?;
        let old = labels.get(REPLACES)?.clone();
        let ran = labels.get(REPLACES_RUNNING).is_some_and(|ran| ran == "true");
        let policy = new.restart_policy.clone();
        Some(Self { new, old, ran, policy })
    }

    fn outputs(&self, now: &Container, aside: &ContainerName) -> Outputs {
        object(json!({
            "id": now.id,
            "name": now.name,
            "image_id": now.image_id,
            "started": now.started_at,
            "aside": aside.as_str(),
            "replaced": self.old,
        }))
    }
}

impl Replace {
    /// What this step has made already, in this or an earlier attempt.
    async fn made(&self, cx: Cx<'_>, client: &Client) -> Result<Option<Made>, Failure> {
        for name in [self.container.to_string(), next_name(cx, &self.container)] {
            let found = Container::look(client, &name).await?;
            if let Some(made) = found.and_then(|found| Made::read(cx, found)) {
                return Ok(Some(made));
            }
        }
        Ok(None)
    }

    async fn go(&self, cx: Cx<'_>) -> Run<Outcome> {
        let client = Client::connect(self.target.as_ref()).await?;
        let made = match self.made(cx, &client).await? {
            Some(made) => made,
            None => Box::pin(self.make(cx, &client)).await?,
        };
        match Box::pin(self.swap(cx, &client, &made)).await {
            Ok(now) => Ok(Outcome::changed(made.outputs(&now, &self.aside))),
            // Told to end: what is there is taken up by a resume, or put back by the undo.
            Err(halt) if halt.failure.is_none() => Err(halt.after(Residue::Partial)),
            Err(halt) => Err(self.back(cx, &client, &made, halt).await),
        }
    }

    /// Makes the new container under a name of its own; nothing else is changed.
    async fn make(&self, cx: Cx<'_>, client: &Client) -> Run<Made> {
        let Some(old) = Container::find(cx, client, self.container.as_str()).await? else {
            return Err(missing(client, &self.container).await.into());
        };
        if let Some(holder) = Container::find(cx, client, self.aside.as_str()).await? {
            return Err(taken(&holder, "aside").into());
        }
        if find_image(cx, client, self.image.as_str()).await?.is_none() {
            return Err(missing_image(&self.image).into());
        }
        let next = next_name(cx, &self.container);
        let Some(name) = ContainerName::parse(&next) else {
            return Err(Failure::new(FailureKind::Invalid, format!("`{next}` is too long for a container's name"))
                .field("container")
                .into());
        };
        let written =
            Written { env: self.env.clone(), volumes: self.volumes.clone(), labels: self.labels.clone(), command: self.command.clone() };
        let fields = Fields::copy_of(self.container.clone(), self.image.clone(), name, written);
        let marks = [(REPLACES.to_owned(), old.id.clone()), (REPLACES_RUNNING.to_owned(), old.running.to_string())];
        let id = Box::pin(fields.make(cx, client, marks)).await?;
        let found = Container::look(client, &id).await.map_err(|failure| Halt::failed(failure).after(Residue::Partial))?;
        let gone = || Halt::failed(Failure::new(FailureKind::Failed, "the new container is gone right after it was made"));
        found.and_then(|new| Made::read(cx, new)).ok_or_else(gone)
    }

    /// From the old container to the new one; each step accepts that it is done already.
    async fn swap(&self, cx: Cx<'_>, client: &Client, made: &Made) -> Run<Container> {
        if let Some(old) = Container::look(client, &made.old).await? {
            set_restart_policy(cx, client, &old, "no").await?;
            if old.running {
                stop(cx, client, &old, self.grace).await?;
            }
            if old.name != self.aside.as_str() {
                rename(cx, client, &old, self.aside.as_str()).await?;
            }
        }
        if made.new.name != self.container.as_str() {
            rename(cx, client, &made.new, self.container.as_str()).await?;
        }
        if !made.new.running {
            start(cx, client, &made.new.id, self.container.as_str()).await?;
        }
        let up = stays_up(cx, client, &made.new.id, self.stays_up.get()).await?;
        if self.log.is_some() || up.health.is_some() {
            Wait::until_ready(self.container.clone(), self.log.clone(), self.within).wait(cx, client).await?;
        }
        Ok(up)
    }

    /// Puts the old container back, and says how that went beside why.
    async fn back(&self, cx: Cx<'_>, client: &Client, made: &Made, halt: Halt) -> Halt {
        for line in log_tail(client, &made.new.id, 200).await {
            cx.output(Stream::Stderr, format!("{line}\n").as_bytes());
        }
        let put_back = PutBack {
            container: self.container.clone(),
            aside: self.aside.clone(),
            failed: None,
            restart: RestartPolicy::parse(&made.policy),
            running: made.ran,
            grace: self.grace,
            target: None,
        };
        let became = match Box::pin(put_back.go(cx, client)).await {
            Ok(_) if made.ran => format!("the old container is back as `{}` and runs", self.container),
            Ok(_) => format!("the old container is back as `{}`", self.container),
            Err(Halt { failure: Some(failure), .. }) => format!("the old container could not be put back: {}", failure.message),
            Err(Halt { failure: None, .. }) => "the old container was not put back: the step was told to end".to_owned(),
        };
        let failure = halt.failure.map(|failure| Box::new(failure.detail(became)));
        Halt { failure, residue: Residue::Partial, outputs: Outputs::new() }
    }

    async fn found_before(&self, cx: Cx<'_>) -> Result<Before, Failure> {
        let client = Client::connect(self.target.as_ref()).await?;
        let Some(made) = self.made(cx, &client).await? else {
            return Ok(Container::before(Container::look(&client, self.container.as_str()).await?.as_ref()));
        };
        // An earlier attempt was here: what the old container was stands on the new one.
        let old = Container::look(&client, &made.old).await?;
        let mut before = Container::before(old.as_ref());
        before.0.insert("running".to_owned(), made.ran.into());
        before.0.insert("restart_policy".to_owned(), made.policy.into());
        before.0.insert("name".to_owned(), self.container.as_str().into());
        Ok(before)
    }

    async fn verdict(&self, cx: Cx<'_>, before: &Before) -> Result<Verdict, Failure> {
        let client = Client::connect(self.target.as_ref()).await?;
        let Some(made) = self.made(cx, &client).await? else {
            let old = Container::look(&client, self.container.as_str()).await?;
            return Ok(match old {
                Some(old) if Some(old.id.as_str()) == text_before(before, "id") => Verdict::NotDone,
                _ => Verdict::Unknown { why: format!("the container `{}` is another one than before", self.container) },
            });
        };
        let named = made.new.name == self.container.as_str();
        let healthy = made.new.health.as_deref().is_none_or(|health| health == "healthy");
        if named && made.new.running && !made.new.restarting && healthy && self.log.is_none() {
            return Ok(Verdict::Done { outputs: made.outputs(&made.new, &self.aside), changed: true });
        }
        Ok(Verdict::Partial { why: format!("the new container is `{}` and {}", made.new.name, made.new.status) })
    }
}

impl Action for Replace {
    fn validate(&self) -> Vec<FieldFault> {
        if self.aside == self.container {
            return vec![FieldFault::new("aside", "is the name that the new container gets").help("write another name")];
        }
        Vec::new()
    }

    fn capture<'a>(&'a self, cx: Cx<'a>) -> BoxFuture<'a, Result<Before, Failure>> {
        Box::pin(self.found_before(cx))
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { outcome(Box::pin(self.go(cx)).await) })
    }

    /// A stop that the engine has begun is over within the grace, everything else within moments.
    fn settle<'a>(&'a self, cx: Cx<'a>, _evidence: &'a [Value]) -> BoxFuture<'a, Settled> {
        Box::pin(async move {
            cx.sleep(Span::from_secs(2)).await;
            Settled::AtRest
        })
    }

    fn probe<'a>(&'a self, cx: Cx<'a>, before: &'a Before) -> BoxFuture<'a, Verdict> {
        Box::pin(async move { self.verdict(cx, before).await.unwrap_or_else(|failure| Verdict::Unknown { why: failure.message }) })
    }
}
