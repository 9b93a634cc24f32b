use std::io::Write as _;
use std::path::PathBuf;

use super::*;

/// A file that is removed at the end.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("runbook-archive-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, *content).unwrap();
    }
    tar.into_inner().unwrap()
}

fn image() -> Vec<u8> {
    let config = br#"{"os":"linux"}"#;
    let name = format!("{}.json", hex(config));
    let manifest = format!(r#"[{{"Config":"{name}","RepoTags":["odc:1"],"Layers":["l/layer.tar"]}}]"#);
    tar(&[(&name, config), ("l/layer.tar", &[7; 3000]), ("manifest.json", manifest.as_bytes())])
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn read_bytes(name: &str, bytes: &[u8]) -> Result<Contents, String> {
    let file = Temporary::new(name, bytes);
    read(&file.0, Shared::default()).map_err(|failure| failure.message.replace(&file.0.display().to_string(), "FILE"))
}

#[test]
fn the_images_of_an_archive_are_known_before_it_is_loaded() {
    let plain = read_bytes("plain", &image()).unwrap();
    assert_eq!(
        plain.images,
        [Image { id: format!("sha256:{}", hex(br#"{"os":"linux"}"#)), tags: vec!["odc:1".to_owned()], architecture: String::new() }]
    );
    assert_eq!(read_bytes("packed", &gzip(&image())).unwrap().images, plain.images);
}

#[test]
fn a_cut_archive_is_told_wherever_it_was_cut() {
    let whole = image();
    // The last 1024 bytes are the end mark; without it everything is still there.
    for cut in [1, 511, 512, 1000, 1024, 2000, 4096, whole.len() - 1025] {
        let refused = read_bytes(&format!("cut-{cut}"), &whole[..cut]).unwrap_err();
        assert!(refused.starts_with("`FILE` is "), "{cut}: {refused}");
    }
    let packed = gzip(&whole);
    for cut in 1..packed.len() {
        assert!(read_bytes("cut-packed", &packed[..cut]).is_err(), "{cut}");
    }
    let mut flipped = packed;
    let at = flipped.len() - 6;
    flipped[at] ^= 1;
    assert!(read_bytes("flipped", &flipped).unwrap_err().contains("damaged"));
}

#[test]
fn what_is_no_image_archive_is_told_from_one() {
    assert_eq!(read_bytes("empty", b"").unwrap_err(), "`FILE` is empty");
    let other = read_bytes("other", &tar(&[("etc/passwd", b"root")])).unwrap_err();
    assert_eq!(other, "`FILE` is not an image archive: there is no `manifest.json` in it");
    assert!(read_bytes("zstd", &[0x28, 0xb5, 0x2f, 0xfd, 0]).unwrap_err().ends_with("is compressed in a way that cannot be checked here"));
    let part = tar(&[("manifest.json", br#"[{"Config":"a.json","RepoTags":null,"Layers":[]}]"#)]);
    assert_eq!(read_bytes("part", &part).unwrap_err(), "`FILE` is not complete: `a.json` is not in it");
}

#[test]
fn a_configuration_that_is_not_what_its_name_says_is_damaged() {
    let name = format!("{}.json", "0".repeat(64));
    let manifest = format!(r#"[{{"Config":"{name}","Layers":[]}}]"#);
    let archive = tar(&[(&name, b"{}"), ("manifest.json", manifest.as_bytes())]);
    assert_eq!(read_bytes("digest", &archive).unwrap_err(), format!("`FILE` is damaged: the digest of `{name}` is another"));
}

#[test]
fn the_digests_of_the_newer_form_are_followed() {
    let config = br#"{"os":"linux"}"#;
    let config_name = format!("blobs/sha256/{}", hex(config));
    let inner = br#"{"manifests":[{"digest":"sha256:cc"}]}"#;
    let inner_name = format!("blobs/sha256/{}", hex(inner));
    let index = format!(r#"{{"manifests":[{{"digest":"sha256:{}"}}]}}"#, hex(inner));
    let manifest = format!(r#"[{{"Config":"{config_name}","RepoTags":["odc:1"],"Layers":[]}}]"#);
    let archive =
        tar(&[(&config_name, config), (&inner_name, inner), ("index.json", index.as_bytes()), ("manifest.json", manifest.as_bytes())]);
    let contents = read_bytes("oci", &archive).unwrap();
    assert_eq!(contents.digests, [format!("sha256:{}", hex(inner)), "sha256:cc".to_owned()]);
}

#[test]
fn a_missing_file_is_not_found() {
    let failure = read(Path::new("/nowhere/odc.tar"), Shared::default()).unwrap_err();
    assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::NotFound, "there is no file `/nowhere/odc.tar`"));
    assert_eq!(failure.field.as_deref(), Some("archive"));
}
