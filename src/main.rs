//! The bell: everything is in the library.

/// The heap, for the C code in here as well (SQLite). Sessions that come and go by the thousand leave glibc's heap full of holes, with
/// twice the memory that is in use. How it is set stands in `.cargo/config.toml`.
#[global_allocator]
static HEAP: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    posthouse::cli::run(std::env::args_os())
}
