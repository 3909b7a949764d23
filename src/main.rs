//! The bell: everything is in the library.

fn main() -> std::process::ExitCode {
    posthouse::cli::run(std::env::args_os())
}
