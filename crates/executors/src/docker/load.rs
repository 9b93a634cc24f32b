//! `docker.load`.

pub(super) mod archive;
mod upload;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration as Span;

use runbook_core::action::{
    Action, ActionSpec, Before, BoxFuture, Class, Cx, Failure, FailureKind, Outcome, OutputKind, OutputSpec, Outputs, Progress, Residue,
    Settled, Target, Unit, Verdict,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::archive::{Contents, Shared};
use super::client::{Client, Settings, ask};
use super::container::object;
use super::failure;
use super::halt::{Halt, Run, outcome};
use super::names::ImageName;

/// Loads the images of an archive, as `docker save` writes it. The archive is read from end to end first: one that is damaged or cut changes nothing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Load {
    /// The archive, a tar file or one that gzip packed.
    #[schemars(extend("x-text" = "path"))]
    archive: PathBuf,
    /// The image that the archive must hold, by its name; an archive of anything else is not loaded.
    image: Option<ImageName>,
    /// The Docker Engine; without it the machine's own.
    #[schemars(extend("x-target" = "docker"))]
    target: Option<Target<Settings>>,
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("images", OutputKind::List, "The names of the archive's images."),
        OutputSpec::new("ids", OutputKind::List, "The ids of the archive's images on this engine."),
        OutputSpec::new("loaded", OutputKind::Bool, "Whether it was loaded now; false where everything was there already."),
        OutputSpec::new("size", OutputKind::Int, "The archive's size in bytes."),
    ],
    before: &[
        OutputSpec::new("images", OutputKind::List, "The archive's images, maps of `id`, `tags` and `architecture`."),
        OutputSpec::new("digests", OutputKind::List, "Digests under which some engines know the same images."),
        OutputSpec::new("size", OutputKind::Int, "The archive's size in bytes."),
        OutputSpec::new(
            "former",
            OutputKind::Map,
            "The ids that the archive's names and ids stood for before; null where there was no such image.",
        ),
    ],
    example: r#"docker.load = { archive = "obodc-4.3.4.tar.gz", image = "oceanbase/odc:4.3.4" }"#,
    schema: runbook_core::described!(Load, "docker.load"),
    ..ActionSpec::of::<Load>("load", Class::IDEMPOTENT, "Loads the images of an archive.")
};

/// For each name (and each id without a name), the id that it stands for now.
type Now = Map<String, Value>;

impl Load {
    fn path(&self, cx: Cx<'_>) -> PathBuf {
        cx.base_dir().join(&self.archive)
    }

    async fn go(&self, cx: Cx<'_>, before: &Before) -> Run<Outcome> {
        let client = Client::connect(self.target.as_ref()).await?;
        let contents = match contents_before(before) {
            Some(contents) => contents,
            None => match read(cx, &self.path(cx)).await {
                Err(_) if cx.cancel_requested().is_some() => return Err(Halt::told()),
                read => read?,
            },
        };
        self.fits(cx, &client, &contents).await?;
        let now = names_now(&client, &contents).await?;
        if contents.missing(&now).is_empty() {
            return Ok(Outcome::unchanged(outputs(&contents, &now, false)));
        }
        let path = self.path(cx);
        let size = tokio::fs::metadata(&path).await.map_err(|error| archive::cannot_open(&path, &error))?.len();
        if size != contents.size {
            let message = format!("`{}` has {size} bytes now and had {} when it was checked", path.display(), contents.size);
            return Err(Failure::new(FailureKind::Conflict, message)
                .field("archive")
                .help("wait until nobody writes it any more, then try again")
                .into());
        }
        if let Err(halt) = upload::upload(cx, &client, &path, size).await {
            return Err(self.left(cx, &client, &contents, &now, halt).await);
        }
        self.checked(&client, &contents, &now).await.map_err(|halt| halt.after(Residue::Unknown))
    }

