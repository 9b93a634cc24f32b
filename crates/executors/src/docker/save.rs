//! `docker.save`.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};
use std::time::Duration as Span;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::StreamExt as _;
use runbook_core::action::{
    Action, ActionSpec, Before, BoxFuture, CancelKind, Class, Cx, Failure, FailureKind, FieldFault, Outcome, OutputKind, OutputSpec,
    Outputs, Progress, Residue, Settled, Target, Unit, Verdict,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::client::{Client, Settings};
use super::container::{flag_before, object};
use super::failure;
use super::halt::{Halt, Run, outcome};
use super::inspect::{find_image, missing_image};
use super::load::archive::Contents;
use super::load::read;
use super::names::ImageName;
use super::pipe::{self, Reader};

/// Writes images into an archive that `docker.load` reads. A file that is there already is never written over: it is well where it holds these images.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Save {
    /// The images' names or ids. Under a name the archive brings the name along.
    #[schemars(length(min = 1))]
    images: Vec<ImageName>,
    /// The archive. It is packed by gzip where the name ends in `.gz` or `.tgz`.
    #[schemars(extend("x-text" = "path"))]
    to: PathBuf,
    /// The Docker Engine; without it the machine's own.
    #[schemars(extend("x-target" = "docker"))]
    target: Option<Target<Settings>>,
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("path", OutputKind::String, "The archive."),
        OutputSpec::new("size", OutputKind::Int, "Its size in bytes."),
        OutputSpec::new("sha256", OutputKind::String, "Its SHA-256; null where it was there already."),
        OutputSpec::new("images", OutputKind::List, "The names of the images in it."),
        OutputSpec::new("ids", OutputKind::List, "Their ids."),
    ],
    before: &[OutputSpec::new("exists", OutputKind::Bool, "Whether there was a file of that name.")],
    example: r#"docker.save = { images = ["oceanbase/odc:4.2.4"], to = "/backup/odc/odc-4.2.4.tar.gz" }"#,
    schema: runbook_core::described!(Save, "docker.save"),
    ..ActionSpec::of::<Save>("save", Class::IDEMPOTENT, "Writes images into an archive, and reads it back.")
};

/// The engine says nothing for so long: it is stuck.
const STUCK: Span = Span::from_mins(10);
/// The library's time-out runs until the engine begins to answer.
const PATIENCE: Span = Span::from_mins(10);

impl Save {
    fn path(&self, cx: Cx<'_>) -> PathBuf {
        cx.base_dir().join(&self.to)
    }

    /// Beside the archive, so that the last step is a rename.
    fn part(&self, cx: Cx<'_>) -> PathBuf {
        let mut name = self.path(cx).into_os_string();
        name.push(".part");
        PathBuf::from(name)
    }

    async fn go(&self, cx: Cx<'_>) -> Run<Outcome> {
        let client = Client::connect(self.target.as_ref()).await?;
        let mut ids = Vec::new();
        for image in &self.images {
            match find_image(cx, &client, image.as_str()).await?.and_then(|found| found.id) {
                Some(id) => ids.push(id),
                None => return Err(missing_image(image).field("images").into()),
            }
        }
        let path = self.path(cx);
        if path.exists() {
            let contents = read(cx, &path).await.map_err(|failure| another(&path, &failure.message))?;
            lacks(&contents, &ids).map_or(Ok(()), |id| Err(another(&path, &format!("the image {id} is not in it"))))?;
            return Ok(Outcome::unchanged(outputs(&path, &contents, None)));
        }
        let part = self.part(cx);
        let written = self.write(cx, &client, &part).await;
        let kept = match written {
            Ok(sha256) => self.keep(cx, &part, &path, &ids).await.map(|contents| outputs(&path, &contents, Some(&sha256))),
            Err(halt) => Err(halt),
        };
        match kept {
            Ok(outputs) => Ok(Outcome::changed(outputs)),
            Err(halt) => {
                // What was begun is of no use; where it cannot be removed, that is said.
                let gone = !part.exists() || std::fs::remove_file(&part).is_ok();
                Err(if gone { halt } else { halt.after(Residue::Partial) })
            }
        }
    }

    /// Has the engine's archive written by a thread. Gives the file's digest.
    async fn write(&self, cx: Cx<'_>, client: &Client, part: &Path) -> Run<String> {
        let file = File::create(part).map_err(|error| cannot_write(part, &error))?;
        let packed = self.to.extension().is_some_and(|end| end == "gz" || end == "tgz");
        let (feed, reader) = pipe::reader();
        let writing = tokio::task::spawn_blocking(move || copy(reader, file, packed));
        let sent = pass_on(cx, client, &self.images, &feed).await;
        if sent.is_err() {
            let _ = feed.send(Err(io::ErrorKind::Interrupted.into())).await;
        }
        drop(feed);
        let written =
            writing.await.map_err(|error| Failure::new(FailureKind::Internal, format!("the archive's writer broke off: {error}")))?;
        // The writer's own error is why the rest was not taken.
        match (sent, written) {
            (Ok(()), Ok(sha256)) => Ok(sha256),
            (Err(halt), Ok(_)) => Err(halt),
            (Err(halt), Err(error)) if error.kind() == io::ErrorKind::Interrupted => Err(halt),
            (_, Err(error)) => Err(cannot_write(part, &error).into()),
        }
    }

