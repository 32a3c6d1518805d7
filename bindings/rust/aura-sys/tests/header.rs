//! The bindings against the header, by the C compiler: sizes, offsets, constants, signatures, inline functions.
//!
//! Skipped, and saying so, where there is no C compiler or no header.
use aura_sys::*;
use std::fmt::Write as _;
use std::mem::{align_of, size_of, MaybeUninit};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr::addr_of;

fn include_dir() -> Option<PathBuf> {
    let beside_us = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../include");
    let candidates = [option_env!("AURAIO_INCLUDE_DIR").map(PathBuf::from), Some(beside_us)];
    candidates.into_iter().flatten().find(|d| d.join("auraio/aura.h").is_file())
}

/// What the header and those it includes declare.
fn header_text(include: &Path) -> String {
    let directory = include.join("auraio");
    let aura = std::fs::read_to_string(directory.join("aura.h")).unwrap();
    let parts =
        aura.lines().filter_map(|l| l.strip_prefix("#include <auraio/")).map(|l| l.trim_end_matches('>'));
    let parts = parts.map(|name| std::fs::read_to_string(directory.join(name)).unwrap()).collect::<String>();
    assert!(!parts.is_empty());
    aura + &parts
}

fn compiler() -> String {
    std::env::var("CC").unwrap_or_else(|_| "cc".to_owned())
}

/// What the C program prints, or None, having said why, when it cannot be made here.
fn compile_and_run(name: &str, text: &str) -> Option<String> {
    let include = match include_dir() {
        Some(directory) => directory,
        None => {
            eprintln!("SKIPPED: no auraio/aura.h; set AURAIO_INCLUDE_DIR");
            return None;
        }
    };
    if Command::new(compiler()).arg("--version").output().is_err() {
        eprintln!("SKIPPED: no C compiler ({})", compiler());
        return None;
    }
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.c"));
    let program = source.with_extension("program");
    let includes = "#define _GNU_SOURCE\n#include <auraio/aura.h>\n#include <fcntl.h>\n#include <stdio.h>\n\
                    #include <sys/stat.h>\n";
    std::fs::write(&source, format!("{includes}{text}")).unwrap();
    let output = Command::new(compiler())
        .args(["-std=c11", "-Werror", "-I"])
        .arg(include)
        .arg(&source)
        .arg("-o")
        .arg(&program)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let run = Command::new(program).output().unwrap();
    assert!(run.status.success());
    Some(String::from_utf8(run.stdout).unwrap())
}

/// For each struct the size, the alignment and each field's offset and size, once as a C program and once from Rust.
macro_rules! layouts {
    ($($type:ty as $c_type:literal { $($field:ident as $c_field:literal),* })*) => {{
        let (mut program, mut ours) = (String::from("int main(void) {\n"), String::new());
        $(
            writeln!(program, "printf(\"{0} %zu %zu\\n\", sizeof({0}), _Alignof({0}));", $c_type).unwrap();
            writeln!(ours, "{} {} {}", $c_type, size_of::<$type>(), align_of::<$type>()).unwrap();
            let _value = MaybeUninit::<$type>::uninit();
            $(
                writeln!(program, "printf(\"{0}.{1} %zu %zu\\n\", (size_t)&(({0} *)0)->{1}, sizeof(({0} *)0)->{1});",
                         $c_type, $c_field).unwrap();
                // SAFETY: the place is named, not read.
                let field = unsafe { addr_of!((*_value.as_ptr()).$field) };
                writeln!(ours, "{}.{} {} {}", $c_type, $c_field, field as usize - _value.as_ptr() as usize,
                         size_behind(field)).unwrap();
            )*
        )*
        program.push_str("return 0;\n}\n");
        (program, ours)
    }};
}

fn size_behind<T>(_: *const T) -> usize {
    size_of::<T>()
}