    /// Whether the archive holds what was asked for, made for this engine's machine: asked before anything is sent.
    async fn fits(&self, cx: Cx<'_>, client: &Client, contents: &Contents) -> Run<()> {
        let path = self.path(cx);
        if let Some(image) = &self.image
            && !contents.images.iter().any(|found| found.tags.iter().any(|tag| tag == image.as_str()))
        {
            let held: Vec<&str> = contents.images.iter().flat_map(|image| &image.tags).map(String::as_str).collect();
            let held = if held.is_empty() { "images without a name".to_owned() } else { format!("`{}`", held.join("`, `")) };
            let message = format!("`{}` does not hold the image `{}`: it holds {held}", path.display(), image.as_str());
            return Err(Failure::new(FailureKind::Invalid, message).field("image").help("name the archive of that image").into());
        }
        let runs_on = ask(cx, "say what it runs on", client.quick().version()).await?.arch.unwrap_or_default();
        let another = |image: &&archive::Image| !image.architecture.is_empty() && !runs_on.is_empty() && image.architecture != runs_on;
        if let Some(image) = contents.images.iter().find(another) {
            let name = image.tags.first().unwrap_or(&image.id);
            let message = format!("the image `{name}` is made for `{}`, and the Docker Engine runs on `{runs_on}`", image.architecture);
            return Err(Failure::new(FailureKind::Invalid, message).field("archive").help("take the archive for this machine").into());
        }
        Ok(())
    }

    /// Every image must be there now. An engine may know it under another id than the archive says; its name tells it then.
    async fn checked(&self, client: &Client, contents: &Contents, former: &Now) -> Run<Outcome> {
        let now = names_now(client, contents).await?;
        // A name that stands for what it stood for before, and not for the archive's image, was not loaded.
        let is_new = |name: &String| now.get(name).is_some_and(|id| !id.is_null() && Some(id) != former.get(name));
        if let Some(name) = contents.missing(&now).into_iter().find(|name| !is_new(name)) {
            let message = format!("the Docker Engine has loaded the archive, and the image `{name}` is not the archive's");
            return Err(Failure::new(FailureKind::Failed, message)
                .field("archive")
                .help("look at the engine's own log (`journalctl -u docker`)")
                .into());
        }
        Ok(Outcome::changed(outputs(contents, &now, true)))
    }

    /// What a load that broke off has left: looked up, not guessed.
    async fn left(&self, cx: Cx<'_>, client: &Client, contents: &Contents, former: &Now, halt: Halt) -> Halt {
        if halt.residue == Residue::None {
            cx.sleep(Span::from_secs(1)).await;
        }
        match names_now(client, contents).await {
            Ok(now) if now != *former => Halt { residue: Residue::Partial, ..halt },
            // The engine's own word is its last one; only after a silence it may still be at work.
            Ok(_) if halt.failure.as_ref().is_some_and(|failure| !is_silence(failure.kind)) => Halt { residue: Residue::None, ..halt },
            Ok(_) => halt,
            Err(_) => halt.after(Residue::Unknown),
        }
    }

    async fn verdict(&self, before: &Before) -> Result<Verdict, Failure> {
        let (Some(contents), Some(former)) = (contents_before(before), before.0.get("former").and_then(Value::as_object)) else {
            return Ok(Verdict::Unknown { why: "it is not known what the archive holds".to_owned() });
        };
        let client = Client::connect(self.target.as_ref()).await?;
        let now = names_now(&client, &contents).await?;
        let missing = contents.missing(&now);
        Ok(match missing.as_slice() {
            [] => Verdict::Done { changed: now != *former, outputs: outputs(&contents, &now, now != *former) },
            _ if now == *former => Verdict::NotDone,
            [name, ..] => Verdict::Partial { why: format!("the image `{name}` is not there yet, others of the archive are") },
        })
    }
}

/// Reads the archive in a thread of its own, with progress.
pub(super) async fn read(cx: Cx<'_>, path: &Path) -> Result<Contents, Failure> {
    let shared = Shared::default();
    // A capture may be left in the middle; the thread must not read on then.
    let _end = StopReading(Arc::clone(&shared.stop));
    let total = tokio::fs::metadata(path).await.ok().map(|about| about.len());
    let (of_thread, of_path) = (shared.clone(), path.to_owned());
    let mut reading = tokio::task::spawn_blocking(move || archive::read(&of_path, of_thread));
    loop {
        tokio::select! {
            read = &mut reading => {
                if shared.stop.load(Ordering::Relaxed) {
                    let message = format!("the check of `{}` was ended before it was complete", path.display());
                    return Err(Failure::new(FailureKind::TimedOut, message).field("archive"));
                }
                return read.unwrap_or_else(|error| Err(Failure::new(FailureKind::Internal, format!("the archive's reader broke off: {error}"))));
            }
            () = cx.sleep(Span::from_millis(250)) => {
                shared.stop.store(cx.cancel_requested().is_some(), Ordering::Relaxed);
                let done = shared.read.load(Ordering::Relaxed);
                cx.progress(Progress { what: "checking the archive".to_owned(), done, total, unit: Unit::Bytes });
            }
        }
    }
}

