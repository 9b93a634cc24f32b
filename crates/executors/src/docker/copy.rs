//! `docker.copy`.

mod tree;

use std::path::{Path, PathBuf};
use std::time::Duration as Span;

use bollard::query_parameters::{DownloadFromContainerOptionsBuilder, UploadToContainerOptionsBuilder};
use futures_util::StreamExt as _;
use runbook_core::action::{
    Action, ActionSpec, Before, BoxFuture, CancelKind, Class, Cx, Failure, FailureKind, FieldFault, Outcome, OutputKind, OutputSpec,
    Outputs, Progress, Residue, Settled, Target, Unit, Verdict,
};
use runbook_core::value::AbsolutePath;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use self::tree::Tree;
use super::client::{Client, SLOW, Settings, change};
use super::container::{Container, flag_before, missing, object};
use super::failure;
use super::halt::{Halt, Run, outcome};
use super::names::ContainerName;
use super::pipe;

/// Copies a file or folder out of a container or into one, also of one that does not run. What is there already is never written over, unless
/// `overwrite` says so for a container: the same content is well, another is a failure.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Copy {
    /// The container that it is copied out of: `inside` is what is copied, `outside` where to.
    out_of: Option<ContainerName>,
    /// The container that it is copied into: `outside` is what is copied, `inside` where to.
    into: Option<ContainerName>,
    /// The path in the container, with the file's or folder's own name.
    inside: AbsolutePath,
    /// The path on this host, with the file's or folder's own name.
    #[schemars(extend("x-text" = "path"))]
    outside: PathBuf,
    /// Whether what has that name in the container is written over, file by file. Nothing on the host ever is.
    #[serde(default)]
    overwrite: bool,
    /// The Docker Engine; without it the machine's own.
    #[schemars(extend("x-target" = "docker"))]
    target: Option<Target<Settings>>,
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("files", OutputKind::Int, "How many files there are."),
        OutputSpec::new("size", OutputKind::Int, "Their size in bytes."),
        OutputSpec::new("sha256", OutputKind::String, "The SHA-256 of a single file; null for a folder."),
    ],
    before: &[OutputSpec::new("exists", OutputKind::Bool, "Whether there was something of the new name.")],
    example: r#"docker.copy = { out_of = "obodc", inside = "/opt/odc/log/odc.log", outside = "/backup/odc/odc.log" }"#,
    schema: runbook_core::described!(Copy, "docker.copy"),
    ..ActionSpec::of::<Copy>("copy", Class::IDEMPOTENT, "Copies a file or folder out of a container or into one.")
};

/// The engine says nothing for so long: it is stuck.
const STUCK: Span = Span::from_mins(5);

impl Copy {
    fn outside(&self, cx: Cx<'_>) -> PathBuf {
        cx.base_dir().join(&self.outside)
    }

    /// The container, its field, and whether it is copied out of it.
    fn container(&self) -> Result<(&ContainerName, &'static str, bool), Failure> {
        match (&self.out_of, &self.into) {
            (Some(name), None) => Ok((name, "out_of", true)),
            (None, Some(name)) => Ok((name, "into", false)),
            _ => Err(Failure::new(FailureKind::Invalid, "write either `out_of` or `into`")),
        }
    }

    async fn go(&self, cx: Cx<'_>) -> Run<Outcome> {
        let (name, field, out) = self.container()?;
        let client = Client::connect(self.target.as_ref()).await?;
        let Some(found) = Container::find(cx, &client, name.as_str()).await? else {
            return Err(missing(&client, name).await.field(field).into());
        };
        if out { self.fetch(cx, &client, &found).await } else { self.send(cx, &client, &found).await }
    }

    async fn fetch(&self, cx: Cx<'_>, client: &Client, found: &Container) -> Run<Outcome> {
        let to = self.outside(cx);
        let nothing = || {
            Failure::new(FailureKind::NotFound, format!("there is no `{}` in the container `{}`", self.inside.as_str(), found.name))
                .field("inside")
        };
        if to.exists() {
            let inside = self.inside_tree(cx, client, found).await?.ok_or_else(nothing)?;
            return match local(&to).await? {
                outside if outside == inside => Ok(Outcome::unchanged(outputs(&inside))),
                _ => Err(another(&to.display().to_string(), "outside").into()),
            };
        }
        let mut name = to.clone().into_os_string();
        name.push(".part");
        let part = PathBuf::from(name);
        let unpacked = self.unpack(cx, client, found, &part).await;
        let kept = match unpacked {
            Ok(Some(tree)) => tree::keep(&part, self.base_name(), &to).map(|()| tree).map_err(Halt::from),
            Ok(None) => Err(nothing().into()),
            Err(halt) => Err(halt),
        };
        let gone = !part.exists() || std::fs::remove_dir_all(&part).is_ok();
        match kept {
            Ok(tree) => Ok(Outcome::changed(outputs(&tree))),
            Err(halt) if gone => Err(halt),
            Err(halt) => Err(halt.after(Residue::Partial)),
        }
    }