#[test]
fn layouts_are_those_of_the_header() {
    let (program, ours) = layouts! {
        aura_buf_t as "aura_buf_t" { u as "u", index as "index", reserved as "reserved" }
        aura_options_t as "aura_options_t" {
            struct_size as "struct_size", ring_count as "ring_count", queue_depth as "queue_depth",
            completion_depth as "completion_depth", ring_select as "ring_select", backend as "backend",
            max_p99_latency_ms as "max_p99_latency_ms", takeover_after as "takeover_after"
        }
        aura_op_t as "aura_op_t" {
            struct_size as "struct_size", type_ as "type", fd as "fd", flags as "flags", count as "count", data as "data", len as "len",
            offset as "offset", callback as "callback", user_data as "user_data"
        }
        aura_buffer_stats_t as "aura_buffer_stats_t" {
            struct_size as "struct_size", in_use_bytes as "in_use_bytes", cached_bytes as "cached_bytes",
            total_bytes as "total_bytes", allocations as "allocations", deallocations as "deallocations",
            failures as "failures"
        }
        aura_stats_t as "aura_stats_t" {
            struct_size as "struct_size", rings as "rings", submitted as "submitted", completed as "completed",
            in_flight as "in_flight", handlers as "handlers", turns as "turns", enters as "enters",
            wakes_sent as "wakes_sent", wakes_received as "wakes_received", cq_overflows as "cq_overflows",
            adaptive_spills as "adaptive_spills", loop_delay_max_ns as "loop_delay_max_ns", long_turns as "long_turns",
            ring_shortages as "ring_shortages",
            gate_waits as "gate_waits", operations as "operations", takeovers as "takeovers",
            takeovers_computing as "takeovers_computing", stranded as "stranded",
            busy_ns as "busy_ns", idle_ns as "idle_ns", system_ns as "system_ns",
            handed_over as "handed_over"
        }
        aura_histogram_t as "aura_histogram_t" {
            struct_size as "struct_size", count as "count", sum_ns as "sum_ns", buckets as "buckets"
        }
        aura_storage_t as "aura_storage_t" {
            struct_size as "struct_size", max_p99_latency_ns as "max_p99_latency_ns", min_in_flight as "min_in_flight",
            max_in_flight as "max_in_flight", adaptive as "adaptive"
        }
        aura_device_stats_t as "aura_device_stats_t" {
            struct_size as "struct_size", name as "name", major as "major", minor as "minor", phase as "phase",
            rings as "rings", reason as "reason", phase_changes as "phase_changes", limit as "limit",
            in_flight as "in_flight", waiting as "waiting", submitted as "submitted", completed as "completed",
            delayed as "delayed", bytes as "bytes", throughput as "throughput", p99_latency_ns as "p99_latency_ns",
            latency_samples as "latency_samples", background_waiting as "background_waiting",
            background_delayed as "background_delayed"
        }
        msghdr as "struct msghdr" {
            msg_name as "msg_name", msg_namelen as "msg_namelen", msg_iov as "msg_iov", msg_iovlen as "msg_iovlen",
            msg_control as "msg_control", msg_controllen as "msg_controllen", msg_flags as "msg_flags"
        }
        iovec as "struct iovec" { iov_base as "iov_base", iov_len as "iov_len" }
        statx as "struct statx" {
            stx_mask as "stx_mask", stx_blksize as "stx_blksize", stx_attributes as "stx_attributes",
            stx_nlink as "stx_nlink", stx_uid as "stx_uid", stx_gid as "stx_gid", stx_mode as "stx_mode",
            stx_ino as "stx_ino", stx_size as "stx_size", stx_blocks as "stx_blocks",
            stx_attributes_mask as "stx_attributes_mask", stx_atime as "stx_atime", stx_btime as "stx_btime",
            stx_ctime as "stx_ctime", stx_mtime as "stx_mtime", stx_rdev_major as "stx_rdev_major",
            stx_rdev_minor as "stx_rdev_minor", stx_dev_major as "stx_dev_major", stx_dev_minor as "stx_dev_minor",
            stx_mnt_id as "stx_mnt_id"
        }
        statx_timestamp as "struct statx_timestamp" { tv_sec as "tv_sec", tv_nsec as "tv_nsec" }
        aura_op_type_t as "aura_op_type_t" {}
        aura_ring_select_t as "aura_ring_select_t" {}
        aura_backend_t as "aura_backend_t" {}
        aura_log_level_t as "aura_log_level_t" {}
        aura_callback_t as "aura_callback_t" {}
        aura_log_handler_t as "aura_log_handler_t" {}
        off_t as "off_t" {}
        ssize_t as "ssize_t" {}
        mode_t as "mode_t" {}
        socklen_t as "socklen_t" {}
    };
    if let Some(theirs) = compile_and_run("layouts", &program) {
        assert_eq!(ours, theirs);
    }
}

const BINDINGS: &str = include_str!("../src/lib.rs");

