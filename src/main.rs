//! The program: everything else is in the library.

use mimalloc::MiMalloc;

/// Gives the memory of sessions that have ended back to the system; the system's own allocator keeps it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> std::process::ExitCode {
    lull::cli::main().into()
}
