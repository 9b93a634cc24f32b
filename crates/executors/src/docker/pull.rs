//! `docker.pull`.

use std::collections::BTreeMap;
use std::time::Duration as Span;

use bollard::auth::DockerCredentials;
use bollard::errors::Error;
use bollard::models::{CreateImageInfo, ImageInspect};
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt as _;
use runbook_core::action::{
    Action, ActionSpec, Before, BoxFuture, CancelKind, Class, Cx, Failure, FailureKind, Outcome, OutputKind, OutputSpec, Outputs, Progress,
    Residue, Settled, Stream, Target, Unit, Verdict,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Client, Settings};
use super::container::{object, text_before};
use super::failure;
use super::halt::{Halt, Run, outcome};
use super::inspect::find_image;
use super::names::ImageName;
use super::tag::parts;

/// Fetches an image from its registry. What is there already is fetched again only where the registry's differs, or not at all with `only_missing`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pull {
    /// The image, with a tag or a digest; the registry is a part of its name.
    image: ImageName,
    /// Whether an image of that name that is there already is left as it is, without a question to the registry.
    #[serde(default)]
    only_missing: bool,
    /// Such as `linux/amd64`; without it what the engine runs on.
    #[schemars(regex(pattern = "^[a-z0-9]+/[a-z0-9]+(/[a-z0-9]+)?$"), extend("x-expected" = "a platform such as `linux/amd64`"))]
    platform: Option<String>,
    /// Who asks; without it the registry is asked without a name.
    login: Option<Login>,
    /// The Docker Engine; without it the machine's own.
    #[schemars(extend("x-target" = "docker"))]
    target: Option<Target<Settings>>,
}

/// An account of a registry.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Login {
    /// The account's name.
    user: String,
    /// Its password or token. A secret may stand here.
    password: String,
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("id", OutputKind::String, "The image's id on this engine."),
        OutputSpec::new("digests", OutputKind::List, "The names with a digest under which registries know it."),
        OutputSpec::new("architecture", OutputKind::String, "What the image runs on, such as `amd64`."),
        OutputSpec::new("former", OutputKind::String, "The id that the name stood for before; null where it stood for none."),
        OutputSpec::new("pulled", OutputKind::Bool, "Whether the name stands for another image now than before."),
    ],
    before: &[OutputSpec::new("former", OutputKind::String, "The id that the name stood for; null where it stood for none.")],
    example: r#"docker.pull = { image = "oceanbase/odc:4.3.4" }"#,
    schema: runbook_core::described!(Pull, "docker.pull"),
    ..ActionSpec::of::<Pull>("pull", Class::IDEMPOTENT, "Fetches an image from its registry.")
};

/// The library's time-out runs until the engine begins to answer, which it does when the registry has.
const PATIENCE: Span = Span::from_mins(5);
/// When the engine says nothing for so long, the registry is stuck.
const STUCK: Span = Span::from_mins(10);

impl Pull {
    async fn go(&self, cx: Cx<'_>) -> Run<Outcome> {
        let client = Client::connect(self.target.as_ref()).await?;
        let former = find_image(cx, &client, self.image.as_str()).await?;
        if let Some(found) = former.as_ref().filter(|_| self.only_missing) {
            return Ok(Outcome::unchanged(outputs(found, found.id.as_deref())));
        }
        let former = former.and_then(|image| image.id);
        if let Err(halt) = self.fetch(cx, &client).await {
            // Layers that were fetched stay with the engine without a name; the next pull takes them up.
            let now = find_image(cx, &client, self.image.as_str()).await.ok().flatten().and_then(|image| image.id);
            let residue = if now == former { Residue::None } else { Residue::Partial };
            return Err(Halt { residue, ..halt });
        }
        let Some(now) = find_image(cx, &client, self.image.as_str()).await.map_err(|halt| halt.after(Residue::Unknown))? else {
            let message = format!("the Docker Engine reports success, and the image `{}` is not there", self.image.as_str());
            return Err(Halt::failed(Failure::new(FailureKind::Failed, message).field("image")).after(Residue::Unknown));
        };
        let changed = now.id != former;
        Ok(Outcome::Succeeded { outputs: outputs(&now, former.as_deref()), changed })
    }

    async fn fetch(&self, cx: Cx<'_>, client: &Client) -> Run<()> {
        let name = self.image.as_str();
        // Without a tag the engine would fetch all of them.
        let whole = if name.contains('@') || parts(name).1.is_some() { name.to_owned() } else { format!("{name}:latest") };
        let mut options = CreateImageOptionsBuilder::new().from_image(&whole);
        if let Some(platform) = &self.platform {
            options = options.platform(platform);
        }
        let login = self.login.as_ref().map(|login| DockerCredentials {
            username: Some(login.user.clone()),
            password: Some(login.password.clone()),
            ..DockerCredentials::default()
        });
        let docker = client.within(PATIENCE);
        let mut words = Box::pin(docker.create_image(Some(options.build()), None, login));
        match listen(cx, &mut words).await? {
            Ok(()) => Ok(()),
            Err(error) => Err(self.explained(&error)),
        }
    }

    /// The engine passes the registry's words on, some as an error of its own.
    fn explained(&self, error: &Error) -> Halt {
        match error {
            Error::DockerStreamError { error } => Halt::failed(self.refusal(error)),
            Error::DockerResponseServerError { message, .. } => Halt::failed(self.refusal(message)),
            other => Halt::failed(failure::of(other, &format!("pull the image `{}`", self.image.as_str()))),
        }
    }