    /// Reads back what was written, and gives it its name.
    async fn keep(&self, cx: Cx<'_>, part: &Path, path: &Path, ids: &[String]) -> Run<Contents> {
        let contents = match read(cx, part).await {
            Err(_) if cx.cancel_requested().is_some() => return Err(Halt::told()),
            read => read.map_err(|failure| failure.field("to"))?,
        };
        if let Some(id) = lacks(&contents, ids) {
            let message = format!("the Docker Engine's archive does not hold the image {id}");
            return Err(Failure::new(FailureKind::Failed, message).field("images").into());
        }
        // As a link, which never replaces: another file of that name may have come meanwhile.
        std::fs::hard_link(part, path).map_err(|error| cannot_write(path, &error))?;
        std::fs::remove_file(part).map_err(|error| Halt::from(cannot_write(part, &error)).after(Residue::Partial))?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| Halt::from(cannot_write(folder, &error)).after(Residue::Partial))?;
        Ok(contents)
    }
}

/// Passes on what the engine sends.
async fn pass_on(cx: Cx<'_>, client: &Client, images: &[ImageName], feed: &pipe::Feed) -> Run<()> {
    let names: Vec<&str> = images.iter().map(ImageName::as_str).collect();
    let docker = client.within(PATIENCE);
    let mut pieces = Box::pin(docker.export_images(&names));
    let mut done = 0;
    loop {
        tokio::select! {
            piece = pieces.next() => match piece {
                None => return Ok(()),
                Some(Ok(piece)) => {
                    done += piece.len() as u64;
                    cx.progress(Progress { what: "writing the archive".to_owned(), done, total: None, unit: Unit::Bytes });
                    if feed.send(Ok(piece)).await.is_err() {
                        return Ok(());
                    }
                }
                Some(Err(error)) => return Err(Halt::failed(failure::of(&error, "save the images"))),
            },
            () = cx.cancelled(CancelKind::Graceful) => return Err(Halt::told()),
            () = cx.sleep(STUCK) => {
                let message = "the Docker Engine has sent nothing more of the archive for 10m";
                return Err(Failure::new(FailureKind::TimedOut, message).into());
            }
        }
    }
}

fn another(path: &Path, why: &str) -> Failure {
    Failure::new(FailureKind::Conflict, format!("`{}` is there already and is not what would be written: {why}", path.display()))
        .field("to")
        .help("name a new file; nothing is written over")
}

/// The first image that is not in the archive. Engines with containerd's store name images by another digest.
fn lacks(contents: &Contents, ids: &[String]) -> Option<String> {
    let is_there = |id: &&String| contents.images.iter().any(|image| image.id == **id) || contents.digests.contains(*id);
    ids.iter().find(|id| !is_there(id)).cloned()
}

/// A file whose bytes are digested on their way.
struct Digesting {
    file: BufWriter<File>,
    hash: Sha256,
}

impl Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hash.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Writes all that comes, synced to the disk. Blocks.
fn copy(mut from: Reader, file: File, packed: bool) -> io::Result<String> {
    let mut to = Digesting { file: BufWriter::with_capacity(256 * 1024, file), hash: Sha256::new() };
    if packed {
        let mut encoder = GzEncoder::new(to, Compression::fast());
        pump(&mut from, &mut encoder)?;
        to = encoder.finish()?;
    } else {
        pump(&mut from, &mut to)?;
    }
    to.flush()?;
    to.file.get_ref().sync_all()?;
    Ok(to.hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

fn pump(from: &mut Reader, to: &mut impl Write) -> io::Result<()> {
    let mut block = vec![0; 256 * 1024];
    // Not `io::copy`, which takes an interruption for a reason to try again.
    loop {
        match from.read(&mut block)? {
            0 => return Ok(()),
            count => to.write_all(block.get(..count).unwrap_or_default())?,
        }
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    let (kind, why) = match error.kind() {
        io::ErrorKind::NotFound => (FailureKind::NotFound, "its folder is not there".to_owned()),
        io::ErrorKind::PermissionDenied => (FailureKind::Denied, "permission denied".to_owned()),
        io::ErrorKind::AlreadyExists => (FailureKind::Conflict, "it is there already".to_owned()),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (FailureKind::Exhausted, "the disk is full".to_owned()),
        _ => (FailureKind::Failed, error.to_string()),
    };
    Failure::new(kind, format!("`{}` cannot be written: {why}", path.display())).field("to")
}

fn outputs(path: &Path, contents: &Contents, sha256: Option<&str>) -> Outputs {
    let images: Vec<&String> = contents.images.iter().flat_map(|image| &image.tags).collect();
    let ids: Vec<&String> = contents.images.iter().map(|image| &image.id).collect();
    object(json!({ "path": path.display().to_string(), "size": contents.size, "sha256": sha256, "images": images, "ids": ids }))
}

impl Action for Save {
    fn validate(&self) -> Vec<FieldFault> {
        if self.images.is_empty() { vec![FieldFault::new("images", "names no image")] } else { Vec::new() }
    }

    fn capture<'a>(&'a self, cx: Cx<'a>) -> BoxFuture<'a, Result<Before, Failure>> {
        Box::pin(async move { Ok(Before(object(json!({ "exists": self.path(cx).exists() })))) })
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { outcome(Box::pin(self.go(cx)).await) })
    }

    /// The writing thread ended with its process.
    fn settle<'a>(&'a self, _cx: Cx<'a>, _evidence: &'a [Value]) -> BoxFuture<'a, Settled> {
        Box::pin(async { Settled::AtRest })
    }

    /// The archive gets its name only when it is whole.
    fn probe<'a>(&'a self, cx: Cx<'a>, before: &'a Before) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            let path = self.path(cx);
            if !path.exists() {
                return Verdict::NotDone;
            }
            match read(cx, &path).await {
                Ok(contents) => Verdict::Done { outputs: outputs(&path, &contents, None), changed: !flag_before(before, "exists") },
                Err(failure) => Verdict::Unknown { why: failure.message },
            }
        })
    }
}
