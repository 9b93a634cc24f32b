//! Lets the linker keep one copy of functions whose code is the same: a tenth of a megabyte of the released program.
//!
//! Rust does not promise that two functions have two addresses, and nothing here compares them. Only where the linker is the one that comes with Rust,
//! which knows the option.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CARGO_ENCODED_RUSTFLAGS");
    let is = |name: &str, wanted: &str| env::var(name).is_ok_and(|value| value == wanted);
    let released = is("PROFILE", "release");
    let comes_with_rust = is("TARGET", "x86_64-unknown-linux-gnu")
        && env::var_os("RUSTC_LINKER").is_none()
        && env::var("CARGO_ENCODED_RUSTFLAGS").is_ok_and(|flags| !flags.contains("link"));
    if released && comes_with_rust {
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
    }
}
