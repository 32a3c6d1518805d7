//! Where the C library is missing, the build says so in a sentence, and not the linker.
#[allow(dead_code)]
#[path = "../build.rs"]
mod build;

use build::directories_of_the_library;

#[test]
fn a_library_that_is_nowhere_is_asked_for() {
    let why = directories_of_the_library(None, "false", "true").unwrap_err();
    assert!(why.starts_with("auraio's C library was not found: false does not know auraio-c."), "{why}");
    for remedy in ["Install auraio-c", "PKG_CONFIG_PATH", "AURAIO_LIB_DIR"] {
        assert!(why.contains(remedy), "{why}");
    }
    let why = directories_of_the_library(None, "/nonexistent/pkg-config", "/nonexistent/cc").unwrap_err();
    assert!(why.contains("/nonexistent/pkg-config: No such file"), "{why}");
}

#[test]
fn a_directory_without_it_is_named() {
    let why = directories_of_the_library(Some("/".into()), "false", "true").unwrap_err();
    assert_eq!(why, "auraio's C library is not in AURAIO_LIB_DIR: there is no libauraio-c.so in /");
}

#[test]
fn what_pkg_config_says_is_taken() {
    let found = directories_of_the_library(None, "echo", "false"); // prints its arguments, and none is a directory
    assert_eq!(found, Ok(vec![]));
}