/// Ends the reading thread when nobody waits for it any more.
struct StopReading(Arc<AtomicBool>);

impl Drop for StopReading {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Contents {
    /// What its images are looked up by.
    fn names(&self) -> Vec<String> {
        let name = |image: &archive::Image| if image.tags.is_empty() { vec![image.id.clone()] } else { image.tags.clone() };
        self.images.iter().flat_map(name).collect()
    }

    /// The names that do not stand for the archive's image.
    fn missing(&self, now: &Now) -> Vec<String> {
        let is_there = |name: &String, image: &archive::Image| {
            now.get(name).and_then(Value::as_str).is_some_and(|id| id == image.id || self.digests.iter().any(|digest| digest == id))
        };
        let of_image = |image: &archive::Image| {
            let names = if image.tags.is_empty() { vec![image.id.clone()] } else { image.tags.clone() };
            names.into_iter().filter(|name| !is_there(name, image)).collect::<Vec<_>>()
        };
        self.images.iter().flat_map(of_image).collect()
    }
}

/// Whether the engine was not heard to the end.
const fn is_silence(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::TimedOut | FailureKind::Disconnected | FailureKind::Unreachable)
}

fn contents_before(before: &Before) -> Option<Contents> {
    serde_json::from_value(Value::Object(before.0.clone())).ok()
}

async fn names_now(client: &Client, contents: &Contents) -> Result<Now, Failure> {
    let mut now = Now::new();
    for name in contents.names() {
        // A name comes out of the archive: only one that is one goes into a request.
        let id = match ImageName::parse(&name) {
            Some(image) => image_id(client, image.as_str()).await?,
            None => None,
        };
        now.insert(name, id.into());
    }
    Ok(now)
}

async fn image_id(client: &Client, name: &str) -> Result<Option<String>, Failure> {
    match client.quick().inspect_image(name).await {
        Ok(found) => Ok(found.id),
        Err(error) if failure::is_missing(&error) => Ok(None),
        Err(error) => Err(failure::of(&error, &format!("inspect the image `{name}`"))),
    }
}

fn outputs(contents: &Contents, now: &Now, loaded: bool) -> Outputs {
    let tags: Vec<&String> = contents.images.iter().flat_map(|image| &image.tags).collect();
    let mut ids: Vec<&Value> = now.values().collect();
    ids.dedup();
    object(json!({ "images": tags, "ids": ids, "loaded": loaded, "size": contents.size }))
}

impl Action for Load {
    /// Reads the archive, and what its names stand for now.
    fn capture<'a>(&'a self, cx: Cx<'a>) -> BoxFuture<'a, Result<Before, Failure>> {
        Box::pin(async move {
            let contents = read(cx, &self.path(cx)).await?;
            let client = Client::connect(self.target.as_ref()).await?;
            let former = names_now(&client, &contents).await?;
            let mut before = object(serde_json::to_value(&contents).unwrap_or_default());
            before.insert("former".to_owned(), Value::Object(former));
            Ok(Before(before))
        })
    }

    fn run<'a>(&'a self, cx: Cx<'a>, before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { outcome(Box::pin(self.go(cx, before)).await) })
    }

    /// An upload ends with its connection; what the engine has whole it takes in within moments.
    fn settle<'a>(&'a self, cx: Cx<'a>, _evidence: &'a [Value]) -> BoxFuture<'a, Settled> {
        Box::pin(async move {
            cx.sleep(Span::from_secs(2)).await;
            Settled::AtRest
        })
    }

    fn probe<'a>(&'a self, _cx: Cx<'a>, before: &'a Before) -> BoxFuture<'a, Verdict> {
        Box::pin(async move { self.verdict(before).await.unwrap_or_else(|failure| Verdict::Unknown { why: failure.message }) })
    }
}