    async fn unpack(&self, cx: Cx<'_>, client: &Client, found: &Container, part: &Path) -> Run<Option<Tree>> {
        let folder = part.to_owned();
        download(cx, client, found, &self.inside, move |reader| tree::unpack(reader, &folder)).await
    }

    async fn inside_tree(&self, cx: Cx<'_>, client: &Client, found: &Container) -> Run<Option<Tree>> {
        download(cx, client, found, &self.inside, tree::of_archive).await
    }

    async fn send(&self, cx: Cx<'_>, client: &Client, found: &Container) -> Run<Outcome> {
        let from = self.outside(cx);
        let wanted = local(&from).await?;
        match self.inside_tree(cx, client, found).await? {
            Some(there) if there == wanted => return Ok(Outcome::unchanged(outputs(&wanted))),
            Some(_) if !self.overwrite => {
                return Err(another(self.inside.as_str(), "inside").help("name another path, or write `overwrite = true`").into());
            }
            Some(_) | None => {}
        }
        let (writer, pieces) = pipe::writer();
        let name = self.base_name().to_owned();
        let packing = tokio::task::spawn_blocking(move || tree::pack(writer, &from, &name));
        let folder = Path::new(self.inside.as_str()).parent().and_then(Path::to_str).unwrap_or("/");
        let options = UploadToContainerOptionsBuilder::new().path(folder).no_overwrite_dir_non_dir("true").build();
        let what = format!("copy `{}` into the container `{}`", self.inside.as_str(), found.name);
        let docker = client.within(Span::from_hours(24));
        let request = docker.upload_to_container(&found.id, Some(options), bollard::body_stream(pieces));
        let sent = change(cx, &what, request).await;
        let packed =
            packing.await.map_err(|error| Failure::new(FailureKind::Internal, format!("the archive's writer broke off: {error}")))?;
        sent?;
        packed.map_err(|failure| Halt::failed(failure).after(Residue::Partial))?;
        // Read back: the engine reports success for what it could not own or create as asked.
        match self.inside_tree(cx, client, found).await.map_err(|halt| halt.after(Residue::Partial))? {
            Some(there) if wanted.is_in(&there) => Ok(Outcome::changed(outputs(&wanted))),
            Some(_) | None => {
                let message = format!("`{}` in the container `{}` is not what was copied", self.inside.as_str(), found.name);
                Err(Halt::failed(Failure::new(FailureKind::Failed, message).field("inside")).after(Residue::Partial))
            }
        }
    }

    fn base_name(&self) -> &str {
        self.inside.as_str().trim_end_matches('/').rsplit('/').next().unwrap_or_default()
    }

    async fn verdict(&self, cx: Cx<'_>, before: &Before) -> Run<Verdict> {
        let (name, _, out) = self.container()?;
        let client = Client::connect(self.target.as_ref()).await?;
        let Some(found) = Container::look(&client, name.as_str()).await? else {
            return Ok(Verdict::Unknown { why: format!("the container `{name}` is not there any more") });
        };
        let outside = self.outside(cx);
        if out && !outside.exists() {
            return Ok(Verdict::NotDone);
        }
        let (inside, outside) = (self.inside_tree(cx, &client, &found).await?, local(&outside).await?);
        let existed = flag_before(before, "exists");
        Ok(match inside {
            Some(inside) if outside == inside => Verdict::Done { outputs: outputs(&inside), changed: !existed },
            None => Verdict::NotDone,
            Some(_) if existed => Verdict::NotDone,
            Some(_) => Verdict::Partial { why: format!("`{}` is there, and not all of it", self.inside.as_str()) },
        })
    }
}