    fn refusal(&self, words: &str) -> Failure {
        let says = |text: &str| words.contains(text);
        let (kind, help) = if says("no such host") || says("connection refused") || says("i/o timeout") || says("TLS handshake timeout") {
            (
                FailureKind::Unreachable,
                "see whether this host reaches the registry; without one, load the image from an archive (`docker.load`)",
            )
        } else if says("unauthorized") || says("denied") || says("authentication required") {
            (
                FailureKind::Denied,
                "write `login = { user, password }`, and see that the name is right: registries say the same of an unknown name",
            )
        } else if says("manifest unknown") || says("not found") {
            (FailureKind::NotFound, "see that the registry has this tag")
        } else if says("no matching manifest") {
            (FailureKind::NotFound, "the image is not made for this platform; another one can be asked for with `platform`")
        } else if says("no space left on device") {
            (FailureKind::Exhausted, "make room (`docker system df` shows what takes it)")
        } else {
            (FailureKind::Failed, "look at the engine's own log (`journalctl -u docker`)")
        };
        let message = format!("the image `{}` was not fetched: {}", self.image.as_str(), words.trim());
        let mut failure = Failure::new(kind, message).field("image").help(help);
        failure.retryable = matches!(kind, FailureKind::Unreachable);
        failure
    }

    async fn id(&self, client: &Client) -> Result<Option<ImageInspect>, Failure> {
        match client.quick().inspect_image(self.image.as_str()).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if failure::is_missing(&error) => Ok(None),
            Err(error) => Err(failure::of(&error, &format!("inspect the image `{}`", self.image.as_str()))),
        }
    }
}

/// Follows the engine's words to their end. The inner error is the engine's.
async fn listen(cx: Cx<'_>, words: &mut (impl Words + Unpin)) -> Run<Result<(), Error>> {
    let mut layers = Layers::default();
    loop {
        tokio::select! {
            word = words.next() => match word {
                None => return Ok(Ok(())),
                Some(Ok(CreateImageInfo { error_detail: Some(error), .. })) => {
                    return Ok(Err(Error::DockerStreamError { error: error.message.unwrap_or_else(|| "no reason was given".to_owned()) }));
                }
                Some(Ok(word)) => layers.heard(cx, &word),
                Some(Err(error)) => return Ok(Err(error)),
            },
            // The engine ends a pull whose client goes away.
            () = cx.cancelled(CancelKind::Graceful) => return Err(Halt::told()),
            () = cx.sleep(STUCK) => {
                let message = "the Docker Engine has fetched nothing more, and said nothing, for 10m";
                return Err(Halt::failed(Failure::new(FailureKind::TimedOut, message).field("image")));
            }
        }
    }
}

/// What the engine says while it fetches.
trait Words: futures_util::Stream<Item = Result<CreateImageInfo, Error>> {}
impl<S: futures_util::Stream<Item = Result<CreateImageInfo, Error>>> Words for S {}

/// How much of each layer is there.
#[derive(Default)]
struct Layers {
    bytes: BTreeMap<String, (u64, u64)>,
    said: BTreeMap<String, String>,
}

impl Layers {
    fn heard(&mut self, cx: Cx<'_>, word: &CreateImageInfo) {
        let (layer, status) = (word.id.clone().unwrap_or_default(), word.status.clone().unwrap_or_default());
        let detail = word.progress_detail.as_ref().and_then(|detail| Some((detail.current?, detail.total?)));
        if let (Some((done, total)), "Downloading") = (detail, status.as_str()) {
            self.bytes.insert(layer, (u64::try_from(done).unwrap_or_default(), u64::try_from(total).unwrap_or_default()));
            let (done, total) = self.bytes.values().fold((0, 0), |(a, b), (done, total)| (a + done, b + total));
            cx.progress(Progress { what: "fetching the image".to_owned(), done, total: Some(total), unit: Unit::Bytes });
        } else if self.said.insert(layer.clone(), status.clone()).as_ref() != Some(&status) && !status.is_empty() {
            let line = if layer.is_empty() { format!("{status}\n") } else { format!("{layer}: {status}\n") };
            cx.output(Stream::Stdout, line.as_bytes());
        }
    }
}

fn outputs(found: &ImageInspect, former: Option<&str>) -> Outputs {
    object(json!({
        "id": found.id,
        "digests": found.repo_digests.clone().unwrap_or_default(),
        "architecture": found.architecture,
        "former": former,
        "pulled": found.id.as_deref() != former,
    }))
}

impl Action for Pull {
    fn capture<'a>(&'a self, _cx: Cx<'a>) -> BoxFuture<'a, Result<Before, Failure>> {
        Box::pin(async {
            let client = Client::connect(self.target.as_ref()).await?;
            Ok(Before(object(json!({ "former": self.id(&client).await?.and_then(|image| image.id) }))))
        })
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { outcome(Box::pin(self.go(cx)).await) })
    }

    /// A pull ends with its connection.
    fn settle<'a>(&'a self, cx: Cx<'a>, _evidence: &'a [Value]) -> BoxFuture<'a, Settled> {
        Box::pin(async move {
            cx.sleep(Span::from_secs(1)).await;
            Settled::AtRest
        })
    }

    /// Only the registry knows whether the name should stand for another image: what is not new is asked for again.
    fn probe<'a>(&'a self, _cx: Cx<'a>, before: &'a Before) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            let look = async {
                let client = Client::connect(self.target.as_ref()).await?;
                self.id(&client).await
            };
            let former = text_before(before, "former");
            match look.await {
                Ok(Some(now)) if now.id.as_deref() != former => Verdict::Done { outputs: outputs(&now, former), changed: true },
                Ok(_) => Verdict::NotDone,
                Err(failure) => Verdict::Unknown { why: failure.message },
            }
        })
    }
}