#[test]
fn constants_are_those_of_the_header() {
    // `pub const NAME: type = value;` is the form of all of them.
    let constants: Vec<(&str, &str)> = BINDINGS
        .lines()
        .filter_map(|line| line.strip_prefix("pub const "))
        .map(|rest| {
            let (name, value) = rest.split_once(':').unwrap();
            (name, value.split_once("= ").unwrap().1.trim_end_matches(';'))
        })
        .collect();
    assert!(constants.len() > 25);
    let mut program = String::from("int main(void) {\n");
    let mut ours = String::new();
    for (name, value) in &constants {
        writeln!(program, "printf(\"{name} %lld\\n\", (long long){name});").unwrap();
        writeln!(ours, "{name} {value}").unwrap();
    }
    program.push_str("return 0;\n}\n");
    if let Some(theirs) = compile_and_run("constants", &program) {
        assert_eq!(ours, theirs);
    }
    // And none is missing. Those of the header are enumerators and macros with a value.
    if let Some(include) = include_dir() {
        let header = header_text(&include);
        for line in header.lines().map(str::trim) {
            let name = match line.strip_prefix("#define ").and_then(|rest| rest.split_once(' ')) {
                Some((name, value))
                    if value.trim_matches(|c| c == '(' || c == ')').parse::<i64>().is_ok() =>
                {
                    name
                }
                Some(_) => continue,
                None => {
                    match line.strip_prefix("typedef enum").map_or(line, |l| l.rsplit('{').next().unwrap()) {
                        enumerators if enumerators.trim().starts_with("AURA_") => {
                            for one in enumerators.split(',').filter(|e| e.contains('=')) {
                                let name = one.split('=').next().unwrap().trim();
                                assert!(constants.iter().any(|c| c.0 == name), "{name} has no binding");
                            }
                            continue;
                        }
                        _ => continue,
                    }
                }
            };
            assert!(constants.iter().any(|c| c.0 == name), "{name} has no binding");
        }
    }
}

/// The functions of the bindings: name, types of the arguments, type of the result.
fn declarations() -> Vec<(String, Vec<String>, String)> {
    let block = BINDINGS.split("extern \"C\" {\n").nth(1).unwrap().split("\n}").next().unwrap();
    let mut all = Vec::new();
    for declaration in block.split(';').map(str::trim).filter(|d| !d.is_empty()) {
        let declaration = declaration.strip_prefix("pub fn ").unwrap();
        let (name, rest) = declaration.split_once('(').unwrap();
        let (arguments, result) = rest.split_once(')').unwrap();
        let types = arguments.split(',').filter_map(|a| a.split_once(':')).map(|a| a.1.trim().to_owned());
        let result = result.trim().strip_prefix("-> ").unwrap_or("()").to_owned();
        all.push((name.to_owned(), types.collect(), result));
    }
    all
}

fn in_c(rust: &str) -> String {
    if let Some(pointee) = rust.strip_prefix("*mut ") {
        return format!("{} *", in_c(pointee));
    }
    if let Some(pointee) = rust.strip_prefix("*const ") {
        return format!("const {} *", in_c(pointee));
    }
    match rust {
        "()" | "c_void" => "void",
        "c_int" => "int",
        "c_uint" => "unsigned",
        "c_char" => "char",
        "c_double" => "double",
        "usize" => "size_t",
        "u64" => "uint64_t",
        "iovec" => "struct iovec",
        "sockaddr" => "struct sockaddr",
        "statx" => "struct statx",
        "msghdr" => "struct msghdr",
        other => other,
    }
    .to_owned()
}

#[test]
fn signatures_are_those_of_the_header() {
    // The compiler refuses a second declaration that differs from the header's.
    let mut program = String::new();
    for (name, arguments, result) in declarations() {
        let arguments: Vec<String> = arguments.iter().map(|a| in_c(a)).collect();
        let arguments = if arguments.is_empty() { "void".to_owned() } else { arguments.join(", ") };
        writeln!(program, "{} {name}({arguments});", in_c(&result)).unwrap();
    }
    program.push_str("int main(void) { return 0; }\n");
    compile_and_run("signatures", &program);
}

#[test]
fn every_function_of_the_header_is_bound() {
    let include = match include_dir() {
        Some(directory) => directory,
        None => return eprintln!("SKIPPED: no auraio/aura.h; set AURAIO_INCLUDE_DIR"),
    };
    let header = header_text(&include);
    let code: String =
        header.lines().filter(|l| !l.trim_start().starts_with(['*', '/'])).collect::<Vec<_>>().join(" ");
    let mut declared: Vec<String> = code
        .split("AURA_API ")
        .skip(1)
        .filter(|d| !d.starts_with("__attribute__"))
        .filter_map(|d| {
            let before = d.split('(').next().unwrap();
            before.rsplit([' ', '*']).next().filter(|n| n.starts_with("aura_")).map(str::to_owned)
        })
        .collect();
    let mut bound: Vec<String> = declarations().into_iter().map(|d| d.0).collect();
    declared.sort();
    bound.sort();
    assert!(declared.len() > 40);
    assert_eq!(bound, declared);
}

