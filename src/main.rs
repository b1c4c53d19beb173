fn main() -> std::process::ExitCode {
    lull::cli::main().into()
}
