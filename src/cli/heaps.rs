//! How many heaps the server has.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread::available_parallelism;

/// What tells glibc how many heaps threads share (mallopt(3), M_ARENA_MAX).
const ARENAS: &str = "MALLOC_ARENA_MAX";

/// Begins anew, as the same process, with a heap for each processor. Returns where there is nothing to do, or nothing that can be done.
///
/// By itself glibc makes eight for each processor. What sessions needed at the same moment then stays with all of them: under attack the
/// server would have twice the memory. It reads the number before anything of ours runs.
pub(super) fn share() {
    if !cfg!(target_env = "gnu") || env::var_os(ARENAS).is_some() {
        return;
    }
    let processors = available_parallelism().map_or(2, |count| count.get().max(2));
    let Ok(program) = env::current_exe() else { return };
    let mut arguments = env::args_os();
    let mut again = Command::new(program);
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    // It comes back only where it failed; the server then has the heaps that it has.
    _ = again.args(arguments).env(ARENAS, processors.to_string()).exec();
}