unsafe extern "C" fn nothing(_: *mut aura_request_t, _: ssize_t, _: *mut std::os::raw::c_void) {}

/// # Safety
/// Every byte has a value.
unsafe fn show<T>(text: &mut String, name: &str, value: *const T) {
    write!(text, "{name}").unwrap();
    let bytes = std::slice::from_raw_parts(value.cast::<u8>(), size_of::<T>());
    bytes.iter().for_each(|b| write!(text, " {b}").unwrap());
    text.push('\n');
}

#[test]
fn inline_functions_are_those_of_the_header() {
    let program = r#"
static void show_bytes(const char *name, const void *bytes, size_t size) {
    printf("%s", name);
    for (size_t i = 0; i < size; ++i)
        printf(" %d", ((const unsigned char *)bytes)[i]);
    printf("\n");
}
static void show(const char *name, aura_op_t op) {
    op.callback = NULL; /* an address */
    show_bytes(name, &op, sizeof op);
}
static void nothing(aura_request_t *r, ssize_t n, void *u) { (void)r; (void)n; (void)u; }
int main(void) {
    void *const user = (void *)7;
    aura_buf_t buf = aura_buf((void *)0x1000);
    const struct iovec *const vectors = (const struct iovec *)0x2000;
    show("read", aura_op_read(3, buf, 4, 5, nothing, user));
    show("write", aura_op_write(3, buf, 4, 5, nothing, user));
    show("readv", aura_op_readv(3, vectors, 4, 5, nothing, user));
    show("writev", aura_op_writev(3, vectors, 4, 5, nothing, user));
    show("fsync", aura_op_fsync(3, nothing, user));
    show("fdatasync", aura_op_fdatasync(3, nothing, user));
    show("ftruncate", aura_op_ftruncate(3, 9, nothing, user));
    show("close", aura_op_close(3, nothing, user));
    aura_options_t options;
    aura_options_init(&options);
    show_bytes("options", &options, sizeof options);
    aura_storage_t storage;
    aura_storage_init(&storage);
    show_bytes("storage", &storage, sizeof storage);
    return 0;
}
"#;
    let (cb, user): (aura_callback_t, _) = (Some(nothing), 7 as *mut _);
    let (buf, vectors) = (aura_buf(0x1000 as *const _), 0x2000 as *const iovec);
    let mut ours = String::new();
    for (name, mut op) in [
        ("read", aura_op_read(3, buf, 4, 5, cb, user)),
        ("write", aura_op_write(3, buf, 4, 5, cb, user)),
        ("readv", aura_op_readv(3, vectors, 4, 5, cb, user)),
        ("writev", aura_op_writev(3, vectors, 4, 5, cb, user)),
        ("fsync", aura_op_fsync(3, cb, user)),
        ("fdatasync", aura_op_fdatasync(3, cb, user)),
        ("ftruncate", aura_op_ftruncate(3, 9, cb, user)),
        ("close", aura_op_close(3, cb, user)),
    ] {
        assert!(op.callback.take().is_some());
        // SAFETY: the struct has no padding.
        unsafe { show(&mut ours, name, addr_of!(op)) };
    }
    let mut options = MaybeUninit::<aura_options_t>::uninit();
    let mut storage = MaybeUninit::<aura_storage_t>::uninit();
    // SAFETY: both functions write all bytes.
    unsafe {
        aura_options_init(options.as_mut_ptr());
        show(&mut ours, "options", options.as_ptr());
        aura_storage_init(storage.as_mut_ptr());
        show(&mut ours, "storage", storage.as_ptr());
    }
    if let Some(theirs) = compile_and_run("inline_functions", program) {
        assert_eq!(ours, theirs);
    }
}

#[test]
fn the_library_is_the_one_the_bindings_describe() {
    // SAFETY: no preconditions.
    let running = unsafe { aura_version_int() };
    assert_eq!(running, AURA_VERSION_MAJOR * 10000 + AURA_VERSION_MINOR * 100 + AURA_VERSION_PATCH);
}