/// Reads the path as an archive, in a thread; nothing where there is no such path.
async fn download(
    cx: Cx<'_>,
    client: &Client,
    found: &Container,
    inside: &AbsolutePath,
    work: impl FnOnce(pipe::Reader) -> Result<Tree, Failure> + Send + 'static,
) -> Run<Option<Tree>> {
    let (feed, reader) = pipe::reader();
    let mut working = tokio::task::spawn_blocking(move || work(reader));
    let options = DownloadFromContainerOptionsBuilder::new().path(inside.as_str()).build();
    let docker = client.within(SLOW);
    let mut pieces = Box::pin(docker.download_from_container(&found.id, Some(options)));
    let mut done = 0;
    let sent = loop {
        tokio::select! {
            piece = pieces.next() => match piece {
                None => break Ok(Some(())),
                Some(Ok(piece)) => {
                    done += piece.len() as u64;
                    cx.progress(Progress { what: "reading from the container".to_owned(), done, total: None, unit: Unit::Bytes });
                    if feed.send(Ok(piece)).await.is_err() {
                        break Ok(Some(()));
                    }
                }
                Some(Err(error)) if failure::is_missing(&error) => break Ok(None),
                Some(Err(error)) => break Err(Halt::failed(failure::of(&error, &format!("read `{}`", inside.as_str())))),
            },
            () = cx.cancelled(CancelKind::Graceful) => break Err(Halt::told()),
            () = cx.sleep(STUCK) => {
                break Err(Failure::new(FailureKind::TimedOut, "the Docker Engine has sent nothing more for 5m").into());
            }
        }
    };
    if !matches!(sent, Ok(Some(()))) {
        let _ = feed.send(Err(std::io::ErrorKind::Interrupted.into())).await;
    }
    drop(feed);
    let worked =
        (&mut working).await.map_err(|error| Failure::new(FailureKind::Internal, format!("the archive's reader broke off: {error}")))?;
    match sent? {
        Some(()) => Ok(Some(worked?)),
        None => Ok(None),
    }
}

/// What there is on the host.
async fn local(path: &Path) -> Result<Tree, Failure> {
    let path = path.to_owned();
    let reading = tokio::task::spawn_blocking(move || tree::of_host(&path));
    reading.await.map_err(|error| Failure::new(FailureKind::Internal, format!("reading broke off: {error}")))?
}

fn another(path: &str, field: &str) -> Failure {
    Failure::new(FailureKind::Conflict, format!("`{path}` is there already, with another content"))
        .field(field)
        .help("name a new file or folder; nothing is written over")
}

fn outputs(tree: &Tree) -> Outputs {
    object(json!({ "files": tree.files(), "size": tree.size(), "sha256": tree.sha256() }))
}

impl Action for Copy {
    fn validate(&self) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        match (&self.out_of, &self.into) {
            (None, None) => faults.push(FieldFault::new("", "says neither `out_of` nor `into`").help("name the container in one of them")),
            (Some(_), Some(_)) => faults.push(FieldFault::new("into", "stands beside `out_of`").help("write one of them only")),
            _ => {}
        }
        if self.overwrite && self.out_of.is_some() {
            faults.push(FieldFault::new("overwrite", "has no meaning with `out_of`: nothing on the host is written over"));
        }
        if self.base_name().is_empty() {
            faults.push(FieldFault::new("inside", "is the whole file system of the container").help("name a file or folder in it"));
        }
        faults
    }

    fn capture<'a>(&'a self, cx: Cx<'a>) -> BoxFuture<'a, Result<Before, Failure>> {
        Box::pin(async move {
            let (name, _, out) = self.container()?;
            let exists = if out {
                self.outside(cx).exists()
            } else {
                let client = Client::connect(self.target.as_ref()).await?;
                let options = bollard::query_parameters::ContainerArchiveInfoOptionsBuilder::new().path(self.inside.as_str()).build();
                match client.quick().get_container_archive_info(name.as_str(), Some(options)).await {
                    Ok(_) => true,
                    Err(error) if failure::is_missing(&error) => false,
                    Err(error) => {
                        return Err(failure::of(&error, &format!("look at `{}` in the container `{name}`", self.inside.as_str())));
                    }
                }
            };
            Ok(Before(object(json!({ "exists": exists }))))
        })
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { outcome(Box::pin(self.go(cx)).await) })
    }

    /// A transfer ends with its connection; what the engine has it takes in within moments.
    fn settle<'a>(&'a self, cx: Cx<'a>, _evidence: &'a [Value]) -> BoxFuture<'a, Settled> {
        Box::pin(async move {
            cx.sleep(Span::from_secs(1)).await;
            Settled::AtRest
        })
    }

    fn probe<'a>(&'a self, cx: Cx<'a>, before: &'a Before) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            match self.verdict(cx, before).await {
                Ok(verdict) => verdict,
                Err(Halt { failure: Some(failure), .. }) => Verdict::Unknown { why: failure.message },
                Err(Halt { failure: None, .. }) => Verdict::Unknown { why: "the look at it was ended".to_owned() },
            }
        })
    }
}
