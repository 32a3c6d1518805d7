//! Finds the C library: AURAIO_LIB_DIR names the directory of one that is not installed, else pkg-config is asked, else the linker.
use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

const PACKAGE: &str = "auraio-c";

fn main() {
    for name in ["AURAIO_LIB_DIR", "AURAIO_INCLUDE_DIR", "PKG_CONFIG", "PKG_CONFIG_PATH", "CC"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    println!("cargo:rerun-if-changed=build.rs");
    let pkg_config = env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".to_owned());
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".to_owned());

    if env::var_os("DOCS_RS").is_none() {
        match directories_of_the_library(env::var_os("AURAIO_LIB_DIR"), &pkg_config, &compiler) {
            Ok(directories) => {
                for directory in directories {
                    println!("cargo:rustc-link-search=native={directory}");
                }
            }
            Err(why) => {
                eprintln!("{why}");
                std::process::exit(1);
            }
        }
    }
    println!("cargo:rustc-link-lib=dylib={PACKAGE}");

    // For the tests, which compare the bindings with the header.
    let include = env::var("AURAIO_INCLUDE_DIR").ok().or_else(|| {
        let directory = ask_pkg_config(&pkg_config, &["--variable=includedir"]).ok()?;
        Some(directory.trim().to_owned()).filter(|d| !d.is_empty())
    });
    if let Some(directory) = include {
        println!("cargo:rustc-env=AURAIO_INCLUDE_DIR={directory}");
    }
}

/// Where the linker is to look besides where it always does; or a sentence for who builds a program.
pub fn directories_of_the_library(
    named: Option<OsString>,
    pkg_config: &str,
    compiler: &str,
) -> Result<Vec<String>, String> {
    let file = format!("lib{PACKAGE}.so");
    if let Some(directory) = named {
        if !Path::new(&directory).join(&file).exists() {
            let directory = directory.to_string_lossy();
            return Err(format!(
                "auraio's C library is not in AURAIO_LIB_DIR: there is no {file} in {directory}"
            ));
        }
        return Ok(vec![directory.to_string_lossy().into_owned()]);
    }
    let why = match ask_pkg_config(pkg_config, &["--libs-only-L"]) {
        Ok(flags) => {
            return Ok(flags
                .split_whitespace()
                .filter_map(|f| f.strip_prefix("-L"))
                .map(str::to_owned)
                .collect())
        }
        Err(why) => why,
    };
    // The linker may know it all the same: the compiler gives a path for what it finds, and the name back for what not.
    let asked = Command::new(compiler).arg(format!("-print-file-name={file}")).output();
    let found = asked.map_or(false, |output| String::from_utf8_lossy(&output.stdout).contains('/'));
    if found {
        return Ok(Vec::new());
    }
    Err(format!(
        "auraio's C library was not found: {why}. Install {PACKAGE} (cmake --install, or a package), name the directory of its \
         pkg-config file in PKG_CONFIG_PATH, or that of {file} in AURAIO_LIB_DIR."
    ))
}

fn ask_pkg_config(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
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
