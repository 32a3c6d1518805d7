//! Finds the C library: AURAIO_LIB_DIR names the directory of one that is not installed, else pkg-config is asked.
use std::env;
use std::process::Command;

const PACKAGE: &str = "auraio-c";

fn main() {
    for name in ["AURAIO_LIB_DIR", "AURAIO_INCLUDE_DIR", "PKG_CONFIG", "PKG_CONFIG_PATH"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    println!("cargo:rerun-if-changed=build.rs");

    if let Some(directory) = env::var_os("AURAIO_LIB_DIR") {
        println!("cargo:rustc-link-search=native={}", directory.to_string_lossy());
    } else if env::var_os("DOCS_RS").is_none() {
        match ask_pkg_config(&["--libs-only-L"]) {
            Ok(flags) => {
                for directory in flags.split_whitespace().filter_map(|f| f.strip_prefix("-L")) {
                    println!("cargo:rustc-link-search=native={directory}");
                }
            }
            // Not an error yet: the linker may know the library, and `cargo check` needs none.
            Err(why) => println!(
                "cargo:warning={why}; install {PACKAGE}, add it to PKG_CONFIG_PATH, or set AURAIO_LIB_DIR"
            ),
        }
    }
    println!("cargo:rustc-link-lib=dylib={PACKAGE}");

    // For the tests, which compare the bindings with the header.
    let include = env::var("AURAIO_INCLUDE_DIR").ok().or_else(|| {
        ask_pkg_config(&["--variable=includedir"]).ok().map(|s| s.trim().to_owned()).filter(|s| !s.is_empty())
    });
    if let Some(directory) = include {
        println!("cargo:rustc-env=AURAIO_INCLUDE_DIR={directory}");
    }
}

fn ask_pkg_config(arguments: &[&str]) -> Result<String, String> {
    let program = env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".to_owned());
    let output = Command::new(&program)
        .args(arguments)
        .arg(PACKAGE)
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        String::from_utf8(output.stdout).map_err(|_| format!("{program}: a path that is not UTF-8"))
    } else {
        Err(format!("{program} does not know {PACKAGE}"))
    }
}
