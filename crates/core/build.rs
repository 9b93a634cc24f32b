//! Packs the pages of the diagnostic codes: they are read once in a long while, and a third as large so.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use flate2::Compression;
use flate2::write::ZlibEncoder;

const PAGES: &str = "../../docs/errors";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={PAGES}");
    let mut files: Vec<PathBuf> = fs::read_dir(PAGES)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    files.sort();
    let out = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    let mut packed = ZlibEncoder::new(fs::File::create(Path::new(&out).join("pages.z"))?, Compression::best());
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "md")) {
        packed.write_all(&fs::read(file)?)?;
        packed.write_all(b"\0")?;
    }
    packed.finish()?;
    Ok(())
}
